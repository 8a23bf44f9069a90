"""Columns of a text file: what stands for a missing value, and the type that holds all values.

A type is found from all values of a column: the first block of a file may hold whole numbers alone.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, cut

NULL_TEXTS = ("", "null", "NULL", "NA", "N/A", "None", "--", "\\N", "<NA>")  # "nan" stays a number
KINDS = (pa.int64(), pa.uint64(), pa.float64(), pa.bool_(), pa.string())  # the first that holds all values is taken
# What Arrow does not take for a number: a plus before an integer, and the exponent of double precision in Fortran.
SPELLINGS = ((r"^\+(\d)", r"\1"), (r"^([+-]?[\d.]+)[dD]([+-]?\d+)$", r"\1e\2"))


@dataclass(frozen=True)
class TextFile(SurveyFile):
    """A text file, each column of which has to be read to know its type."""

    nulls: tuple[str, ...]  # texts that stand for a missing value

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        columns = list(dict.fromkeys(want.column for want in wanted))
        typed = list(dict.fromkeys(want.column for want in wanted if not want.as_text))
        kinds = {want.name: pa.string() for want in wanted if want.as_text}
        found = find_kinds(self._cleaned(typed)) if typed else {}
        kinds |= {want.name: found[want.column] for want in wanted if not want.as_text}
        tables = (
            pa.table({w.name: parse_text(w.column, text.column(w.column), kinds[w.name]) for w in wanted})
            for text in self._cleaned(columns)
        )
        yield from cut(tables, start, stop)

    def _cleaned(self, names: Sequence[str]) -> Iterator[pa.Table]:
        nulls = pa.array(self.nulls)
        for text in self._texts(names):
            yield pa.table({name: clean_text(text.column(name), nulls) for name in names})

    @abstractmethod
    def _texts(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns as text, some rows at a time."""


def clean_text(column: pa.Array | pa.ChunkedArray, nulls: pa.Array) -> pa.Array | pa.ChunkedArray:
    """Return text without blanks around it, null where it stands for a missing value."""
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(text, nulls), pa.scalar(None, pa.string()), text)


def find_kinds(tables: Iterator[pa.Table]) -> Mapping[str, pa.DataType]:
    """Return the narrowest type that holds all values of a column; float64 if all are missing."""
    possible: dict[str, Sequence[pa.DataType]] = {}
    for table in tables:
        for name, column in zip(table.column_names, table.columns, strict=True):
            kinds = possible.setdefault(name, KINDS)
            if column.null_count < len(column):
                possible[name] = [kind for kind in kinds if _holds(kind, column)]
    return {name: pa.float64() if kinds is KINDS else kinds[0] for name, kinds in possible.items()}


def parse_text(column: str, text: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    """Return text as numbers or logicals.

    Raises
    ------
    SurveyError
        Naming the column, if a text is none.
    """
    try:
        return _cast(text, kind)
    except pa.ArrowInvalid as exc:
        raise SurveyError(
            f"column {column!r}: {exc}. Correct this value, or, if it stands for a missing one, name it in [file] null."
        ) from exc


def _holds(kind: pa.DataType, column: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(kind) and pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py():
        return False  # a name such as 0x1F is no hexadecimal number
    try:
        _cast(column, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _cast(text: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            raise
        for pattern, number in SPELLINGS:
            text = pc.replace_substring_regex(text, pattern, number)
        return text.cast(kind)
