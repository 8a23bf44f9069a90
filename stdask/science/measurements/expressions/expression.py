"""Expressions of columns, such as `GOOD and hypot(LOGG_ERR, 0.05) < 0.1`, read into a fixed list of operations.

The text has the syntax of Python, and Python's parser reads it, but nothing in it is ever run as code: every
operation is looked up in the tables of `operations.py`. Arithmetic is done in double precision. As in the cuts of a
survey definition, a missing value fails every comparison, `!=` too. `not`, `and` and `or` follow the three-valued
logic of SQL, where a missing result counts as false only at the end: neither `x > 3` nor `not x > 3` holds for a
missing x.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions.computing import Computation
from stdask.science.measurements.expressions.operations import SUBSTR, name_of, shortened, suggestion
from stdask.science.measurements.expressions.parsing import parse_tree

MAX_LENGTH = 2000  # characters


@dataclass(frozen=True)
class Expression:
    """An expression that was read and found valid."""

    text: str
    columns: tuple[str, ...]  # that it reads, in the order of the text
    tree: ast.expr = field(repr=False, compare=False)

    def __str__(self) -> str:
        """Return how errors name it."""
        return name_of(self.text)

    @property
    def is_column(self) -> bool:
        """Whether it is a column alone."""
        return isinstance(self.tree, ast.Name)

    @property
    def texts(self) -> frozenset[str]:
        """The columns of which it takes characters."""
        names = set()
        for node in ast.walk(self.tree):
            match node:
                case ast.Call(func=ast.Name(id=function), args=[ast.Name(id=name), *_]) if function == SUBSTR:
                    names.add(name)
        return frozenset(names)

    def require(self, names: Iterable[str]) -> None:
        """Check that the columns it reads exist.

        Parameters
        ----------
        names
            Columns of the table.

        Raises
        ------
        ExpressionError
            If one is not there; the message has the nearest names.
        """
        known = list(names)
        for name in self.columns:
            if name not in known:
                raise ExpressionError(
                    f"{name_of(self.text)}: there is no column {shortened(name)!r}.{suggestion(name, known)}"
                )

    def evaluate(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the expression for every star.

        Parameters
        ----------
        columns
            At least those that it reads, each of shape (n_stars,); missing values are masked or NaN.

        Returns
        -------
        result : shape (n_stars,)
            A condition: bool, false where missing. A number: float64, NaN where missing. Text: masked where missing.
            A column alone: as given.

        Raises
        ------
        ExpressionError
            If a column is not there, or an operation does not fit what a column holds.
        """
        self.require(columns)
        if self.is_column and columns[self.columns[0]].dtype.kind != "b":
            return columns[self.columns[0]]
        result = self.compute(columns)
        data, missing = np.ma.getdata(result), np.ma.getmaskarray(result)
        if data.dtype.kind == "b":
            return data & ~missing
        return np.where(missing, np.nan, data) if data.dtype.kind == "f" else result

    def compute(self, columns: Mapping[str, np.ndarray]) -> np.ma.MaskedArray:
        """Compute the expression for every star, masked where it is missing.

        Parameters
        ----------
        columns
            As of `evaluate`.

        Returns
        -------
        result : shape (n_stars,)
            A condition: bool. A number: float64. Text: as numpy's fixed-width text, masked where it is blank.

        Raises
        ------
        ExpressionError
            As of `evaluate`.
        """
        self.require(columns)
        with np.errstate(all="ignore"):  # as of missing values: log10(0) is -inf, sqrt(-1) is missing
            data, missing = Computation(self.text, columns).value(self.tree)
        return np.ma.masked_array(data, np.broadcast_to(missing, data.shape).copy())

    def passes(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return which stars fulfil a condition.

        Parameters
        ----------
        columns
            As of `evaluate`.

        Returns
        -------
        passing : shape (n_stars,), bool

        Raises
        ------
        ExpressionError
            As of `evaluate`, and if the expression is no condition.
        """
        result = self.evaluate(columns)
        if result.dtype.kind != "b":
            raise ExpressionError(
                f"{name_of(self.text)} is no condition. Compare it with something, as in {self.text + ' > 0'!r}."
            )
        return result


def columns_of(text: str) -> tuple[str, ...]:
    """Return the columns that a text reads: those of an expression, or itself if it is no expression but a name."""
    try:
        return parse_expression(text).columns
    except ExpressionError:
        return (text,)


def parse_expression(text: str) -> Expression:
    """Read an expression.

    Columns whose names are no names in Python stand in backquotes, as in `` `[Fe/H]` > -1 ``.

    Parameters
    ----------
    text
        For example "GOOD and 4000 < TEFF < 5500 and SURVEY in ('GALAH', 'LAMOST')".

    Raises
    ------
    ExpressionError
        If it cannot be read, reads no column, or has an operation that is not in the tables.

    Examples
    --------
    >>> expression = parse_expression("GOOD and TEFF < 5000")
    >>> expression.columns
    ('GOOD', 'TEFF')
    >>> expression.evaluate({"GOOD": np.array([True, True]), "TEFF": np.array([4500.0, np.nan])})
    array([ True, False])
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"{name_of(text)} has {len(text):,} characters. Use at most {MAX_LENGTH:,}.")
    line = re.sub(r"\s", " ", text).strip()
    tree, columns = parse_tree(line)
    return Expression(line, columns, tree)
