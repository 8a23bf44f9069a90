"""Survey files in HDF5: one table, or several of which row n is one star."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa

from stdask.errors import SurveyError
from stdask.storage.surveys.format import ROWS_AT_ONCE, SurveyFile, Wanted
from stdask.storage.surveys.hdf5.layouts import Hdf5Column, Hdf5Table, find_tables
from stdask.storage.surveys.places.remote import open_bytes
from stdask.storage.surveys.streams import is_packed

BYTES_AT_ONCE = 1 << 24  # of a dataset in memory


@dataclass(frozen=True)
class Hdf5File(SurveyFile):
    """Tables of an HDF5 file."""

    places: Mapping[str, Hdf5Column]

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        with open_bytes(self.path) as stream, h5py.File(stream, "r") as file:
            most = max((_bytes_a_row(file[self.places[want.column].dataset]) for want in wanted), default=1)
            n_at_once = max(min(ROWS_AT_ONCE, BYTES_AT_ONCE // most), 1)
            for row in range(start, max(stop, start + 1), n_at_once):
                rows = slice(row, max(min(row + n_at_once, stop), row))
                yield pa.table({want.name: self._values(file, want, rows) for want in wanted})

    def _values(self, file: h5py.File, want: Wanted, rows: slice) -> pa.Array:
        column = self.places[want.column]
        dataset = file[column.dataset]
        if dataset.dtype == object and h5py.check_string_dtype(dataset.dtype) is None and not column.field:
            raise SurveyError(
                f"column {want.column!r} is a pickled Python object, which may run code. Write the frame again: pandas "
                'stores text plainly with to_hdf(..., format="table"), and in Parquet.'
            )
        try:
            values = (dataset.fields(column.field) if column.field else dataset)[rows]
            missing = dataset.fields(column.mask)[rows] if column.mask else None
        except OSError as exc:
            if "filter" not in str(exc):
                raise
            raise SurveyError(
                f"column {want.column!r} is compressed by a filter that HDF5 does not come with. Write the file again "
                "with gzip, or without compression."
            ) from exc
        element = column.place if want.element is None else want.element
        if element is not None:
            values = values.reshape(len(values), -1)[:, element]
        return _to_array(values, missing, want.column, column)


def open_hdf5(path: Path, names: Sequence[str]) -> Hdf5File:
    """Open tables of an HDF5 file by name, the only one if none is named.

    Columns of several are called TABLE.COLUMN.

    Raises
    ------
    SurveyError
        If it was packed, has no table, has several and none is named, or the tables differ in their number of rows.
    """
    if is_packed(path):
        raise SurveyError(f"{path} is an HDF5 file that was packed: parts of it cannot be read. Unpack it.")
    with open_bytes(path) as stream, h5py.File(stream, "r") as file:
        tables = _chosen(find_tables(file), names)
    if len({table.n_rows for table in tables}) > 1:
        counted = ", ".join(f"{table.name} has {table.n_rows}" for table in tables)
        raise SurveyError(f"{path}: not all tables of [file] hdus have as many rows: {counted}. Name those that have.")
    places = {
        f"{table.name}.{name}" if len(tables) > 1 else name: column
        for table in tables
        for name, column in table.columns.items()
    }
    return Hdf5File(
        path,
        tables[0].n_rows,
        columns={name: column.unit for name, column in places.items()},
        vectors={name: column.shape for name, column in places.items() if column.shape},
        by_slices=True,
        places=places,
    )


def _chosen(tables: Mapping[str, Hdf5Table], names: Sequence[str]) -> list[Hdf5Table]:
    found = ", ".join(f"{name} ({table.n_rows} rows)" for name, table in tables.items())
    if not tables:
        raise SurveyError(
            "it holds no table: neither a dataset of records nor a group of datasets with one value a row. Write the "
            "catalogue as such, e.g. by astropy's Table.write."
        )
    full = [table for table in tables.values() if table.n_rows]
    if not names and len(tables) == 1:
        return list(tables.values())
    if not names:
        first = (full or list(tables.values()))[0].name
        raise SurveyError(f'it has several tables: {found}. Name one of them, e.g. [file] hdus = ["{first}"].')
    lost = next((name for name in names if name.strip("/") not in tables and name not in tables), None)
    if lost is not None:
        raise SurveyError(f"it has no table {lost!r}. Name in [file] hdus some of {found}.")
    return [tables.get(name) or tables[name.strip("/")] for name in dict.fromkeys(names)]


def _bytes_a_row(dataset: h5py.Dataset) -> int:
    return int(dataset.dtype.itemsize * np.prod(dataset.shape[1:], dtype=np.int64)) or 1


def _to_array(values: np.ndarray, missing: np.ndarray | None, name: str, column: Hdf5Column) -> pa.Array:
    kind = values.dtype.kind
    if kind in "OS":
        texts = [text.encode() if isinstance(text, str) else text for text in values.tolist()]
        if not all(isinstance(text, bytes) for text in texts):
            raise SurveyError(f"column {name!r} holds lists of any length. Name one of numbers, logicals or text.")
        null = None if column.null is None else column.null.encode()
        nulls = [text == null for text in texts]
        return pa.array(texts, pa.binary(), mask=np.array(nulls, dtype=bool) | (False if missing is None else missing))
    if kind not in "biuf":
        raise SurveyError(f"column {name!r} holds {values.dtype}. Name one of numbers, logicals or text.")
    values = values != 0 if column.is_logical else values.astype(values.dtype.newbyteorder("="))
    return pa.array(values, mask=missing, from_pandas=False)
