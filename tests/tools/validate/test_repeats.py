"""Stars observed twice: both visits are read as ingest reads them, and their differences are those that were made."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.tables import write_parquet
from stdask.tools.validate.repeats import Visits, repeat_rows, repeated_visits
from tests.hand_made import make_run
from tests.stages.ingest.test_stage import DEFINITION, small_run, small_table
from tests.tools.validate.checked_stars import checked, identity, stars_and_labels, training

N = 1000
ERRORS = {"TEFF": 30.0, "RV": 0.5}  # K, km/s
FREE = np.arange(N).astype(str)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def two_visits(seed: int = 3) -> Visits:
    """Return visits that scatter by their errors, with one photometry for both."""
    rng = np.random.default_rng(seed)
    inputs, _ = stars_and_labels(N, seed)
    columns = {
        "TEFF": inputs[:, 0] + ERRORS["TEFF"] * rng.normal(size=(2, N)),
        "RV": inputs[:, 3] + ERRORS["RV"] * rng.normal(size=(2, N)),
        "BP_G_0": np.tile(inputs[:, 1], (2, 1)),
        "G_RP_0": np.tile(inputs[:, 2], (2, 1)),
        "GOOD": np.ones((2, N), dtype=bool),
    }
    columns |= {f"{name}_ERR": np.full((2, N), error) for name, error in ERRORS.items()}
    for name in ("BP_MAG", "G_MAG", "RP_MAG"):
        columns |= {name: np.tile(rng.normal(14, 1, N), (2, 1)), f"{name}_ERR": np.full((2, N), 0.01)}
    ids = np.array([f"visited {n}" for n in range(N)])
    return Visits(np.stack([np.arange(N), np.arange(N) + N]), ids, columns)


def test_visits_that_scatter_by_their_errors_have_a_pull_of_1_before_and_after(run: Run):
    rows = repeat_rows(checked(run, identity(), training(*stars_and_labels(100, 1))), two_visits())
    found = {(row.label, row.method): row for row in rows}
    assert set(found) == {(label, way) for label in ("TEFF", "VHELIO") for way in ("raw", "translated")} | {
        ("MG_FE", "translated")
    }
    for label, own in (("TEFF", "TEFF"), ("VHELIO", "RV")):
        for method in ("raw", "translated"):  # the family does nothing: both are the same
            row = found[label, method]
            assert row.n == N
            assert row.scatter == pytest.approx(ERRORS[own], abs=4 * row.scatter_err)
            assert row.pull == pytest.approx(1, abs=4 * row.pull_err + 0.02)  # 100 draws know a width to 2 %
    assert found["MG_FE", "translated"].scatter == 0  # the same for all stars
    assert np.isnan(found["MG_FE", "translated"].pull)


def test_only_complete_good_visits_of_stars_that_trained_nothing_count(run: Run):
    visits = two_visits()
    visits.columns["GOOD"][1, :100] = False
    visits.columns["RV"][0, 100:150] = np.nan
    stars = training(*stars_and_labels(100, 1))
    stars = replace(stars, ids=visits.ids[200:300])  # 80 of these are training stars, 20 are test stars
    rows = repeat_rows(checked(run, identity(), stars), visits)
    assert {row.n for row in rows} == {N - 100 - 50 - 80}


def test_magnitudes_that_both_visits_share_were_measured_once(run: Run):
    family = identity()
    arrays = {name: np.abs(array) for name, array in family.plan.arrays.items()}
    arrays["head.kernel"] = np.ones_like(arrays["head.kernel"])  # temperatures that hang on the colours
    family = replace(family, plan=replace(family.plan, arrays=arrays))
    visits = two_visits()
    for name in ("TEFF", "RV"):
        visits.columns[f"{name}_ERR"][:] = 1e-9
        visits.columns[name][1] = visits.columns[name][0] * (1 + 1e-7)
    ours = checked(run, family, training(*stars_and_labels(100, 1)))
    shared = {row.label: row for row in repeat_rows(ours, visits) if row.method == "translated"}
    for name in ("BP_MAG", "G_MAG", "RP_MAG"):
        visits.columns[name][1] += 1e-3  # measured twice
    twice = {row.label: row for row in repeat_rows(ours, visits) if row.method == "translated"}
    # colours are the same in both visits: what differs is the draws alone, and these by less than their errors
    assert twice["TEFF"].pull < 0.1
    assert not shared["TEFF"].pull < 0.1  # neither draws nor errors: rounding in units of rounding, or nothing


def test_few_repeats_are_told_and_left_out(run: Run, capsys: pytest.CaptureFixture):
    visits = two_visits()
    visits.columns["GOOD"][0, 10:] = False
    assert repeat_rows(checked(run, identity(), training(*stars_and_labels(100, 1))), visits) == []
    assert "only 10 stars with two good visits" in capsys.readouterr().out


def test_both_visits_are_read_as_ingest_reads_them(tmp_path: Path, client: Workers):
    table = small_table(60)
    gaia, snr = table["gaia"].to_numpy().copy(), table["snr"].to_numpy()
    gaia[[5, 40]] = gaia[[20, 21]]  # two stars with two visits
    gaia[[50, 51]] = gaia[30]  # and one with three
    table = table.set_column(1, "gaia", pa.array(gaia))
    run = small_run(tmp_path, table, block=25)
    ingest.run(run, client, "a")
    visits = repeated_visits(
        run.definition_a, run.survey_files("a"), paths.catalogue(run.output, run.definition_a.name)
    )
    assert visits is not None
    assert visits.rows.shape == (2, 3)
    feh = table["feh"].to_numpy()
    for (kept, aside), own_id, values in zip(visits.rows.T, visits.ids, visits.columns["FE_H"].T, strict=True):
        assert gaia[kept] == gaia[aside]
        assert snr[kept] == snr[gaia == gaia[kept]].max()
        assert own_id == f"star {kept}"
        np.testing.assert_array_equal(values, feh[[kept, aside]])
    np.testing.assert_array_equal(visits.columns["GOOD"], (snr[visits.rows] > 20) & (snr[visits.rows] < 80))


def test_visits_of_several_tables_are_those_of_one(tmp_path: Path, client: Workers):
    table = small_table(60)
    gaia = table["gaia"].to_numpy().copy()
    gaia[[5, 40, 50]] = gaia[[20, 21, 21]]
    table = table.set_column(1, "gaia", pa.array(gaia))
    found = []
    for name in ("one", "several"):
        folder = tmp_path / name
        folder.mkdir()
        small_run(folder, table, block=25)
        if name == "several":
            text = DEFINITION.replace('"gaia"', '"more.gaia"').replace('"feh"', '"far.feh"')
            joins = '[[join]]\nname = "more"\non = "id"\n[[join]]\nname = "far"\nby = "row"\n'
            (folder / "small.toml").write_text(text + joins)
            write_parquet(folder / "more.parquet", table.select(["gaia", "id"]).take(pa.array(range(59, -1, -1))))
            write_parquet(folder / "far.parquet", table.select(["feh"]))
            write_parquet(folder / "small.parquet", table.drop_columns(["gaia", "feh"]))
            files = 'files = { main = "small.parquet", more = "more.parquet", far = "far.parquet" }'
            run_file = folder / "run.toml"
            run_file.write_text(run_file.read_text().replace('file = "small.parquet"', files))
        run = load_run(folder / "run.toml", folder, folder / "out")
        ingest.run(run, client, "a")
        visits = repeated_visits(run.definition_a, run.survey_files("a"), paths.catalogue(run.output, "small"))
        assert visits is not None
        found.append(visits)
    one, several = found
    np.testing.assert_array_equal(one.rows, several.rows)
    assert one.rows.shape == (2, 2)
    assert one.ids.tolist() == several.ids.tolist()
    for column, values in one.columns.items():
        np.testing.assert_array_equal(values, several.columns[column])


def test_a_survey_without_repeats_has_no_visits(tmp_path: Path, client: Workers):
    run = small_run(tmp_path, small_table(30))
    ingest.run(run, client, "a")
    assert (
        repeated_visits(run.definition_a, run.survey_files("a"), paths.catalogue(run.output, run.definition_a.name))
        is None
    )
