"""Expressions of columns: read, checked and computed without running any text as code."""

from stdask.science.measurements.expressions.expression import Expression, columns_of, parse_expression
from stdask.science.measurements.expressions.units import with_units

__all__ = ["Expression", "columns_of", "parse_expression", "with_units"]
