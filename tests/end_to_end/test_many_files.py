"""One survey as one file, as many, as a HATS catalogue, from a server: the same catalogue, byte by byte."""

import shutil
from collections.abc import Callable
from pathlib import Path

import healpy as hp
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.runs.changes import changed_files
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from tests.web import serving

DEFINITION = """
name = "small"
title = "Small"
reference = "none"
id = "id"
gaia_id = "gaia"
keep = ["n_obs"]
cuts = [{ column = "snr", op = ">", value = 20 }]
[labels.FE_H]
column = "feh"
unit = "dex"
typical_error = 0.1
[duplicates]
by = "gaia"
best = "snr"
"""
RUN = """
output = "unused"
[surveys.a]
definition = "small.toml"
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
rows_per_block = 130
rows_per_partition = 100
"""
N_STARS, N_FILES = 1000, 20


def stars() -> Table:
    rng = np.random.default_rng(3)
    gaia = 10**18 + np.arange(N_STARS)
    gaia[rng.integers(0, N_STARS, 50)] = gaia[0]  # repeats in different files
    feh = rng.normal(-0.5, 0.4, N_STARS)
    feh[5] = np.nan
    return Table(
        {
            "id": [f"star {n}" for n in range(N_STARS)],
            "gaia": gaia,
            "ra": rng.uniform(0, 360, N_STARS),
            "dec": np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS))),
            "feh": feh,
            "snr": rng.uniform(0, 100, N_STARS),
            "n_obs": rng.integers(1, 5, N_STARS),
        }
    )


def as_one_file(table: Table, folder: Path) -> str:
    table.write(folder / "stars.fits")
    return "stars.fits"


def as_files(ending: str, kind: str) -> Callable[[Table, Path], str]:
    def write(table: Table, folder: Path) -> str:
        (folder / "parts").mkdir()
        for number, rows in enumerate(np.array_split(np.arange(len(table)), N_FILES)):
            table[rows].write(folder / f"parts/part_{number}.{ending}", format=kind)
        return "parts"

    return write


def as_pattern(table: Table, folder: Path) -> str:
    name = as_files("csv.gz", "ascii.csv")(table, folder)
    (folder / name / "notes.txt").write_text("not a table")
    return f"{name}/*.csv.gz"


def as_hats(table: Table, folder: Path) -> str:
    order = 2
    pixel = hp.ang2pix(2**order, table["ra"], table["dec"], nest=True, lonlat=True)
    index = hp.ang2pix(2**29, table["ra"], table["dec"], nest=True, lonlat=True)
    for own in np.unique(pixel):
        path = folder / f"hats/dataset/Norder={order}/Dir=0/Npix={own}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        part = table[pixel == own]
        part.add_column(index[pixel == own], index=0, name="_healpix_29")
        part.write(path)
    listed = "".join(f"{order},{own}\n" for own in np.unique(pixel))
    (folder / "hats/partition_info.csv").write_text(f"Norder,Npix\n{listed}")
    (folder / "hats/hats.properties").write_text("dataproduct_type=object\n")
    return "hats"


FORMS: dict[str, Callable[[Table, Path], str]] = {
    "one FITS file": as_one_file,
    "FITS files": as_files("fits", "fits"),
    "Parquet files": as_files("parquet", "parquet"),
    "ECSV files": as_files("ecsv", "ascii.ecsv"),
    "packed CSV files": as_pattern,
    "HATS": as_hats,
}


REMOTE = {"FITS over http": "one FITS file", "HATS over http": "HATS", "packed CSV over http": "packed CSV files"}


def run_on(folder: Path, file: str) -> Run:
    (folder / "small.toml").write_text(DEFINITION)
    (folder / "run.toml").write_text(RUN.format(file=file))
    return load_run(folder / "run.toml", folder, folder / "out", allow_remote=True)


def contents(run: Run) -> dict[str, bytes]:
    folder = paths.catalogue(run.output, "small")
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("Npix=*.parquet"))}


@pytest.fixture(scope="module")
def made(client: Workers, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """The same stars in each form, ingested. A HATS catalogue is in the order of the sky, so all are."""
    table = stars()
    table = table[np.argsort(hp.ang2pix(2**29, table["ra"], table["dec"], nest=True, lonlat=True))]
    runs = {}
    for form, write in FORMS.items():
        folder = tmp_path_factory.mktemp("form")
        runs[form] = run_on(folder, write(table, folder))
        ingest.run(runs[form], client, "a")
    for form, local in REMOTE.items():
        with serving(runs[local].data_dir) as web:
            web.lists = True
            file = runs[local].config.surveys.a.tables["main"].path
            runs[form] = run_on(tmp_path_factory.mktemp("form"), f"{web.address}/{file}")
            ingest.run(runs[form], client, "a")
    return runs


@pytest.mark.parametrize("form", [*FORMS, *REMOTE])
def test_the_catalogue_is_the_same_from_every_form(form: str, made: dict[str, Run]):
    expected = contents(made["one FITS file"])
    assert len(expected) > 10
    assert contents(made[form]) == expected


@pytest.mark.parametrize("form", [*FORMS, *REMOTE])
def test_rows_set_aside_are_the_same_from_every_form(form: str, made: dict[str, Run]):
    rejected = [
        pq.read_table(paths.catalogue(made[own].output, "small") / paths.REJECTED) for own in (form, "one FITS file")
    ]
    assert rejected[0].num_rows > 20
    assert rejected[0].drop_columns(["row"]) == rejected[1].drop_columns(["row"])
    assert rejected[0] == rejected[1]


def test_the_same_files_are_not_read_again_and_a_further_one_is_a_change(
    made: dict[str, Run], client: Workers, tmp_path: Path
):
    folder = made["Parquet files"].data_dir / "parts"
    shutil.copytree(folder, tmp_path / "parts")
    run = run_on(tmp_path, "parts")
    first = ingest.run(run, client, "a")
    assert ingest.run(run, client, "a").digest == first.digest
    assert changed_files(first, run) == []
    shutil.copy(folder / "part_0.parquet", tmp_path / "parts/part_20.parquet")
    assert changed_files(first, run) == [f"{tmp_path / 'parts'} has changed"]
    again = ingest.run(run, client, "a")
    assert again.counts.rows.n_in == N_STARS + N_STARS // N_FILES
    assert changed_files(again, run) == []


def test_a_catalogue_of_stdask_is_a_survey_too(made: dict[str, Run], client: Workers, tmp_path: Path):
    shutil.copytree(paths.catalogue(made["HATS"].output, "small"), tmp_path / "catalogue")
    run = run_on(tmp_path, "catalogue")
    text = DEFINITION.replace("feh", "FE_H").replace("gaia", "SOURCE_ID").replace("SOURCE_ID_id", "gaia_id")
    text = text.replace('cuts = [{ column = "snr", op = ">", value = 20 }]', "cuts = []").replace("snr", "FE_H")
    (tmp_path / "small.toml").write_text(text)
    run = load_run(tmp_path / "run.toml", tmp_path, tmp_path / "out")
    receipt = ingest.run(run, client, "a")
    assert receipt.counts.rows.n_aside == 0
    first, second = (open_catalogue(paths.catalogue(own.output, "small")) for own in (made["HATS"], run))
    wanted = ["id", "SOURCE_ID", "ra", "dec", "n_obs", "_healpix_29"]
    assert first.to_arrow(wanted).equals(second.to_arrow(wanted))
    np.testing.assert_array_equal(first.to_arrow(["FE_H"])["FE_H"], second.to_arrow(["FE_H"])["FE_H"])


def test_a_catalogue_that_lsdb_made_is_a_survey(client: Workers, tmp_path: Path, data_dir: Path):
    shutil.copytree(data_dir.parent / "cases/files/hats_small_sky", tmp_path / "small_sky")
    run = run_on(tmp_path, "small_sky")
    text = DEFINITION[: DEFINITION.index("[duplicates]")].replace('gaia_id = "gaia"\nkeep = ["n_obs"]\n', "")
    text = text.replace('column = "snr", op = ">", value = 20', 'column = "ra_error", op = "<", value = 1')
    (tmp_path / "small.toml").write_text(text.replace('"feh"\nunit = "dex"', '"ra_error"'))
    run = load_run(tmp_path / "run.toml", tmp_path, tmp_path / "out")
    assert ingest.run(run, client, "a").counts.rows.n_out == 131
    made = open_catalogue(paths.catalogue(run.output, "small")).to_pandas()
    expected = pd.read_parquet(tmp_path / "small_sky/dataset/Norder=0/Dir=0/Npix=11.parquet").sort_values("id")
    made = made.sort_values("id")
    for name in ("id", "ra", "dec"):
        np.testing.assert_array_equal(made[name], expected[name])
