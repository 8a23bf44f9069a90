"""Rows of FITS binary tables directly from their bytes: no copy of the file, no rounding of integers.

Source: FITS Standard 4.0, sect. 4.4.1 (size of a unit) and 7.3 (binary table extension). TDIMn names the axis that
varies fastest first, NumPy last.
"""

import itertools
import json
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
from astropy.io import fits

from stdask.errors import SurveyError
from stdask.storage.surveys.streams import skip

BLOCK = 2880  # bytes; every header and every table fills a whole number of them
MOST_TABLES = 20  # of which the headers are read to name them
MOST_BLOCKS = 10_000  # of a header: 360,000 cards, ten times what the 999 columns allowed can take
CODES = {
    "L": "i1", "X": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8",
    "C": ">c8", "M": ">c16", "P": ">i4", "Q": ">i8",
}  # fmt: skip
REFUSED = {"C": "complex numbers", "M": "complex numbers", "P": "lists of any length", "Q": "lists of any length"}


@dataclass(frozen=True)
class FitsColumn:
    """How to read one column: TFORMn, TUNITn, TNULLn, TSCALn, TZEROn."""

    field: str  # of the records
    code: str  # letter of TFORMn
    shape: tuple[int, ...]  # of the values of a row as NumPy counts; () for one value, (0,) for lists of any length
    unit: str
    null: int | None
    scale: float
    zero: float


@dataclass(frozen=True)
class FitsLayout:
    """Where a binary table of a file lies and what its records look like."""

    name: str
    offset: int  # bytes before the first record
    dtype: np.dtype  # of a record, big-endian
    n_rows: int
    columns: Mapping[str, FitsColumn]

    @property
    def end(self) -> int:
        """Bytes of the file up to the last record."""
        return self.offset + self.n_rows * self.dtype.itemsize


def read_layouts(stream: BinaryIO, names: Sequence[str]) -> list[FitsLayout]:
    """Find binary tables of a FITS file by name or number (that after the primary header is 1).

    Raises
    ------
    SurveyError
        If it does not hold them, or they are compressed.
    """
    found: dict[str, FitsLayout] = {}
    seen: list[str] = []
    for number, offset, header in _tables(stream):
        name = _name(number, header)
        seen.append(name)
        wanted = next((w for w in names if w.upper() in (name.upper(), str(number))), None)
        if wanted is None or wanted in found:
            continue
        found[wanted] = _layout(wanted, header, offset)
        if len(found) == len(names):
            return [found[name] for name in names]
    lost = next(name for name in names if name not in found)
    raise SurveyError(f"it has no binary table {lost!r}. Name in [file] hdus some of {', '.join(seen)}.")


def read_first_layout(stream: BinaryIO, only: bool) -> tuple[FitsLayout, dict[str, frozenset[str]]]:
    """Find the first binary table of a FITS file.

    Parameters
    ----------
    stream
        The file from its beginning.
    only
        Do not look for further tables: in a packed file that would take as long as to read all of it.

    Returns
    -------
    layout, others
        The first table, and the names or numbers of the others, with their columns in small letters.

    Raises
    ------
    SurveyError
        If there is none, it is compressed, or it has no rows and another has some.
    """
    tables = _tables(stream)
    first = next(tables, None)
    if first is None:
        raise SurveyError("it holds no binary table. Write the catalogue as a FITS binary table.")
    number, offset, header = first
    layout = _layout(_name(number, header), header, offset)
    if layout.n_rows and only:
        return layout, {}
    others = {_name(number, header): header for number, _, header in itertools.islice(tables, MOST_TABLES)}
    full = [(name, header["NAXIS2"]) for name, header in others.items() if header["NAXIS2"]]
    if not layout.n_rows and full:
        counted = ", ".join(f"table {name} has {n_rows}" for name, n_rows in full)
        raise SurveyError(
            f"its first table has no rows; {counted}: name it in [file] hdus = [{json.dumps(full[0][0])}]."
        )
    return layout, {name: _column_names(header) for name, header in others.items()}


def _column_names(header: fits.Header) -> frozenset[str]:
    return frozenset(str(header.get(f"TTYPE{n}", "")).lower() for n in range(1, header["TFIELDS"] + 1))


def _tables(stream: BinaryIO) -> Iterator[tuple[int, int, fits.Header]]:
    """Yield the number of each binary table, where its data begin, and its header."""
    for number, (offset, header) in enumerate(_headers(stream)):
        if header.get("XTENSION") == "BINTABLE" and not header.get("ZIMAGE"):  # an image is no catalogue
            yield number, offset, header


def _name(number: int, header: fits.Header) -> str:
    return str(header.get("EXTNAME", "")).strip() or str(number)


def read_records(stream: BinaryIO, layout: FitsLayout, start: int, stop: int, n_at_once: int) -> Iterator[np.ndarray]:
    """Yield the records start <= row < stop, some at a time; at least one array, be it empty.

    Raises
    ------
    EOFError
        If the file ends before.
    """
    skip(stream, layout.offset + start * layout.dtype.itemsize)
    for row in range(start, max(stop, start + 1), n_at_once):
        n_bytes = min(n_at_once, stop - row) * layout.dtype.itemsize
        records = stream.read(n_bytes)
        if len(records) < n_bytes:
            raise EOFError
        yield np.frombuffer(records, layout.dtype)


def to_array(records: np.ndarray, column: FitsColumn, element: int | None) -> pa.Array:
    """Return a column, or an element of its vectors, as an Arrow array in native byte order.

    Raises
    ------
    SurveyError
        If it holds neither numbers, logicals nor text.
    """
    if column.code in REFUSED:
        raise SurveyError(f"it holds {REFUSED[column.code]}. Name a column of numbers, logicals or text.")
    stored = records[column.field]
    if column.code == "X":
        byte, bit = divmod(element or 0, 8)
        return pa.array(stored[:, byte] >> (7 - bit) & 1 == 1)
    values = stored if element is None else stored[:, element]
    if column.code == "A":
        return pa.array(values.astype(object), pa.binary())
    values = values.astype(values.dtype.newbyteorder("="))
    if column.code == "L":  # T, F, or 0 for undefined
        return pa.array(values == ord("T"), mask=values == 0)
    missing = None if column.null is None else values == column.null
    if (column.scale, column.zero) != (1.0, 0.0):
        values = _scaled(values, column)
    return pa.array(values, mask=missing, from_pandas=False)


def _headers(stream: BinaryIO) -> Iterator[tuple[int, fits.Header]]:
    """Yield each header of a file and where its data begin."""
    offset = 0
    while text := _header_text(stream):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fits.verify.VerifyWarning)  # on cards that are not used here
            header = fits.Header.fromstring(text.decode("latin-1"))
            offset += len(text)
            yield offset, header
            axes = [int(header[f"NAXIS{n}"]) for n in range(1, int(header["NAXIS"]) + 1)]
        n_values = int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + (math.prod(axes) if axes else 0))
        n_bytes = -(-abs(int(header["BITPIX"])) // 8 * n_values // BLOCK) * BLOCK
        if n_bytes < 0:
            raise SurveyError(f"its header before byte {offset} counts {n_values} values. Fetch the file again.")
        skip(stream, n_bytes)
        offset += n_bytes


def _header_text(stream: BinaryIO) -> bytes:
    """Return the blocks of the next header, empty if there is none."""
    blocks: list[bytes] = []
    for _ in range(MOST_BLOCKS):
        block = stream.read(BLOCK)
        if not blocks and not block.startswith((b"SIMPLE  =", b"XTENSION=")):
            return b""  # the end, or records that the standard allows after the last table
        if len(block) < BLOCK:
            raise EOFError
        blocks.append(block)
        if any(block[n : n + 80].rstrip() == b"END" for n in range(0, BLOCK, 80)):
            return b"".join(blocks)
    raise SurveyError("a header has no END. Fetch the file again.")


def _layout(name: str, header: fits.Header, offset: int) -> FitsLayout:
    if header.get("ZTABLE"):
        raise SurveyError("its table is compressed as a tiled table. Unpack it first, e.g. by funpack.")
    columns, fields = {}, []
    for number in range(1, int(header["TFIELDS"]) + 1):
        title = str(header.get(f"TTYPE{number}", f"col{number}")).strip()
        if title in columns:
            raise SurveyError(f"two columns are called {title!r}. Write the file with one name for each.")
        columns[title], dtype = _column(header, number)
        fields.append((columns[title].field, dtype))
    record = np.dtype(fields)
    if record.itemsize != header["NAXIS1"] or not record.itemsize:
        raise SurveyError(
            f"it has records of {header['NAXIS1']} bytes for columns of {record.itemsize}. Write the file again."
        )
    return FitsLayout(name, offset, record, int(header["NAXIS2"]), columns)


def _column(header: fits.Header, number: int) -> tuple[FitsColumn, np.dtype]:
    """Return how to read a column and what its values look like in a record."""
    form = str(header[f"TFORM{number}"]).strip()
    match = re.match(r"(\d*)([LXBIJKAEDCMPQ])(\d*)", form)
    if match is None:
        raise SurveyError(f"column {number} has the unknown TFORM {form!r}. Write the file again.")
    repeat, code = int(match[1] or 1), match[2]
    axes = [int(axis) for axis in re.findall(r"\d+", str(header.get(f"TDIM{number}", "")))]
    width = _text_width(axes, repeat, match[3]) if code == "A" else 1
    n = repeat // width if width else 1
    stored = {"X": -(-repeat // 8), "P": 2 * repeat, "Q": 2 * repeat}.get(code, n)
    shape = () if stored == 1 and code not in "XPQ" else (stored,)
    null = header.get(f"TNULL{number}")
    column = FitsColumn(
        field=str(number),
        code=code,
        shape=_shape(axes[code == "A" :], n),
        unit=str(header.get(f"TUNIT{number}", "")).strip(),
        null=null if isinstance(null, int) and code in "BIJK" else None,
        scale=float(header.get(f"TSCAL{number}", 1)),
        zero=float(header.get(f"TZERO{number}", 0)),
    )
    return column, np.dtype((f"S{width}" if code == "A" else CODES[code], shape))


def _text_width(axes: Sequence[int], repeat: int, stated: str) -> int:
    """Return the number of characters of one text: by TDIMn, by the older form rAw, or all of the column."""
    width = axes[0] if axes else int(stated or repeat)
    return width if width and repeat % width == 0 else repeat


def _shape(axes: Sequence[int], n: int) -> tuple[int, ...]:
    """Return the shape of n values, by TDIMn if it is of as many."""
    if n == 1:
        return ()
    return tuple(reversed(axes)) if axes and math.prod(axes) == n else (n,)


def _scaled(values: np.ndarray, column: FitsColumn) -> np.ndarray:
    """Return TZERO + TSCAL x stored; exact for the offsets that stand for unsigned integers."""
    if values.dtype.kind != "f" and column.scale == 1.0 and column.zero == 2.0**63:
        return values.view(np.uint64) ^ np.uint64(1 << 63)
    if values.dtype.kind != "f" and column.scale == 1.0 and column.zero.is_integer():
        return values.astype(np.int64) + int(column.zero)
    return values.astype(np.float64) * column.scale + column.zero
