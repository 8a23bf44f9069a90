"""Tables for the CDS, read by astropy together with their ReadMe."""

import re
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.table import Table

from stdask import schema
from stdask.errors import CatalogueError, ConfigError
from stdask.schema import Column
from stdask.science.measurements.expressions import parse_expression
from stdask.science.sky.healpix import Pixel
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_catalogue, write_partition
from stdask.storage.export import write_cds_export
from stdask.storage.tables import to_table
from tests.storage.export.stars import COLUMNS, EPOCH, PROVENANCE, write_stars

LABELS = {"_healpix_29": "HEALPix", "ra": "RAdeg", "dec": "DEdeg"}
DIGITS = {pa.float32(): 7, pa.float64(): 12}


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return write_stars(tmp_path_factory.mktemp("catalogue") / "stars")


@pytest.fixture(scope="module")
def folder(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cds")
    assert write_cds_export(folder / "table.dat", catalogue, provenance=PROVENANCE) == 300
    assert sorted(path.name for path in folder.iterdir()) == ["ReadMe", "table.dat"]
    return folder


def read(folder: Path, name: str = "table.dat") -> Table:
    return Table.read(folder / name, readme=folder / "ReadMe", format="ascii.cds")


def small(folder: Path, **columns: pa.Array | np.ndarray) -> Catalogue:
    """Write a catalogue of one partition: the columns, of the types of their arrays."""
    n_stars = len(next(iter(columns.values())))
    kinds = {"double": "float64", "float": "float32"}
    declared = [Column(name, kinds.get(str(a.type), str(a.type))) for name, a in columns.items()]
    table = to_table([schema.HEALPIX, *declared], {"_healpix_29": np.arange(n_stars), **columns})
    write_partition(folder, Pixel(0, 0), table, {})
    return finish_catalogue(folder, "small", [schema.HEALPIX, *declared], {Pixel(0, 0): n_stars}, {})


def test_values_are_those_of_the_catalogue_to_the_written_digits(folder: Path, catalogue: Catalogue):
    back, stars = read(folder), catalogue.read()
    assert back.colnames == [LABELS.get(name, name) for name in stars.column_names]
    for name in stars.column_names:
        column, own = stars[name], np.ma.asarray(back[LABELS.get(name, name)])
        missing = np.array([v in (None, "") or v != v for v in column.to_pylist()])
        np.testing.assert_array_equal(np.ma.getmaskarray(own), missing, err_msg=name)
        expected = np.array([v for v, m in zip(column.to_pylist(), missing, strict=True) if not m])
        values = np.ma.getdata(own)[~missing]
        if column.type in DIGITS:
            # half a unit of the last digit of the largest value, which has 7 or 12 digits and begins with 1 or more
            np.testing.assert_allclose(
                values, expected, atol=0.51 * 10 ** (1 - DIGITS[column.type]) * abs(expected).max()
            )
        elif name == "remark":
            assert values.tolist() == [text.replace("é", "?") for text in expected.tolist()]
        else:
            assert values.astype(expected.dtype).tolist() == expected.tolist(), name


def test_units_and_descriptions_are_those_of_the_catalogue(folder: Path):
    back = read(folder)
    for column in COLUMNS:
        own = back[LABELS.get(column.name, column.name)]
        if column.unit == "dex":
            assert own.unit in (u.dex, u.dex(u.cm / u.s**2))
        elif column.unit != "furlong/jiffy":
            assert own.unit == (u.Unit(column.unit) if column.unit else None)
        assert column.description.replace("é", "?") in own.description  # after the range, and before the unit
    assert back["LOGG"].unit == u.dex(u.cm / u.s**2)
    assert back["FE_H_PRED_50"].unit == u.dex
    assert back["ew"].description.endswith("[furlong/jiffy]")


def test_the_files_keep_to_the_standard(folder: Path):
    readme = (folder / "ReadMe").read_bytes().decode("ascii")
    assert max(map(len, readme.splitlines())) <= 80
    assert "\nA test\n" in readme
    assert "    J?nsson et al. 2020, AJ 160, 120\n" in readme
    assert f"at the epoch J{EPOCH}" in " ".join(readme.split())
    for place in ("FIRST AUTHOR", "BIBCODE", "ABSTRACT OF THE PAPER", "E-MAIL"):  # for the user to fill in
        assert place in readme
    assert "$" not in readme
    lines = (folder / "table.dat").read_bytes().decode("ascii").splitlines()
    (width,) = {len(line) for line in lines}
    assert re.search(rf"table\.dat +{width} +{len(lines)} ", readme)


def test_columns_and_rows_are_chosen(catalogue: Catalogue, tmp_path: Path):
    where = parse_expression("GOOD and not isnan(TEFF)")
    n_rows = write_cds_export(tmp_path / "a.dat", catalogue, ["survey_id", "TEFF", "GOOD"], where)
    back = read(tmp_path, "a.dat")
    assert (len(back), back.colnames) == (n_rows, ["survey_id", "TEFF", "GOOD"])
    assert set(back["GOOD"].tolist()) == {1}


@pytest.mark.parametrize(
    ("values", "form"),
    [
        ([0.0, 0.0], "F8.6"),
        ([1e-30, 2e30], "E15.7"),
        ([3e-12, 5e-12], "E15.7"),
        ([1234567.0, 1.0], "F9.1"),
        ([-0.5, 0.25], "F10.7"),
        ([None, None], "F8.6"),
    ],
)
def test_decimals_fit_the_values(tmp_path: Path, values: list[float], form: str):
    array = pa.array([np.nan if v is None else v for v in values], pa.float32())
    write_cds_export(tmp_path / "a.dat", small(tmp_path / "small", x=array))
    assert f" {form} " in (tmp_path / "ReadMe").read_text()
    back = np.ma.filled(np.ma.asarray(read(tmp_path, "a.dat")["x"]).astype(float), np.nan)
    np.testing.assert_allclose(back, array.to_numpy(), rtol=1e-6, atol=5.1e-7 * np.nanmax([1e-30, *np.abs(array)]))


def test_a_number_that_rounds_to_one_digit_more_has_room(tmp_path: Path):
    write_cds_export(tmp_path / "a.dat", small(tmp_path / "small", x=pa.array([9.9999999999999, -1.0])))
    assert " F14.11 " in (tmp_path / "ReadMe").read_text()
    assert read(tmp_path, "a.dat")["x"].tolist() == [10.0, -1.0]


def test_integers_of_any_sign_and_length_are_exact(tmp_path: Path):
    columns = {
        "a": pa.array([-(2**63), 2**63 - 1, None], pa.int64()),
        "b": pa.array([2**64 - 1, 0, None], pa.uint64()),
        "c": pa.array([None, None, None], pa.int32()),
        "d": pa.array([-7, None, 12], pa.int8()),
    }
    write_cds_export(tmp_path / "a.dat", small(tmp_path / "small", **columns))
    back = read(tmp_path, "a.dat")
    for name, expected in columns.items():
        assert [None if v is np.ma.masked else int(v) for v in back[name]] == expected.to_pylist(), name


def test_a_line_end_in_a_text_does_not_end_the_line(tmp_path: Path):
    catalogue = small(tmp_path / "small", x=pa.array(["a\nb", "c\td", None]))
    write_cds_export(tmp_path / "a.dat", catalogue)
    assert [str(v) for v in read(tmp_path, "a.dat")["x"]] == ["a b", "c d", "--"]


def test_what_is_wrong_is_said(catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"end in \.dat, and .*a\.txt does not"):
        write_cds_export(tmp_path / "a.txt", catalogue)
    infinite = small(tmp_path / "small", x=pa.array([1.0, np.inf]))
    with pytest.raises(CatalogueError, match=r"'x' has infinite values.*--where 'isfinite\(x\)'"):
        write_cds_export(tmp_path / "a.dat", infinite)
    assert write_cds_export(tmp_path / "a.dat", infinite, where=parse_expression("isfinite(x)")) == 1
    monkeypatch.setitem(sys.modules, "cdspyreadme", None)
    with pytest.raises(ConfigError, match=r"pip install 'stdask\[cds\]'"):
        write_cds_export(tmp_path / "b.dat", catalogue)
    assert not (tmp_path / "b.dat").exists()
