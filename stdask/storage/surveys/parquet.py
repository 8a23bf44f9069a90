"""Survey files in Parquet, read by row groups."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from astropy.io.votable import parse_single_table
from astropy.table import meta

from stdask.config.addresses import is_remote
from stdask.errors import SurveyError
from stdask.storage.surveys.format import ROWS_AT_ONCE, SurveyFile, Wanted, check_names, cut
from stdask.storage.surveys.places.remote import open_bytes
from stdask.storage.surveys.streams import is_packed


@dataclass(frozen=True)
class ParquetFile(SurveyFile):
    """A Parquet file."""

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        with _opened(self.path) as file:
            if start >= stop:  # only the types are asked for
                yield pa.table({want.name: pick(_no_rows(file.schema_arrow, want), want) for want in wanted})
                return
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            first = min(int(np.searchsorted(ends, start, side="right")), len(sizes) - 1)
            last = int(np.searchsorted(ends, stop, side="left"))
            groups = list(range(first, min(last + 1, len(sizes))))
            offset = int(ends[first] - sizes[first])
            # In batches: a row group may hold all rows of the file.
            batches = file.iter_batches(ROWS_AT_ONCE, groups, [want.column for want in wanted])
            tables = (pa.table({want.name: pick(batch, want) for want in wanted}) for batch in batches)
            yield from cut(tables, start - offset, stop - offset)

    def _count(self) -> int:
        with _opened(self.path) as file:
            return int(file.metadata.num_rows)


def open_parquet(path: Path) -> ParquetFile:
    """Open a Parquet file.

    Raises
    ------
    SurveyError
        If it was packed once more.
    """
    if is_packed(path):
        raise SurveyError(
            f"{path} is a Parquet file that was packed once more: it has to be read from its end. Unpack it."
        )
    with _opened(path) as file:
        stored = file.schema_arrow
        check_names(stored.names)
        return ParquetFile(
            path,
            file.metadata.num_rows,
            columns=dict.fromkeys(stored.names, "") | units_of(stored),
            vectors=vectors_of(stored),
            by_slices=True,
        )


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    if not is_remote(path):
        with pq.ParquetFile(path) as file:
            yield file
        return
    with open_bytes(path) as stream, pq.ParquetFile(stream, pre_buffer=True) as file:  # few requests, of more bytes
        yield file


def vectors_of(stored: pa.Schema) -> dict[str, tuple[int, ...]]:
    """Return the shape of the vectors of each column that holds some; (0,) for lists of any length."""
    return {field.name: _shape(field.type) for field in stored if _is_vector(field.type)}


def _is_vector(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _shape(kind: pa.DataType) -> tuple[int, ...]:
    """Return the shape of vectors; (0,) for lists of any length."""
    if not pa.types.is_fixed_size_list(kind):
        return (0,)
    inner = kind.value_type
    return (kind.list_size, *_shape(inner)) if pa.types.is_fixed_size_list(inner) else (kind.list_size,)


def pick(batch: pa.RecordBatch, want: Wanted) -> pa.Array:
    """Return a column, or an element of each of its lists: null where the list is.

    Raises
    ------
    SurveyError
        If a list is too short.
    """
    column = batch.column(want.column)
    if want.element is None:
        return column
    if shape := _shape(column.type)[1:]:
        first, *places = np.unravel_index(want.element, (column.type.list_size, *shape))
        column = pc.list_element(column, int(first))
        for place in places:
            column = pc.list_element(column, int(place))
        return column
    lengths = pc.list_value_length(column)
    if lengths.null_count < len(lengths) and pc.min(lengths).as_py() <= want.element:
        raise SurveyError(
            f"column {want.column!r} has rows with only {pc.min(lengths)} values: {want.name} is not in all of them. "
            "Name an element that is."
        )
    return pc.list_element(column, want.element)


def _no_rows(stored: pa.Schema, want: Wanted) -> pa.RecordBatch:
    return pa.record_batch({want.column: pa.array([], stored.field(want.column).type)})


def stated_units(path: Path) -> dict[str, str]:
    """Return the units of the columns that a Parquet file describes."""
    with _opened(path) as file:
        return units_of(file.schema_arrow)


def units_of(stored: pa.Schema) -> dict[str, str]:
    """Return the units in the fields' metadata, in astropy's header, or in a VOParquet header (IVOA)."""
    metadata = {k.decode(): v for k, v in (stored.metadata or {}).items()}
    units = {}
    if "table_meta_yaml" in metadata:
        header = meta.get_header_from_yaml(metadata["table_meta_yaml"].decode().splitlines())
        units = {column["name"]: str(column.get("unit", "")) for column in header["datatype"]}
    if "IVOA.VOTable-Parquet.content" in metadata:
        votable = parse_single_table(io.BytesIO(metadata["IVOA.VOTable-Parquet.content"]))
        units |= {field.name: str(field.unit or "") for field in votable.fields}
    units |= {f.name: f.metadata[b"unit"].decode() for f in stored if b"unit" in (f.metadata or {})}
    return {name: unit for name, unit in units.items() if name in stored.names}
