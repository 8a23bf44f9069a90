"""Units, UCDs and meanings of columns as a VOTable in the header of a Parquet file.

The convention is VOParquet 1.0 (IVOA Note of January 2025), which TOPCAT reads, and astropy's
`Table.read(file, format="parquet.votable")`.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from xml.etree import ElementTree as ET

from astropy import units as u

from stdask.schema import Column

# Readers take the types of the Parquet columns. astropy 8 stacks the data below a table without rows of these types,
# so that a wider type would widen the data, and a signed one would make 64 unsigned bits a float.
DATATYPES = {
    "bool": "boolean",
    "int8": "short",
    "uint8": "unsignedByte",
    "int16": "short",
    "uint16": "int",
    "int32": "int",
    "uint32": "long",
    "int64": "long",
    "uint64": "unsignedByte",
    "float16": "float",
    "float32": "float",
    "float64": "double",
    "string": "unicodeChar",
}
QUOTED = {"dex": "'dex'"}  # The VOUnit standard does not have it, and wants such units in quotes.


def votable_metadata(columns: Iterable[Column]) -> dict[str, str]:
    """Return units, UCDs and meanings of columns as key-value pairs of a Parquet file; the same bytes each time."""
    return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": _votable(tuple(columns))}


@cache  # Every partition of a catalogue has the same columns.
def _votable(columns: tuple[Column, ...]) -> str:
    root = ET.Element("VOTABLE", version="1.4", xmlns="http://www.ivoa.net/xml/VOTable/v1.3")
    table = ET.SubElement(ET.SubElement(root, "RESOURCE", type="results"), "TABLE")
    for column in columns:
        datatype = DATATYPES.get(column.dtype, "char")  # as the convention recommends for types like no other
        # astropy cannot stack text below text of any length
        text = {"arraysize": "1"} if datatype in ("unicodeChar", "char") else {}
        add_field(table, column, {"datatype": datatype} | text)
    ET.indent(root, space="")
    return ET.tostring(root, encoding="unicode")


def add_field(table: ET.Element, column: Column, datatype: Mapping[str, str]) -> None:
    """Add the FIELD of a column to a TABLE.

    Parameters
    ----------
    table, column
        The element, and what it gets.
    datatype
        Attributes that say how the values are stored.
    """
    attributes = {"name": column.name, **datatype, "unit": vounit(column.unit), "ucd": column.ucd}
    field = ET.SubElement(table, "FIELD", {key: value for key, value in attributes.items() if value})
    if column.description:
        ET.SubElement(field, "DESCRIPTION").text = column.description


def vounit(unit: str) -> str:
    """Return a unit as the VOUnit standard spells it, empty if it cannot; the field of the column has it as it is."""
    try:
        return QUOTED.get(unit) or u.Unit(unit).to_string("vounit")
    except ValueError:
        return ""
