"""Survey files in CSV, read in three passes: to count rows, to find the types of columns, and to convert values.

A type is found from all values of a column: the first block of a file may hold whole numbers alone.
"""

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, check_names, cut, parse_text
from stdask.storage.surveys.streams import open_stream, read_batches

NULL_TEXTS = pa.array(["", "null", "NULL", "NA", "N/A"])  # "nan" stays a number
KINDS = (pa.int64(), pa.uint64(), pa.float64(), pa.bool_(), pa.string())  # the first that holds all values is taken
OTHER_DELIMITERS = {"|": "|", "\t": "\\t", ";": ";", ",": ","}  # and how a TOML file spells them


@dataclass(frozen=True)
class CsvFile(SurveyFile):
    """A CSV file."""

    delimiter: str

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        names = [want.name for want in wanted]
        kinds = _find_kinds(self._texts(names))
        tables = (
            pa.table({name: parse_text(name, text.column(name), kinds[name]) for name in names})
            for text in self._texts(names)
        )
        yield from cut(tables, start, stop)

    def _count(self) -> int:
        *_, last_column = self.columns
        n_rows, last = 0, b""
        for batch in _batches(self.path, self.delimiter, [last_column], pa.binary()):
            n_rows += batch.num_rows
            last = batch.column(0)[-1].as_py() if batch.num_rows else last
        if b"\n" in last:  # Arrow takes all lines after a quote that is never closed for one value
            raise SurveyError(f"{self.path}: row {n_rows}, the last one, holds several lines. Close the quote in it.")
        return n_rows

    def _texts(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield columns as text, null where a value is missing."""
        for batch in _batches(self.path, self.delimiter, names, pa.string()):
            yield pa.table({name: _text(batch.column(name)) for name in names})


def open_csv(path: Path, delimiter: str) -> CsvFile:
    """Open a CSV file.

    Raises
    ------
    SurveyError
        If a line has another number of values than the first, or the first has another delimiter.
    """
    with closing(_batches(path, delimiter)) as batches:
        names = next(batches).schema.names
    check_names(names)
    found = next((other for other in OTHER_DELIMITERS if other in names[0]), None) if len(names) == 1 else None
    if found:
        raise SurveyError(
            f"{path}: no {delimiter!r} is in its first line. If another character stands between its values, say so in "
            f'its definition: [file] delimiter = "{OTHER_DELIMITERS[found]}".'
        )
    return CsvFile(path, None, dict.fromkeys(names, ""), vectors={}, by_slices=False, delimiter=delimiter)


def _batches(
    path: Path, delimiter: str, names: Sequence[str] = (), kind: pa.DataType | None = None
) -> Generator[pa.RecordBatch]:
    """Yield some columns, all of them without names, as text or as bytes, block after block."""
    options = {
        "read_options": pcsv.ReadOptions(use_threads=False),  # with threads an error does not give the line
        "parse_options": pcsv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        "convert_options": pcsv.ConvertOptions(include_columns=names, column_types=dict.fromkeys(names, kind)),
    }
    try:
        with open_stream(path) as stream:
            yield from read_batches(stream, partial(pcsv.open_csv, **options))
    except pa.ArrowInvalid as exc:
        raise SurveyError(_why(path, str(exc), delimiter)) from exc


def _why(path: Path, reason: str, delimiter: str) -> str:
    ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", reason)
    if ragged:
        return (
            f"{path}: line {ragged[1]} has {ragged[3]} values, the first line {ragged[2]}. Correct it, or say in the "
            f"definition which character stands between values if it is not {delimiter!r}: [file] delimiter."
        )
    if "straddles" in reason:
        return f"{path}: a line is longer than a megabyte. It may lack a closing quote: correct it."
    if "invalid UTF8" in reason:
        return f"{path} is not UTF-8 text. Write the file in UTF-8."
    return f"Cannot read {path}: {reason}. Check the file or fetch it again."


def _text(column: pa.Array) -> pa.Array:
    text = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.is_in(text, NULL_TEXTS), pa.scalar(None, pa.string()), text)


def _find_kinds(tables: Iterator[pa.Table]) -> Mapping[str, pa.DataType]:
    """Return the narrowest type that holds all values of a column; float64 if all are missing."""
    possible: dict[str, Sequence[pa.DataType]] = {}
    for table in tables:
        for name, column in zip(table.column_names, table.columns, strict=True):
            kinds = possible.setdefault(name, KINDS)
            if column.null_count < len(column):
                possible[name] = [kind for kind in kinds if _holds(kind, column)]
    return {name: pa.float64() if kinds is KINDS else kinds[0] for name, kinds in possible.items()}


def _holds(kind: pa.DataType, column: pa.ChunkedArray) -> bool:
    if pa.types.is_integer(kind) and pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py():
        return False  # a name such as 0x1F is no hexadecimal number
    try:
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True
