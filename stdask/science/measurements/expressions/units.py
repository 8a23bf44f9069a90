"""The unit of an expression, from those of its columns, and factors where columns of one kind have different units.

Sums, differences, extremes and comparisons need units of one kind, and take that of the first column. Products and
powers have the units of astropy. A number, and a column without a known unit, fits any unit; a product with such a
column has no known unit. Logarithms and exponentials take a number as the file states it, and have no unit. Magnitudes
and dex are numbers: sums with plain numbers keep their unit, and a product of them has none.
"""

import ast
import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from stdask.errors import ExpressionError
from stdask.science.measurements.expressions.computing import Computation
from stdask.science.measurements.expressions.expression import Expression
from stdask.science.measurements.expressions.operations import COMMON, TESTS, listed, name_of, quote
from stdask.science.measurements.units import are_alike, logarithms_in, parse_unit

if TYPE_CHECKING:  # slow to import, and needed only where columns have units
    from astropy import units as u

LARGEST_POWER = 10.0


class Measured(NamedTuple):
    """A part of an expression, with the factors that it needs."""

    node: Any  # ast.expr
    unit: "u.UnitBase | None"  # None where it is not known
    adapts: bool = False  # a number, which fits any unit


def with_units(expression: Expression, unit_of: Callable[[str], str]) -> tuple[Expression, str]:
    """Return an expression that converts its columns where their units differ, and the unit of its values.

    Parameters
    ----------
    expression
        As it was read.
    unit_of
        Returns the unit that a table states for a column, empty for none.

    Returns
    -------
    converting
        The expression with factors.
    unit
        As astropy spells it; empty for a number, a condition or a text, and where it is not known.

    Raises
    ------
    ExpressionError
        If units do not fit; the message names both.
    """
    stated = {name: unit_of(name) for name in expression.columns}
    if expression.is_column:
        return expression, stated[expression.columns[0]]
    units = {name: parse_unit(unit) for name, unit in stated.items()}
    if not any(unit is not None for unit in units.values()):
        return expression, ""
    tree, unit, _ = _Units(expression.text, units).part(expression.tree)
    scale, text = 1.0, ""
    if unit is not None and unit.is_equivalent(""):
        scale = float(unit.to(""))
    elif unit is not None and not _is_product(unit):
        text = unit.to_string()
    return replace(expression, tree=_times(tree, scale)), text


class _Units:
    """Find the units of the parts of a tree."""

    def __init__(self, line: str, units: "Mapping[str, u.UnitBase | None]") -> None:
        self.line, self.units = line, units

    def part(self, node: ast.expr) -> Measured:
        """Return a part with its unit."""
        match node:
            case ast.Name(id=name):
                return Measured(node, self.units[name])
            case ast.BinOp(op=op, left=left, right=right):
                if isinstance(op, ast.Add | ast.Sub):
                    (first, second), unit, adapts = self.common([left, right])
                    return Measured(_changed(node, left=first, right=second), unit, adapts)
                one, other = self.part(left), self.part(right)
                product = self.power(one, other) if isinstance(op, ast.Pow) else _product(op, one, other)
                return product._replace(node=_changed(node, left=one.node, right=other.node))
            case ast.UnaryOp(operand=operand):
                own = self.part(operand)
                return own._replace(node=_changed(node, operand=own.node))
            case ast.BoolOp(values=values):
                return _number(_changed(node, values=[self.part(value).node for value in values]))
            case ast.Compare():
                return _number(self.compared(node))
            case ast.Call(func=ast.Name(id=name), args=args):
                return self.called(node, name, args)
        return _number(node)

    def called(self, node: ast.Call, name: str, args: Sequence[ast.expr]) -> Measured:
        """Return what a function gives."""
        if name in COMMON:
            nodes, unit, adapts = self.common(args)
            return Measured(_changed(node, args=nodes), unit, adapts)
        own = self.part(args[0])
        called = _changed(node, args=[own.node, *args[1:]])
        if name in ("abs", "sqrt"):
            return (own if name == "abs" else _raised(own, 0.5))._replace(node=called)
        return _number(called) if name in TESTS else Measured(called, None)

    def compared(self, node: ast.Compare) -> ast.expr:
        """Return a comparison of values in one unit."""
        lists = [listed(side) for side in node.comparators]
        nodes, _, _ = self.common([node.left, *(value for values in lists for value in values)])
        waiting = iter(nodes[1:])
        sides: list[ast.expr] = []
        for own, values in zip(node.comparators, lists, strict=True):
            taken = [next(waiting) for _ in values]
            sides.append(taken[0] if values == [own] else _changed(own, elts=taken))
        return _changed(node, left=nodes[0], comparators=sides)

    def common(self, nodes: Sequence[ast.expr]) -> "tuple[list[ast.expr], u.UnitBase | None, bool]":
        """Return parts in one unit, this unit, and whether it adapts.

        Raises
        ------
        ExpressionError
            If their units are of different kinds.
        """
        parts = [self.part(node) for node in nodes]
        known = [part.unit for part in parts if part.unit is not None and not part.adapts]
        if not known:
            adapts = all(part.adapts for part in parts)
            return [part.node for part in parts], parts[0].unit if adapts else None, adapts
        if any(_is_product(unit) or _is_product(known[0]) for unit in known if not are_alike(unit, known[0])):
            return [part.node for part in parts], None, False  # a polynomial of a colour
        wanted = next((unit for unit in known if not unit.is_equivalent("")), known[0])
        converted = []
        for node, part in zip(nodes, parts, strict=True):
            if (factor := _factor(part, wanted)) is None:
                other = next(own for own, its in zip(nodes, parts, strict=True) if its.unit is wanted)
                raise ExpressionError(
                    f"{name_of(self.line)}: {quote(self.line, other)} is in {wanted.to_string()!r}, "
                    f"{quote(self.line, node)} in {str(part.unit)!r}. Name columns whose units fit."
                )
            converted.append(_times(part.node, factor))
        return converted, wanted, False

    def power(self, base: Measured, exponent: Measured) -> Measured:
        """Return the unit of a power, which is known if the exponent is a number that the text states."""
        try:
            with np.errstate(all="ignore"):
                number = Computation(self.line, {}).number(exponent.node).data.item()
        except KeyError:  # it reads a column
            return Measured(None, None)
        return _raised(base, number)


def _number(node: ast.expr) -> Measured:
    from astropy import units as u

    return Measured(node, u.dimensionless_unscaled, adapts=True)


def _product(op: ast.operator, one: Measured, other: Measured) -> Measured:
    if one.unit is None or other.unit is None:
        return Measured(None, None)
    unit = one.unit * other.unit if isinstance(op, ast.Mult) else one.unit / other.unit
    return Measured(None, unit, one.adapts and other.adapts)


def _raised(base: Measured, exponent: float) -> Measured:
    """Return the unit of a power; not known if the exponent is beyond all physics."""
    if base.unit is None or base.adapts:
        return base
    return Measured(None, base.unit**exponent if abs(exponent) <= LARGEST_POWER else None)


def _factor(part: Measured, wanted: "u.UnitBase") -> float | None:
    """Return what to multiply a part by to have it in the unit wanted, None if it cannot be."""
    if part.unit is None or part.unit == wanted:
        return 1.0
    if part.unit.is_equivalent("") and not wanted.is_equivalent(""):
        return 1.0 if part.adapts else float(part.unit.to("")) if logarithms_in(wanted) else None
    return float(part.unit.to(wanted)) if are_alike(part.unit, wanted) else None


def _is_product(unit: "u.UnitBase") -> bool:
    """Tell whether a unit is a product or a power with a magnitude or dex, which has no meaning."""
    return bool(logarithms_in(unit)) and (len(unit.bases) > 1 or unit.powers[0] != 1)


def _changed(node: Any, **fields: Any) -> Any:
    """Return a copy of a part with other operands."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _times(node: Any, factor: float) -> Any:
    """Return a part times a factor."""
    if factor == 1.0:
        return node
    return ast.copy_location(ast.BinOp(ast.copy_location(ast.Constant(factor), node), ast.Mult(), node), node)
