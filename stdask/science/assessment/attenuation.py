"""Regression dilution: noisy inputs draw predictions towards the mean, those of the best predictor too.

A predictor is calibrated if stars predicted at x lie at x on average: the truth on the prediction has slope 1. The
prediction on the truth then has a slope below 1, the share of the truth's variance that the inputs explain
(Fuller 1987, Measurement Error Models, sect. 1.1; Frost & Thompson 2000, JRSS A 163, 173).
"""

from typing import NamedTuple

import numpy as np

from stdask.science.assessment.outliers import clip_outliers
from stdask.science.keys.seeds import generator

CLIP = 10.0  # robust sigmas about the line: at 5, stars on the wrong one of two peaks go, which are no outliers
MIN_STARS = 3  # fewer lie on a line by themselves
RESAMPLED_AT_ONCE = 50  # the paper's 2,733 test stars x 1000 stay under 4 MB


class Slopes(NamedTuple):
    """The slopes of one label, with bootstrap errors."""

    calibration: float  # of the expected value on the prediction; 1 if calibrated
    calibration_err: float
    attenuation: float  # of the prediction on the expected value; below 1 where noise pulls the tails in
    attenuation_err: float
    n: int  # stars
    n_clipped: int  # outliers left out


def calibration_slopes(predicted: np.ndarray, expected: np.ndarray, n_bootstraps: int, seed: int) -> Slopes:
    """Return the least-squares slopes of the expected value on the prediction, and of the prediction on it.

    Least squares, because its slopes are those of the definition for any distribution of stars: Theil-Sen's, a median
    over pairs, looks at the core and is off where a label has two peaks, as [Mg/Fe] has, or a tail. Outliers do not
    set it: stars farther from either resistant line than `CLIP` robust sigmas are left out. From the line, not from
    equality: where A compresses the scale, a clip of the differences takes the tails that show it.

    Parameters
    ----------
    predicted, expected : shape (n_stars,)
        NaN in either is left out. `expected` is B or the truth. Its own noise does not touch the calibration slope,
        but lowers the attenuation slope.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    slopes
        NaN for fewer than `MIN_STARS` stars, or where one of the two is the same for all of them.
    """
    known = np.isfinite(predicted) & np.isfinite(expected)
    x, y = predicted[known], expected[known]
    if len(x) >= MIN_STARS:
        kept = clip_outliers(_from_resistant_line(x, y), CLIP) & clip_outliers(_from_resistant_line(y, x), CLIP)
        x, y = x[kept], y[kept]
    n_clipped = int(known.sum()) - len(x)
    if len(x) < MIN_STARS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Slopes(np.nan, np.nan, np.nan, np.nan, len(x), n_clipped)
    rng = generator(seed, "bootstrap of slopes")
    resampled = []
    for _ in range(-(-n_bootstraps // RESAMPLED_AT_ONCE)):
        chosen = rng.integers(0, len(x), (RESAMPLED_AT_ONCE, len(x)))
        resampled.append(_slopes(x[chosen], y[chosen]))
    calibration, attenuation = _slopes(x, y)
    calibration_err, attenuation_err = np.nanstd(np.concatenate(resampled, axis=1), axis=1, ddof=1)
    return Slopes(
        float(calibration), float(calibration_err), float(attenuation), float(attenuation_err), len(x), n_clipped
    )


def unattenuated_gain(predicted: np.ndarray, expected: np.ndarray, errors: np.ndarray) -> float:
    """Return what to stretch predictions by for their slope on the noise-free expected values to be 1.

    The covariance of the two does not contain the noise of the expected values, their variance does:
    slope = Cov(prediction, B) / (Var(B) - noise). Source: Fuller 1987, Measurement Error Models, sect. 1.2, with known
    error variance. Outliers are left out as for `calibration_slopes`.

    Parameters
    ----------
    predicted, expected : shape (n_stars,)
        Of stars that the prediction had not seen; B. NaN in either is left out.
    errors : shape (n_stars,)
        1-sigma errors of B, NaN where it states none: the mean of the others then counts.

    Returns
    -------
    gain
        1 for fewer than `MIN_STARS` stars, where no error is stated, where the stated noise is all the variance there
        is, or where the two have nothing to do with each other.
    """
    known = np.isfinite(predicted) & np.isfinite(expected)
    predicted, expected, errors = predicted[known], expected[known], errors[known]
    if len(predicted) < MIN_STARS or np.isnan(errors).all():
        return 1.0  # noise taken for signal would be stretched with it
    kept = clip_outliers(_from_resistant_line(predicted, expected), CLIP)
    kept &= clip_outliers(_from_resistant_line(expected, predicted), CLIP)
    x, y = predicted[kept], expected[kept]
    variance = y.var() - np.nanmean(errors**2)
    covariance = np.cov(x, y, ddof=0)[0, 1]
    return float(variance / covariance) if variance > 0 and covariance > 0 else 1.0


def _slopes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the slopes of y on x and of x on y along the last axis, shape (2, ...); NaN where all are equal."""
    x, y = (values - values.mean(axis=-1, keepdims=True) for values in (x, y))
    products = (x * y).sum(axis=-1)
    squares = np.stack([(x**2).sum(axis=-1), (y**2).sum(axis=-1)])
    return np.divide(products, squares, where=squares > 0, out=np.full_like(squares, np.nan))


def _from_resistant_line(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the distances in y from the line through the medians of the outer thirds in x.

    Source: Tukey 1977, Exploratory Data Analysis, ch. 5. Wild values in fewer than a sixth of the stars, in x or
    in y, cannot carry it away.
    """
    order = np.argsort(x, kind="stable")
    third = len(order) // 3
    low, high = order[:third], order[-third:]
    run = np.median(x[high]) - np.median(x[low])
    slope = (np.median(y[high]) - np.median(y[low])) / run if run > 0 else 0.0
    return y - slope * x
