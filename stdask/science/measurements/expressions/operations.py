"""The operations that an expression may have, and how its parts are quoted in errors."""

import ast
import difflib
import operator
from collections.abc import Callable

import numpy as np

ARITHMETIC: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
COMPARISONS: dict[type, Callable] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FUNCTIONS: dict[str, tuple[Callable, int, int]] = {  # what computes it, fewest and most arguments
    "sqrt": (np.sqrt, 1, 1),
    "abs": (np.abs, 1, 1),
    "log10": (np.log10, 1, 1),
    "log": (np.log, 1, 1),
    "exp": (np.exp, 1, 1),
    "hypot": (np.hypot, 2, 2),
    "min": (np.minimum, 2, 20),
    "max": (np.maximum, 2, 20),
}
COMMON = ("hypot", "min", "max")  # functions of numbers in one unit
SUBSTR = "substr"  # substr(text, start, length): part of a text, its first character has the number 0
TESTS = ("isnan", "isfinite")  # true or false of a missing value too


def listed(node: ast.expr) -> list[ast.expr]:
    """Return the values after `in`."""
    return node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]


def shortened(text: str) -> str:
    """Return the beginning of a text that is too long for an error."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def name_of(text: str) -> str:
    """Return how an error names an expression."""
    return f"The expression {shortened(text)!r}"


def quote(line: str, node: ast.AST) -> str:
    """Return a part of an expression as the text has it."""
    return repr(shortened(line[node.col_offset : node.end_col_offset])) if isinstance(node, ast.expr) else "this"


def suggestion(name: str, known: list[str]) -> str:
    """Return a sentence with the names most like one that is not there, or with the first 20 names."""
    by_lower = {own.lower(): own for own in known}
    near = [by_lower[lower] for lower in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.6)]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else f" There are {', '.join(known[:20])}."
