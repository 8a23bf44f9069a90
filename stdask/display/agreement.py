"""What is said of two translations of the same stars: whether they agree, and whether their errors foresee it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from stdask.display.numbers import decimals, measured, minus
from stdask.schema.closure import OUTSIDE_B, MatrixRow
from stdask.schema.evaluation import MIN_GROUP

SIGNIFICANT_OFFSET = 3.0  # errors
SIGNIFICANT_EXCESS, LEAST_EXCESS = 3.0, 1.1  # errors by which a pull is above 1, and the least pull that is told of
AGREE, OFFSET, SCATTER, UNTESTED = "agree", "offset", "scatter", "untested"


class Agreement(NamedTuple):
    """The verdict on one label of two surveys."""

    row: MatrixRow
    kind: str
    words: str


def agreement(row: MatrixRow, titles: Mapping[str, str]) -> Agreement:
    """Return the verdict on a label of two surveys.

    Parameters
    ----------
    row
        All stars of a sample together.
    titles
        What surveys are called.
    """
    both = f"{titles.get(row.first, row.first)} and {titles.get(row.second, row.second)}"
    if row.n < MIN_GROUP:
        return Agreement(row, UNTESTED, f"{both} share {row.n} of these stars, too few to compare.")
    foreseen = (
        f"Single stars differ by {_plain(row.scatter, row)} where their errors foresee {_plain(row.expected, row)}"
    )
    if is_offset(row):
        kind, words = OFFSET, f"{both} differ by {_with_error(row)}, {abs(row.significance):.1f} sigma."
    else:
        kind, words = AGREE, f"{both} agree: their difference is {_with_error(row)}."
    if is_scattered(row):
        kind = SCATTER if kind == AGREE else kind
        foreseen += f": the errors are too small by a factor of {row.pull:.2f}"
    elif is_correlated(row):
        foreseen += f", if independent: the errors of both surveys are correlated, by {row.correlation:.2f}"
    return Agreement(row, kind, f"{words} {foreseen}.")


def is_offset(row: MatrixRow) -> bool:
    """Return whether two surveys differ by more than the error of their offset explains."""
    return row.n >= MIN_GROUP and abs(row.significance) > SIGNIFICANT_OFFSET


def is_scattered(row: MatrixRow) -> bool:
    """Return whether stars differ by more than their errors explain."""
    return row.n >= MIN_GROUP and row.pull > max(LEAST_EXCESS, 1 + SIGNIFICANT_EXCESS * row.pull_err)


def is_correlated(row: MatrixRow) -> bool:
    """Return whether stars differ by less than independent errors foresee."""
    return row.n >= MIN_GROUP and row.pull < min(1 / LEAST_EXCESS, 1 - SIGNIFICANT_EXCESS * row.pull_err)


def notes_of_closure(matrix: Sequence[MatrixRow]) -> Iterator[str]:
    """Yield what the user should know of every two surveys: where they do not agree, or were not compared.

    Parameters
    ----------
    matrix
        The rows of all surveys, labels and samples.
    """
    rows = [row for row in matrix if row.sample == OUTSIDE_B]
    for (first, second), group in groupby(rows, key=lambda row: (row.first, row.second)):
        own = list(group)
        both, unknown = f"{first} and {second}", "that B does not have"
        if max(row.n for row in own) < MIN_GROUP:
            n_stars = max(row.n for row in own)
            yield f"{both} share {n_stars} stars {unknown}: too few to compare their translations."
        if apart := [f"{row.label} {_with_error(row)}" for row in own if is_offset(row)]:
            yield f"{first} minus {second}, stars {unknown}: differences of more than 3 sigma in {', '.join(apart)}."
        if wide := [f"{row.label} (factor {row.pull:.2f})" for row in own if is_scattered(row)]:
            yield f"{both}, stars {unknown}: differences exceed the errors of the stars in {', '.join(wide)}."


def _with_error(row: MatrixRow) -> str:
    return f"{measured(row.offset, row.offset_err, signed=True)} {row.unit}".strip()


def _plain(value: float, row: MatrixRow) -> str:
    """Return a scatter, to as many digits as the expected one is worth."""
    places = decimals(row.expected / 5) if row.expected > 0 else 3
    return f"{minus(f'{value:.{places}f}')} {row.unit}".strip()
