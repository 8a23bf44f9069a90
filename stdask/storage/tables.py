"""Parquet tables with units: fields from the schema, read and write."""

import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stdask.errors import CatalogueError, raise_machine_error
from stdask.schema import Column
from stdask.storage.files import replacing


def to_field(column: Column) -> pa.Field:
    """Return the Arrow field of a column, with unit, UCD and meaning as field metadata."""
    metadata = {"unit": column.unit, "ucd": column.ucd, "description": column.description}
    return pa.field(column.name, pa.type_for_alias(column.dtype), metadata={k: v for k, v in metadata.items() if v})


def to_column(field: pa.Field) -> Column:
    """Return the column that a field of a stored table describes."""
    metadata = {k.decode(): v.decode() for k, v in (field.metadata or {}).items()}
    known = {key: metadata.get(key, "") for key in ("unit", "ucd", "description")}
    return Column(field.name, dtype_name(field.type), **known)


def dtype_name(dtype: pa.DataType) -> str:
    """Return the name of a type as `schema.Column` spells it: as numpy does, where Arrow calls it float."""
    return {"halffloat": "float16", "float": "float32", "double": "float64"}.get(str(dtype), str(dtype))


def to_table(columns: Iterable[Column], data: Mapping[str, np.ndarray | pa.Array]) -> pa.Table:
    """Return a table of `columns`, cast to their dtypes; NaN stays NaN.

    Parameters
    ----------
    columns
        In the order wanted; each must be a key of `data`.
    data
        One array of shape (n_rows,) a column.
    """
    fields = [to_field(column) for column in columns]
    arrays = [_to_array(data[field.name], field.type) for field in fields]
    return pa.table(arrays, schema=pa.schema(fields))


def to_numpy(table: pa.Table, name: str) -> np.ndarray:
    """Return a column as a numpy array: null becomes NaN, False or an empty string."""
    column = table.column(name).combine_chunks()
    if column.null_count:
        blank = "" if pa.types.is_string(column.type) else False if pa.types.is_boolean(column.type) else np.nan
        if pa.types.is_integer(column.type):
            raise CatalogueError(f"Column {name!r} has {column.null_count} missing integers. Remove those rows.")
        column = column.fill_null(blank)
    return column.to_numpy(zero_copy_only=False)


def to_masked(table: pa.Table) -> dict[str, np.ndarray]:
    """Return every column as a numpy array: NaN stays NaN, a null is masked, text is of dtype object."""
    return {name: _to_masked(table.column(name).combine_chunks()) for name in table.column_names}


def write_parquet(
    path: Path, table: pa.Table, metadata: Mapping[str, str] | None = None, header: Mapping[str, str] | None = None
) -> None:
    """Write a table atomically: zstd, floats byte-stream split.

    Parameters
    ----------
    path, table
        The file, and what it holds.
    metadata
        Key-value pairs of the table's schema.
    header
        Key-value pairs of the file alone: Parquet keeps those of the schema twice.

    Raises
    ------
    CatalogueError
        If the rows on disk are not those of the table.
    """
    with replacing(path) as temporary:
        fill_parquet(temporary, table, metadata, header)
        written = pq.read_metadata(temporary).num_rows
        if written != table.num_rows:
            raise CatalogueError(f"{path} holds {written} rows after writing {table.num_rows}. Check the disk.")


def fill_parquet(
    temporary: Path, table: pa.Table, metadata: Mapping[str, str] | None = None, header: Mapping[str, str] | None = None
) -> None:
    """Write a table to a temporary file, as `write_parquet` does."""
    strings = [f.name for f in table.schema if pa.types.is_string(f.type)]
    own = {f"table::len::{name}": str(_longest(table[name])) for name in strings}  # astropy reserves memory by these
    own |= metadata or {}
    if own:
        merged = {**(table.schema.metadata or {}), **{k.encode(): v.encode() for k, v in own.items()}}
        table = table.replace_schema_metadata(merged)
    with open_writer(temporary, table.schema) as writer:
        writer.write_table(table)
        if header:
            writer.add_key_value_metadata(dict(header))


def open_writer(path: Path, fields: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file for writing: zstd, floats byte-stream split, checksums of the pages."""
    return pq.ParquetWriter(
        path,
        fields,
        compression="zstd",
        compression_level=3,
        use_dictionary=[f.name for f in fields if pa.types.is_string(f.type)],
        use_byte_stream_split=[f.name for f in fields if pa.types.is_floating(f.type)],
        write_page_checksum=True,
    )


def write_in_row_groups(path: Path, columns: Iterable[Column], tables: Iterable[pa.Table]) -> int:
    """Write tables of some columns to one file, a row group each; return the number of rows."""
    fields = pa.schema([to_field(column) for column in columns])
    strings = [f.name for f in fields if pa.types.is_string(f.type)]
    options = {"compression": "zstd", "compression_level": 3, "use_dictionary": strings, "write_page_checksum": True}
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, fields, **options) as writer:
            for table in tables:
                writer.write_table(table)
        return pq.read_metadata(temporary).num_rows


def in_groups(tables: Iterable[pa.Table], n_rows: int) -> Iterator[pa.Table]:
    """Yield the rows of tables that have the same columns in groups of `n_rows`."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(part.num_rows for part in waiting) >= n_rows:
            rows = pa.concat_tables(waiting)
            yield rows.slice(0, n_rows).combine_chunks()
            waiting = [rows.slice(n_rows)]
    if any(part.num_rows for part in waiting):
        yield pa.concat_tables(waiting).combine_chunks()


def read_parquet(
    path: Path, columns: Sequence[str] | None = None, filters: list[tuple] | pc.Expression | None = None
) -> pa.Table:
    """Read one Parquet file.

    Raises
    ------
    CatalogueError
        If the file is missing, damaged, or lacks a column.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:  # a flipped bit is no value
            lost = set(columns or ()) - set(file.schema_arrow.names)
            if not lost and filters is None:
                return file.read(columns)
        if not lost:
            return _read_filtered(path, columns, filters)
    except FileNotFoundError:
        raise CatalogueError(f"No file {path}. Run the stage that writes it.") from None
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as exc:
        raise_machine_error(exc, f"reading {path}")
        raise CatalogueError(f"Cannot read {path}: {exc}. Remove it and run its stage again.") from exc
    raise CatalogueError(f"{path} has no column {min(lost)!r}. Remove it and run its stage again.")


def fault_of_parquet(path: Path) -> str:
    """Return why a Parquet file cannot be read to its end, empty if it can."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
    except (pa.ArrowInvalid, OSError) as exc:
        if getattr(exc, "errno", None) != errno.EIO:  # A bad place of the disk is a fault of this file.
            raise_machine_error(exc, f"reading {path}")
        return f"cannot be read ({exc})"
    return ""


def _read_filtered(path: Path, columns: Sequence[str] | None, filters: list[tuple] | pc.Expression | None) -> pa.Table:
    return pq.read_table(
        path,
        columns=list(columns) if columns else None,
        filters=filters,
        partitioning=None,  # the Norder=/Dir= of a HATS path are not columns
        page_checksum_verification=True,
    )


def _longest(texts: pa.ChunkedArray) -> int:
    return max(1, pc.max(pc.utf8_length(texts)).as_py() or 0)


def _to_array(values: np.ndarray | pa.Array, dtype: pa.DataType) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    array = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=False)
    return array.cast(dtype, safe=not pa.types.is_floating(dtype))


def _to_masked(array: pa.Array) -> np.ndarray:
    if not array.null_count:
        return array.to_numpy(zero_copy_only=False)
    text, logical = pa.types.is_string(array.type), pa.types.is_boolean(array.type)
    values = array.fill_null("" if text else False if logical else 0).to_numpy(zero_copy_only=False)
    return np.ma.masked_array(values, mask=array.is_null().to_numpy(zero_copy_only=False))
