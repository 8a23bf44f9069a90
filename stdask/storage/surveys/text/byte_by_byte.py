"""The byte-by-byte description of tables of CDS and of the AAS, which astropy parses.

Source: Standards for Astronomical Catalogues, version 2.0 (CDS, 2000), sect. 3.2.
"""

import fnmatch
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from astropy.io import ascii as text_tables
from astropy.units import UnitsWarning

from stdask.errors import SurveyError
from stdask.storage.surveys.format import check_names
from stdask.storage.surveys.streams import SUFFIXES, open_stream

DESCRIPTION = re.compile(r"Byte-by-byte Description of file: *(\S.*)", re.IGNORECASE)
KINDS = {"IntType": pa.int64(), "FloatType": pa.float64(), "StrType": pa.string()}
LONGEST_SECTION = 5000  # lines of a description without a line that ends a section
SECTION = re.compile(r"(-{6,}|={6,})\s*")


class Field(NamedTuple):
    """A column of fixed width."""

    name: str
    unit: str
    start: int  # start <= byte < stop of a line
    stop: int
    kind: pa.DataType
    nulls: tuple[str, ...]  # texts that stand for a missing value
    null_numbers: tuple[float, ...]  # the same as numbers: 99.9 may be written as 99.90


def find_head(path: Path) -> tuple[list[Field], int]:
    """Return the columns that a table describes before its rows, and the number of lines before these.

    Raises
    ------
    SurveyError
        If it describes no columns.
    """
    head: list[str] = []
    since: list[str] = []  # lines since the last line that ends a section
    with open_stream(path) as stream, TextIOWrapper(stream, encoding="latin-1") as lines:
        for line in lines:
            since.append(line.rstrip("\r\n"))
            if SECTION.fullmatch(line):
                head += since
                since = []
            elif len(since) > LONGEST_SECTION and head:
                break
    return _fields(head, None), len(head)


def read_readme(readme: Path, table: str) -> list[Field]:
    """Return the columns that a file `ReadMe` describes.

    Parameters
    ----------
    readme
        The file.
    table
        Name of the file of the table, which may have the name of the catalogue before its own.

    Raises
    ------
    SurveyError
        If the file is missing, or does not describe the table.
    """
    described = tables_of(readme)
    own = described_as(table, described)
    if own is None:
        raise SurveyError(
            f"{readme} does not describe {table}, but {', '.join(described) or 'no table'}. Give the table one of "
            "these names, or name its own description: [file] readme."
        )
    return _fields(readme.read_text(encoding="latin-1").splitlines(), own)


def tables_of(readme: Path) -> list[str]:
    """Return the names of the tables that a file `ReadMe` describes, some with wildcards.

    Raises
    ------
    SurveyError
        If there is no such file.
    """
    try:
        lines = readme.read_text(encoding="latin-1").splitlines()
    except FileNotFoundError:
        raise SurveyError(
            f"No file {readme}, which describes the columns of a table of CDS. Put it into the folder of the table, or "
            "name it: [file] readme."
        ) from None
    found = [match[1] for line in lines if (match := DESCRIPTION.match(line.strip()))]
    return [name for names in found for name in re.split("[, ]+", names) if name]


def described_as(table: str, described: Sequence[str]) -> str | None:
    """Return the name under which a file is described, None if it is not."""
    for suffix in SUFFIXES:
        table = table.removesuffix(suffix)
    return next((name for name in described if fnmatch.fnmatch(table, name) or table.endswith(f"_{name}")), None)


def _fields(lines: Sequence[str], table: str | None) -> list[Field]:
    """Return the columns of a description, or of one table of a `ReadMe`."""
    reader = text_tables.get_reader(text_tables.Cds)
    header = reader.header
    header.col_type_map = {**header.col_type_map, "d": header.col_type_map["f"]}  # exponents of double precision
    header.readme, reader.data.table_name = (list(lines), table) if table else (None, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnitsWarning)  # a unit is looked at where it is used
        header.get_cols(list(lines))
    check_names(header.names)
    if not header.cols:
        raise SurveyError("its description names no columns. Fetch it again.")
    nulls: dict[str, list[str]] = {}
    for text, _, *names in reader.data.fill_values:
        for name in names:
            nulls.setdefault(name, []).append(text)
    return [_field(column, nulls.get(column.name, [])) for column in header.cols]


def _field(column: "text_tables.Column", nulls: Sequence[str]) -> Field:
    kind = KINDS[column.type.__name__]
    numbers = []
    if kind != pa.string():
        for text in nulls:
            with suppress(ValueError):
                numbers.append(float(text))
    unit = "" if column.unit is None else str(column.unit)
    return Field(column.name, unit, column.start, column.end, kind, ("", *nulls), tuple(numbers))
