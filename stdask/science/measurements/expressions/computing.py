"""Compute an expression for the columns of some stars."""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from stdask.errors import ExpressionError
from stdask.science.measurements.cuts import is_missing
from stdask.science.measurements.expressions.operations import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    SUBSTR,
    TESTS,
    listed,
    name_of,
    quote,
)

KNOWN = np.asarray(False)  # nowhere missing


class Values(NamedTuple):
    """What a part of an expression is worth: an array of shape (n_stars,) or one value, and where it is missing."""

    data: np.ndarray
    missing: np.ndarray

    @property
    def kind(self) -> str:
        """What it holds: "number", "condition" or "text"."""
        return {"b": "condition", "f": "number", "i": "number", "u": "number"}.get(self.data.dtype.kind, "text")


class Computation:
    """Compute the parts of a tree for some columns."""

    def __init__(self, line: str, columns: Mapping[str, np.ndarray]) -> None:
        self.line, self.columns = line, columns

    def value(self, node: ast.expr) -> Values:
        """Return what a part is worth."""
        match node:
            case ast.Name(id=name):
                return _of_column(self.columns[name])
            case ast.Constant(value=value):
                return Values(np.asarray(value), KNOWN)
            case ast.BinOp(op=op, left=left, right=right):
                return self.compute(ARITHMETIC[type(op)], [left, right])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                data, missing = self.condition(operand)
                return Values(~data, missing)
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() as value)) if value <= 2**63:
                return Values(np.asarray(-value), KNOWN)  # an integer still: ids are compared exactly
            case ast.UnaryOp(op=op, operand=operand):
                return self.compute(operator.neg if isinstance(op, ast.USub) else operator.pos, [operand])
            case ast.BoolOp(op=op, values=values):
                return reduce(_both if isinstance(op, ast.And) else _either, map(self.condition, values))
            case ast.Compare():
                return self.compare(node)
            case ast.Call(func=ast.Name(id=name), args=args) if name == SUBSTR:
                return self.part_of(*args)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.test(name, args[0]) if name in TESTS else self.compute(FUNCTIONS[name][0], args)
        raise AssertionError(f"{type(node).__name__} passed the check")

    def compute(self, function: Callable, nodes: list[ast.expr]) -> Values:
        """Apply a function of numbers, in double precision; more than two arguments are taken one after the other."""
        operands = [self.number(node) for node in nodes]
        if len(operands) == 1:
            data = function(operands[0].data)
        else:
            data = reduce(function, [operand.data for operand in operands])
        missing = reduce(np.logical_or, [operand.missing for operand in operands])
        return Values(np.asarray(data), missing | np.isnan(data))

    def compare(self, node: ast.Compare) -> Values:
        """Compare the neighbours in a chain; all comparisons must hold."""
        left, results = self.value(node.left), []
        for op, other in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                found = reduce(_either, [self.compared(operator.eq, left, self.value(v), node) for v in listed(other)])
                results.append(found if isinstance(op, ast.In) else Values(~found.data, found.missing))
                continue
            right = self.value(other)
            results.append(self.compared(COMPARISONS[type(op)], left, right, node))
            left = right
        return reduce(_both, results)

    def compared(self, function: Callable, left: Values, right: Values, node: ast.expr) -> Values:
        """Compare two values of the same kind; a condition counts as 0 or 1."""
        if (left.kind == "text") != (right.kind == "text"):
            raise ExpressionError(
                f"{name_of(self.line)}: {quote(self.line, node)} compares {_noun(left.kind)} with "
                f"{_noun(right.kind)}. Give a value of the same kind."
            )
        return Values(np.asarray(function(_scalar(left), _scalar(right))), left.missing | right.missing)

    def test(self, name: str, node: ast.expr) -> Values:
        """Ask whether a value is missing, or known and finite."""
        value = self.value(node)
        if name == "isnan" or value.kind == "text":
            return Values(value.missing if name == "isnan" else ~value.missing, KNOWN)
        return Values(~value.missing & np.isfinite(value.data), KNOWN)

    def part_of(self, node: ast.expr, first: Any, length: Any) -> Values:
        """Return a part of a text, without blanks at its ends; missing where nothing is left."""
        value = self.value(node)
        start, stop = first.value, first.value + length.value
        if value.kind != "text":
            raise ExpressionError(
                f"{name_of(self.line)}: {quote(self.line, node)} is {_noun(value.kind)}, and substr takes text. "
                "Name a column of text."
            )
        data = np.char.strip(np.array([text[start:stop] for text in value.data.ravel()], dtype=np.str_))
        data = data.reshape(value.data.shape)
        return Values(data, value.missing | (data == ""))

    def number(self, node: ast.expr) -> Values:
        """Return a part that must be a number; a condition counts as 0 or 1."""
        value = self.value(node)
        if value.kind == "text":
            raise ExpressionError(
                f"{name_of(self.line)}: {quote(self.line, node)} is text. Numbers are computed from numbers alone."
            )
        return Values(value.data.astype(np.float64), value.missing)

    def condition(self, node: ast.expr) -> Values:
        """Return a part that must be a condition."""
        value = self.value(node)
        if value.kind != "condition":
            raise ExpressionError(
                f"{name_of(self.line)}: {quote(self.line, node)} is {_noun(value.kind)}, and 'and', 'or' and 'not' "
                "need conditions. Compare it with something."
            )
        return value


def _of_column(column: np.ndarray) -> Values:
    missing = is_missing(column)
    data = np.ma.getdata(column)
    if data.dtype.kind == "O":
        missing = missing | (data == None)  # noqa: E711 (of every element)
        data = np.where(missing, "", data).astype(str)
    return Values(data, missing)


def _scalar(values: Values) -> np.ndarray | float | str:
    """Return one value as a plain number, which takes the precision of what it is compared with."""
    return values.data if values.data.ndim else values.data.item()


def _both(first: Values, second: Values) -> Values:
    """Combine with `and`: false if either is false, whatever the other is."""
    no = ~(first.data | first.missing) | ~(second.data | second.missing)
    return Values(first.data & second.data, (first.missing | second.missing) & ~no)


def _either(first: Values, second: Values) -> Values:
    """Combine with `or`: true if either is true, whatever the other is."""
    yes = first.data & ~first.missing | second.data & ~second.missing
    return Values(first.data & second.data | yes, (first.missing | second.missing) & ~yes)


def _noun(kind: str) -> str:
    return {"text": "text", "number": "a number", "condition": "a condition"}[kind]
