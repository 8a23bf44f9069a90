"""Benchmark stars: differences from their reference values by brute force, star by star, and what is said of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm, t

from stdask.cluster.workers import Workers
from stdask.config.stages import BenchmarkStars
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import COMMON, EVERY, INDEPENDENT, OF_B, RAW, TRANSLATED
from stdask.stages.evaluate.benchmark import benchmark_in_short, evaluate_benchmark, names_of, notes_of_benchmark
from tests.hand_made import make_run
from tests.stages.evaluate.known import N_TRAINED, SHIFTS, evaluated, measurements, write_surveys, write_table

CHOSEN = np.array([0, 1, 20, 21, 40])  # of the catalogue of A; the first two trained the networks
ERROR = np.array([30.0, 40.0, np.nan, 20.0, 20.0])  # K, of the reference


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, client: Workers) -> tuple[EvaluationTables, list[Path], list[str]]:
    """Evaluate five stars of A, two of them in B, and one that is in neither."""
    folder = tmp_path_factory.mktemp("benchmark")
    run, tables, raw = make_run(folder), EvaluationTables(), measurements()
    a, _, pairs = write_surveys(run, raw)
    write_table(
        folder / "gbs.parquet",
        HIP=["Arcturus", "", "c", "d", "e", "nowhere"],
        dr3=np.append(a["SOURCE_ID"][CHOSEN], 10**15),
        Teff=np.append(raw[CHOSEN, 0] - 100, 4500.0),
        e_Teff=np.append(ERROR, 1.0),
        feh=[*(raw[CHOSEN[:4], 2] + SHIFTS[2]), np.nan, 0.0],
        ra=np.zeros(6),
        dec=np.zeros(6),
    )
    config = BenchmarkStars(
        file=folder / "gbs.parquet",
        source_id="dr3",
        name="HIP",
        labels={"TEFF": "Teff", "FE_H": "feh"},
        errors={"TEFF": "e_Teff"},
    )
    own = [evaluated(a["STAR_KEY"][:N_TRAINED].copy())]
    return tables, *evaluate_benchmark(run, client, config, own, pairs, tables)


def test_differences_and_their_errors_are_those_of_the_stars(found):
    rows = {(row.label, row.values, row.stars): row for row in found[0].benchmark}
    raw = rows["TEFF", RAW, EVERY]
    assert (raw.n, raw.n_trained, raw.unit) == (5, 2, "K")
    assert raw.bias == pytest.approx(100, abs=0.001)  # float32 of the catalogue
    assert raw.expected == pytest.approx(np.median(np.hypot(20, [30, 40, 0, 20, 20])))
    assert rows["FE_H", RAW, EVERY].expected == pytest.approx(0.01)  # of A alone: the reference has no errors
    translated = rows["TEFF", TRANSLATED, EVERY]
    assert translated.bias == pytest.approx(100 + SHIFTS[0], abs=2)  # 5 medians of 56 draws within 20 K: 1.2 K at most
    assert translated.bias_err == pytest.approx(t.ppf(norm.cdf(1), 4) * translated.std / np.sqrt(5))
    assert rows["TEFF", TRANSLATED, INDEPENDENT].n == 3
    assert rows["TEFF", OF_B, EVERY].n == rows["TEFF", RAW, COMMON].n == 2
    assert rows["TEFF", OF_B, EVERY].bias == pytest.approx(100 + SHIFTS[0], abs=0.001)
    assert rows["FE_H", RAW, EVERY].n == 4
    assert rows["FE_H", RAW, EVERY].bias == pytest.approx(-SHIFTS[2], abs=1e-6)
    assert not [key for key in rows if key[0] == "LOGG"]


def test_each_star_has_a_row_with_its_name_or_id(found):
    rows = [row for row in found[0].benchmark_stars if row.label == "TEFF"]
    assert [row.star for row in rows] == ["Arcturus", "101", "c", "d", "e"]
    assert [row.trained for row in rows] == ["yes", "yes", "no", "no", "no"]
    assert {row.usable for row in rows} == {"yes"}
    assert [np.isfinite(row.b) for row in rows] == [True, True, False, False, False]
    assert rows[0].translated_err > 0
    assert np.isnan(rows[2].reference_err)
    assert len(found[0].benchmark_stars) == 5 + 4


def test_figure_notes_and_what_is_printed(found):
    tables, written, notes = found
    assert [path.name for path in written] == ["benchmark.png", "benchmark.pdf"]
    assert "networks were trained on 2 of the benchmark stars in A (benchmark_stars.ecsv)" in notes
    assert any(note.startswith("TEFF: translated benchmark stars differ from their reference values") for note in notes)
    assert not any(note.startswith("FE_H") for note in notes)
    assert [row["values"] for row in benchmark_in_short(tables.benchmark)][:3] == [RAW, TRANSLATED, OF_B]


def test_a_table_without_a_star_of_either_survey_says_so():
    assert notes_of_benchmark([]) == ["No benchmark star is in A or B with a reference value ([evaluate] benchmark)"]


def test_stars_without_a_name_have_their_ids():
    config = BenchmarkStars(file=Path("gbs.csv"), labels={"TEFF": "t"})
    table, ids = pa.table({"t": [1.0, 2.0], "HD": ["1", None]}), np.array(["a", "b"], dtype=object)
    assert names_of(table, config, ids).tolist() == ["a", "b"]
    assert names_of(table, config.model_copy(update={"name": "HD"}), ids).tolist() == ["1", "b"]


def test_one_star_has_no_error_and_is_never_suspect(found):
    (row,) = [row for row in found[0].benchmark if (row.label, row.values, row.stars) == ("TEFF", TRANSLATED, EVERY)]
    alone = replace(row, n=1, n_trained=0, bias_err=np.nan, std=np.nan)
    assert notes_of_benchmark([alone]) == []
