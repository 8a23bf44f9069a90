"""From the numbers in a survey file to measurements: units, missing values and errors."""

from collections.abc import Sequence

import numpy as np

from stdask.config.survey import SENTINELS
from stdask.errors import SurveyError
from stdask.science.measurements.cuts import is_missing, is_sentinel, no_number, word_of

VALUE_COUNTS = ("n_missing", "n_infinite", "n_sentinel", "n_outside", "n_not_good", "n_measured")
ERROR_COUNTS = ("n_typical_error", "n_no_error")


def clean_values(
    column: np.ndarray,
    factor: float,
    valid: tuple[float, float] | None,
    good: np.ndarray | None = None,
    sentinels: Sequence[float] = SENTINELS,
) -> tuple[np.ndarray, dict[str, int]]:
    """Return a column in the catalogue's unit, with NaN for everything that is not a measurement, and counts of why.

    Parameters
    ----------
    column : shape (n_stars,), masked where missing
        As in the survey file.
    factor
        From the file's unit to the catalogue's.
    valid
        Smallest and largest value to believe, both allowed, in the catalogue's unit.
    good : shape (n_stars,), bool
        Where the survey trusts the value.
    sentinels
        Numbers that stand for "missing", in the file's unit.

    Returns
    -------
    values : shape (n_stars,), float64
    counts
        Values lost, each to the first of `VALUE_COUNTS` that applies, and values left.

    Raises
    ------
    SurveyError
        If the column is text.
    """
    stored = _as_floats(column)
    with np.errstate(over="ignore"):  # what overflows is counted as infinite
        values = stored * factor
    low, high = valid or (-np.inf, np.inf)
    faults = (
        np.isnan(stored),
        np.abs(values) > np.finfo(np.float32).max,  # the catalogue holds 32 bits
        is_sentinel(column, sentinels),
        (values < low) | (values > high),
        np.zeros(values.size, dtype=bool) if good is None else ~good,
    )
    first = np.argmax([*faults, np.ones(values.size, dtype=bool)], axis=0)
    counts = np.bincount(first, minlength=len(VALUE_COUNTS))
    kept = np.where(first == len(faults), values, np.nan)
    return kept, dict(zip(VALUE_COUNTS, counts.tolist(), strict=True))


def clean_errors(
    column: np.ndarray, values: np.ndarray, factor: float, sentinels: Sequence[float] = SENTINELS
) -> np.ndarray:
    """Return 1-sigma errors in the catalogue's unit; NaN where zero, negative, a sentinel, or not measured.

    Parameters
    ----------
    column : shape (n_stars,), masked where missing
        As in the survey file.
    values : shape (n_stars,), float64
        The measurements; where they are NaN the error is NaN too.
    factor
        From the file's unit to the catalogue's.
    sentinels
        Numbers that stand for "missing", in the file's unit.

    Returns
    -------
    errors : shape (n_stars,), float64
    """
    smallest = float(np.finfo(np.float32).tiny)
    errors, _ = clean_values(column, factor, (smallest, np.inf), sentinels=sentinels)
    return np.where(np.isnan(values), np.nan, errors)


def complete_errors(
    errors: np.ndarray | None, values: np.ndarray, typical: float | None, floor: float = 0.0
) -> tuple[np.ndarray, dict[str, int]]:
    """Give measurements without an error the typical one, and raise errors that are too small to believe.

    Parameters
    ----------
    errors, values : shape (n_stars,), float64
        From `clean_errors` and `clean_values`; no errors at all if None.
    typical, floor
        Error of a star without one, and the smallest error, in the unit of the values.

    Returns
    -------
    errors : shape (n_stars,), float64
        NaN where nothing was measured, or there is no error and no typical one.
    counts
        Measurements with the typical error, and with none.
    """
    own = np.full(values.size, np.nan) if errors is None else errors
    measured = ~np.isnan(values)
    unknown = np.isnan(own) & measured
    completed = np.where(unknown, np.nan if typical is None else typical, own)
    n_unknown = int(np.count_nonzero(unknown))
    counts = (0, n_unknown) if typical is None else (n_unknown, 0)
    floored = np.where(measured, np.maximum(completed, floor), np.nan)
    return floored, dict(zip(ERROR_COUNTS, counts, strict=True))


def _as_floats(column: np.ndarray) -> np.ndarray:
    values = np.ma.getdata(column)
    if values.dtype.kind not in "iuf":
        raise SurveyError(
            f"{word_of(values.dtype.kind)}, no numbers{no_number(values)}. Name a column of numbers, or correct it."
        )
    return np.where(is_missing(column), np.nan, values.astype(np.float64))
