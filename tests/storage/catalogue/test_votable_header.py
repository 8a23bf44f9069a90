"""The VOTable header of Parquet files, as astropy reads it."""

import io
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units as u
from astropy.io import votable
from astropy.table import Table

from stdask.schema import Column
from stdask.storage.catalogue import votable_header
from stdask.storage.catalogue.votable_header import DATATYPES, votable_metadata
from stdask.storage.tables import to_table, write_parquet

CONTENT = "IVOA.VOTable-Parquet.content"
COLUMNS = (
    Column("id", "string", "", "meta.id;meta.main", "Id with < and & in its meaning"),
    Column("TEFF", "float32", "K", "phys.temperature.effective", "Effective temperature"),
    Column("RV", "float64", "km s-1", "spect.dopplerVeloc"),
    Column("FE_H", "float32", "dex", "phys.abund.Z", "Iron abundance"),
    Column("odd", "float32", "furlong2"),
)
# astropy stacks two types to the one that holds both
WIDENED = {"int8": "int16", "uint16": "int32", "uint32": "int64", "float16": "float32"}


def read_back(path: Path, columns: tuple[Column, ...], data: dict) -> Table:
    write_parquet(path, to_table(columns, data), header=votable_metadata(columns))
    return Table.read(path, format="parquet.votable")


def test_astropy_reads_units_and_meanings(tmp_path: Path):
    data = {column.name: np.array([1.5, 2.5]) for column in COLUMNS} | {"id": np.array(["a", "2M00000000+"])}
    table = read_back(tmp_path / "t.parquet", COLUMNS, data)
    assert table["id"].tolist() == ["a", "2M00000000+"]
    assert (table["TEFF"].unit, table["RV"].unit) == (u.K, u.km / u.s)
    assert str(table["FE_H"].unit) == "dex"  # a unit of its own in VOUnit
    assert [table[c.name].description for c in COLUMNS] == [c.description or None for c in COLUMNS]


def test_a_unit_that_vounit_cannot_spell_stays_in_the_field_alone(tmp_path: Path):
    data = {column.name: np.ones(1) for column in COLUMNS} | {"id": np.array(["a"])}
    assert read_back(tmp_path / "t.parquet", COLUMNS, data)["odd"].unit is None
    assert pq.read_schema(tmp_path / "t.parquet").field("odd").metadata[b"unit"] == b"furlong2"


@pytest.mark.parametrize("dtype", [name for name in DATATYPES if name != "string"])
def test_values_of_every_type_are_read_back_to_the_bit(dtype: str, tmp_path: Path):
    kind = np.dtype(dtype)
    limits = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind) if kind.kind in "iu" else None
    values = np.array([False, True] if limits is None else [limits.min, 0, limits.max - limits.max % 2], dtype=kind)
    found = read_back(tmp_path / "t.parquet", (Column("x", dtype),), {"x": values})["x"]
    assert found.dtype == WIDENED.get(dtype, dtype)
    assert found.tolist() == values.tolist()


def test_the_header_is_a_valid_votable_with_the_ucds():
    metadata = votable_metadata(COLUMNS)
    assert metadata["IVOA.VOTable-Parquet.version"] == "1.0"
    header = votable.parse(io.BytesIO(metadata[CONTENT].encode()), verify="exception").get_first_table()
    assert {field.name: field.ucd for field in header.fields} == {c.name: c.ucd or None for c in COLUMNS}


def test_it_is_made_once_for_all_partitions_and_the_same_each_time(monkeypatch: pytest.MonkeyPatch):
    first = votable_metadata(COLUMNS)
    u.Unit("'dex'", format="vounit")  # astropy remembers units in quotes, and would spell them otherwise from then on
    votable_header._votable.cache_clear()
    assert votable_metadata(iter(COLUMNS)) == first
    monkeypatch.setattr(votable_header, "vounit", None)
    assert votable_metadata(COLUMNS) == first


def test_a_type_that_votable_does_not_have_is_called_text():
    header = votable.parse(io.BytesIO(votable_metadata([Column("day", "date32[day]")])[CONTENT].encode()))
    assert header.get_first_table().fields[0].datatype == "char"
