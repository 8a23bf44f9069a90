"""Plain CSV: one line of names, then one line a star; whatever is missing is empty. It has no units."""

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from stdask.storage.export.excerpt import Excerpt
from stdask.storage.files import replacing


def write_csv(path: Path, excerpt: Excerpt) -> None:
    """Write a CSV file with all digits of each number.

    Parameters
    ----------
    path
        File to write, atomically.
    excerpt
        What to write; its provenance has no place in CSV.
    """
    with replacing(path) as temporary, temporary.open("wb") as file:
        file.write((",".join(_quoted(column.name) for column in excerpt.columns) + "\n").encode())
        for table in excerpt.tables():
            plain = pa.table([_without_nan(column) for column in table.columns], names=table.column_names)
            write_rows(file, plain)


def write_rows(file: BinaryIO, table: pa.Table) -> None:
    """Append the rows of a table to a file; null is empty, and text is quoted where it must be."""
    csv.write_csv(table, file, csv.WriteOptions(include_header=False, quoting_style="needed"))


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\n\r') else name
