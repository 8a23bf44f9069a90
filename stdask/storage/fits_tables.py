"""Rows of a FITS binary table straight from its bytes: no copy of the file, no rounding of integers.

Source: FITS Standard 4.0, sect. 7.3 (binary table extension).
"""

import gzip
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import fits

from stdask.errors import SurveyError


@dataclass(frozen=True)
class FitsColumn:
    """How to read one column: TNULLn, TSCALn, TZEROn, and whether its TFORMn is logical."""

    unit: str
    null: int | None
    scale: float
    zero: float
    logical: bool


@dataclass(frozen=True)
class FitsLayout:
    """Where the first binary table of a file lies and what its records look like."""

    offset: int  # bytes before the first record
    dtype: np.dtype  # of a record, big-endian
    n_rows: int
    columns: Mapping[str, FitsColumn]

    @property
    def end(self) -> int:
        """Bytes of the file up to the last record."""
        return self.offset + self.n_rows * self.dtype.itemsize


def read_layout(path: Path) -> FitsLayout:
    """Find the first binary table of a FITS file, plain or gzipped, without reading its rows.

    Raises
    ------
    SurveyError
        If it holds no binary table.
    OSError
        If it is not FITS.
    """
    with warnings.catch_warnings(), fits.open(path, memmap=False, disable_image_compression=True) as hdus:
        warnings.filterwarnings("ignore", message="File may have been truncated")  # the caller compares sizes
        table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
        if table is None:
            raise SurveyError(f"{path} holds no binary table. Write the catalogue as a FITS binary table.")
        columns = {column.name: _to_column(column) for column in table.columns}
        dtype = table.columns.dtype.newbyteorder(">")
        if dtype.itemsize != table.header["NAXIS1"]:
            raise SurveyError(
                f"{path} has records of {table.header['NAXIS1']} bytes for columns of "
                f"{dtype.itemsize}. Write the file again."
            )
        return FitsLayout(table.fileinfo()["datLoc"], dtype, table.header["NAXIS2"], columns)


def map_records(path: Path, layout: FitsLayout) -> np.ndarray:
    """Return the records of a plain FITS file by memory map, of a gzipped one by unpacking it."""
    if path.suffix == ".gz":
        with gzip.open(path) as file:
            return np.frombuffer(file.read(layout.end), layout.dtype, layout.n_rows, layout.offset)
    return np.memmap(path, layout.dtype, mode="r", offset=layout.offset, shape=(layout.n_rows,))


def to_table(records: np.ndarray, layout: FitsLayout, names: Sequence[str]) -> pa.Table:
    """Return columns of some records as Arrow arrays in native byte order.

    Raises
    ------
    SurveyError
        If a column holds more than one value a row, or neither numbers, logicals nor text.
    """
    return pa.table({name: _to_array(records[name], layout.columns[name], name) for name in names})


def _to_column(column: fits.Column) -> FitsColumn:
    null = column.null if isinstance(column.null, int) else None
    blank = ("", None)  # astropy's spelling of an absent keyword
    scale = 1.0 if column.bscale in blank else float(column.bscale)
    zero = 0.0 if column.bzero in blank else float(column.bzero)
    return FitsColumn(column.unit or "", null, scale, zero, str(column.format).strip("01") == "L")


def _to_array(stored: np.ndarray, column: FitsColumn, name: str) -> pa.Array:
    if stored.ndim > 1 or stored.dtype.kind not in "iufS":
        raise SurveyError(
            f"column {name!r} holds {stored.dtype} {stored.shape[1:]} a row. Name a column of "
            "single numbers, logicals or text."
        )
    if stored.dtype.kind == "S":
        return pa.array(stored.astype(object), pa.binary())
    values = stored.astype(stored.dtype.newbyteorder("="))
    if column.logical:  # T, F, or 0 for undefined
        return pa.array(values == ord("T"), mask=values == 0)
    missing = None if column.null is None else values == column.null
    if (column.scale, column.zero) != (1.0, 0.0):
        values = _scaled(values, column)
    return pa.array(values, mask=missing, from_pandas=False)


def _scaled(values: np.ndarray, column: FitsColumn) -> np.ndarray:
    """Return TZERO + TSCAL x stored; exact for the offsets that stand for unsigned integers."""
    if values.dtype.kind != "f" and column.scale == 1.0 and column.zero == 2.0**63:
        return values.view(np.uint64) ^ np.uint64(1 << 63)
    if values.dtype.kind != "f" and column.scale == 1.0 and column.zero.is_integer():
        return values.astype(np.int64) + int(column.zero)
    return values * column.scale + column.zero
