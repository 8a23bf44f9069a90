"""Tables in memory: of astropy (Table, QTable), pandas or pyarrow. They are read as survey files are, and extended.

The classes that a table derives from tell its library, so that no library is imported for a table of another.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.messages import nearest
from stdask.errors import SurveyError
from stdask.storage.surveys.format import check_names, plain_array

if TYPE_CHECKING:
    from astropy.table import Table
    from pandas import DataFrame

AnyTable = TypeVar("AnyTable")  # astropy Table or QTable, pandas DataFrame, pyarrow Table
ELEMENT = re.compile(r"(.+)\[\d+(,\d+)*\]", re.DOTALL)  # of the vectors of a column, counted from 0


class MemoryTable:
    """The columns of a table in memory, under their names.

    The elements of a column of vectors are columns of their own, as in survey files: `FPARAM[3]` is the fourth one, and
    `COVAR[0,0]` the first of a matrix.

    Parameters
    ----------
    table
        An astropy Table or QTable, a pandas DataFrame or a pyarrow Table.
    joined
        Tables of a survey that this one was joined from, with names of columns that are not theirs: `gaia.parallax` is
        looked for as `parallax`.

    Raises
    ------
    SurveyError
        If it is something else, or two of its columns have one name.
    """

    def __init__(self, table: Any, joined: Mapping[str, Collection[str]] | None = None) -> None:
        self._table = table
        self._joined = joined or {}
        self._library = library_of(table)
        self.names: list[str] = [str(name) for name in _names(table, self._library)]
        self.n_rows = table.num_rows if self._library == "pyarrow" else len(table)
        check_names(self.names)

    @cached_property
    def columns(self) -> frozenset[str]:
        """Names of all columns, and of the elements of columns of vectors."""
        names = [*self.names, *(f"{name}{place}" for name in self.names for place in self._places(name))]
        joined = [f"{t}.{name}" for t, others in self._joined.items() for name in names if name not in others]
        return frozenset([*names, *joined])

    def unit(self, name: str) -> str:
        """Return the unit that the table states for a column, empty for none; pandas states none."""
        own, _ = self._own(name)
        if self._library == "pyarrow":
            metadata: Mapping[bytes, bytes] = self._table.schema.field(own).metadata or {}
            return metadata.get(b"unit", b"").decode()
        unit = getattr(self._table[own], "unit", None) if self._library == "astropy" else None
        return "" if unit is None else str(unit)

    def has(self, name: str) -> bool:
        """Tell whether there is a column, or an element of the vectors of one."""
        return name in self.columns

    def require(self, names: Sequence[str]) -> None:
        """Raise if a column is missing.

        Raises
        ------
        SurveyError
            Naming it, and the one with the most similar name.
        """
        for name in names:
            if not self.has(name):
                near = nearest(name, self.names)
                raise SurveyError(f"The table has no column {name!r}." + (f" Did you mean {near!r}?" if near else ""))

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pa.Table:
        """Return columns in the plain types of survey files: missing floats are NaN, other missing values null.

        Raises
        ------
        SurveyError
            If a column holds something else than numbers, logicals or text.
        """
        table = pa.table({name: plain_array(self._arrow(name), name) for name in names})
        return table.slice(start, None if stop is None else stop - start)

    def _own(self, name: str) -> tuple[str, str]:
        """Return the column of the table that holds a column or an element, and the place of the element."""
        for table, others in self._joined.items():
            own = name.removeprefix(f"{table}.")
            if name not in self.names and own not in others:
                name = own
        match = ELEMENT.fullmatch(name)
        return (match[1], name.removeprefix(match[1])) if match and name not in self.names else (name, "")

    def _places(self, name: str) -> list[str]:
        """Return the places of the elements of a column's vectors: counted through, and by each of their dimensions."""
        shape = self._shape(name)
        counted = [f"[{n}]" for n in range(math.prod(shape))] if shape else []
        return counted + [f"[{','.join(map(str, place))}]" for place in np.ndindex(shape) if len(shape) > 1]

    def _shape(self, name: str) -> tuple[int, ...]:
        if self._library == "astropy":
            return tuple(self._table[name].shape[1:])
        kind = self._table.schema.field(name).type if self._library == "pyarrow" else pa.null()
        return (kind.list_size,) if pa.types.is_fixed_size_list(kind) else ()

    def _element(self, own: str, place: str) -> int:
        """Return the number of an element, counted through."""
        numbers = tuple(map(int, place[1:-1].split(",")))
        return int(np.ravel_multi_index(numbers, self._shape(own))) if len(numbers) > 1 else numbers[0]

    def _arrow(self, name: str) -> pa.ChunkedArray:
        own, place = self._own(name)
        element = self._element(own, place) if place else None
        try:
            if self._library == "astropy":
                array = _of_astropy(self._table[own], element)
            elif self._library == "pyarrow":
                array = self._table.column(own)
                array = array if element is None else pc.list_element(array, element)
            else:
                is_column = own in self._table.columns
                array = pa.array(
                    self._table[own] if is_column else self._table.index.get_level_values(own), from_pandas=True
                )
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as exc:
            raise SurveyError(f"column {name!r} is of mixed or unknown kind ({exc}). Make it numbers or text.") from exc
        return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def library_of(table: Any) -> str:
    """Return the library that a table is of: "astropy", "pandas" or "pyarrow".

    Raises
    ------
    SurveyError
        If it is of none of them.
    """
    tables = {"astropy": "Table", "pandas": "DataFrame", "pyarrow": "Table"}
    for base in type(table).__mro__:
        library = base.__module__.split(".")[0]
        if tables.get(library) == base.__name__:
            return library
    raise SurveyError(
        f"A {type(table).__name__} is no table. Give an astropy Table or QTable, a pandas DataFrame or a pyarrow Table."
    )


def append_columns(table: AnyTable, new: pa.Table) -> AnyTable:
    """Return a copy of a table with further columns, which keep their units and descriptions where it has a place.

    Parameters
    ----------
    table
        An astropy Table or QTable, a pandas DataFrame or a pyarrow Table.
    new
        Columns of as many rows, in the same order.
    """
    extended: Any = table
    library = library_of(table)
    if library == "pyarrow":
        for field, column in zip(new.schema, new.columns, strict=True):
            extended = extended.append_column(field, column)
        return extended
    if library == "astropy":
        extended = extended.copy()
        for field in new.schema:
            extended[field.name] = _to_astropy_column(new, field)
        return extended
    import pandas as pd

    arrow = any(isinstance(dtype, pd.ArrowDtype) for dtype in extended.dtypes)  # as in the frames of LSDB
    frame = new.to_pandas(types_mapper=pd.ArrowDtype if arrow else None)
    return pd.concat([extended, frame.set_axis(extended.index)], axis=1)


def to_astropy(table: pa.Table) -> "Table":
    """Return an astropy table with units, descriptions and UCDs; missing values other than floats are masked."""
    from astropy.table import Table

    return Table({field.name: _to_astropy_column(table, field) for field in table.schema})


def to_pandas(table: pa.Table) -> "DataFrame":
    """Return a pandas frame; 64-bit integers are nullable, so that none loses digits where others are missing."""
    import pandas as pd

    nullable = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
    return table.to_pandas(types_mapper=nullable.get)


def _names(table: Any, library: str) -> Sequence[Any]:
    if library == "astropy":
        return table.colnames
    if library == "pyarrow":
        return table.column_names
    return [*table.columns, *(name for name in table.index.names if name is not None and name not in table.columns)]


def _of_astropy(column: Any, element: int | None) -> pa.Array:
    mask = getattr(column, "mask", None)
    values = np.asarray(getattr(column, "unmasked", column))
    if element is not None:
        values = values.reshape(len(values), -1)[:, element]
        mask = None if mask is None else np.asarray(mask).reshape(len(values), -1)[:, element]
    if values.ndim > 1:
        raise pa.ArrowTypeError("it holds an array a row")
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        values = values.astype(object)
    values = values.astype(values.dtype.newbyteorder("="))
    return pa.array(values, mask=None if mask is None else np.array(mask), from_pandas=False)


def _to_astropy_column(table: pa.Table, field: pa.Field) -> Any:
    """Return a column with what the metadata of its field say."""
    from astropy.table import Column, MaskedColumn

    metadata = {key.decode(): text.decode() for key, text in (field.metadata or {}).items()}
    array = table.column(field.name).combine_chunks()
    missing = array.is_null().to_numpy(zero_copy_only=False)
    blank: Any = "" if pa.types.is_string(field.type) else False if pa.types.is_boolean(field.type) else 0
    if pa.types.is_floating(field.type):
        blank, missing = np.nan, np.zeros(0, dtype=bool)
    values = array.fill_null(blank).to_numpy(zero_copy_only=False)
    kind: Any = MaskedColumn if missing.any() else Column
    masked = {"mask": missing} if missing.any() else {}
    return kind(
        values.astype(str) if values.dtype == object else values,
        description=metadata.get("description") or None,
        unit=metadata.get("unit") or None,
        meta={"ucd": metadata["ucd"]} if "ucd" in metadata else None,
        **masked,
    )
