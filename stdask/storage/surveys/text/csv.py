"""Survey files of delimited text, read in three passes: to count rows, to find the types of columns, and for values."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.csv as pcsv

from stdask.errors import SurveyError
from stdask.storage.surveys.streams import open_stream, read_batches
from stdask.storage.surveys.text.columns import TextFile
from stdask.storage.surveys.text.dialects import BLANKS, TextDialect
from stdask.storage.surveys.text.rows import RowStream


@dataclass(frozen=True)
class CsvFile(TextFile):
    """A file of delimited text."""

    dialect: TextDialect

    def _texts(self, names: Sequence[str]) -> Iterator[pa.Table]:
        numbers = [self.dialect.names.index(name) for name in names]
        for batch in text_batches(self.path, self.dialect, numbers, pa.string()):
            yield pa.table(batch.columns, names=names)

    def _count(self) -> int:
        n_rows, last = 0, b""
        for batch in text_batches(self.path, self.dialect, [len(self.dialect.names) - 1], pa.binary()):
            n_rows += batch.num_rows
            last = batch.column(0)[-1].as_py() if batch.num_rows else last
        if b"\n" in last:  # Arrow takes all lines after a quote that is never closed for one value
            raise SurveyError(f"{self.path}: row {n_rows}, the last one, holds several lines. Close the quote in it.")
        return n_rows


def text_batches(
    path: Path, dialect: TextDialect, numbers: Sequence[int], kind: pa.DataType
) -> Iterator[pa.RecordBatch]:
    """Yield columns, named by their numbers, as text or as bytes, block after block.

    Raises
    ------
    SurveyError
        If a line has another number of values than there are names, or is no text.
    """
    names = [str(number) for number in range(len(dialect.names))]
    wanted = [str(number) for number in numbers]
    options = {
        # with threads an error does not give the line
        "read_options": pcsv.ReadOptions(use_threads=False, column_names=names),
        "parse_options": pcsv.ParseOptions(
            delimiter="\t" if dialect.delimiter == BLANKS else dialect.delimiter, newlines_in_values=True
        ),
        "convert_options": pcsv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, kind)),
    }
    try:
        with open_stream(path) as source:
            yield from read_batches(cast("BinaryIO", RowStream(source, dialect)), partial(pcsv.open_csv, **options))
    except pa.ArrowInvalid as exc:
        raise SurveyError(_why(path, str(exc), dialect)) from exc


def _why(path: Path, reason: str, dialect: TextDialect) -> str:
    ragged = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", reason)
    if ragged:
        number = _line_of(path, dialect, int(ragged[1]))
        other = f"; if {dialect.delimiter!r} is not what stands between values: [file] delimiter" * dialect.is_guess
        cds = " A table of CDS needs its ReadMe in the same folder." if ".dat" in path.suffixes else ""
        return (
            f"{path}: line {number} has {ragged[3]} values, the line of names {ragged[2]}. Correct this line or fetch "
            f"the file again{other}.{cds}"
        )
    if "straddles" in reason:
        return f"{path}: a line is longer than a megabyte. It may lack a closing quote: correct it."
    if "invalid UTF8" in reason:
        return f"{path} is not UTF-8 text. Write the file in UTF-8."
    return f"Cannot read {path}: {reason}. Check the file or fetch it again."


def _line_of(path: Path, dialect: TextDialect, row: int) -> int:
    """Return the line of the file that a row stands on: Arrow counts neither blank lines nor comments."""
    n_rows = 0
    with open_stream(path) as source, TextIOWrapper(source, encoding=dialect.encoding, errors="replace") as lines:
        for number, line in enumerate(lines, 1):
            n_rows += number > dialect.n_head and bool(line.rstrip("\r\n")) and not line.startswith("#")
            if n_rows == row:
                return number
    return dialect.n_head + row
