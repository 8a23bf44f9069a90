"""Survey files: the same table from five formats, rows by slices, and errors that name the remedy."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import MaskedColumn, Table

from stdask.errors import SurveyError
from stdask.storage.survey_files import open_survey

GAIA_ID = 2**62 + 1  # float64 would round it to an even number
FORMATS = ("fits", "fits.gz", "parquet", "csv", "ecsv", "vot")


@pytest.fixture(scope="module")
def table() -> Table:
    """Ten stars with all that goes wrong between formats: long integers, nulls, NaN, padded, blank text."""
    names = [f" star {n} " if n != 4 else "" for n in range(10)]
    return Table(
        {
            "source_id": GAIA_ID + 2 * np.arange(10),
            "name": names,
            "n_obs": MaskedColumn(np.arange(10), mask=np.arange(10) == 3, fill_value=-99),
            "teff": np.where(np.arange(10) == 5, np.nan, 4000.25 + np.arange(10)) * u.K,
            "rv": np.linspace(-300, 300, 10) * u.km / u.s,
        }
    )


@pytest.fixture(scope="module")
def folder(table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The table in six files."""
    folder = tmp_path_factory.mktemp("formats")
    table.write(folder / "stars.fits")
    with (folder / "stars.fits").open("rb") as plain, gzip.open(folder / "stars.fits.gz", "wb") as packed:
        shutil.copyfileobj(plain, packed)
    table.write(folder / "stars.ecsv")
    table.write(folder / "stars.vot", format="votable")
    table.write(folder / "stars.csv", format="ascii.csv")
    columns = {name: pa.array(table[name].tolist()) for name in table.colnames}
    fields = [
        pa.field(name, column.type, metadata={"unit": str(table[name].unit or "")}) for name, column in columns.items()
    ]
    pq.write_table(
        pa.table(list(columns.values()), schema=pa.schema(fields)), folder / "stars.parquet", row_group_size=3
    )
    return folder


@pytest.fixture(scope="module")
def expected(table: Table) -> pa.Table:
    return pa.table(
        {
            "source_id": pa.array([GAIA_ID + 2 * n for n in range(10)], pa.int64()),
            "name": pa.array([f"star {n}" if n != 4 else None for n in range(10)]),
            "n_obs": pa.array([n if n != 3 else None for n in range(10)], pa.int64()),
            "teff": pa.array(np.asarray(table["teff"])),
            "rv": pa.array(np.asarray(table["rv"])),
        }
    )


def same(one: pa.Table, other: pa.Table) -> bool:
    """Tell whether two tables are equal, NaN being equal to NaN."""
    bits = [
        pa.table(
            {
                n: c.combine_chunks().view(pa.int64()) if c.type == pa.float64() else c
                for n, c in zip(t.column_names, t.columns, strict=True)
            }
        )
        for t in (one, other)
    ]
    return bits[0].equals(bits[1])


@pytest.mark.parametrize("extension", FORMATS)
def test_every_format_gives_the_same_columns(extension: str, folder: Path, expected: pa.Table):
    survey = open_survey(folder / f"stars.{extension}")
    assert survey.n_rows == 10
    assert list(survey.columns) == expected.column_names
    assert same(survey.read(expected.column_names), expected)


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (2, 7), (3, 6), (9, 10), (8, 50), (4, 4)])
def test_a_slice_is_those_rows_of_the_whole(extension, start, stop, folder: Path, expected: pa.Table):
    part = open_survey(folder / f"stars.{extension}").read(["teff", "name"], start, stop)
    assert same(part, expected.select(["teff", "name"])[start:stop])


@pytest.mark.parametrize("extension", [e for e in FORMATS if e != "csv"])
def test_units_are_kept_where_the_format_has_them(extension: str, folder: Path):
    columns = open_survey(folder / f"stars.{extension}").columns
    assert u.Unit(columns["rv"]) == u.km / u.s
    assert u.Unit(columns["teff"]) == u.K
    assert columns["name"] == ""


def test_a_parquet_file_written_by_astropy_keeps_its_units(table: Table, tmp_path: Path):
    table.write(tmp_path / "stars.parquet")
    assert u.Unit(open_survey(tmp_path / "stars.parquet").columns["rv"]) == u.km / u.s


def test_fits_scaling_and_unsigned_integers_are_undone(tmp_path: Path):
    largest = np.array([0, 2**64 - 1], dtype=np.uint64)
    columns = [
        fits.Column("big", "K", array=largest, bzero=2**63),
        fits.Column("flags", "I", array=np.array([0, 65535], dtype=np.uint16), bzero=32768),
        fits.Column("binary", "L", array=np.array([True, False])),
        fits.Column("small", "J", array=np.array([7, -1]), null=-1),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    read = open_survey(tmp_path / "a.fits").read(["big", "flags", "binary", "small"]).to_pydict()
    assert read == {
        "big": [0, 2**64 - 1], "flags": [0, 65535], "binary": [True, False], "small": [7, None]
    }  # fmt: skip


def test_the_real_lamost_file_reads_as_astropy_reads_it(data_dir: Path):
    path = data_dir / "lamost_dr3_kgiants.fits"
    reference = Table.read(path)
    survey = open_survey(path)
    assert survey.n_rows == len(reference)
    read = survey.read(["obsid", "teff", "dist_kpc"], 5000, 9000)
    for name in read.column_names:
        assert read.column(name).to_pylist() == reference[name][5000:9000].tolist()


def test_a_missing_column_names_the_nearest_one_and_the_file(folder: Path):
    with pytest.raises(SurveyError, match=r"stars\.fits has no column 'TEFF'\. Did you mean 'teff'\?"):
        open_survey(folder / "stars.fits").read(["TEFF"])
    with pytest.raises(SurveyError, match="It has source_id, name"):
        open_survey(folder / "stars.csv").read(["xyzzy"])


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path):
    with pytest.raises(SurveyError, match=r"No survey file .*nowhere\.fits"):
        open_survey(tmp_path / "nowhere.fits")
    with pytest.raises(SurveyError, match="is a folder"):
        open_survey(tmp_path)


@pytest.mark.parametrize("extension", FORMATS)
def test_an_empty_file_is_refused(extension: str, tmp_path: Path):
    path = tmp_path / f"stars.{extension}"
    path.touch()
    with pytest.raises(SurveyError, match="is empty"):
        open_survey(path)


@pytest.mark.parametrize("extension", ["fits.gz", "parquet", "vot"])
def test_a_file_cut_off_is_refused(extension: str, folder: Path, tmp_path: Path):
    whole = (folder / f"stars.{extension}").read_bytes()
    path = tmp_path / f"stars.{extension}"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SurveyError, match="stars"):
        open_survey(path).read(["rv"])


def test_a_fits_table_cut_off_in_its_rows_is_refused_at_once(folder: Path, tmp_path: Path):
    with fits.open(folder / "stars.fits") as hdus:
        first_row = hdus[1].fileinfo()["datLoc"]
    (tmp_path / "stars.fits").write_bytes((folder / "stars.fits").read_bytes()[: first_row + 100])
    with pytest.raises(SurveyError, match=r"stars\.fits is cut off"):
        open_survey(tmp_path / "stars.fits")


@pytest.mark.parametrize("extension", FORMATS)
def test_a_table_without_rows_is_refused(extension: str, table: Table, tmp_path: Path):
    path = tmp_path / f"stars.{extension}"
    named = {"vot": "votable", "csv": "ascii.csv"}
    table[:0].write(path, **({"format": named[extension]} if extension in named else {}))
    with pytest.raises(SurveyError, match="has no rows"):
        open_survey(path)


def test_a_file_of_another_kind_is_refused(tmp_path: Path):
    (tmp_path / "stars.txt").write_text("1 2 3\n")
    with pytest.raises(SurveyError, match="no format that stdask reads"):
        open_survey(tmp_path / "stars.txt")
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    with pytest.raises(SurveyError, match=r"ragged\.csv"):
        open_survey(tmp_path / "ragged.csv")


def test_a_column_of_arrays_is_refused_only_when_it_is_read(tmp_path: Path):
    Table({"a": np.arange(3), "spectrum": np.ones((3, 4))}).write(tmp_path / "a.fits")
    survey = open_survey(tmp_path / "a.fits")
    assert survey.read(["a"]).num_rows == 3
    with pytest.raises(SurveyError, match=r"a\.fits: column 'spectrum'"):
        survey.read(["spectrum"])
