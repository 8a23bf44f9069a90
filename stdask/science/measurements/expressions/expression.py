"""Expressions of columns, such as `GOOD and hypot(LOGG_ERR, 0.05) < 0.1`, read into a fixed list of operations.

The text has the syntax of Python, and Python's parser reads it, but nothing in it is ever run as code: every
operation is looked up in the tables of `operations.py`. Arithmetic is done in double precision. As in the cuts of a
survey definition, a missing value fails every comparison, `!=` too. `not`, `and` and `or` follow the three-valued
logic of SQL, where a missing result counts as false only at the end: neither `x > 3` nor `not x > 3` holds for a
missing x.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions.computing import Computation
from stdask.science.measurements.expressions.operations import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    TESTS,
    listed,
    name_of,
    quote,
    shortened,
    suggestion,
)

MAX_LENGTH = 2000  # characters
MAX_DEPTH = 50  # operations within operations; a sum of 50 terms is one too
TOKENS = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|[#'\"`\\]")  # quoted parts, and what cannot stand outside of them

ALLOWED = "names, numbers, 'text', + - * / **, comparisons, 'in', 'and', 'or', 'not' and " + ", ".join(
    [*FUNCTIONS, *TESTS]
)
HINTS: dict[type, str] = {
    ast.Attribute: "Names with other characters than letters, digits and _ stand in backquotes",
    ast.Subscript: "Names with other characters than letters, digits and _ stand in backquotes",
    ast.BitAnd: "Write 'and'",
    ast.BitOr: "Write 'or'",
    ast.Invert: "Write 'not'",
    ast.BitXor: "Powers are written with '**'",
    ast.Is: "Write isnan(...) to ask for missing values",
    ast.IsNot: "Write 'not isnan(...)' to ask for known values",
}


@dataclass(frozen=True)
class Expression:
    """An expression that was read and found valid."""

    text: str
    columns: tuple[str, ...]  # that it reads, in the order of the text
    _tree: ast.expr = field(repr=False, compare=False)

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
            A condition: bool, false where missing. A number: float64, NaN where missing. A column alone: as given.

        Raises
        ------
        ExpressionError
            If a column is not there, or an operation does not fit what a column holds.
        """
        self.require(columns)
        if isinstance(self._tree, ast.Name) and columns[self._tree.id].dtype.kind != "b":
            return columns[self._tree.id]
        with np.errstate(all="ignore"):  # as of missing values: log10(0) is -inf, sqrt(-1) is missing
            data, missing = Computation(self.text, columns).value(self._tree)
        if data.dtype.kind == "b":
            return data & ~missing
        return np.where(missing, np.nan, data)

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
    code, quoted = _without_backquotes(line)
    tree = _parse(line, code)
    names = _Check(line, quoted).names_in(tree)
    if not names:
        raise ExpressionError(f"{name_of(line)} names no column.")
    return Expression(line, tuple(names), tree)


def _without_backquotes(line: str) -> tuple[str, dict[int, str]]:
    """Return a line with plain names of the same length for those in backquotes, and these by their places."""
    code, quoted = list(line), {}
    for found in TOKENS.finditer(line):
        token, start = found.group(), found.start()
        if len(token) == 1:
            what = "has no meaning here" if token in "#\\" else "has no second one"
            raise ExpressionError(f"{name_of(line)}: the {token} at character {start + 1} {what}.")
        if "\\" in token:
            raise ExpressionError(f"{name_of(line)}: {token} has a backslash. Leave it out.")
        if token[0] == "`":
            if not token[1:-1].strip():
                raise ExpressionError(f"{name_of(line)}: the backquotes at character {start + 1} hold no name.")
            code[start : found.end()] = "_" * len(token)
            quoted[start] = token[1:-1]
    return "".join(code), quoted


def _parse(line: str, code: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on numbers next to words: what is wrong is refused below
            tree = ast.parse(code, mode="eval").body
    except SyntaxError as exc:
        place = min(max((exc.offset or 1) - 1, 0), len(line))
        rest = f"at {shortened(line[place:])!r}, character {place + 1}" if line[place:].strip() else "at its end"
        remedy = "Write '==' to compare" if re.match("=[^=]", line[place:]) else f"Expressions have {ALLOWED}"
        raise ExpressionError(f"{name_of(line)} cannot be read {rest}. {remedy}.") from None
    except (MemoryError, RecursionError, ValueError):  # the parser's own limits, and characters it cannot take
        raise ExpressionError(f"{name_of(line)} cannot be read. Make it simpler.") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.expr):  # places in bytes become places in characters
            node.col_offset, node.end_col_offset = (
                len(code.encode()[:place].decode()) for place in (node.col_offset, node.end_col_offset or 0)
            )
    return tree


class _Check:
    """Find the columns of a tree, and refuse what is not among the operations."""

    def __init__(self, line: str, quoted: Mapping[int, str]) -> None:
        self.line, self.quoted = line, quoted

    def names_in(self, tree: ast.expr) -> dict[str, None]:
        """Return the columns in the order of the text, after their names in backquotes are put in."""
        names: dict[str, None] = {}
        waiting: list[tuple[ast.AST, int]] = [(tree, 1)]
        while waiting:
            node, depth = waiting.pop()
            if depth > MAX_DEPTH:
                raise ExpressionError(f"{name_of(self.line)} has more than {MAX_DEPTH} operations within operations.")
            parts = self.parts_of(node)
            if isinstance(node, ast.Name):
                node.id = self.quoted.get(node.col_offset, node.id)
                names[node.id] = None
            waiting += [(part, depth + 1) for part in reversed(parts)]
        return names

    def parts_of(self, node: ast.AST) -> list[ast.expr]:
        """Return the operands of an operation."""
        match node:
            case ast.Name():
                return []
            case ast.Constant(value=bool() | int() | float() | str() as value):
                if isinstance(value, int) and value.bit_length() > 64:
                    raise self.refuse(node, "Numbers that large need a decimal point")
                return []
            case ast.BinOp(op=op, left=left, right=right) if type(op) in ARITHMETIC:
                return [left, right]
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
                return [operand]
            case ast.BoolOp(values=values):
                return values
            case ast.Compare():
                return self.compared(node)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in (*FUNCTIONS, *TESTS):
                _, fewest, most = FUNCTIONS.get(name, (None, 1, 1))
                if not fewest <= len(args) <= most:
                    number = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                    raise self.refuse(node, f"{name} takes {number} argument{'s' * (most > 1)}")
                return args
        raise self.refuse(node, HINTS.get(type(getattr(node, "op", node)), f"Expressions have {ALLOWED}"))

    def compared(self, node: ast.Compare) -> list[ast.expr]:
        """Return the sides of a comparison and the values of its lists."""
        parts = [node.left]
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                values = listed(right)
                if not values or not all(isinstance(_unsigned(value), ast.Constant) for value in values):
                    raise self.refuse(right, "After 'in' stand values in brackets, as in (1, 2)")
                parts += values
            elif type(op) in COMPARISONS:
                parts.append(right)
            else:
                raise self.refuse(node, HINTS[type(op)])
        return parts

    def refuse(self, node: ast.AST, remedy: str) -> ExpressionError:
        """Return the error on a part."""
        return ExpressionError(f"{name_of(self.line)}: {quote(self.line, node)} is not possible. {remedy}.")


def _unsigned(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else node
