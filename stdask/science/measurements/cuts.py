"""Quality cuts: which stars pass, and how many each cut costs.

A column is an array of shape (n_stars,); missing integers, logicals and text are masked (`numpy.ma`), missing
floats are NaN. As in SQL, a missing value fails every comparison, `!=` and `bits_clear` too. Numbers that stand for
"missing" are missing, unless the condition itself asks for them with `=` or `in`.
"""

import operator
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from stdask.config.survey_tables import Term
from stdask.errors import SurveyError

COMPARISONS: dict[str, Callable] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    "!=": operator.ne,
}


def is_missing(column: np.ndarray) -> np.ndarray:
    """Return which values are masked or NaN.

    Parameters
    ----------
    column : shape (n_stars,)

    Returns
    -------
    missing : shape (n_stars,), bool
    """
    values, masked = np.ma.getdata(column), np.ma.getmaskarray(column)
    return masked | np.isnan(values) if values.dtype.kind == "f" else masked


def is_sentinel(column: np.ndarray, sentinels: Sequence[float]) -> np.ndarray:
    """Return which numbers stand for "missing", in the precision of the column; no text and no logical does.

    Parameters
    ----------
    column : shape (n_stars,)
    sentinels
        Numbers that stand for "missing".

    Returns
    -------
    sentinel : shape (n_stars,), bool
    """
    values = np.ma.getdata(column)
    if values.dtype.kind not in "iuf" or not len(sentinels):
        return np.zeros(values.shape, dtype=bool)
    wide = values.astype(np.float64) if values.dtype.kind != "f" else values
    with np.errstate(over="ignore"):
        own = np.asarray(sentinels, np.float64).astype(wide.dtype)
    return np.isin(wide, own[np.isfinite(own)])


def without_sentinels(column: np.ndarray, sentinels: Sequence[float]) -> np.ndarray:
    """Return a column in which numbers that stand for "missing" are masked."""
    found = is_sentinel(column, sentinels)
    return np.ma.masked_where(found, column) if found.any() else column


def passes(
    term: Term, columns: Mapping[str, np.ndarray], sentinels_of: Callable[[str], Sequence[float]] = lambda _: ()
) -> np.ndarray:
    """Return which stars fulfil one condition.

    Parameters
    ----------
    term
        The condition.
    columns
        The columns that it names, each of shape (n_stars,).
    sentinels_of
        Returns the numbers that stand for "missing" in a column.

    Returns
    -------
    passing : shape (n_stars,), bool

    Raises
    ------
    SurveyError
        If a column is text and the value a number or the other way round, or bits are asked of no integer.
    """
    if term.any_of:
        return np.logical_or.reduce([passes(alternative, columns, sentinels_of) for alternative in term.any_of])
    column = columns[term.column]
    missing = is_missing(column) | is_sentinel(column, _not_asked_for(term, sentinels_of(term.column)))
    if term.op == "is_null":
        return missing
    if term.op == "not_null":
        return ~missing
    values = np.ma.getdata(column)
    _check_kinds(term, values)
    passing = np.zeros(values.size, dtype=bool)
    passing[~missing] = _compare(term, values[~missing])
    return passing


def count_cuts(passing: Sequence[np.ndarray], n_stars: int) -> tuple[np.ndarray, np.ndarray]:
    """Count what each cut costs, alone and after those before it; counts of blocks add up.

    Parameters
    ----------
    passing
        One array of shape (n_stars,) a cut: which stars fulfil it.
    n_stars
        Number of stars, for a survey without cuts.

    Returns
    -------
    n_failing, n_left : shape (n_cuts,), int64
        Stars that fail the cut, regardless of the other cuts; stars left after it and all cuts before it.
    """
    left = np.ones(n_stars, dtype=bool)
    n_failing, n_left = [], []
    for fulfilled in passing:
        left &= fulfilled
        n_failing.append(np.count_nonzero(~fulfilled))
        n_left.append(np.count_nonzero(left))
    return np.array(n_failing, dtype=np.int64), np.array(n_left, dtype=np.int64)


def _compare(term: Term, values: np.ndarray) -> np.ndarray:
    if term.op == "in":
        wanted = term.value if isinstance(term.value, list) else [term.value]
        return np.logical_or.reduce([values == value for value in wanted])
    if term.op in ("bits_clear", "bits_set"):
        bits = values.dtype.type(_mask(term))
        return values & bits == 0 if term.op == "bits_clear" else values & bits == bits
    return COMPARISONS[term.op](values, term.value)


def _not_asked_for(term: Term, sentinels: Sequence[float]) -> list[float]:
    """Return the numbers that stand for "missing" in a condition: those that it does not ask for by `=` or `in`."""
    wanted = term.value if isinstance(term.value, list) else [term.value]
    return [number for number in sentinels if term.op not in ("=", "in") or number not in wanted]


def _check_kinds(term: Term, values: np.ndarray) -> None:
    kind = values.dtype.kind
    if term.op in ("bits_clear", "bits_set"):
        if kind not in "iu":
            raise SurveyError(
                f"Cut {term.text!r} asks for bits of column {term.column!r}, which holds {word_of(kind)}. "
                "Name an integer column."
            )
        return
    wanted = term.value if isinstance(term.value, list) else [term.value]
    for value in wanted:
        if isinstance(value, str) != (kind in "OUS"):
            example = "" if isinstance(value, str) else no_number(values)
            missing = ", or, if this word stands for a missing value, name it in [file] null" if example else ""
            raise SurveyError(
                f"Cut {term.text!r} compares column {term.column!r}, which holds {word_of(kind)}, "
                f"with {value!r}{example}. Give a value of the same kind{missing}."
            )


def no_number(values: np.ndarray) -> str:
    """Return words on the first text of a column that is not a number, for an error.

    Parameters
    ----------
    values : shape (n_stars,)

    Returns
    -------
    words
        Empty where there is none.
    """
    for text in values:
        try:
            float(text)
        except ValueError:
            return f": it holds {str(text)!r} for one"
        except TypeError:  # None, where it is missing
            continue
    return ""


def word_of(kind: str) -> str:
    """Return what a column of a numpy `kind` holds, in a word."""
    return {"f": "floats", "i": "integers", "u": "integers", "b": "logicals"}.get(kind, "text")


def _mask(term: Term) -> int:
    """Return the bit mask of a term, whose `value` is one bit number or a list of them, counted from 0."""
    numbers = np.atleast_1d(np.array(term.value, dtype=np.int64))
    return int(np.bitwise_or.reduce(np.int64(1) << numbers))
