"""ECSV: text with units, descriptions and provenance in its head, which astropy and TOPCAT read."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import Column as AstropyColumn
from astropy.table import Table

from stdask import __version__
from stdask.storage.export.csv import write_rows
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.files import replacing


def write_ecsv_table(path: Path, excerpt: Excerpt) -> None:
    """Write an ECSV file with all digits of each number; missing floats are nan, other missing values empty.

    Parameters
    ----------
    path
        File to write, atomically.
    excerpt
        What to write; its provenance becomes the meta of the table.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write(_head(excerpt).encode())
        for table in excerpt.tables():
            columns = [_spelt(column) for column in table.columns]
            write_rows(file, pa.table(columns, names=table.column_names))


def _head(excerpt: Excerpt) -> str:
    """Return the head as astropy writes it for a table without rows."""
    epoch = excerpt.catalogue.epoch
    meta = {"creator": f"stdask {__version__}"} | dict(excerpt.provenance) | ({"epoch": epoch} if epoch else {})
    table = Table(meta=meta)
    for column in excerpt.columns:
        dtype = str if column.dtype == "string" else column.dtype
        table[column.name] = AstropyColumn(
            [],
            dtype=dtype,
            unit=column.unit or None,
            description=column.description or None,
            meta={"ucd": column.ucd} if column.ucd else None,
        )
    text = io.StringIO()
    table.write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue()


def _spelt(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return logicals as ECSV spells them."""
    return pc.if_else(column, "True", "False") if pa.types.is_boolean(column.type) else column
