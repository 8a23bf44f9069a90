"""Exports of one catalogue to every format, each read by the programs that it is for."""

import io
import shutil
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from stdask.errors import CatalogueError, ConfigError, ExpressionError
from stdask.science.measurements.expressions import parse_expression
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_catalogue
from stdask.storage.export import FORMATS, write_export
from tests.storage.export.stars import COLUMNS, EPOCH, PROVENANCE, assert_same, write_stars

READERS = {  # of astropy, with every warning an error
    ".fits": Table.read,
    ".fits.gz": Table.read,
    ".parquet": lambda path: Table.read(path, format="parquet.votable"),
    ".vot": Table.read,
    ".ecsv": Table.read,
}

# columns with missing values that astropy 8 makes something else of: False with a warning in FITS; in Parquet it fails
# for logicals, makes floats of integers and "None" of text
BEYOND_ASTROPY = {".fits": ["variable"], ".fits.gz": ["variable"]}
BEYOND_ASTROPY[".parquet"] = ["variable", "SOURCE_ID", "visits", "survey_id", "remark"]


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return write_stars(tmp_path_factory.mktemp("catalogue") / "stars")


@pytest.fixture(scope="module")
def files(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exports")
    for ending in FORMATS:
        assert write_export(folder / f"stars{ending}", catalogue, provenance=PROVENANCE) == catalogue.n_rows
    assert len(list(folder.iterdir())) == len(FORMATS)  # no file half-written or forgotten
    return folder


@pytest.mark.parametrize("ending", READERS)
def test_astropy_reads_all_values(files: Path, catalogue: Catalogue, tmp_path: Path, ending: str):
    path, stars = files / f"stars{ending}", catalogue.read()
    if ending in BEYOND_ASTROPY:
        stars = stars.select([name for name in stars.column_names if name not in BEYOND_ASTROPY[ending]])
        path = tmp_path / path.name
        write_export(path, catalogue, stars.column_names, provenance=PROVENANCE)
    back = READERS[ending](path)
    assert_same(back, stars, ascii_text=ending.startswith(".fits"))


@pytest.mark.parametrize("ending", READERS)
def test_astropy_reads_units_and_descriptions(catalogue: Catalogue, tmp_path: Path, ending: str):
    names = [column.name for column in COLUMNS if column.name != "variable"]
    write_export(tmp_path / f"a{ending}", catalogue, names)
    back = READERS[ending](tmp_path / f"a{ending}")
    for column in (column for column in COLUMNS if column.name in names):
        description = " ".join((back[column.name].description or "").split())  # VOTables break lines
        unit = back[column.name].unit
        if column.unit in ("dex", "furlong/jiffy") and ending.startswith(".fits"):
            assert (description, unit) == (f"{column.description} [{column.unit}]", None)
            continue
        expected = column.description.replace("é", "?") if ending.startswith(".fits") else column.description
        assert description == expected
        if column.unit in ("dex", "furlong/jiffy"):  # a dex by name alone where the standard has no dex
            assert str(unit or "") in (column.unit, "")
            assert unit is not None or column.unit != "dex"
        else:
            assert unit == (u.Unit(column.unit) if column.unit else None)


def test_the_fits_file_is_standard_and_says_where_it_comes_from(files: Path):
    with fits.open(files / "stars.fits", checksum=True) as hdus:  # a wrong sum would be a warning
        hdus.verify("exception")
        primary, header = hdus[0].header, hdus[1].header
    assert primary["CREATOR"].startswith("stdask ")
    assert primary["TITLE"] == "A test"
    assert primary["REFERENC"] == "J\\xf6nsson et al. 2020, AJ 160, 120"  # headers hold ASCII alone
    assert primary["STAGEKEY"] == PROVENANCE["stage_key"]
    assert "CHECKSUM" in primary
    assert int(header["DATASUM"]) > 0
    assert header["REFEPOCH"] == EPOCH
    assert header["RADESYS"] == "ICRS"
    assert (files / "stars.fits").stat().st_size % 2880 == 0


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_catalogue_gives_the_same_bytes(files: Path, catalogue: Catalogue, tmp_path: Path, ending: str):
    write_export(tmp_path / f"again{ending}", catalogue, provenance=PROVENANCE)
    assert (tmp_path / f"again{ending}").read_bytes() == (files / f"stars{ending}").read_bytes()


def test_a_votable_has_ucds_the_frame_and_the_provenance(files: Path):
    document = parse(files / "stars.vot", verify="exception")
    table = document.get_first_table()
    assert [field.ucd or "" for field in table.fields] == [column.ucd for column in COLUMNS]
    (frame,) = document.resources[0].coordinate_systems
    assert (frame.system, frame.epoch) == ("ICRS", f"J{EPOCH}")
    assert {field.name for field in table.fields if field.ref == frame.ID} == {
        "ra", "dec", "PMRA", "PMRA_ERR", "PMDEC", "PMDEC_ERR",
    }  # fmt: skip
    infos = {info.name: info.value for info in document.resources[0].infos}
    assert PROVENANCE.items() <= infos.items()


def test_an_ecsv_file_has_the_provenance_and_the_epoch(files: Path):
    meta = Table.read(files / "stars.ecsv").meta
    assert PROVENANCE.items() <= meta.items()
    assert meta["epoch"] == EPOCH


def test_pandas_polars_and_duckdb_read_the_parquet_file(files: Path, catalogue: Catalogue):
    path, stars = files / "stars.parquet", catalogue.read()
    pd.testing.assert_frame_equal(pq.read_table(path).to_pandas(), stars.to_pandas())
    assert pa.Table.from_pandas(pd.read_parquet(path, dtype_backend="pyarrow"))["SOURCE_ID"].equals(stars["SOURCE_ID"])
    assert pl.read_parquet(path)["remark"].to_list() == stars["remark"].to_pylist()
    mean = duckdb.sql(f"select avg(TEFF_ERR), count(visits) from '{path}'").fetchall()
    assert mean == [(20.0, stars["visits"].is_valid().to_numpy().sum())]
    metadata = pq.read_metadata(path).metadata
    assert metadata[b"stdask.stage_key"].decode() == PROVENANCE["stage_key"]
    assert pq.read_schema(path).field("TEFF").metadata[b"unit"] == b"K"
    assert pq.read_metadata(path).num_row_groups == len(catalogue.pixels)


def test_pandas_reads_the_csv_file_at_once(files: Path, catalogue: Catalogue):
    stars = catalogue.read()
    back = pd.read_csv(files / "stars.csv", keep_default_na=False, na_values=[""], dtype_backend="numpy_nullable")
    assert list(back) == stars.column_names
    for name in stars.column_names:
        values = [None if v is pd.NA else v for v in back[name].tolist()]
        expected = [None if v in ("",) or v != v else v for v in stars[name].to_pylist()]
        if stars.schema.field(name).type == pa.float32():
            values = [None if v is None else float(np.float32(v)) for v in values]
        assert values == expected, name


@pytest.mark.skipif(shutil.which("stilts") is None, reason="STILTS, the library of TOPCAT, is not installed")
@pytest.mark.parametrize("ending", [".fits", ".vot", ".csv"])
def test_topcat_sees_the_same_table(files: Path, catalogue: Catalogue, ending: str):
    command = ["stilts", "tpipe", f"in={files / f'stars{ending}'}", "ofmt=csv"]
    if ending == ".csv":
        command.append("ifmt=csv")
    csv = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout
    back = pd.read_csv(io.StringIO(csv))
    stars = catalogue.read()
    assert list(back) == stars.column_names
    np.testing.assert_array_equal(back["STAR_KEY"], stars["STAR_KEY"].to_numpy())
    np.testing.assert_array_equal(back["TEFF"].astype("float32"), stars["TEFF"].to_numpy())
    np.testing.assert_array_equal(back["visits"].isna(), stars["visits"].is_null())
    if ending == ".csv":
        return
    command = [*command[:3], "cmd=meta Name Units UCD Description", "ofmt=csv"]
    meta = pd.read_csv(
        io.StringIO(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout),
        keep_default_na=False,
    )
    assert meta["UCD"].tolist() == [column.ucd for column in COLUMNS]
    long = meta["Description"][meta["Name"] == "FE_H_PRED_ERR"].item()
    assert "NOT the error of FE_H_PRED_50" in long
    assert meta["Units"][meta["Name"] == "TEFF"].item() == "K"


@pytest.mark.parametrize("ending", FORMATS)
def test_columns_and_rows_are_chosen(catalogue: Catalogue, tmp_path: Path, ending: str):
    path = tmp_path / f"few{ending}"
    where = parse_expression("GOOD and TEFF > 4700 and visits != 3 and SOURCE_ID > 0")
    stars = catalogue.read()
    frame = stars.to_pandas()
    chosen = (
        frame["GOOD"]
        & (frame["TEFF"] > 4700)
        & frame["visits"].notna()
        & (frame["visits"] != 3)
        & frame["SOURCE_ID"].notna()
    ).to_numpy()
    assert 0 < chosen.sum() < 150
    assert write_export(path, catalogue, ["remark", "TEFF", "survey_id"], where) == chosen.sum()
    expected = stars.select(["remark", "TEFF", "survey_id"]).filter(pa.array(chosen))
    if ending == ".csv":
        assert pd.read_csv(path)["TEFF"].astype("float32").tolist() == expected["TEFF"].to_pylist()
    else:
        back = READERS[ending](path)
        np.testing.assert_array_equal(back["TEFF"], expected["TEFF"].to_numpy())
        assert back.colnames == expected.column_names


def test_a_missing_logical_is_null_in_fits(files: Path, catalogue: Catalogue):
    with fits.open(files / "stars.fits", logical_as_bytes=True) as hdus:
        values = hdus[1].data["variable"]
    expected = [{None: b"", True: b"T", False: b"F"}[v] for v in catalogue.read()["variable"].to_pylist()]
    assert values.tolist() == expected
    assert b"" in expected


def test_text_is_as_wide_as_the_rows_that_are_written(catalogue: Catalogue, tmp_path: Path):
    write_export(tmp_path / "a.fits", catalogue, ["remark"], parse_expression("remark == 'a, b'"))
    assert fits.getheader(tmp_path / "a.fits", 1)["TFORM1"] == "4A"


@pytest.mark.parametrize("name", ["stars.csvx", "stars", "stars.fit", "stars.txt", ".fits", "stars.parquet.gz"])
def test_other_endings_are_refused(catalogue: Catalogue, tmp_path: Path, name: str):
    with pytest.raises(ConfigError, match=r"no known format.*\.fits, .*\.parquet, \.vot, \.ecsv, \.csv"):
        write_export(tmp_path / name, catalogue)
    assert list(tmp_path.iterdir()) == []


WRONG = {
    ("TEF",): (None, CatalogueError, r"stars has no column 'TEF'\. Did you mean 'TEFF'"),
    ("ra", "dec", "ra"): (None, ConfigError, "'ra' appears twice in the columns to export"),
    ("ra",): ("TEFF > 'hot'", ExpressionError, "compares a number with text"),
    ("dec",): ("GOOOD", ExpressionError, "Did you mean 'GOOD'"),
    ("TEFF",): ("TEFF", ExpressionError, "is no condition"),
    ("LOGG",): ("TEFF > 1e9", ExpressionError, r"No star of the catalogue 'stars' fulfils 'TEFF > 1e9' \(300 were"),
}


@pytest.mark.parametrize(("columns", "wrong"), WRONG.items())
def test_what_is_wrong_is_said_before_anything_is_written(
    catalogue: Catalogue, tmp_path: Path, columns: tuple[str, ...], wrong: tuple
):
    where, error, message = wrong
    with pytest.raises(error, match=message):
        write_export(tmp_path / "a.csv", catalogue, columns, parse_expression(where) if where else None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ending", READERS)
def test_a_catalogue_without_rows_is_a_table_without_rows(tmp_path: Path, ending: str):
    empty = finish_catalogue(tmp_path / "stars", "stars", COLUMNS, {}, {})
    assert write_export(tmp_path / f"a{ending}", empty) == 0
    back = READERS[ending](tmp_path / f"a{ending}")
    assert (len(back), back.colnames) == (0, [column.name for column in COLUMNS])


@pytest.mark.parametrize("ending", FORMATS)
def test_an_interrupted_export_leaves_the_file_as_it_was(tmp_path: Path, ending: str):
    catalogue = write_stars(tmp_path / "stars", 100, 30)
    catalogue.path(catalogue.pixels[-1]).write_bytes(b"damaged")
    path = tmp_path / f"a{ending}"
    path.write_text("mine")
    with pytest.raises(CatalogueError):
        write_export(path, catalogue, ["ra"])
    assert path.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, "stars"]


def test_missing_keys_are_refused_where_fits_cannot_hold_them(catalogue: Catalogue, tmp_path: Path):
    columns = tuple(c for c in COLUMNS if c.name == "STAR_KEY")
    table = pa.table({"STAR_KEY": pa.array([1, None], pa.uint64())})
    lacking = Catalogue(tmp_path, "stars", {}, columns)
    object.__setattr__(lacking, "rows", dict.fromkeys(catalogue.pixels[:1], 2))
    path = lacking.path(catalogue.pixels[0])
    path.parent.mkdir(parents=True)
    pq.write_table(table, path)
    with pytest.raises(CatalogueError, match="'STAR_KEY' has 1 missing values, which FITS"):
        write_export(tmp_path / "a.fits", lacking)
