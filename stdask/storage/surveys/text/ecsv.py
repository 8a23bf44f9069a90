"""Survey files in ECSV: names, types and units from the header; rows are streamed.

Source: Aldcroft 2022, Enhanced Character-Separated Values table format for interoperability of astronomical data
(APE 6). The rows are split by Python's csv, as astropy does: several blanks count as one delimiter.
"""

import csv
import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.table import meta

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, check_names, cut, parse_text
from stdask.storage.surveys.streams import open_stream

ROWS_AT_ONCE = 8192  # as lists of Python's strings: 30 MB of 60 columns
KINDS = {"float16": "float32", "float128": "float64"}  # types that Arrow does not read from text -> types used

Rows = Iterator[list[str]]


@dataclass(frozen=True)
class EcsvFile(SurveyFile):
    """An ECSV file."""

    kinds: Mapping[str, str]  # of the columns, or of the elements of their vectors

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        places = {name: number for number, name in enumerate(self.columns)}
        with _open(self.path) as (_, rows):
            yield from cut((self._table(wanted, places, part) for part in _parts(rows)), start, stop)

    def _count(self) -> int:
        with _open(self.path) as (_, rows):
            return sum(1 for _ in rows)

    def _table(self, wanted: Sequence[Wanted], places: Mapping[str, int], rows: list[list[str]]) -> pa.Table:
        columns = {}
        for want in wanted:
            texts = [row[places[want.column]] for row in rows]
            if want.element is not None:
                texts = [_element(text, want) for text in texts]
            columns[want.name] = _to_array(texts, self.kinds[want.column], want.column)
        return pa.table(columns)


def open_ecsv(path: Path) -> EcsvFile:
    """Open an ECSV file.

    Raises
    ------
    SurveyError
        If a line has another number of values than the header has columns, or the two headers differ.
    """
    with _open(path) as (columns, _):
        pass
    shapes = {column["name"]: _shape(column) for column in columns}
    return EcsvFile(
        path,
        None,
        columns={column["name"]: str(column.get("unit") or "") for column in columns},
        vectors={name: n for name, (_, n) in shapes.items() if n is not None},
        by_slices=False,
        kinds={name: kind for name, (kind, _) in shapes.items()},
    )


@contextmanager
def _open(path: Path) -> Iterator[tuple[list[dict[str, Any]], Rows]]:
    """Yield the columns of the header, and the rows, which are checked while they are read."""
    with open_stream(path) as stream, TextIOWrapper(stream, encoding="utf-8") as text:
        head = []
        for line in text:
            if not line.startswith("#"):
                break
            head.append(line.removeprefix("# ").removeprefix("#"))
        else:
            raise EOFError
        header = meta.get_header_from_yaml(head)
        columns, delimiter = header["datatype"], header.get("delimiter", " ")
        rest = _without_comments(itertools.chain([line], text))
        rows = csv.reader(rest, delimiter=delimiter, skipinitialspace=True)
        names = [column["name"] for column in columns]
        check_names(names)
        if next(rows, None) != names:
            raise SurveyError(f"{path}: its header names the columns {', '.join(names)}, its first line does not.")
        yield columns, _checked(rows, len(names), path)


def _without_comments(lines: Iterator[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _checked(rows: Rows, n_columns: int, path: Path) -> Rows:
    for number, row in enumerate(rows, 1):
        if len(row) != n_columns:
            raise SurveyError(f"{path}: row {number} has {len(row)} values for {n_columns} columns. Correct this row.")
        yield row


def _parts(rows: Rows) -> Iterator[list[list[str]]]:
    while part := list(itertools.islice(rows, ROWS_AT_ONCE)):
        yield part


def _shape(column: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return the type of a column and how many values it holds a row: None for one, 0 for a list of any length."""
    subtype = str(column.get("subtype") or "")
    match = re.fullmatch(r"(\w+)(\[[\w\s,]+\])", subtype)
    if subtype and match is None:
        return subtype, 0  # of JSON objects
    if match is None:
        return str(column["datatype"]), None
    return match[1], math.prod(0 if n is None else n for n in json.loads(match[2]))


def _element(text: str, want: Wanted) -> str:
    """Return an element of a list in JSON as text, blank where there is none."""
    if not text:
        return ""
    try:
        value = np.array(json.loads(text), dtype=object).ravel()[want.element]
    except (ValueError, IndexError) as exc:
        raise SurveyError(f"column {want.column!r}: there is no {want.name} in {text[:60]!r}. Correct it.") from exc
    return "" if value is None else str(value)


def _to_array(texts: list[str], kind: str, column: str) -> pa.Array:
    if kind == "string":
        return pa.array(texts, pa.string())
    try:
        dtype = pa.type_for_alias(KINDS.get(kind, kind))
    except ValueError:
        raise SurveyError(f"column {column!r} holds {kind}. Name one of numbers, logicals or text.") from None
    stripped = pc.utf8_trim_whitespace(pa.array(texts, pa.string()))
    return parse_text(column, pc.if_else(pc.equal(stripped, ""), pa.scalar(None, pa.string()), stripped), dtype)
