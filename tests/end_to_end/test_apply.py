"""A packed ensemble of real surveys, far from its run and without TensorFlow: the same stars get the same numbers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import Table

from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import read_parquet
from tests.conftest import JOBS

pytestmark = pytest.mark.slow
ROOT = JOBS.parent
JOB = JOBS / "lamost_kepler_to_apogee.toml"
A, B = "lamost_kepler", "apogee_dr16_kepler"
FILE = "lamost_kepler_giants.fits"
TRANSLATED = paths.translated_name(A, B)
N_OTHERS = 1000
OWN = """
name = "mine"
title = "My stars"
reference = "none"
id = "star"
position = { ra = "RAJ2000", dec = "DEJ2000" }

[labels.TEFF]
column = "T"
unit = "mK"

[labels.LOGG]
column = "gravity"

[labels.FE_H]
column = "[Fe/H]"

[photometry]
g = "G"
bp = "BP"
rp = "RP"
ebv = "E(B-V)"
"""
RUN = """
output = "unused"
[surveys.a]
definition = "lamost_kepler"
file = "others.fits"
[surveys.b]
definition = "apogee_dr16_kepler"
file = "b.parquet"
[train]
ensemble = "run3.stdask"
"""


def stdask(*words: object, without: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command, perhaps without the modules that a folder hides."""
    folders = [str(folder) for folder in (without, ROOT) if folder]
    return subprocess.run(
        [sys.executable, "-m", "stdask", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(folders)},
    )


def done(*words: object, without: Path | None = None) -> str:
    command = stdask(*words, without=without)
    assert not command.returncode, command.stdout + command.stderr
    return command.stdout


@pytest.fixture(scope="module")
def trained(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run up to the translation."""
    output = tmp_path_factory.mktemp("run") / "run3"
    for stage in ("ingest", "pair", "train", "translate"):
        done(stage, JOB, "--data-dir", data_dir, "--output", output)
    return output


@pytest.fixture(scope="module")
def elsewhere(trained: Path, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with nothing but the packed ensemble and tables of stars."""
    folder = tmp_path_factory.mktemp("elsewhere")
    done("pack", trained, trained.parent / "run3.stdask")
    shutil.copy(trained.parent / "run3.stdask", folder)
    shutil.copy(data_dir / FILE, folder)
    (folder / "own.toml").write_text(OWN)
    others = other_stars(Table.read(data_dir / FILE))
    others.write(folder / "others.fits")
    renamed(others).write(folder / "others.csv")
    return folder


@pytest.fixture(scope="module")
def no_keras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that hides TensorFlow and Keras from a process that looks there first."""
    folder = tmp_path_factory.mktemp("hidden")
    for name in ("tensorflow", "keras"):
        (folder / f"{name}.py").write_text("raise ImportError('hidden by a test')\n")
    hidden = subprocess.run(
        [sys.executable, "-c", "import keras"], check=False, capture_output=True, env={"PYTHONPATH": str(folder)}
    )
    assert hidden.returncode
    return folder


def other_stars(table: Table) -> Table:
    """Return other stars than those of a table, some of which lack an input."""
    rng = np.random.default_rng(1)
    others = table[rng.integers(0, len(table), N_OTHERS)]
    others["kic"] = 10**9 + np.arange(N_OTHERS)
    for name, error in (("teff", 50.0), ("logg", 0.1), ("fe_h", 0.1)):
        others[name] += rng.normal(0, error, N_OTHERS).astype(others[name].dtype)
    others["fe_h"][rng.random(N_OTHERS) < 0.05] = np.nan
    return others


def renamed(others: Table) -> Table:
    """Return the same stars with other names and units, as text keeps them."""
    new = Table({"star": others["kic"], "RAJ2000": others["ra"], "DEJ2000": others["dec"]})
    new["T"] = np.asarray(others["teff"], np.float64) * 1000  # mK
    new["gravity"], new["[Fe/H]"] = np.asarray(others["logg"]), np.asarray(others["fe_h"])
    for name, own in (("G", "gaia_g"), ("BP", "gaia_bp"), ("RP", "gaia_rp"), ("E(B-V)", "ebv")):
        new[name] = np.asarray(others[own])
    return new


def assert_same(found: pa.Table, expected: pa.Table, names: list[str]) -> None:
    for name in names:
        one, other = (table[name].combine_chunks() for table in (found, expected))
        assert one.type == other.type, name
        same = one.equals(other)  # NaN is no NaN there
        if pa.types.is_floating(one.type):
            same = one.to_numpy().tobytes() == other.to_numpy().tobytes()
        assert same, name


def test_the_stars_of_the_run_get_every_column_as_in_the_run_to_the_bit(trained: Path, elsewhere: Path, no_keras: Path):
    expected = open_catalogue(paths.catalogue(trained, TRANSLATED))
    bundle, output = elsewhere / "run3.stdask", elsewhere / "out"
    said = done("apply", bundle, elsewhere / FILE, "--output", output, without=no_keras)
    assert "rows 999 in = 999 out + 0 set aside" in said
    found = open_catalogue(output)
    assert found.rows == expected.rows
    assert found.columns == expected.columns
    assert_same(found.read(), expected.read(), [column.name for column in expected.columns])


def test_a_file_has_the_same_rows_in_the_order_of_the_table_from_workers_too(
    trained: Path, elsewhere: Path, no_keras: Path
):
    expected = open_catalogue(paths.catalogue(trained, TRANSLATED)).read().sort_by("kic")
    output = elsewhere / "out.parquet"
    bundle = elsewhere / "run3.stdask"
    done("apply", bundle, elsewhere / FILE, "--output", output, "--workers", 2, without=no_keras)
    found = read_parquet(output)
    assert found["kic"].to_pylist() == Table.read(elsewhere / FILE)["kic"].tolist()
    assert_same(found.sort_by("kic"), expected, expected.column_names)


def test_other_stars_get_the_numbers_of_a_run_that_has_them_whatever_their_columns_are_called(
    elsewhere: Path, no_keras: Path, data_dir: Path
):
    shutil.copy(data_dir / "apogee_dr16_kepler.parquet", elsewhere / "b.parquet")
    (elsewhere / "run.toml").write_text(RUN)
    for stage in ("ingest", "train", "translate"):
        done(stage, elsewhere / "run.toml", "--output", elsewhere / "run", without=no_keras)
    expected = open_catalogue(paths.catalogue(elsewhere / "run", TRANSLATED)).read().sort_by("kic")
    bundle, output = elsewhere / "run3.stdask", elsewhere / "mine.parquet"
    own = ["--definition", elsewhere / "own.toml"]
    said = done("apply", bundle, elsewhere / "others.csv", *own, "--output", output, without=no_keras)
    assert "TEFF of a star without an error has that of the training stars, 18." in said
    found = read_parquet(output).sort_by("star")
    names = [name for name in expected.column_names if name in found.column_names]
    assert {"TEFF_PRED_50", "TEFF_PRED_SIGMA", "DOMAIN_INDEX_INTRINSIC", "QFLAG_COMMENTS", "STAR_KEY"} <= {*names}
    assert set(expected.column_names) - {*names} == {"kic", "n_spectra", "DISTANCE", "DISTANCE_ERR"}
    assert_same(found, expected, names)


def test_what_is_wrong_with_a_table_is_one_clear_line(elsewhere: Path):
    table = Table.read(elsewhere / FILE)
    table["teff"].unit = u.m
    table.write(elsewhere / "metres.fits")
    table.rename_column("teff", "Teff_LASP")
    table.write(elsewhere / "renamed.fits")
    for file, words in (
        ("metres.fits", "Column 'teff': unit 'm' cannot be converted to 'K'"),
        ("renamed.fits", "The table has no column 'teff': the networks need it for their input TEFF"),
    ):
        command = stdask("apply", elsewhere / "run3.stdask", elsewhere / file, "--output", elsewhere / "none.fits")
        assert command.returncode == 2
        assert len(command.stderr.strip().splitlines()) == 1
        assert words in command.stderr
        assert not list(elsewhere.glob("none.fits*"))
