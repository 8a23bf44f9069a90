"""What README says of other programs: they read catalogues, pairs and maps, with the same values and units."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Column, Table, vstack

from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import read_parquet
from tests.end_to_end.conftest import Finished

CATALOGUES = ("mock_a", "mock_a_on_mock_b", "merged")
TABLES = ("pairs/mock_a_mock_b.parquet", "products/map_edge_on.parquet", "products/map_face_on.parquet")
pytestmark = [
    pytest.mark.slow,
    # nested-pandas 0.7 calls drop(inplace=True) on its own frames, which pandas 3.1 deprecates: theirs to fix
    pytest.mark.filterwarnings("ignore:The inplace keyword in NestedFrame:DeprecationWarning"),
]


@pytest.fixture(params=CATALOGUES)
def catalogue(request: pytest.FixtureRequest, demo: Finished) -> Catalogue:
    assert demo.code == 0, demo.text
    return open_catalogue(paths.catalogue(demo.output, request.param))


@pytest.fixture(params=TABLES)
def table(request: pytest.FixtureRequest, demo: Finished) -> Path:
    return demo.output / request.param


def values(column: pa.ChunkedArray | Column) -> list:
    """Return the values of a column of pyarrow or astropy; None where it has none."""
    return [None if x != x else x for x in (column.tolist() if isinstance(column, Column) else column.to_pylist())]


def in_order(table: pa.Table) -> dict[str, list]:
    """Return the columns in the order of the keys of the stars."""
    rows = table.take(np.argsort(table["STAR_KEY"].to_numpy(), kind="stable"))
    return {name: values(rows[name]) for name in rows.column_names}


def test_pyarrow_and_pandas_read_the_folder_of_a_catalogue(catalogue: Catalogue):
    pandas = pytest.importorskip("pandas")
    expected = in_order(catalogue.read())
    read = pq.read_table(catalogue.folder / "dataset", partitioning=None)
    assert in_order(read) == expected
    assert {f.name: f.metadata.get(b"unit", b"").decode() for f in read.schema} == {
        c.name: c.unit for c in catalogue.columns
    }
    frame = pandas.read_parquet(catalogue.folder / "dataset")
    assert set(frame.columns) - set(expected) == {"Norder", "Dir"}  # of the folders' names
    assert in_order(pa.Table.from_pandas(frame, preserve_index=False).select(list(expected))) == expected


def test_polars_reads_a_catalogue(catalogue: Catalogue):
    polars = pytest.importorskip("polars")
    read = polars.read_parquet(catalogue.folder / "dataset" / "**" / "*.parquet", hive_partitioning=False)
    assert in_order(read.to_arrow()) == in_order(catalogue.read())


def test_duckdb_reads_a_catalogue(catalogue: Catalogue):
    duckdb = pytest.importorskip("duckdb")
    files = catalogue.folder / "dataset" / "**" / "*.parquet"
    read = duckdb.sql(f"SELECT * FROM read_parquet('{files}', hive_partitioning = false)").to_arrow_table()
    assert in_order(read) == in_order(catalogue.read())


def test_astropy_reads_partitions_with_units_and_meanings(catalogue: Catalogue):
    stars = vstack([Table.read(catalogue.path(pixel), format="parquet.votable") for pixel in catalogue.pixels])
    assert len(stars) == catalogue.n_rows
    expected = catalogue.read()
    for column in catalogue.columns:
        found = stars[column.name]
        assert str(found.unit or "") == str(u.Unit(column.unit) if column.unit else "")
        assert (found.description or "") == column.description
        if not expected[column.name].null_count:  # astropy makes a float of whole numbers of which some are missing
            assert values(found) == values(expected[column.name])


def test_lsdb_reads_a_catalogue_with_its_margin(catalogue: Catalogue):
    lsdb = pytest.importorskip("lsdb")
    if catalogue.name != "mock_a":  # has no margin: it is the survey as it came
        joined = lsdb.open_catalog(paths.collection(catalogue.folder))
        assert joined.margin is not None
        assert 4 < len(joined.columns) < len(catalogue.columns) / 2
        assert len(joined) == catalogue.n_rows
    frame = lsdb.open_catalog(catalogue.folder, columns="all").compute(progress_bar=False)
    read = pa.Table.from_pandas(frame.reset_index(), preserve_index=False)
    assert in_order(read) == in_order(catalogue.read())


def test_lsdb_matches_catalogues_across_borders_without_a_warning(demo: Finished):
    lsdb = pytest.importorskip("lsdb")
    own = [paths.catalogue(demo.output, name) for name in ("mock_a_on_mock_b", "merged")]
    left, right = lsdb.open_catalog(own[0], columns="all"), lsdb.open_catalog(paths.collection(own[1]), columns="all")
    pairs = left.crossmatch(right, radius_arcsec=10, suffixes=("", "_m"), suffix_method="all_columns")
    found = pairs.compute(progress_bar=False)
    stars = [open_catalogue(folder).read() for folder in own]
    places = [SkyCoord(part["ra"].to_numpy(), part["dec"].to_numpy(), unit="deg") for part in stars]
    near, apart, _ = places[0].match_to_catalog_sky(places[1])
    paired = apart <= 10 * u.arcsec
    expected = zip(stars[0]["STAR_KEY"].to_numpy()[paired], stars[1]["STAR_KEY"].to_numpy()[near[paired]], strict=True)
    assert set(zip(found["STAR_KEY"], found["STAR_KEY_m"], strict=True)) == set(expected)
    assert len(found) == paired.sum() > 100


def test_every_reader_opens_the_tables(table: Path):
    polars, duckdb, pandas = (pytest.importorskip(name) for name in ("polars", "duckdb", "pandas"))
    expected = read_parquet(table)
    for read in (
        polars.read_parquet(table).to_arrow(),
        duckdb.sql(f"SELECT * FROM '{table}'").to_arrow_table(),
        pa.Table.from_pandas(pandas.read_parquet(table), preserve_index=False),
    ):
        assert {name: values(read[name]) for name in read.column_names} == {
            name: values(expected[name]) for name in expected.column_names
        }
    described = Table.read(table, format="parquet.votable")
    for field in expected.schema:
        unit = (field.metadata or {}).get(b"unit", b"").decode()
        assert str(described[field.name].unit or "") == str(u.Unit(unit) if unit else "")
        assert field.type == pa.string() or values(described[field.name]) == values(expected[field.name])
    assert any(column.unit for column in described.itercols())
