"""From survey files to catalogues: every row accounted for, and the content brute force gives."""

import json
import re
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import healpy as hp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.table import Table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.config.survey_tables import Position
from stdask.errors import SurveyError
from stdask.runs.ledger import Ledger
from stdask.runs.receipts import read_receipt
from stdask.science.sky.healpix import Pixel
from stdask.stages.ingest import partitions as ingest_partitions
from stdask.stages.ingest import stage as ingest
from stdask.stages.ingest.blocks import degrees
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue

RUN = """
output = "unused"
[surveys.a]
definition = "{definition}"
file = "{file}"
[surveys.b]
definition = "apogee_dr17_giants"
file = "apogee_dr17_giants.parquet"
[pair]
match = {{ by = "position" }}
[[train.intrinsic]]
label = "FE_H"
from = "FE_H"
[ingest]
rows_per_block = {rows_per_block}
rows_per_partition = {rows_per_partition}
"""
DEFINITION = """
name = "small"
title = "Small"
reference = "none"
id = "id"
gaia_id = "gaia"
keep = ["n_obs"]
cuts = [{ column = "snr", op = ">", value = 20 }, { column = "snr", op = "<", value = 80 }]
[labels.FE_H]
column = "feh"
typical_error = 0.1
valid = [-5, 1]
[duplicates]
by = "gaia"
best = "snr"
"""


def make_run(folder: Path, data_dir: Path, definition: str, file: str, block: int, partition: int) -> Run:
    """Return a run written in `folder`, that reads its survey A from `data_dir`."""
    text = RUN.format(definition=definition, file=file, rows_per_block=block, rows_per_partition=partition)
    (folder / "run.toml").write_text(text)
    return load_run(folder / "run.toml", data_dir, folder / f"out_{block}_{partition}")


def small_run(folder: Path, table: pa.Table, block: int = 100, partition: int = 100) -> Run:
    """Return a run on a table of the user's own definition."""
    (folder / "small.toml").write_text(DEFINITION)
    pq.write_table(table, folder / "small.parquet", row_group_size=7)
    return make_run(folder, folder, "small.toml", "small.parquet", block, partition)


def catalogue_folder(run: Run) -> Path:
    return paths.catalogue(run.output, run.definition_a.name)


def catalogue_of(run: Run) -> Catalogue:
    return open_catalogue(catalogue_folder(run))


def small_table(n_stars: int, seed: int = 1) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "id": [f"star {n}" for n in range(n_stars)],
            "gaia": 10**18 + np.arange(n_stars),
            "ra": rng.uniform(0, 360, n_stars),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, n_stars))),
            "feh": rng.normal(-0.5, 0.4, n_stars),
            "snr": rng.uniform(0, 100, n_stars),
            "n_obs": rng.integers(1, 5, n_stars),
        }
    )


class Killed(BaseException):
    """What no code may catch: the driver is gone."""


def cut_off(run: Run, client: Workers, n_tasks: int) -> None:
    """Ingest until so many tasks are done, and no further."""
    n_done = 0

    def add(*arguments: Any) -> None:
        nonlocal n_done
        if n_done == n_tasks:
            raise Killed
        own_add(*arguments)
        n_done += 1

    own_add = Ledger.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "add", add)
        with pytest.raises(Killed):
            ingest.run(run, client, "a")
    # a killed driver takes its workers with it; these live on, and would write what they were at into the next run
    while any(client.client.run(lambda dask_worker: len(dask_worker.state.all_running_tasks)).values()):
        time.sleep(0.05)


def tasks_of(run: Run, client: Workers) -> list[str]:
    """Ingest; return the step and the item of every task that it took."""
    done = []

    def add(ledger: Ledger, task: str, parts: Any, record: Any, files: Iterable[Path]) -> None:
        done.append(f"{ledger.name}: {task}")
        own_add(ledger, task, parts, record, files)

    own_add = Ledger.add
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "add", add)
        ingest.run(run, client, "a")
    return done


def contents(run: Run) -> dict[str, bytes]:
    """Return every file of the catalogue."""
    folder = catalogue_folder(run)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table_with_repeats() -> pa.Table:
    return pa.concat_tables([small_table(150), small_table(50, seed=2)])  # 50 of the ids a second time


@pytest.fixture(scope="module")
def lamost(client: Workers, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Table]:
    """The LAMOST catalogue, and the file it was made from as astropy reads it."""
    folder = tmp_path_factory.mktemp("lamost")
    run = make_run(folder, data_dir, "lamost_dr3", "lamost_dr3_kgiants.fits", 5000, 4000)
    ingest.run(run, client, "a")
    return run, Table.read(data_dir / "lamost_dr3_kgiants.fits")


def test_the_lamost_file_comes_in_whole(lamost: tuple[Run, Table]):
    run, _ = lamost
    receipt = read_receipt(run.output, "ingest_a")
    assert receipt is not None
    assert receipt.counts.rows.n_in == 18_733
    assert receipt.counts.rows.n_out + receipt.counts.rows.n_aside == 18_733
    catalogue = catalogue_of(run)
    assert catalogue.n_rows == catalogue.read().num_rows == receipt.counts.rows.n_out
    assert max(catalogue.rows.values()) <= 4000


def test_the_lamost_labels_are_those_of_the_file(lamost: tuple[Run, Table]):
    run, reference = lamost
    table = catalogue_of(run).read()
    order = np.argsort(np.asarray(reference["obsid"]))
    rows = order[np.searchsorted(np.asarray(reference["obsid"])[order], table["obsid"].to_numpy())]
    assert sorted(rows) == list(range(18_733))
    for name, column in {"TEFF": "teff", "LOGG": "logg", "FE_H": "fe_h", "RV": "rv"}.items():
        assert_array_equal(table[name].to_numpy(), np.asarray(reference[column])[rows].astype(np.float32))
    believed = np.asarray(reference["dist_kpc"])[rows] <= 100
    expected = np.where(believed, np.asarray(reference["dist_kpc"])[rows], np.nan)
    assert_array_equal(table["DISTANCE"].to_numpy(), expected.astype(np.float32))
    errors = (np.asarray(reference["e_dist_low"]) + np.asarray(reference["e_dist_up"]))[rows] / 2
    assert_array_equal(table["DISTANCE_ERR"].to_numpy(), np.where(believed, errors, np.nan).astype(np.float32))
    assert set(table["RV_ERR"].to_pylist()) == {3.0}
    assert_array_equal(table["n_obs"].to_numpy(), np.asarray(reference["n_obs"])[rows])


def test_stars_lie_in_their_partition_in_order(lamost: tuple[Run, Table]):
    catalogue = catalogue_of(lamost[0])
    for pixel, table in zip(catalogue.pixels, catalogue.partitions(), strict=True):
        ra, dec, index = (table[name].to_numpy() for name in ("ra", "dec", "_healpix_29"))
        assert_array_equal(hp.ang2pix(2**29, ra, dec, nest=True, lonlat=True), index)
        assert (hp.ang2pix(2**pixel.order, ra, dec, nest=True, lonlat=True) == pixel.pixel).all()
        assert (np.diff(index) >= 0).all()


def test_units_are_with_the_columns(lamost: tuple[Run, Table]):
    units = {column.name: column.unit for column in catalogue_of(lamost[0]).columns}
    assert (units["RV"], units["DISTANCE"], units["ks_m"], units["obsid"]) == ("km/s", "kpc", "mag", "")


def test_a_second_run_does_nothing(lamost: tuple[Run, Table], client: Workers):
    run, _ = lamost
    path = paths.catalogue(run.output, "lamost_dr3") / "hats.properties"
    before = path.stat().st_mtime_ns
    ingest.run(run, client, "a")
    assert path.stat().st_mtime_ns == before


def test_the_size_of_a_block_changes_no_byte_of_a_partition(client: Workers, data_dir: Path, tmp_path: Path):
    contents = []
    for rows_per_block in (1_777, 50_000):
        run = make_run(tmp_path, data_dir, "lamost_dr3", "lamost_dr3_kgiants.fits", rows_per_block, partition=2500)
        receipt = ingest.run(run, client, "a")
        folder = paths.catalogue(run.output, "lamost_dr3")
        contents.append(
            {
                str(path.relative_to(folder)): path.read_bytes()
                for path in folder.rglob("*")
                if path.suffix in (".parquet", ".ecsv", ".csv")
            }
        )
        assert receipt.key
    assert contents[0].keys() == contents[1].keys()
    assert contents[0] == contents[1]


def test_rows_set_aside_carry_their_reason_and_the_best_row_of_a_star_stays(client: Workers, tmp_path: Path):
    columns = small_table(12).to_pydict()
    columns["ra"][0] = None
    columns["dec"][1] = -91.0
    columns["id"][2] = " "
    columns["gaia"][3] = columns["gaia"][4]  # one star, two rows
    columns["snr"][3], columns["snr"][4] = 90.0, 30.0
    columns["id"][5] = columns["id"][6]  # two stars, one id
    columns["gaia"][7] = columns["gaia"][8] = -1  # no Gaia star: not one another
    columns["ra"][9] = 360.0
    run = small_run(tmp_path, pa.table(columns), block=5)
    receipt = ingest.run(run, client, "a")
    folder = paths.catalogue(run.output, "small")
    rejected = pq.read_table(folder / paths.REJECTED).to_pylist()
    assert rejected == [
        {"row": 0, "id": "star 0", "reason": "no position"},
        {"row": 1, "id": "star 1", "reason": "impossible position"},
        {"row": 2, "id": None, "reason": "no id"},
        {"row": 4, "id": "star 4", "reason": "duplicate star"},
        {"row": 6, "id": "star 6", "reason": "duplicate id"},
    ]
    assert receipt.counts.rows.n_out == 7
    stars = {row["id"]: row for row in catalogue_of(run).read().to_pylist()}
    assert stars.keys() == {f"star {n}" for n in (3, 6, 7, 8, 9, 10, 11)}
    assert stars["star 7"]["SOURCE_ID"] is stars["star 8"]["SOURCE_ID"] is None
    assert stars["star 9"]["ra"] == 0.0
    assert not (paths.scratch(folder)).exists()
    assert Table.read(folder / "cuts.ecsv")["cut", "n_left"].as_array().tolist()[:6] == [
        ("rows of the file", 12),
        ("no position", 11),
        ("impossible position", 10),
        ("no id", 9),
        ("duplicate star: of the rows of one gaia, that with the highest snr is kept", 8),
        ("duplicate id: of the rows of one id, the first is kept", 7),
    ]


def test_proper_motions_are_carried_with_their_unit(client: Workers, tmp_path: Path):
    table = small_table(30)
    motions = {"pm1": np.linspace(-0.02, 0.02, 30), "pm2": np.full(30, 7.0), "e2": np.full(30, 0.1)}
    fields = [pa.field("pm1", pa.float64(), metadata={"unit": "arcsec/yr"}), "pm2", "e2"]
    for field, values in zip(fields, motions.values(), strict=True):
        table = table.append_column(field, pa.array(values))
    small_run(tmp_path, table)
    text = DEFINITION + '[proper_motion]\npmra = "pm1"\npmdec = "pm2"\npmdec_error = "e2"\n'
    (tmp_path / "small.toml").write_text(text)
    run = make_run(tmp_path, tmp_path, "small.toml", "small.parquet", 7, 10)
    ingest.run(run, client, "a")
    catalogue = catalogue_of(run)
    assert {c.unit for c in catalogue.columns if c.name.startswith("PM")} == {"mas/yr"}
    found = catalogue.read().sort_by("PMRA")
    np.testing.assert_allclose(found["PMRA"], 1000 * motions["pm1"], rtol=1e-6)  # float32
    assert_array_equal(found["PMDEC"], np.float32(7.0))
    assert_array_equal(found["PMDEC_ERR"], np.float32(0.1))
    assert np.isnan(found["PMRA_ERR"].to_numpy()).all()


def test_repeats_are_found_wherever_they_lie(client: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    table = small_table(60)
    twice = pa.concat_tables([table, small_table(60, seed=2)])  # the same ids elsewhere on the sky
    monkeypatch.setattr(ingest, "ROWS_PER_SHARE", 25)
    run = small_run(tmp_path, twice, block=11, partition=5)
    receipt = ingest.run(run, client, "a")
    assert receipt.counts.rows.set_aside == {"duplicate star": 60}
    best = np.maximum(table["snr"].to_numpy(), twice["snr"].to_numpy()[60:])
    good = {f"star {n}": 20 < best[n] < 80 for n in range(60)}
    found = catalogue_of(run).read()
    assert dict(zip(found["id"].to_pylist(), found["GOOD"].to_pylist(), strict=True)) == good


def test_the_table_of_cuts_ends_with_the_good_stars(client: Workers, tmp_path: Path):
    table = small_table(200)
    snr = table["snr"].to_numpy()
    run = small_run(tmp_path, table, block=33)
    receipt = ingest.run(run, client, "a")
    cuts = Table.read(paths.catalogue(run.output, "small") / "cuts.ecsv")
    assert list(cuts["n_failing"]) == [0, (snr <= 20).sum(), (snr >= 80).sum()]
    assert list(cuts["n_left"]) == [200, (snr > 20).sum(), ((snr > 20) & (snr < 80)).sum()]
    assert receipt.counts.n_good == cuts["n_left"][-1]


def test_the_table_of_columns_tells_what_became_of_the_values(client: Workers, tmp_path: Path):
    columns = small_table(50).to_pydict()
    columns["feh"][:4] = [None, -9999.0, float("inf"), 30.0]
    run = small_run(tmp_path, pa.table(columns), block=20)
    ingest.run(run, client, "a")
    line = Table.read(paths.catalogue(run.output, "small") / "columns.ecsv")[0]
    assert [line[f"n_{w}"] for w in ("missing", "sentinel", "infinite", "outside")] == [1, 1, 1, 1]
    assert line["n_measured"] == line["n_typical_error"] == 46


def test_many_stars_in_one_cell_are_spread_over_partitions(client: Workers, tmp_path: Path):
    columns = small_table(330).to_pydict()
    columns["ra"][:300] = [10 + n % 100 * 1e-4 for n in range(300)]  # 36 arcsec in all: one cell of the first count
    columns["dec"][:300] = [20.0] * 300
    columns["ra"][300:] = [223.5 + n * 0.1 for n in range(30)]
    columns["dec"][300:] = [-30.0] * 30
    columns["n_obs"] = list(range(330))
    run = small_run(tmp_path, pa.table(columns), block=70, partition=40)
    ingest.run(run, client, "a")
    catalogue = catalogue_of(run)
    assert catalogue.n_rows == 330
    assert max(catalogue.rows.values()) <= 40
    assert catalogue.rows[Pixel(0, hp.ang2pix(1, 225, -30, nest=True, lonlat=True))] == 30  # counted once, not split
    table = catalogue.read()
    order = np.lexsort((table["n_obs"].to_numpy(), table["_healpix_29"].to_numpy()))
    assert_array_equal(order, np.arange(330))  # rows of one position stand in the order of the file


def test_a_changed_definition_leaves_no_old_partition(client: Workers, tmp_path: Path):
    run = small_run(tmp_path, small_table(300), partition=10)
    ingest.run(run, client, "a")
    other = make_run(tmp_path, tmp_path, "small.toml", "small.parquet", 100, 10)
    pq.write_table(small_table(40, seed=3), tmp_path / "small.parquet")
    ingest.run(other, client, "a")
    catalogue = catalogue_of(other)
    written = set(catalogue.folder.glob("dataset/*/*/*.parquet"))
    assert written == {catalogue.path(pixel) for pixel in catalogue.pixels}
    assert catalogue.n_rows == 40


@pytest.mark.faults
@pytest.mark.parametrize("n_tasks", [0, 2, 4, 5, 9, 13, 15])
def test_a_run_that_was_cut_off_goes_on_with_what_is_not_done(client: Workers, tmp_path: Path, n_tasks: int):
    run = small_run(tmp_path, table_with_repeats(), block=60, partition=20)
    every_task = tasks_of(run, client)
    expected = contents(run)
    again = run.model_copy(update={"output": tmp_path / "again"})
    cut_off(again, client, n_tasks)
    assert len(tasks_of(again, client)) == len(every_task) - n_tasks
    assert contents(again) == expected
    # nothing is left to go on with, but the receipt
    assert {path.name for path in (again.output / "receipts").iterdir()} == {"ingest_a.json"}


@pytest.mark.faults
def test_what_is_lost_of_the_work_of_a_run_that_was_cut_off_is_done_again(client: Workers, tmp_path: Path):
    run = small_run(tmp_path, table_with_repeats(), block=60, partition=20)
    every_task = tasks_of(run, client)
    again = run.model_copy(update={"output": tmp_path / "again"})
    cut_off(again, client, len(every_task) - 2)
    folder = paths.catalogue(again.output, "small")
    (lost,) = folder.glob("scratch/*/id/2")
    lost.unlink()
    first = next(filter(None, (again.output / "receipts" / "ingest_a.write.jsonl").read_text().splitlines()))
    halved = again.output / next(iter(json.loads(first)["files"]))
    halved.write_bytes(halved.read_bytes()[:100])
    redone = tasks_of(again, client)
    assert "scan: block 2" in redone
    assert sum(task.startswith("write: ") for task in redone) == 2  # that of the halved one, and one never done
    assert len(redone) == 4
    assert contents(again) == contents(run)


def test_reddening_comes_from_a_map_and_another_map_makes_the_catalogue_again(client: Workers, tmp_path: Path):
    table = small_table(150)
    small_run(tmp_path, table)
    values = np.random.default_rng(2).uniform(0, 1, hp.nside2npix(32)).astype(np.float32)
    places = SkyCoord(table["ra"].to_numpy(), table["dec"].to_numpy(), unit="deg").galactic
    text = (tmp_path / "run.toml").read_text()
    (tmp_path / "run.toml").write_text(
        text.replace('file = "small.parquet"', 'file = "small.parquet"\nebv_map = "map.fits"')
    )
    for sky in (values, values / 2):
        hp.write_map(tmp_path / "map.fits", sky, nest=True, coord="G", dtype=np.float32, overwrite=True)
        run = load_run(tmp_path / "run.toml", tmp_path, tmp_path / "out")
        ingest.run(run, client, "a")
        found = catalogue_of(run).read(["id", "EBV"]).to_pydict()
        expected = sky[hp.ang2pix(32, places.l.deg, places.b.deg, nest=True, lonlat=True)]
        by_id = dict(zip(table["id"].to_pylist(), expected.tolist(), strict=True))
        assert found["EBV"] == [by_id[name] for name in found["id"]]
    assert "map map.fits" in Table.read(catalogue_folder(run) / "columns.ecsv")["source"]


@pytest.mark.faults
@pytest.mark.parametrize("change", ["definition", "rows_per_partition", "rows_per_block", "file"])
def test_after_a_change_an_interrupted_run_begins_again(client: Workers, tmp_path: Path, change: str):
    cut_off(small_run(tmp_path, small_table(200), block=60, partition=20), client, 14)
    if change == "definition":
        (tmp_path / "small.toml").write_text(DEFINITION.replace("value = 20", "value = 30"))
    if change == "file":
        pq.write_table(small_table(190), tmp_path / "small.parquet")
    sizes = (50 if change == "rows_per_block" else 60, 30 if change == "rows_per_partition" else 20)
    changed = make_run(tmp_path, tmp_path, "small.toml", "small.parquet", *sizes)
    fresh = changed.model_copy(update={"output": tmp_path / "fresh"})
    changed = changed.model_copy(update={"output": tmp_path / "out_60_20"})  # where the other run was cut off
    assert sorted(tasks_of(changed, client)) == sorted(tasks_of(fresh, client))
    assert contents(changed) == contents(fresh)


@pytest.mark.faults
def test_a_run_that_begins_again_leaves_nothing_that_looks_finished(client: Workers, tmp_path: Path):
    run = small_run(tmp_path, small_table(200), block=60, partition=20)
    ingest.run(run, client, "a")
    pq.write_table(small_table(190), tmp_path / "small.parquet")
    cut_off(run, client, 3)
    assert {Path(name).parts[0] for name in contents(run)} == {"scratch"}
    pq.write_table(small_table(180), tmp_path / "small.parquet")
    cut_off(run, client, 1)
    assert len(list((catalogue_folder(run) / "scratch").iterdir())) == 1  # what is of no more use takes no room


@pytest.mark.faults
def test_a_catalogue_that_lost_a_partition_is_made_again_byte_by_byte(client: Workers, tmp_path: Path):
    run = small_run(tmp_path, table_with_repeats(), partition=20)
    ingest.run(run, client, "a")
    expected = contents(run)
    next(paths.catalogue(run.output, "small").rglob("Npix=*.parquet")).unlink()
    ingest.run(run, client, "a")
    assert contents(run) == expected


def test_rows_added_in_one_place_of_the_sky_change_no_other_partition(client: Workers, tmp_path: Path):
    table = small_table(300)
    run = small_run(tmp_path, table, partition=40)
    ingest.run(run, client, "a")
    before = contents(run)
    new = small_table(3, seed=5).to_pydict() | {"id": ["x", "y", "z"], "gaia": [1, 2, 3]}
    new["ra"], new["dec"] = table["ra"].to_pylist()[:1] * 3, table["dec"].to_pylist()[:1] * 3
    pq.write_table(pa.concat_tables([table, pa.table(new).cast(table.schema)]), tmp_path / "small.parquet")
    ingest.run(run, client, "a")
    after = contents(run)
    partitions = {name for name in before if "Npix=" in name}
    assert partitions == {name for name in after if "Npix=" in name}  # no tile was full
    assert len(partitions) > 10
    changed = {name for name in partitions if before[name] != after[name]}
    position = hp.ang2pix(2**29, new["ra"][0], new["dec"][0], nest=True, lonlat=True)
    catalogue = catalogue_of(run)
    (where,) = (p for p in catalogue.pixels if p.first_index <= position < p.end_index)
    assert changed == {str(catalogue.path(where).relative_to(catalogue.folder))}


def test_rows_set_aside_are_written_in_the_order_of_the_file_whatever_the_groups(
    client: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingest_partitions, "ROWS_PER_GROUP", 20)
    columns = small_table(100).to_pydict()
    columns["ra"] = [None if n % 2 else ra for n, ra in enumerate(columns["ra"])]
    run = small_run(tmp_path, pa.table(columns), block=7)
    ingest.run(run, client, "a")
    with pq.ParquetFile(paths.catalogue(run.output, "small") / paths.REJECTED) as file:
        assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [20, 20, 10]
        assert file.read()["row"].to_pylist() == list(range(1, 100, 2))


def test_partitions_are_bundled_up_to_about_the_rows_of_a_block(client: Workers, tmp_path: Path):
    run = small_run(tmp_path, small_table(400), block=100, partition=20)
    written = [task for task in tasks_of(run, client) if task.startswith("write: ")]
    catalogue = catalogue_of(run)
    assert len(catalogue.pixels) > 20
    assert sorted(written) == [f"write: bundle {number}" for number in range(4)]


@pytest.mark.parametrize("extension", ["csv", "ecsv", "vot", "fits", "fits.gz"])
def test_every_format_gives_the_same_catalogue(extension: str, client: Workers, tmp_path: Path):
    table = small_table(40)
    run = small_run(tmp_path, table, block=9)
    ingest.run(run, client, "a")
    formats = {"csv": "ascii.csv", "vot": "votable"}
    reference = Table({name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names})
    reference["id"] = table["id"].to_pylist()
    reference.write(tmp_path / f"small.{extension}", **({"format": f} if (f := formats.get(extension)) else {}))
    other = make_run(tmp_path, tmp_path, "small.toml", f"small.{extension}", 9, 101)
    ingest.run(other, client, "a")
    assert catalogue_of(other).read().equals(catalogue_of(run).read())


@pytest.mark.parametrize("packed", [False, True])
def test_tables_side_by_side_and_elements_of_vectors_make_a_catalogue(packed: bool, client: Workers, tmp_path: Path):
    stars = small_table(30)
    columns = {name: np.array(stars[name].to_pylist()) for name in stars.column_names}
    chemistry = {"abundances": np.column_stack([np.zeros(30), columns.pop("feh")])}
    tables = [fits.BinTableHDU(Table(table), name=name) for table, name in ((columns, "STARS"), (chemistry, ""))]
    file = f"small.fits{'.gz' if packed else ''}"  # astropy packs by the name
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / file)
    definition = re.sub(r'"(id|gaia|n_obs|snr)"', r'"STARS.\1"', DEFINITION).replace('"feh"', '"2.abundances[1]"')
    position = '[position]\nra = "STARS.ra"\ndec = "STARS.dec"\n[file]\nhdus = ["STARS", "2"]\n'
    (tmp_path / "small.toml").write_text(definition + position)
    run = make_run(tmp_path, tmp_path, "small.toml", file, 7, 100)
    ingest.run(run, client, "a")
    made = catalogue_of(run).read(["STARS.id", "FE_H"]).sort_by("STARS.id").to_pydict()
    truth = stars.sort_by("id")
    assert made["STARS.id"] == truth["id"].to_pylist()
    assert_array_equal(made["FE_H"], truth["feh"].to_numpy().astype(np.float32))


def test_stars_of_a_text_file_without_any_gaia_id_stay(client: Workers, tmp_path: Path):
    stars = small_table(20)
    (tmp_path / "small.toml").write_text(DEFINITION.replace('by = "gaia"', 'by = "id"'))
    frame = stars.to_pandas().assign(gaia="None")
    frame.to_csv(tmp_path / "small.csv", index=False)
    run = make_run(tmp_path, tmp_path, "small.toml", "small.csv", 9, 100)
    ingest.run(run, client, "a")
    made = catalogue_of(run).read()
    assert made["SOURCE_ID"].type == pa.int64()
    assert made["SOURCE_ID"].null_count == made.num_rows == 20


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("column = \"feh\"", "column = \"id\""), r"Survey small \(small\.parquet\): Column 'id': text, no numbers"),
        (("column = \"feh\"", "column = \"fehh\""), r"no column 'fehh'\. Did you mean 'feh'"),
        (("column = \"feh\"", "column = \"feh\"\nunit = \"K\""), "unit 'K' cannot be converted to 'dex'"),
        (("id = \"id\"", "id = \"snr\""), "'snr' holds double, but ids are integers or text"),
        (("gaia_id = \"gaia\"", "gaia_id = \"id\""), "Column 'id': .*'star 9'.* 64-bit integers"),
        (("value = 20", "value = \"high\""), "compares column 'snr'"),
    ],
)  # fmt: skip
def test_a_definition_that_does_not_fit_is_refused(change: tuple, message: str, client: Workers, tmp_path: Path):
    run = small_run(tmp_path, small_table(10))
    (tmp_path / "small.toml").write_text(DEFINITION.replace(*change))
    run = make_run(tmp_path, tmp_path, "small.toml", "small.parquet", 100, 100)
    with pytest.raises(SurveyError, match=message):
        ingest.run(run, client, "a")
    assert not (paths.catalogue(run.output, "small") / "hats.properties").exists()


def test_a_file_of_rows_without_positions_is_refused(client: Workers, tmp_path: Path):
    columns = small_table(5).to_pydict() | {"ra": [float("nan")] * 5}
    with pytest.raises(SurveyError, match="no row has both a position and an id"):
        ingest.run(small_run(tmp_path, pa.table(columns)), client, "a")


STARS = st.tuples(
    st.sampled_from(["a", "b", "c", "d", "", None]),
    st.sampled_from([1, 2, 3, 4, 0, None]),
    st.sampled_from([0.0, 180.0, 360.0, 400.0, float("nan"), None]),
    st.sampled_from([-90.0, 0.0, 45.0, 95.0]),
    st.sampled_from([10.0, 50.0, float("nan")]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(STARS, min_size=1, max_size=25), block=st.integers(1, 30), partition=st.integers(1, 30))
def test_rows_in_are_rows_out_and_rows_set_aside(client: Workers, rows: list, block: int, partition: int):
    names, gaia, ra, dec, snr = (list(column) for column in zip(*rows, strict=True))
    table = pa.table(
        {
            "id": pa.array([*names, "last"], pa.string()),
            "gaia": pa.array([*gaia, 99], pa.int64()),
            "ra": pa.array([*ra, 10.0], pa.float64()),
            "dec": [*dec, 10.0],
            "snr": [*snr, 50.0],
            "feh": np.zeros(len(rows) + 1),
            "n_obs": np.arange(len(rows) + 1),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        run = small_run(Path(folder), table, block, partition)
        ingest.run(run, client, "a")
        kept = catalogue_of(run).read()
        rejected = pq.read_table(paths.catalogue(run.output, "small") / paths.REJECTED)
    assert sorted(kept["n_obs"].to_pylist() + rejected["row"].to_pylist()) == list(range(len(rows) + 1))
    assert len(set(kept["id"].to_pylist())) == kept.num_rows
    stars = [star for star in kept["SOURCE_ID"].to_pylist() if star is not None]
    assert len(set(stars)) == len(stars)


@pytest.mark.parametrize(
    ("position", "of_file", "expected"),
    [
        ({}, "", (1.5, -0.5)),
        ({}, "deg", (1.5, -0.5)),
        ({"unit": "hourangle"}, "", (22.5, -0.5)),
        ({"unit": "rad"}, "", (np.degrees(1.5), np.degrees(-0.5))),
        ({"unit": "rad"}, "degrees", (1.5, -0.5)),  # the file takes precedence
        ({"unit": "rad"}, "furlongs", (np.degrees(1.5), np.degrees(-0.5))),  # unless its unit is unknown
    ],
)
def test_positions_are_in_the_unit_of_the_file_or_of_the_definition(position: dict, of_file: str, expected: tuple):
    table = pa.table({"ra": [1.5], "dec": [-0.5]})
    units = Position(**position).units
    found = [degrees(table, name, of_file, unit)[0] for name, unit in zip(("ra", "dec"), units, strict=True)]
    assert found == pytest.approx(expected, rel=1e-15)


def test_an_unknown_unit_of_a_position_is_refused_where_the_definition_states_none():
    with pytest.raises(SurveyError, match="'furlongs' is not known"):
        degrees(pa.table({"ra": [1.5]}), "ra", "furlongs", *Position().units)
