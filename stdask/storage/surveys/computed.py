"""The columns that a survey definition names: those of a file, elements of its vectors, and expressions of them.

A text that is the name of a column, or of an element of a vector, is that column: `E(B-V)` and `B-V` are names too.
Any other text is read as an expression. What stands for "missing" in the file is missing before anything is computed.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
import pyarrow as pa

from stdask.config.survey import SurveyDefinition
from stdask.errors import ExpressionError, SurveyError
from stdask.science.measurements.cuts import without_sentinels
from stdask.science.measurements.expressions import Expression, columns_of, parse_expression, with_units
from stdask.storage.surveys.format import AS_TEXT
from stdask.storage.tables import to_masked

LONGEST_NAME = 60  # of a column that somebody may have meant
OPERATION = re.compile(r"[()*/+<>='\"`]|\s-\s")  # what an expression has, and names of columns rarely have


class Readable(Protocol):
    """A table whose columns are read by name: a survey file, or a table in memory."""

    @property
    def n_rows(self) -> int: ...

    def require(self, names: Sequence[str]) -> None: ...

    def has(self, name: str) -> bool: ...

    def unit(self, name: str) -> str: ...

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pa.Table: ...


T = TypeVar("T", bound=Readable)


@dataclass(frozen=True)
class ComputedColumns(Generic[T]):
    """The columns of a table, and expressions of them, each under the text that a definition writes.

    Parameters
    ----------
    survey
        A survey file, or a table in memory.
    sentinels
        Numbers that stand for a missing value.
    """

    survey: T
    sentinels: Sequence[float]

    @property
    def n_rows(self) -> int:
        """Number of rows of the file."""
        return self.survey.n_rows

    def require(self, names: Iterable[str]) -> None:
        """Raise if a text is neither a column nor an expression of columns.

        Raises
        ------
        SurveyError
            If columns are missing: as `SurveyFile.require`, and the expression that reads one.
        ExpressionError
            If an expression cannot be computed.
        """
        names = list(names)
        behind = [own for name in names if not self.survey.has(name) for own in columns_of(name)]
        lacking = [own for own in dict.fromkeys(behind) if not self.survey.has(own)]
        if len(lacking) > 1:
            self.survey.require(lacking)
        for name in names:
            expression = self._expression(name)
            if expression is None:
                continue
            try:
                self.survey.require(expression.columns)
            except SurveyError as exc:
                if not expression.is_column:
                    exc.add_note(str(expression))
                raise
            self._with_units(expression)

    def require_for(self, definition: SurveyDefinition) -> None:
        """Raise if the file lacks a column that a definition reads.

        Raises
        ------
        SurveyError, ExpressionError
            As `require`, and if an id, a position or a column to keep is an expression.
        """
        self.require(definition.source_columns)
        for key, name in definition.plain_columns:
            if not self.survey.has(name):
                raise SurveyError(f"{key} = {name!r} is an expression. Name a column of the file.")

    def has(self, name: str) -> bool:
        """Tell whether the table has a column, or the columns that an expression reads."""
        return all(map(self.survey.has, columns_of(name))) or self.survey.has(name)

    def unit(self, name: str) -> str:
        """Return the unit of a column as the file spells it, or that of an expression; empty for none."""
        expression = self._expression(name)
        return self._with_units(expression)[1] if expression else self.survey.unit(name)

    def behind(self, names: Iterable[str]) -> list[str]:
        """Return the columns of the file that columns and expressions read, each once."""
        expressions = {name: self._expression(name) for name in names}
        read = [(self._read_as(own).values() if own else [name]) for name, own in expressions.items()]
        return list(dict.fromkeys(own for columns in read for own in columns))

    def computed(self, names: Iterable[str]) -> frozenset[str]:
        """Return the texts that are not columns of the file, but computed from them."""
        expressions = {name: self._expression(name) for name in names}
        return frozenset(name for name, own in expressions.items() if own and not own.is_column)

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> pa.Table:
        """Return columns and expressions of the rows start <= row < stop, under the texts and in the order asked for.

        Numbers that are computed are float64, conditions bool, and text string, with missing values as in survey files.

        Raises
        ------
        SurveyError, ExpressionError
            As `SurveyFile.read`, and if an operation does not fit what a column holds.
        """
        return self.compute(names, self.survey.read(self.behind(names), start, stop))

    def compute(self, names: Sequence[str], table: pa.Table) -> pa.Table:
        """Return columns and expressions of a table of the columns behind them."""
        expressions = {name: self._expression(name) for name in names}
        if not any(expressions.values()):
            return table
        known = {name: without_sentinels(column, self.sentinels) for name, column in to_masked(table).items()}
        columns = {}
        for name, expression in expressions.items():
            if expression is None or expression.is_column:
                columns[name] = table[expression.columns[0] if expression else name]
            else:
                converting, _ = self._with_units(expression)
                own = {column: known[read] for column, read in self._read_as(expression).items()}
                columns[name] = _to_arrow(converting.compute(own))
        return pa.table(columns)

    def _with_units(self, expression: Expression) -> tuple[Expression, str]:
        names = self._read_as(expression)
        return with_units(expression, lambda name: self.survey.unit(names[name]))

    def _read_as(self, expression: Expression) -> dict[str, str]:
        """Return the columns of an expression with the names that they are read by: flags of digits as text."""
        as_text = {name: f"{name}{AS_TEXT}" for name in expression.texts if self.survey.has(f"{name}{AS_TEXT}")}
        return {name: as_text.get(name, name) for name in expression.columns}

    def _expression(self, name: str) -> Expression | None:
        """Return how a text is computed, None for a column of the file."""
        if self.survey.has(name):
            return None
        try:
            return parse_expression(name)
        except ExpressionError as exc:
            if len(name) > LONGEST_NAME:
                raise
            try:
                self.survey.require([name])
            except SurveyError as error:
                if not OPERATION.search(name):
                    raise
                raise SurveyError(f"{exc} Nor is it a column: {error}") from None
            raise


def _to_arrow(column: np.ndarray) -> pa.Array:
    values, missing = np.ma.getdata(column), np.ma.getmaskarray(column)
    if values.dtype.kind == "f":
        return pa.array(np.where(missing, np.nan, values))
    return pa.array(values.astype(object) if values.dtype.kind == "U" else values, mask=missing)
