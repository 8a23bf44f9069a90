"""Survey files in ECSV: names, types and units from the header; rows are read as those of other delimited text.

Source: Aldcroft 2022, Enhanced Character-Separated Values table format for interoperability of astronomical data
(APE 6). The bulk files of Gaia write `null` for missing values, which APE 6 does not.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import TextIOWrapper
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
from astropy.table import meta

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, check_names, cut
from stdask.storage.surveys.streams import open_stream
from stdask.storage.surveys.text.columns import NULL_TEXTS, clean_text, parse_text
from stdask.storage.surveys.text.csv import text_batches
from stdask.storage.surveys.text.dialects import TextDialect, split

KINDS = {"float16": "float32", "float128": "float64"}  # types that Arrow does not read from text -> types used
NULLS_OF_TEXT = ("", "null")  # "None" may be a word


@dataclass(frozen=True)
class EcsvFile(SurveyFile):
    """An ECSV file."""

    kinds: Mapping[str, str]  # of the columns, or of the elements of their vectors
    dialect: TextDialect
    nulls: tuple[str, ...]  # further texts that stand for a missing value

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        columns = list(dict.fromkeys(want.column for want in wanted))
        numbers = [self.dialect.names.index(name) for name in columns]
        batches = text_batches(self.path, self.dialect, numbers, pa.string())
        tables = (pa.table(batch.columns, names=columns) for batch in batches)
        yield from cut(
            (pa.table({want.name: self._values(text, want) for want in wanted}) for text in tables), start, stop
        )

    def _count(self) -> int:
        last = [len(self.dialect.names) - 1]
        return sum(batch.num_rows for batch in text_batches(self.path, self.dialect, last, pa.binary()))

    def _values(self, texts: pa.Table, want: Wanted) -> pa.Array | pa.ChunkedArray:
        column, kind = texts.column(want.column), self.kinds[want.column]
        if want.element is not None:
            column = pa.array([_element(text, want) for text in column.to_pylist()], pa.string())
        if kind == "string":
            return clean_text(column, pa.array([*NULLS_OF_TEXT, *self.nulls]))
        try:
            dtype = pa.type_for_alias(KINDS.get(kind, kind))
        except ValueError:
            raise SurveyError(f"column {want.column!r} holds {kind}. Name one of numbers, logicals or text.") from None
        return parse_text(want.column, clean_text(column, pa.array([*NULL_TEXTS, *self.nulls])), dtype)


def open_ecsv(path: Path, nulls: Sequence[str]) -> EcsvFile:
    """Open an ECSV file.

    Parameters
    ----------
    path
        Packed or not.
    nulls
        Further texts that stand for a missing value.

    Raises
    ------
    SurveyError
        If the two headers differ.
    """
    columns, dialect = _read_head(path)
    shapes = {column["name"]: _shape(column) for column in columns}
    return EcsvFile(
        path,
        None,
        columns=dict(zip(dialect.names, dialect.units, strict=True)),
        vectors={name: shape for name, (_, shape) in shapes.items() if shape is not None},
        by_slices=False,
        kinds={name: kind for name, (kind, _) in shapes.items()},
        dialect=dialect,
        nulls=tuple(nulls),
    )


def _read_head(path: Path) -> tuple[list[dict[str, Any]], TextDialect]:
    """Return the columns as the header describes them, and how the rows are written."""
    with open_stream(path) as stream, TextIOWrapper(stream, encoding="utf-8") as text:
        head = []
        for n_lines, line in enumerate(text, 1):  # noqa: B007
            if line.startswith("#"):
                head.append(line.removeprefix("# ").removeprefix("#"))
            elif line.strip():
                break
        else:
            raise EOFError
    header = _parsed(tuple(head))
    columns, delimiter = header["datatype"], header.get("delimiter", " ")
    names = [column["name"] for column in columns]
    check_names(names)
    if split([line], delimiter)[0] != names:
        raise SurveyError(f"{path}: its header names the columns {', '.join(names)}, its first line does not.")
    units = tuple(str(column.get("unit") or "") for column in columns)
    return columns, TextDialect(tuple(names), units, delimiter, n_lines, "utf-8", is_guess=False)


@lru_cache(maxsize=16)
def _parsed(head: tuple[str, ...]) -> Mapping[str, Any]:
    """Return the content of a header. That is slow, and the thousands of files of a survey have the same."""
    return cast("Mapping[str, Any]", meta.get_header_from_yaml(head))


def _shape(column: Mapping[str, Any]) -> tuple[str, tuple[int, ...] | None]:
    """Return the type of a column and the shape of its vectors: None for no vectors, (0,) for lists of any length."""
    subtype = str(column.get("subtype") or "")
    match = re.fullmatch(r"(\w+)(\[[\w\s,]+\])", subtype)
    if subtype and match is None:
        return subtype, (0,)  # of JSON objects
    if match is None:
        return str(column["datatype"]), None
    lengths = json.loads(match[2])
    return match[1], (0,) if None in lengths else tuple(lengths)


def _element(text: str, want: Wanted) -> str:
    """Return an element of a list in JSON as text, blank where there is none."""
    if text.strip() in NULL_TEXTS:
        return ""
    try:
        value = np.array(json.loads(text), dtype=object).ravel()[want.element]
    except (ValueError, IndexError) as exc:
        raise SurveyError(f"column {want.column!r}: there is no {want.name} in {text[:60]!r}. Correct it.") from exc
    return "" if value is None else str(value)
