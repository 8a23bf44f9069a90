"""Parquet tables: values, units and missing things as they were."""

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
from stdask.schema import Column
from stdask.storage.tables import (
    in_groups,
    read_parquet,
    to_column,
    to_field,
    to_masked,
    to_numpy,
    to_table,
    write_parquet,
)
from tests.storage.sky import COLUMNS, star_data


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_parquet(tmp_path / "t.parquet", to_table(COLUMNS, star_data(50)), {"stdask.key": "abc"})
    return tmp_path / "t.parquet"


def test_a_table_comes_back_bit_for_bit_with_its_columns(path: Path):
    written, back = to_table(COLUMNS, star_data(50)), read_parquet(path)
    assert [to_column(field) for field in back.schema] == list(COLUMNS)
    assert back.schema.metadata[b"stdask.key"] == b"abc"
    for name in written.column_names:
        for a, b in zip(written[name].to_pylist(), back[name].to_pylist(), strict=True):
            assert a == b or (a != a and b != b)  # or NaN both


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: c.name)
def test_a_column_survives_as_a_field(column: Column):
    assert to_column(to_field(column)) == column


def test_nan_stays_nan_and_null_stays_null(path: Path):
    back = read_parquet(path)
    assert np.isnan(back["TEFF"].to_numpy()[3])
    assert back["TEFF"].null_count == 0
    assert back["SOURCE_ID"].null_count == len(range(4, 50, 9))


def test_floats_are_byte_stream_split_and_all_is_zstd(path: Path):
    group = pq.read_metadata(path).row_group(0)
    for number, column in enumerate(COLUMNS):
        chunk = group.column(number)
        assert chunk.compression == "ZSTD"
        assert ("BYTE_STREAM_SPLIT" in chunk.encodings) == column.dtype.startswith("float")


def test_columns_come_in_the_order_asked(path: Path):
    assert read_parquet(path, ["RV", "TEFF"]).column_names == ["RV", "TEFF"]
    assert read_parquet(path, ["RV", "TEFF"], [("GOOD", "==", True)]).column_names == ["RV", "TEFF"]


@pytest.mark.parametrize("filters", [None, [("GOOD", "==", True)]])
def test_a_missing_column_is_named(path: Path, filters: list | None):
    with pytest.raises(CatalogueError, match=r"t\.parquet has no column 'MG_FE'. Remove it and run its stage again\.$"):
        read_parquet(path, ["TEFF", "MG_FE"], filters)


@pytest.mark.parametrize("filters", [None, [("GOOD", "==", True)]])
def test_a_missing_or_damaged_file_is_an_error_with_a_remedy(path: Path, filters: list | None):
    with pytest.raises(CatalogueError, match=r"No file .*u\.parquet. Run the stage"):
        read_parquet(path.with_name("u.parquet"), filters=filters)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CatalogueError, match=r"Cannot read .*t\.parquet.*Remove it"):
        read_parquet(path, filters=filters)


def test_an_interrupted_write_leaves_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write_half(path: Path, _: pa.Schema, **__: object) -> None:
        path.write_bytes(b"PAR1half")
        raise OSError("disk full")

    monkeypatch.setattr(pq, "ParquetWriter", write_half)
    with pytest.raises(OSError, match="disk full"):
        write_parquet(tmp_path / "t.parquet", pa.table({"a": [1]}))
    assert list(tmp_path.iterdir()) == []


def test_missing_values_as_numpy_knows_them():
    table = pa.table({"x": pa.array([1.5, None]), "s": pa.array(["a", None]), "b": pa.array([True, None]), "n": [1, 2]})
    assert_array_equal(to_numpy(table, "x"), [1.5, np.nan])
    assert to_numpy(table, "s").tolist() == ["a", ""]
    assert to_numpy(table, "b").tolist() == [True, False]
    masked = to_masked(table)
    assert masked["x"].mask.tolist() == [False, True]
    assert not np.ma.isMaskedArray(masked["n"])


def test_missing_integers_have_no_number_to_stand_for_them():
    with pytest.raises(CatalogueError, match="'n' has 1 missing integers"):
        to_numpy(pa.table({"n": pa.array([1, None])}), "n")


def test_integers_that_do_not_fit_are_refused_not_wrapped():
    with pytest.raises(pa.ArrowInvalid):
        to_table([Column("n", "int16")], {"n": np.array([70_000])})


def test_a_flipped_bit_is_never_read_as_a_value(tmp_path: Path):
    rng = np.random.default_rng(3)
    path = tmp_path / "stars.parquet"
    table = pa.table({"TEFF": rng.normal(5000, 100, 2000), "LOGG": rng.normal(2, 1, 2000).astype(np.float32)})
    write_parquet(path, table)
    content = path.read_bytes()
    for place in rng.integers(4, len(content) - 8, 60):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with contextlib.suppress(CatalogueError):
            assert read_parquet(path).equals(table)  # a bit of what no value depends on, in the footer


def test_rows_are_grouped_in_their_order():
    tables = [pa.table({"x": np.arange(start, stop)}) for start, stop in [(0, 1), (1, 1), (1, 8), (8, 10)]]
    groups = list(in_groups(tables, 4))
    assert [group["x"].to_pylist() for group in groups] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(in_groups(tables[1:2], 4)) == []
