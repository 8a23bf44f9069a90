"""Survey files in VOTable: astropy reads them, some rows at a time if they are written as TABLEDATA.

Rows in BINARY, BINARY2 or FITS are one text in base64 that has to be read as a whole, which takes about ten times the
size of the file in memory. A large file should be written as TABLEDATA, FITS or Parquet.

Source: Ochsenbein et al. 2019, VOTable Format Definition, version 1.4 (IVOA).
"""

import io
import itertools
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pyarrow as pa
from astropy.io.votable import parse_single_table
from astropy.io.votable.exceptions import W30, conf
from astropy.io.votable.tree import Field, TableElement
from astropy.utils.xml.iterparser import get_xml_iterator

from stdask.errors import SurveyError
from stdask.storage.surveys.format import SurveyFile, Wanted, cut
from stdask.storage.surveys.streams import open_stream

ROWS_AT_ONCE = 4096  # as XML and as lists of Python's objects
SERIALIZATIONS = ("TABLEDATA", "BINARY", "BINARY2", "FITS", "PARQUET")
TEXT = ("char", "unicodeChar")
# Astropy reads any word that is not a number as missing; stdask only the words that files use for missing values.
NO_FLOAT = r".*W30: Invalid literal for float '(?!(null|none|n/?a|-+|\.+)')"

Events = Iterator[tuple[bool, str, Any, tuple[int, int]]]  # start or end, tag, attributes or text, place


@dataclass(frozen=True)
class Document:
    """The document around the rows of its first table that has any."""

    head: str
    foot: str
    table: int  # its number
    in_parts: bool  # some rows can be read without the others


@dataclass(frozen=True)
class VotableFile(SurveyFile):
    """A VOTable."""

    document: Document
    fields: Mapping[str, tuple[int, str]]  # name of a column -> its number and ID

    def _tables(self, wanted: Sequence[Wanted], start: int, stop: int) -> Iterator[pa.Table]:
        numbers = sorted({self.fields[want.column][0] for want in wanted})
        parts = self._parts(numbers) if self.document.in_parts else [_parse_whole(self.path, self.document, numbers)]
        yield from cut((self._table(wanted, part.array) for part in parts), start, stop)

    def _count(self) -> int:
        with _events(self.path) as events:
            _read_document(events)
            n_rows = sum(tag == "TR" and not start for start, tag, _, _ in _rows(events))
            for _ in events:  # to its end, so that a truncated document is refused
                pass
        return n_rows

    def _parts(self, numbers: Sequence[int]) -> Iterator[TableElement]:
        with _events(self.path) as events:
            _read_document(events)
            while rows := _next_rows(events, ROWS_AT_ONCE):
                yield _parse_rows(self.document, rows, numbers)

    def _table(self, wanted: Sequence[Wanted], rows: np.ma.MaskedArray) -> pa.Table:
        return pa.table({want.name: _to_array(rows[self.fields[want.column][1]], want) for want in wanted})


def open_votable(path: Path) -> VotableFile:
    """Open a VOTable.

    Raises
    ------
    SurveyError
        If it holds no table, or the rows lie in another file.
    """
    with _events(path) as events:
        document = _read_document(events)
    table = _parse_rows(document, "") if document.in_parts else _parse_whole(path, document)
    names = list(_names(table.fields))
    shapes = {name: _shape(field, table.array[field.ID]) for name, field in zip(names, table.fields, strict=True)}
    return VotableFile(
        path,
        None if document.in_parts else len(table.array),
        columns={name: str(field.unit or "") for name, field in zip(names, table.fields, strict=True)},
        vectors={name: shape for name, shape in shapes.items() if shape is not None},
        by_slices=False,
        document=document,
        fields={name: (n, field.ID) for n, (name, field) in enumerate(zip(names, table.fields, strict=True))},
    )


@contextmanager
def _events(path: Path) -> Iterator[Events]:
    with open_stream(path) as stream, get_xml_iterator(stream.read) as events:
        yield events


def _read_document(events: Events) -> Document:
    """Read up to the first row."""
    head, tags, table = [], [], -1
    for start, tag, data, _ in events:
        if tag == "xml":
            continue
        if start:
            tags.append(tag)
            table += tag == "TABLE"
            if tag == "TABLE":
                data = {name: value for name, value in data.items() if name != "nrows"}  # of all, not of a part
        else:
            tags.pop()
        head.append(_xml(start, tag, data))
        if start and tag in SERIALIZATIONS:
            break
    else:
        raise SurveyError(
            "it has no rows: none of its tables has DATA. Check what the service that it comes from answered."
        )
    if tag != "TABLEDATA":
        stream = next(events)
        if tag == "PARQUET" or "href" in stream[2]:
            raise SurveyError("its rows lie in another file. Fetch that one, or a VOTable with its rows in it.")
    foot = "".join(f"</{tag}>" for tag in reversed(tags))
    return Document("".join(head), foot, table, tag == "TABLEDATA")


def _rows(events: Events) -> Events:
    return itertools.takewhile(lambda event: event[1] != "TABLEDATA", events)


def _next_rows(events: Events, n_rows: int) -> str:
    """Return the next rows as XML, empty after the last one."""
    rows, n_read = [], 0
    for start, tag, data, _ in _rows(events):
        rows.append(_xml(start, tag, data))
        n_read += tag == "TR" and not start
        if n_read == n_rows:
            break
    return "".join(rows)


def _xml(start: bool, tag: str, data: Any) -> str:
    if start:
        return f"<{tag}{''.join(f' {name}={quoteattr(value)}' for name, value in data.items())}>"
    return f"{escape(data)}</{tag}>"


def _parse_rows(document: Document, rows: str, numbers: Sequence[int] = ()) -> TableElement:
    """Parse some rows as if there were no others."""
    return _parse(io.BytesIO(f"{document.head}{rows}{document.foot}".encode()), document, numbers)


def _parse_whole(path: Path, document: Document, numbers: Sequence[int] = ()) -> TableElement:
    with open_stream(path) as stream:
        return _parse(stream, document, numbers)


def _parse(source: Any, document: Document, numbers: Sequence[int]) -> TableElement:
    with warnings.catch_warnings(), conf.set_temp("max_warnings", sys.maxsize):
        warnings.simplefilter("ignore")  # small offences against the standard, which most files commit
        warnings.filterwarnings("error", NO_FLOAT, W30)
        columns = list(numbers) or None
        try:
            return parse_single_table(source.read, table_number=document.table, columns=columns, verify="warn")
        except W30 as exc:
            word = str(exc).partition("'")[2].rpartition("'")[0]
            raise SurveyError(f"{word!r} stands where a number belongs. Correct it, or leave it empty.") from exc


def _names(fields: Sequence[Field]) -> Iterator[str]:
    """Yield names that differ, as astropy makes them: the second `x` is `x2`."""
    taken: set[str] = set()
    for field in fields:
        names = itertools.chain([field.name], (f"{field.name}{n}" for n in itertools.count(2)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield name


def _shape(field: Field, values: np.ndarray) -> tuple[int, ...] | None:
    """Return the shape of the vectors of a column: None for no vectors, (0,) for lists of any length."""
    if values.ndim > 1:
        return values.shape[1:]
    is_list = values.dtype.kind == "O" and (field.datatype not in TEXT or "x" in str(field.arraysize))
    return (0,) if is_list else None


def _to_array(values: np.ma.MaskedArray, want: Wanted) -> pa.Array:
    if want.element is not None:
        if values.ndim == 1:
            raise SurveyError(f"column {want.column!r} holds lists of any length. Name one of numbers or text.")
        values = values.reshape(len(values), -1)[:, want.element]
    data, missing = np.ma.getdata(values), np.ma.getmaskarray(values)
    if data.dtype.kind in "OSU":
        texts = zip(data.tolist(), missing.tolist(), strict=True)
        return pa.array([None if lacks else str(text) for text, lacks in texts], pa.string())
    if data.dtype.kind not in "biuf":
        raise SurveyError(f"column {want.column!r} holds {data.dtype}. Name one of numbers, logicals or text.")
    return pa.array(data.astype(data.dtype.newbyteorder("=")), mask=missing, from_pandas=False)
