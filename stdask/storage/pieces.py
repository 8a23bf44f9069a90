"""Intermediate tables that are written by one cut and read by another: files of numbered parts, in Arrow's format.

Any part of such a file is found at once, however many there are: its list of parts takes 24 bytes a part, where the
footer of a Parquet file takes kilobytes for each row group.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.errors import CatalogueError, raise_machine_error
from stdask.storage.files import replacing


def write_pieces(path: Path, table: pa.Table, numbers: np.ndarray, n_parts: int) -> None:
    """Write a table cut into parts, atomically.

    Parameters
    ----------
    path
        The file.
    table
        Its rows stay in order within a part.
    numbers : shape (n_rows,), integers from 0 to n_parts - 1
        Which part each row belongs to.
    n_parts
        Number of parts; those without rows are written too.
    """
    ordered = table.take(np.argsort(numbers, kind="stable"))
    batch = pa.RecordBatch.from_arrays([c.combine_chunks() for c in ordered.columns], schema=ordered.schema)
    ends = np.cumsum(np.bincount(numbers, minlength=n_parts)).tolist()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with replacing(path) as temporary, pa.ipc.new_file(temporary, table.schema, options=options) as writer:
        for start, end in zip([0, *ends], ends, strict=False):
            writer.write_batch(batch.slice(start, end - start))


def read_part(files: Iterable[Path], part: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Return one part of each file, one file after the other.

    Parameters
    ----------
    files
        Files of the same columns; at least one.
    part
        Its number.
    columns
        To read; all if None.

    Raises
    ------
    CatalogueError
        If a file is missing or damaged.
    """
    tables = (_read_part(path, part) for path in files)
    return pa.concat_tables([table.select(columns) if columns else table for table in tables]).combine_chunks()


def _read_part(path: Path, part: int) -> pa.Table:
    try:
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
            return pa.Table.from_batches([reader.get_batch(part)])
    except (OSError, pa.ArrowException) as exc:
        raise_machine_error(exc, f"reading {path}")
        raise CatalogueError(f"Cannot read {path}: {exc}. Remove it and start again.") from exc
