"""Columns of fixed width: how wide they must be, and their values as text."""

import math
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from stdask.errors import CatalogueError
from stdask.storage.export.excerpt import Excerpt
from stdask.storage.tables import to_masked

DIGITS = {"float16": 4, "float32": 7, "float64": 12}  # significant ones of the largest value
WIDE = 4  # dex between the largest and the mean value, from which on numbers have exponents
EXPONENT = 8  # characters besides the digits: sign, point, and up to "e-123"


@dataclass
class FixedColumn:
    """The values of a column as far as they decide on its width, and how they are printed."""

    name: str
    dtype: str
    low: float | int | str | None = None
    high: float | int | str | None = None
    missing: bool = False
    width: int = 1
    decimals: int = 0
    exponents: bool = False
    _logs: float = 0.0  # sum of the logarithms of all values but 0, and their number
    _n_logs: int = 0

    @property
    def fortran(self) -> str:
        """The format, as Fortran writes it."""
        if self.dtype in DIGITS:
            return f"{'E' if self.exponents else 'F'}{self.width}.{self.decimals}"
        return f"{'A' if self.dtype in ('string', 'uint64') else 'I'}{self.width}"

    def add(self, array: pa.Array) -> None:
        """Take further values into account.

        Raises
        ------
        CatalogueError
            If one is infinite.
        """
        values, missing = self._plain(array)
        known = values[~missing]
        self.missing |= bool(missing.any())
        if not known.size:
            return
        if known.dtype.kind == "U":
            self.low = self.high = ""
            self.width = max(self.width, int(np.char.str_len(known).max()))
            return
        if np.isinf(known).any():
            raise CatalogueError(
                f"Column {self.name!r} has infinite values, which tables of the CDS cannot have. Leave them out with "
                f"--where 'isfinite({self.name})'."
            )
        low, high = known.min().item(), known.max().item()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        logs = np.log10(np.abs(known[known != 0].astype(float)))
        self._logs, self._n_logs = self._logs + float(logs.sum()), self._n_logs + logs.size

    def fit(self) -> None:
        """Choose the width and the number of decimals for the values that were added."""
        if self.low is None:
            self.low = self.high = "" if self.dtype in ("string", "uint64") else 0
        if self.dtype not in DIGITS:
            if not isinstance(self.low, str):
                self.width = max(len(str(self.low)), len(str(self.high)))
            return
        digits, low, high = DIGITS[self.dtype], float(self.low or 0), float(self.high or 0)
        largest = math.log10(max(-low, high)) if max(-low, high) > 0 else 0.0
        mean = self._logs / self._n_logs if self._n_logs else 0.0
        self.exponents = largest - mean > WIDE or abs(largest) > digits
        if self.exponents:
            self.width, self.decimals = digits + EXPONENT, digits
            return
        self.decimals = max(digits - 1 - math.floor(largest), 1)
        self.width = max(len(f"{value:.{self.decimals}f}") for value in (low, high))

    def print(self, array: pa.Array) -> np.ndarray:
        """Return values as text.

        Parameters
        ----------
        array
            Values that were added before.

        Returns
        -------
        cells : shape (n_rows,), dtype S<width>
            Numbers to the right, text to the left, blanks for what is missing.
        """
        values, missing = self._plain(array)
        if values.dtype.kind == "U":
            cells = np.char.ljust(values, self.width)
        elif self.dtype not in DIGITS:
            cells = np.char.mod(f"%{self.width}d", values)
        elif self.exponents:  # one digit stands before the point
            cells = np.char.mod(f"%{self.width}.{self.decimals - 1}e", values)
        else:
            cells = np.char.mod(f"%{self.width}.{self.decimals}f", values)
        return np.where(missing, " " * self.width, cells).astype(f"S{self.width}")

    def _plain(self, array: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Return values as numbers or text, and which of them are missing."""
        masked = to_masked(pa.table({self.name: array}))[self.name]
        values, missing = np.ma.getdata(masked), np.ma.getmaskarray(masked)
        if self.dtype == "string":
            values = np.array([plain_text(text) for text in values], dtype=str)
            return values, missing | (values == "")
        if self.dtype == "uint64":  # longer than the integers of most programs
            return values.astype(str), missing
        if self.dtype == "bool":
            return values.astype(np.int8), missing
        return values, missing | np.isnan(values)


def measure(excerpt: Excerpt) -> list[FixedColumn]:
    """Return the columns of an excerpt with the widths that their values need."""
    columns = [FixedColumn(column.name, column.dtype) for column in excerpt.columns]
    for table in excerpt.tables():
        for column in columns:
            column.add(table.column(column.name).combine_chunks())
    for column in columns:
        column.fit()
    return columns


def plain_text(text: str) -> str:
    """Return text in printable ASCII: other letters are question marks, tabs and line ends are blanks."""
    return re.sub(r"[^ -~]", "?", re.sub(r"\s", " ", text)).strip()
