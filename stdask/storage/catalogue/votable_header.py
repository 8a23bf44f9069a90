"""Units, UCDs and meanings of columns as a VOTable header of Parquet files: the VOParquet convention of the IVOA."""

import io
from collections.abc import Iterable

from astropy import units as u
from astropy.io.votable import from_table
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from stdask.schema import Column

# types that VOTable does not know: its header names the next wider one, the Parquet field the true one
VOTABLE_TYPES = {"string": "U1", "uint64": "int64", "uint32": "int64", "uint16": "int32", "int8": "int16"}
VOTABLE_TYPES |= {"float16": "float32"}


def votable_metadata(columns: Iterable[Column]) -> dict[str, str]:
    """Return units, UCDs and meanings as a VOTable header: the VOParquet convention of IVOA."""
    table = Table()
    for column in columns:
        dtype = VOTABLE_TYPES.get(column.dtype, column.dtype)
        table[column.name] = AstropyColumn([], dtype=dtype, unit=_vounit(column.unit), description=column.description)
    votable = from_table(table)
    ucds = {column.name: column.ucd for column in columns}
    for field in votable.get_first_table().fields:
        field.ucd = ucds[field.name] or None
    xml = io.BytesIO()
    votable.to_xml(xml)
    return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": xml.getvalue().decode()}


def _vounit(unit: str) -> str | None:
    """Return a unit if the VOUnit standard has it: it knows no dex, which stays in the fields' own metadata."""
    try:
        return u.Unit(unit).to_string("vounit") or None
    except ValueError:
        return None
