"""Intermediate tables that are cut differently from how they are read: one file a block, one row group a part."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from stdask.storage.files import replacing


def write_pieces(path: Path, table: pa.Table, numbers: np.ndarray) -> list[int]:
    """Write a table with one row group for each number that occurs, atomically.

    Parameters
    ----------
    path
        The file.
    table
        Its rows stay in order within a row group.
    numbers : shape (n_rows,), integers
        Which part each row belongs to.

    Returns
    -------
    parts
        The number of each row group, ascending.
    """
    order = np.argsort(numbers, kind="stable")
    parts, starts = np.unique(numbers[order], return_index=True)
    ends = np.append(starts, numbers.size)[1:]
    ordered = table.take(order)
    with replacing(path) as temporary, pq.ParquetWriter(temporary, table.schema, compression="lz4") as writer:
        for start, end in zip(starts, ends, strict=True):
            writer.write_table(ordered.slice(start, end - start), row_group_size=end - start)
    return parts.tolist()


def read_piece(path: Path, group: int | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one row group of a file of pieces, or all of them."""
    with pq.ParquetFile(path) as file:
        return file.read(columns) if group is None else file.read_row_group(group, columns)
