"""What all formats of survey files have in common: columns by name, rows by slices or in batches, plain types.

A column read here is bool, int64, uint64, float32, float64 or string, in native byte order; text is stripped and
blank text is null; a missing float is NaN, a missing integer, logical or text is null.
"""

import itertools
import math
import re
import sys
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.addresses import is_remote
from stdask.config.messages import nearest
from stdask.errors import StdaskError, SurveyError, raise_machine_error
from stdask.storage.tables import in_groups, to_column, write_in_row_groups

ELEMENT = re.compile(r"(.+)\[(\d+(?:,\s*\d+)*)\]", re.DOTALL)  # of the vectors of a column, counted from 0
AS_TEXT = " as text"  # stands after the name of a column of which characters are wanted, even if all are digits
ROWS_AT_ONCE = 65_536  # rows in memory: 30 MB of 60 columns


class Wanted(NamedTuple):
    """A column asked for: a column of the file, or one element of each of its vectors."""

    name: str  # with the capital letters of the file
    column: str
    element: int | None = None  # counted from 0
    as_text: bool = False  # digits of a text file stay text, with their zeros in front


@dataclass(frozen=True)
class SurveyFile(ABC):
    """A survey's table on disk: its size, its columns and their units, and a way to read a part of it.

    A column may be asked for in other capital letters than the file has, e.g. `source_id` for `SOURCE_ID`, unless two
    columns differ in these alone. Source: FITS Standard 4.0, sect. 7.3.2, where names are compared so.
    The elements of a column of vectors are columns of their own: `FPARAM[3]` is the fourth one, in the order of the
    file where a vector has several dimensions. `COVAR[0,1]` is the second value of the first row of a matrix, as
    NumPy counts.
    """

    path: Path
    known_rows: int | None  # None if they have to be counted
    columns: Mapping[str, str]  # name -> unit as the file writes it, empty for none
    vectors: Mapping[str, tuple[int, ...]]  # column of vectors -> their shape; (0,) for lists of any length
    by_slices: bool  # a part can be read at the cost of that part

    @cached_property
    def n_rows(self) -> int:
        """Number of rows, counted if the file does not state it.

        Raises
        ------
        SurveyError
            If the file is damaged.
        """
        if self.known_rows is not None:
            return self.known_rows
        with explained(self.path):
            return self._count()

    @property
    def parts(self) -> tuple["SurveyFile", ...]:
        """The files whose rows follow one another: this one alone."""
        return (self,)

    @property
    def is_counted(self) -> bool:
        """Whether the rows are counted, or are without reading many files or those of another machine."""
        return self.known_rows is not None or (len(self.parts) == 1 and not is_remote(self.path))

    @property
    def remark(self) -> str:
        """What the user should know of how the file is read, empty for nothing."""
        return ""

    def require(self, names: Sequence[str]) -> None:
        """Raise if a column is missing.

        Raises
        ------
        SurveyError
            Naming every missing column with the nearest one there is, and the file; or a column of vectors of which
            no element is named, or one that there is not, and how many there are.
        """
        lacking = [name for name in dict.fromkeys(names) if self._lacks(name)]
        if len(lacking) > 1:
            raise SurveyError(lacking_columns(self.path, lacking, self.columns))
        for name in names:
            self._find(name)

    def has(self, name: str) -> bool:
        """Tell whether `read` knows a column, or an element of its vectors."""
        try:
            self._find(name)
        except SurveyError:
            return False
        return True

    def unit(self, name: str) -> str:
        """Return the unit of a column or of an element of its vectors, as the file spells it, empty for none."""
        return self.columns[self._find(name).column]

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pa.Table:
        """Return columns of the rows start <= row < stop, in the order asked for.

        Raises
        ------
        SurveyError
            If a column is missing or of a kind that stdask does not read, or the file is damaged.
        """
        stop = self.n_rows if stop is None else self._limited(stop)
        return pa.concat_tables(self.tables(names, start, max(start, stop))).combine_chunks()

    def batches(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns of all rows, some rows at a time: the memory does not grow with the file.

        Raises
        ------
        SurveyError
            As `read`.
        """
        return in_groups(self.tables(names, 0, self.n_rows), ROWS_AT_ONCE)

    def tables(self, names: Sequence[str], start: int, stop: int) -> Iterator[pa.Table]:
        """Yield columns of the rows start <= row < stop, as many rows at a time as the format gives.

        Raises
        ------
        SurveyError
            As `read`.
        """
        wanted = {name: self._find(name) for name in names}
        with explained(self.path):
            for table in self._tables(list(wanted.values()), start, stop):
                yield pa.table({name: plain_array(table.column(own.name), name) for name, own in wanted.items()})

    def copy(self, names: Sequence[str], path: Path) -> None:
        """Copy columns to a Parquet file, which can be read by slices, in batches.

        Raises
        ------
        SurveyError
            As `read`.
        """
        batches = self.batches(names)
        first = next(batches)
        columns = [replace(to_column(field), unit=self.unit(field.name)) for field in first.schema]
        n_rows = write_in_row_groups(path, columns, itertools.chain([first], batches))
        if n_rows != self.n_rows:
            raise SurveyError(f"{self.path} had {self.n_rows} rows and now has {n_rows}. Leave it alone during a run.")

    def _count(self) -> int:
        """Count the rows of a file that does not state their number, by reading a column of it."""
        name = next(name for name in self.columns if name not in self.vectors)
        return sum(table.num_rows for table in self._tables([Wanted(name, name)], 0, sys.maxsize))

    def _limited(self, stop: int) -> int:
        return min(stop, self.n_rows)

    @abstractmethod
    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        """Yield the rows start <= row < stop, some at a time; at least one table, be it empty."""

    def _spelled(self, name: str) -> str | None:
        """Return how the file spells a column: as asked for, or else the only one with other capital letters."""
        if name in self.columns:
            return name
        same = [own for own in self.columns if own.lower() == name.lower()]
        return same[0] if len(same) == 1 else None

    def _lacks(self, name: str) -> bool:
        name = name if self._spelled(name) else name.removesuffix(AS_TEXT)
        match = ELEMENT.fullmatch(name)
        return self._spelled(name) is None and (match is None or self._spelled(match[1]) is None)

    def _find(self, name: str) -> Wanted:
        if own := self._spelled(name):
            if own in self.vectors:
                raise SurveyError(f"{self.path}: column {own!r} holds {self._elements(own)}. Name one of them.")
            return Wanted(own, own)
        if name.endswith(AS_TEXT):
            found = self._find(name.removesuffix(AS_TEXT))
            return found._replace(name=f"{found.name}{AS_TEXT}", as_text=True)
        match = ELEMENT.fullmatch(name)
        column = self._spelled(match[1]) if match else None
        if match is None or column is None:
            near = nearest(name, self.columns)
            hint = f"Did you mean {near!r}?" if near else f"It has {', '.join(self.columns)}."
            raise SurveyError(f"{self.path} has no column {name!r}. {hint}")
        subscripts = tuple(map(int, match[2].split(",")))
        if column not in self.vectors:
            raise SurveyError(f"{self.path}: column {column!r} holds one value a row. Name it without [{match[2]}].")
        element = _place(subscripts, self.vectors[column])
        if element is None:
            raise SurveyError(
                f"{self.path} has no {name}: column {column!r} holds {self._elements(column)}. Name one of them."
            )
        return Wanted(f"{column}[{match[2]}]", column, element)

    def _elements(self, column: str) -> str:
        shape = self.vectors[column]
        n = math.prod(shape)
        if not n:
            return f"a list a row, {column}[0] and so on"
        last = ",".join(str(length - 1) for length in shape)
        matrix = f", or {column}[{','.join('0' * len(shape))}] to {column}[{last}]" if len(shape) > 1 else ""
        return f"{n} values a row, {column}[0] to {column}[{n - 1}]{matrix}"


def _place(subscripts: tuple[int, ...], shape: tuple[int, ...]) -> int | None:
    """Return the place of an element among all of a vector, None if it has none there.

    A flat vector of n x n values is taken for a matrix where it gets two subscripts.
    """
    n = math.prod(shape)
    if len(subscripts) == 1:
        return subscripts[0] if not n or subscripts[0] < n else None
    side = math.isqrt(n)
    if len(shape) == 1 and len(subscripts) == 2 and side * side == n:
        shape = (side, side)
    if len(subscripts) != len(shape) or any(one >= length for one, length in zip(subscripts, shape, strict=True)):
        return None
    return int(np.ravel_multi_index(subscripts, shape))


def lacking_columns(path: Path, lacking: Sequence[str], columns: Iterable[str]) -> str:
    """Return in one sentence which columns a file does not have, each with the nearest that it has."""
    near = {name: nearest(name, columns) for name in lacking}
    named = [f"{name!r} (did you mean {own!r}?)" if own else repr(name) for name, own in near.items()]
    hint = "" if all(near.values()) else f" It has {', '.join(columns)}."
    return f"{path} lacks {len(named)} columns: {', '.join(named)}. Correct their names in the definition.{hint}"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn any exception of the parsers into an error that names the file and says what to do.

    Raises
    ------
    MachineError
        If the machine is the cause, e.g. out of memory: the file may be sound.
    SurveyError
        If anything else was raised.
    """
    try:
        yield
    except StdaskError as exc:
        if str(path) not in str(exc):
            exc.add_note(str(path))
        raise
    except EOFError as exc:
        raise SurveyError(f"{path} is cut off: its last bytes are missing. Fetch the file again.") from exc
    except Exception as exc:  # a damaged file can raise anything in the parsers
        raise_machine_error(exc, f"reading {path}")
        reason = " ".join(str(exc).split()).rstrip(".") or type(exc).__name__
        raise SurveyError(f"Cannot read {path}: {reason}. Check the file or fetch it again.") from exc


def check_names(names: Iterable[str]) -> None:
    """Refuse a file in which two columns have one name.

    Raises
    ------
    SurveyError
        Naming one.
    """
    twice = [name for name, n in Counter(names).items() if n > 1 and name]
    if twice:
        raise SurveyError(f"two columns are called {twice[0]!r}. Write the file with one name for each.")


def cut(tables: Iterable[pa.Table], start: int, stop: int) -> Iterator[pa.Table]:
    """Yield of tables that follow one another the rows start <= row < stop, counted from the first one on."""
    row = 0
    for table in tables:
        first = min(max(start - row, 0), table.num_rows)
        yield table.slice(first, max(stop - row - first, 0))
        row += table.num_rows
        if row >= stop:
            return


def plain_array(column: pa.ChunkedArray, name: str) -> pa.Array:
    """Return a column in one of the plain types, with missing values as the module describes.

    Raises
    ------
    SurveyError
        If it holds lists or other nested values, or text that is not UTF-8.
    """
    array = column.combine_chunks()
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.cast(kind.value_type), kind.value_type
    if pa.types.is_boolean(kind) or pa.types.is_uint64(kind):
        return array
    if pa.types.is_integer(kind):
        return array.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind):
        wide = pa.float32() if kind in (pa.float16(), pa.float32()) else pa.float64()
        return array.cast(wide, safe=False).fill_null(np.nan)
    if pa.types.is_nested(kind):
        raise SurveyError(f"column {name!r} holds {kind} a row. Name one of numbers, logicals or text.")
    try:
        text = pc.utf8_trim_whitespace(array.cast(pa.string()))
    except pa.ArrowInvalid as exc:
        raise SurveyError(f"column {name!r} is not UTF-8 text. Write the file in UTF-8.") from exc
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
