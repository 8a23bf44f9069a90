"""A VOTable with units, UCDs, descriptions, the epoch of the positions and the provenance.

The rows are written partition by partition in the BINARY2 serialisation (VOTable 1.4, sect. 6.3), so that memory
does not grow with the catalogue.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import __version__
from stdask.schema import Column
from stdask.storage.catalogue.votable_header import add_field
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.files import replacing

# type on disk -> datatype and bytes of a VOTable. It lacks some types: they become the next wider one, and 64 unsigned
# bits become digits
TYPES = {
    "bool": ("boolean", "u1"),
    "uint8": ("unsignedByte", "u1"),
    "int8": ("short", ">i2"),
    "int16": ("short", ">i2"),
    "uint16": ("int", ">i4"),
    "int32": ("int", ">i4"),
    "uint32": ("long", ">i8"),
    "int64": ("long", ">i8"),
    "uint64": ("char", "S20"),
    "float16": ("float", ">f4"),
    "float32": ("float", ">f4"),
    "float64": ("double", ">f8"),
}
PLACE = "rows"  # stands in the document where the rows belong
FRAMED = ("pos.eq.", "pos.pm")  # beginnings of the UCDs of positions and motions


def write_votable(path: Path, excerpt: Excerpt) -> None:
    """Write a VOTable.

    Parameters
    ----------
    path
        File to write, atomically.
    excerpt
        What to write; its provenance becomes INFO elements.
    """
    head, tail = _document(excerpt).split(f">{PLACE}<")
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(f"{head}>\n".encode())
        for line in _base64(_records(table, excerpt).tobytes() for table in excerpt.tables()):
            file.write(line)
        file.write(f"<{tail}\n".encode())


def _document(excerpt: Excerpt) -> str:
    """Return the document, with a word in the place of the rows."""
    root = ET.Element("VOTABLE", version="1.4", xmlns="http://www.ivoa.net/xml/VOTable/v1.3")
    resource = ET.SubElement(root, "RESOURCE", type="results")
    if title := excerpt.provenance.get("title"):
        ET.SubElement(resource, "DESCRIPTION").text = title
    for name, text in {"creator": f"stdask {__version__}", **excerpt.provenance}.items():
        ET.SubElement(resource, "INFO", name=name, value=text)
    epoch = excerpt.catalogue.epoch
    ET.SubElement(resource, "COOSYS", {"ID": "icrs", "system": "ICRS"} | ({"epoch": f"J{epoch}"} if epoch else {}))
    table = ET.SubElement(resource, "TABLE", name=excerpt.catalogue.name, nrows=str(excerpt.n_rows))
    for column in excerpt.columns:
        framed = {"ref": "icrs"} if column.ucd.removeprefix("stat.error;").startswith(FRAMED) else {}
        add_field(table, column, _datatype(column, excerpt) | framed)
    stream = ET.SubElement(ET.SubElement(ET.SubElement(table, "DATA"), "BINARY2"), "STREAM", encoding="base64")
    stream.text = PLACE
    ET.indent(root, space="")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _datatype(column: Column, excerpt: Excerpt) -> dict[str, str]:
    if column.dtype == "string":
        return {"datatype": "unicodeChar", "arraysize": str(excerpt.text_bytes[column.name])}
    datatype, kind = TYPES[column.dtype]
    return {"datatype": datatype} | ({"arraysize": kind[1:]} if kind.startswith("S") else {})


def _records(table: pa.Table, excerpt: Excerpt) -> np.ndarray:
    """Return rows as BINARY2 has them: a bit for every missing value, then all values, big-endian."""
    fields = [
        (c.name, f"S{2 * excerpt.text_bytes[c.name]}" if c.dtype == "string" else TYPES[c.dtype][1])
        for c in excerpt.columns
    ]
    flags = np.packbits(np.stack([column.is_null().to_numpy() for column in table.columns], axis=1), axis=1)
    records = np.zeros(table.num_rows, dtype=[("", "u1", flags.shape[1:]), *fields])
    records["f0"] = flags
    for name, kind in fields:
        records[name] = _values(table.column(name).combine_chunks(), np.dtype(kind))
    return records


def _values(column: pa.Array, kind: np.dtype) -> np.ndarray:
    if pa.types.is_string(column.type):  # UTF-16; a text has at most as many units as bytes in UTF-8
        return np.char.encode(column.fill_null("").to_numpy(zero_copy_only=False).astype(str), "utf-16-be")
    if pa.types.is_boolean(column.type):
        return np.where(column.fill_null(False).to_numpy(zero_copy_only=False), ord("T"), ord("F"))
    if kind.kind == "S":
        return pc.cast(column, pa.string()).fill_null("").to_numpy(zero_copy_only=False).astype(kind)
    blank = np.nan if pa.types.is_floating(column.type) else 0
    return column.fill_null(blank).to_numpy(zero_copy_only=False)


def _base64(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Encode blocks of bytes as lines of one base64 text."""
    rest = b""
    for block in blocks:
        whole = rest + block
        end = len(whole) // 3 * 3
        rest = whole[end:]
        yield base64.b64encode(whole[:end]) + b"\n"
    yield base64.b64encode(rest) + b"\n"
