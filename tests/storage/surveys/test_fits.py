"""FITS: columns of all kinds as astropy reads them, tables side by side, vectors by element, packed and cut off."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits
from astropy.table import Table

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys import fits as survey_fits
from stdask.storage.surveys.files import open_survey

N = 100


@pytest.fixture
def two_tables(tmp_path: Path) -> Path:
    """Three tables, two of which have a row for each star."""
    hdus = [fits.PrimaryHDU(np.zeros((10, 300), dtype="float32")), fits.ImageHDU(np.zeros(7, "int16"), name="IMAGE")]
    stars = {"ID": 2**62 + 1 + np.arange(N), "TEFF": np.linspace(4000, 5000, N)}
    places = {"ID": np.arange(N), "RA": np.linspace(0, 10, N)}
    for name, columns in {"STARS": stars, "NOTES": {"A": np.arange(3)}, "FIBERS": places}.items():
        hdus.append(fits.BinTableHDU(Table(columns), name=name))
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    return tmp_path / "a.fits"


def test_every_kind_of_column_is_read_as_astropy_reads_it(tmp_path: Path):
    rng = np.random.default_rng(1)
    columns = [
        fits.Column("B", "B", array=rng.integers(0, 255, N).astype("u1")),
        fits.Column("signed", "B", array=rng.integers(-128, 127, N).astype("i1"), bzero=-128),
        fits.Column("I", "I", array=rng.integers(-9, 9, N), null=3),
        fits.Column("U", "J", array=rng.integers(0, 2**32, N).astype("u4"), bzero=2**31),
        fits.Column("K", "K", array=2**62 + 1 + np.arange(N), null=2**62 + 5),
        fits.Column("E", "E", array=rng.normal(size=N)),
        fits.Column("D", "D", array=np.resize([np.nan, 1e300, -np.inf], N), unit="km s-1"),
        fits.Column("scaled", "I", array=rng.integers(-99, 99, N)),
        fits.Column("wide", "E", array=rng.normal(size=N)),
        fits.Column("L", "L", array=rng.random(N) < 0.5),
        fits.Column("A", "7A", array=[f"star {n}" for n in range(N)]),
        fits.Column("bit", "X", array=(rng.random((N, 1)) < 0.5)),
        fits.Column("vector", "9E", dim="(3,3)", array=rng.normal(size=(N, 3, 3))),
        fits.Column("logicals", "2L", array=rng.random((N, 2)) < 0.5),
        fits.Column("texts", "6A", dim="(2,3)", array=np.array([["ab", "c", "de"]] * N)),
        fits.Column("bits", "11X", array=rng.random((N, 11)) < 0.5),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    for number in (8, 9):
        fits.setval(tmp_path / "a.fits", f"TSCAL{number}", value=0.1, ext=1)
        fits.setval(tmp_path / "a.fits", f"TZERO{number}", value=7.0, ext=1)
    truth, survey = Table.read(tmp_path / "a.fits"), open_survey(tmp_path / "a.fits")
    assert survey.columns["D"] == "km s-1"
    names = {name: truth[name] for name in truth.colnames if truth[name].ndim == 1}
    for name in ("vector", "logicals", "texts", "bits"):
        flat = truth[name].reshape(N, -1)
        names |= {f"{name}[{n}]": flat[:, n] for n in range(flat.shape[1])}
    names |= {"bit": truth["bit"][:, 0]} if truth["bit"].ndim > 1 else {}
    read = survey.read(list(names), 10, 90)
    for name, expected in names.items():
        values, missing = expected[10:90].tolist(), np.ma.getmaskarray(expected[10:90])
        lacking = np.nan if expected.dtype.kind == "f" else None
        told = [
            lacking if m else v.decode() if isinstance(v, bytes) else v for v, m in zip(values, missing, strict=True)
        ]
        np.testing.assert_array_equal(read[name].to_pylist(), told, err_msg=name)


def test_several_tables_lie_side_by_side(two_tables: Path):
    survey = open_survey(two_tables, FileHints(hdus=("STARS", "FIBERS")))
    assert list(survey.columns) == ["STARS.ID", "STARS.TEFF", "FIBERS.ID", "FIBERS.RA"]
    read = survey.read(["FIBERS.RA", "STARS.ID"], 7, 9)
    assert read["FIBERS.RA"].to_pylist() == np.linspace(0, 10, N)[7:9].tolist()
    assert read["STARS.ID"].to_pylist() == [2**62 + 8, 2**62 + 9]


@pytest.mark.parametrize(
    ("hdus", "column"), [((), "TEFF"), (("FIBERS",), "RA"), (("fibers",), "RA"), (("NOTES",), "A"), (("4",), "RA")]
)
def test_one_table_is_the_first_or_that_named(hdus, column, two_tables: Path):
    assert column in open_survey(two_tables, FileHints(hdus=hdus)).columns


def test_a_table_without_a_name_is_told_by_its_number(tmp_path: Path):
    tables = [fits.BinTableHDU(Table({name: np.arange(3)})) for name in "ab"]
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(tmp_path / "a.fits")
    assert list(open_survey(tmp_path / "a.fits", FileHints(hdus=("2",))).columns) == ["b"]
    assert list(open_survey(tmp_path / "a.fits", FileHints(hdus=("1", "2"))).columns) == ["1.a", "2.b"]
    with pytest.raises(SurveyError, match=r"a\.fits: it has no binary table '3'\. .*1, 2"):
        open_survey(tmp_path / "a.fits", FileHints(hdus=("3",)))


def test_tables_that_are_missing_or_of_another_length_are_named(two_tables: Path):
    with pytest.raises(SurveyError, match=r"a\.fits: it has no binary table 'X'\. .*STARS, NOTES, FIBERS"):
        open_survey(two_tables, FileHints(hdus=("STARS", "X")))
    with pytest.raises(SurveyError, match=r"a\.fits: not all tables .*: STARS has 100, NOTES has 3"):
        open_survey(two_tables, FileHints(hdus=("STARS", "NOTES")))


def test_a_packed_file_of_several_tables_is_read_in_parts(two_tables: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(survey_fits, "BYTES_AT_ONCE", 1000)
    packed = two_tables.with_suffix(".fits.gz")
    packed.write_bytes(gzip.compress(two_tables.read_bytes()))
    hints, names = FileHints(hdus=("STARS", "FIBERS")), ["FIBERS.RA", "STARS.ID"]
    assert open_survey(packed, hints).read(names) == open_survey(two_tables, hints).read(names)
    assert not open_survey(packed, hints).by_slices


def test_an_element_that_is_not_there_tells_how_many_there_are(tmp_path: Path):
    Table({"FPARAM": np.ones((3, 9)), "ID": np.arange(3)}).write(tmp_path / "a.fits")
    survey = open_survey(tmp_path / "a.fits")
    survey.require(["FPARAM[0]", "FPARAM[8]"])
    with pytest.raises(SurveyError, match=r"a\.fits has no FPARAM\[9\]: .* 9 values a row, FPARAM\[0\] to FPARAM\[8\]"):
        survey.require(["FPARAM[9]"])
    with pytest.raises(SurveyError, match=r"a\.fits: column 'FPARAM' holds 9 values a row"):
        survey.require(["FPARAM"])
    with pytest.raises(SurveyError, match=r"a\.fits: column 'ID' holds one value a row"):
        survey.require(["ID[0]"])
    with pytest.raises(SurveyError, match=r"Did you mean 'FPARAM'\?"):
        survey.require(["FPARM[0]"])


def test_complex_numbers_and_lists_of_any_length_are_refused_only_where_they_are_read(tmp_path: Path):
    columns = [
        fits.Column("list", "PJ()", array=np.array([np.arange(2), np.arange(3)], dtype=object)),
        fits.Column("z", "C", array=np.array([1j, 2])),
        fits.Column("id", "J", array=[1, 2]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "a.fits")
    survey = open_survey(tmp_path / "a.fits")
    assert survey.read(["id"]).to_pydict() == {"id": [1, 2]}
    for name in ("list", "z"):
        with pytest.raises(SurveyError, match=rf"a\.fits: column '{name}'.* holds (complex|lists)"):
            survey.read([name])


def test_a_compressed_table_is_refused_with_the_remedy(tmp_path: Path):
    table = fits.BinTableHDU(Table({"a": [1]}))
    table.header["ZTABLE"] = True
    table.writeto(tmp_path / "a.fits.fz")
    with pytest.raises(SurveyError, match=r"a\.fits\.fz: its table is compressed .* funpack"):
        open_survey(tmp_path / "a.fits.fz")


def test_a_file_without_a_binary_table_is_refused(tmp_path: Path):
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(np.zeros((9, 9)))]).writeto(tmp_path / "a.fits")
    with pytest.raises(SurveyError, match=r"a\.fits: it holds no binary table"):
        open_survey(tmp_path / "a.fits")


def test_a_header_without_end_is_told_as_a_cut(tmp_path: Path, two_tables: Path):
    (tmp_path / "b.fits").write_bytes(two_tables.read_bytes().replace(b"END" + b" " * 77, b"ENX" + b" " * 77))
    with pytest.raises(SurveyError, match=r"b\.fits is cut off"):
        open_survey(tmp_path / "b.fits")


def test_a_table_of_many_parts_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(survey_fits, "BYTES_AT_ONCE", 50)
    Table({"a": np.arange(N), "b": [f"{n:03d}" for n in range(N)]}).write(tmp_path / "a.fits")
    read = open_survey(tmp_path / "a.fits").read(["b", "a"], 3, 98)
    assert read == pa.table({"b": [f"{n:03d}" for n in range(3, 98)], "a": np.arange(3, 98)})


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
