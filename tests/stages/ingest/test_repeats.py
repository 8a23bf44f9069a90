"""A survey whose errors are off by known factors comes out with errors that are right, however it is cut up."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from distributed import LocalCluster
from numpy.testing import assert_allclose, assert_array_equal

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run
from stdask.config.survey import load_definition
from stdask.runs.receipts import read_receipt
from stdask.stages.ingest import repeats as ingest_repeats
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.documents import read_ecsv
from stdask.storage.error_factors import read_factors
from stdask.tools.validate.repeats import repeated_visits
from tests.stages.ingest.test_stage import catalogue_of, contents, cut_off, make_run, tasks_of

DEFINITION = """
name = "visited"
title = "Visited"
reference = "none"
id = "id"
keep = ["row", "snr"]
cuts = [{ column = "flag", op = "=", value = 0 }]
[labels.TEFF]
column = "teff"
error = "e_teff"
[labels.FE_H]
column = "feh"
error = "e_feh"
typical_error = 0.07
error_floor = 0.05
[labels.RV]
column = "rv"
error = "e_rv"
[labels.LOGG]
column = "logg"
typical_error = 0.1
[duplicates]
by = "star"
best = "snr"
rescale_errors = true
"""
LIMIT = 50.0  # of snr, where the factors change
FACTORS = {"TEFF": (1.4, 0.8), "FE_H": (2.0, 1.0)}  # true errors in units of the stated ones, below the limit and above
N_STARS = 4000


def true_factors(label: str, snr: np.ndarray) -> np.ndarray:
    return np.where(snr < LIMIT, *FACTORS[label])


def visited_table(seed: int = 5) -> pa.Table:
    """Return one to three visits to each star in random order; those of a star are equally good, within 10 %."""
    rng = np.random.default_rng(seed)
    stars = rng.permutation(np.repeat(np.arange(N_STARS), rng.integers(1, 4, N_STARS)))
    n_rows = stars.size
    snr = np.where(rng.random(N_STARS) < 0.5, 25.0, 90.0)[stars] * rng.uniform(0.95, 1.05, n_rows)
    columns = {
        "row": np.arange(n_rows),
        "id": [f"visit {row}" for row in range(n_rows)],
        "star": [f"star {star}" for star in stars],
        "ra": rng.uniform(0, 360, N_STARS)[stars],
        "dec": rng.uniform(-60, 60, N_STARS)[stars],
        "snr": snr,
        "flag": (rng.random(n_rows) < 0.1).astype(np.int64),
        "logg": rng.normal(2.5, 0.5, n_rows),
    }
    for label, name, mean, scatter, error in (("TEFF", "teff", 5000, 300, 1000), ("FE_H", "feh", -0.5, 0.4, 2.0)):
        errors = error / snr * rng.uniform(0.8, 1.2, n_rows)
        noise = errors * true_factors(label, snr) * rng.normal(size=n_rows)
        noise = np.where(columns["flag"] == 1, 50 * noise, noise)  # rows that fail a cut tell nothing
        columns |= {name: rng.normal(mean, scatter, N_STARS)[stars] + noise, f"e_{name}": errors}
    columns["e_feh"][rng.random(n_rows) < 0.2] = np.nan
    columns |= {"rv": np.where(stars < 40, 10.0, np.nan), "e_rv": np.full(n_rows, 0.5)}
    return pa.table(columns)


def visited_run(folder: Path, block: int = 1000, definition: str = DEFINITION) -> Run:
    """Return a run on the visits."""
    (folder / "visited.toml").write_text(definition)
    if not (folder / "visited.parquet").exists():
        pq.write_table(visited_table(), folder / "visited.parquet", row_group_size=700)
    return make_run(folder, folder, "visited.toml", "visited.parquet", block, 2000)


def factors_of(run: Run) -> Table:
    return read_ecsv(paths.catalogue(run.output, "visited") / paths.REPEATS)


@pytest.fixture(scope="module")
def visited(client: Workers, tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = visited_run(tmp_path_factory.mktemp("visited"))
    ingest.run(run, client, "a")
    return run


def test_the_factors_are_those_that_the_errors_are_off_by(visited: Run):
    table = factors_of(visited)
    for label, (low, high) in FACTORS.items():
        own = table[table["label"] == label]
        assert len(own) > 3
        assert (own["n_pairs"] >= 200).all()
        # a bin may hold pairs from either side of the limit: that one lies between both
        expected = np.where(
            own["high"].filled(np.inf) < LIMIT, low, np.where(own["low"].filled(0) > LIMIT, high, np.nan)
        )
        assert np.isnan(expected).sum() <= 1
        offsets = (own["factor"] - expected) / own["factor_err"]
        assert np.nanmax(np.abs(offsets)) < 4


def test_written_errors_are_the_stated_ones_times_the_factor_of_the_row(visited: Run):
    file, table = visited_table(), catalogue_of(visited).read()
    rows, snr = table["row"].to_numpy(), table["snr"].to_numpy()
    factors = read_factors(paths.catalogue(visited.output, "visited"), visited.definition_a)
    stated = file["e_teff"].to_numpy()[rows]
    assert_array_equal(table["TEFF_ERR"].to_numpy(), (stated * factors["TEFF"].at(snr)).astype(np.float32))
    clear = (snr < 26) | (snr > 87)  # far from the bin that may hold pairs of both sides
    ratios = table["TEFF_ERR"].to_numpy()[clear] / stated[clear]
    assert_allclose(ratios, true_factors("TEFF", snr[clear]), rtol=4 * 1.1664 / np.sqrt(200))
    assert_array_equal(table["TEFF"].to_numpy(), file["teff"].to_numpy()[rows].astype(np.float32))


def test_the_floor_comes_after_the_factor_and_typical_errors_stay(visited: Run):
    file, table = visited_table(), catalogue_of(visited).read()
    rows, snr = table["row"].to_numpy(), table["snr"].to_numpy()
    factors = read_factors(paths.catalogue(visited.output, "visited"), visited.definition_a)
    stated = file["e_feh"].to_numpy()[rows]
    scaled = np.maximum(stated * factors["FE_H"].at(snr), 0.05)
    assert (scaled == 0.05).any()
    expected = np.where(np.isnan(stated), 0.07, scaled).astype(np.float32)
    assert_array_equal(table["FE_H_ERR"].to_numpy(), expected)
    assert set(table["LOGG_ERR"].to_pylist()) == {np.float32(0.1)}


def test_a_label_of_few_pairs_keeps_its_errors_and_that_is_told(
    client: Workers, tmp_path: Path, capsys: pytest.CaptureFixture
):
    run = visited_run(tmp_path)
    ingest.run(run, client, "a")
    told = " ".join(capsys.readouterr().out.split())
    (own,) = [row for row in factors_of(run) if row["label"] == "RV"]
    assert 0 < own["n_pairs"] < 50
    assert own["factor"] == 1
    assert own["factor_err"] is np.ma.masked
    assert f"errors of RV as stated: {own['n_pairs']} pairs of visits, fewer than 50" in told
    assert "errors of TEFF \N{MULTIPLICATION SIGN} 1." in told
    assert "errors of LOGG" not in told
    assert set(catalogue_of(run).read()["RV_ERR"].drop_null().to_numpy()) >= {np.float32(0.5)}


def test_every_row_is_accounted_for_and_the_table_is_named_in_the_receipt(visited: Run):
    receipt = read_receipt(visited.output, "ingest_a")
    assert receipt is not None
    n_rows = visited_table().num_rows
    assert receipt.counts.rows.n_in == n_rows == receipt.counts.rows.n_out + receipt.counts.rows.n_aside
    assert receipt.counts.rows.n_out == N_STARS
    assert "catalogues/visited/repeats.ecsv" in receipt.outputs


@pytest.mark.parametrize("most", [ingest_repeats.MOST_PAIRS, 700])
def test_blocks_shares_and_workers_change_no_byte(
    most: int, client: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingest_repeats, "MOST_PAIRS", most)
    few = visited_run(tmp_path, block=10_000)
    ingest.run(few, client, "a")
    monkeypatch.setattr(ingest, "ROWS_PER_SHARE", 900)
    many = visited_run(tmp_path, block=333)
    with LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config) as one:
            ingest.run(many, one, "a")
    assert contents(few) == contents(many)
    table = factors_of(few)
    n_pairs = table["n_pairs"][table["label"] == "TEFF"].sum()
    assert n_pairs == 700 if most == 700 else n_pairs > 700


def test_a_run_that_was_cut_off_ends_with_the_same_bytes(visited: Run, client: Workers, tmp_path: Path):
    n_blocks = -(-visited_table().num_rows // 1000)
    run = visited_run(tmp_path)
    cut_off(run, client, n_blocks + 3)  # between the visits and the conversion
    done = tasks_of(run, client)
    assert not [task for task in done if task.startswith("scan: ")]
    assert contents(run) == contents(visited)


def test_the_option_redoes_the_catalogue_and_without_it_nothing_is_rescaled(
    visited: Run, client: Workers, tmp_path: Path
):
    stated = DEFINITION.replace("rescale_errors = true\n", "")
    run = visited_run(tmp_path, definition=stated)
    assert not [task for task in tasks_of(run, client) if task.startswith("visits: ")]
    before = contents(run)
    assert "repeats.ecsv" not in before
    table = catalogue_of(run).read()
    errors = visited_table()["e_teff"].to_numpy()[table["row"].to_numpy()]
    assert_array_equal(table["TEFF_ERR"].to_numpy(), errors.astype(np.float32))
    run = visited_run(tmp_path)
    assert [task for task in tasks_of(run, client) if task.startswith("visits: ")]
    assert contents(run) == contents(visited)
    run = visited_run(tmp_path, definition=stated.replace('best = "snr"', 'best = "snr"\nrescale_errors = false'))
    ingest.run(run, client, "a")
    assert contents(run) == before


def test_a_definition_without_the_option_is_written_as_before_there_was_one():
    duplicates = load_definition("mock_a").model_dump(mode="json")["duplicates"]
    assert duplicates == {"by": "dr3_source_id", "best": "snr_c3_iraf", "keep": "highest"}


def test_visits_that_validate_reads_have_the_errors_of_the_catalogue(visited: Run):
    folder = paths.catalogue(visited.output, visited.definition_a.name)
    visits = repeated_visits(visited.definition_a, visited.survey_files("a"), folder)
    assert visits is not None
    table = catalogue_of(visited).read()
    order = np.argsort(table["row"].to_numpy())
    places = order[np.searchsorted(table["row"].to_numpy()[order], visits.rows[0])]
    for label in FACTORS:
        kept = table[f"{label}_ERR"].to_numpy()[places]
        assert_array_equal(visits.columns[f"{label}_ERR"][0].astype(np.float32), kept)


def test_where_the_lowest_row_is_kept_the_ranges_are_still_those_of_the_column(client: Workers, tmp_path: Path):
    run = visited_run(tmp_path, definition=DEFINITION.replace('best = "snr"', 'best = "snr"\nkeep = "lowest"'))
    ingest.run(run, client, "a")
    own = factors_of(run)[factors_of(run)["label"] == "TEFF"]
    assert own["factor"][0] > 1.2
    assert own["factor"][-1] < 1
    assert (np.diff(own["high"][:-1]) > 0).all()
