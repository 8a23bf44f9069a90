"""Stars that should share a value, such as the members of a cluster: their mean and its trend, with honest errors.

The stars may be few. Errors from the scatter of n stars are enlarged so that one of them contains the truth in 68 % of
all cases, as Student's t distribution says.
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, t

MIN_FOR_TREND = 5  # stars: fewer hardly constrain a slope and its error
NO_NETWORKS = np.empty((0, 0))


class GroupMean(NamedTuple):
    """Mean and scatter of some stars; NaN where there are too few."""

    n: int
    mean: float
    mean_err: float  # by the number of the stars and by the networks
    std: float  # ddof 1
    std_err: float


class FittedLine(NamedTuple):
    """A straight line through some stars; NaN where there are too few."""

    n: int
    slope: float
    slope_err: float  # by the scatter of the stars and by the networks
    middle: float  # mean of x: there the line has the value `level`
    level: float


def student(sigma: float, n_free: float) -> float:
    """Return how many estimated standard errors contain the truth as often as `sigma` errors that are known.

    Parameters
    ----------
    sigma
        Of a normal distribution.
    n_free
        Degrees of freedom of the estimate; NaN is returned if there are none.
    """
    return float(t.ppf(norm.cdf(sigma), n_free)) if n_free > 0 else np.nan


def group_mean(values: np.ndarray, networks: np.ndarray = NO_NETWORKS, factor: float = 0.0) -> GroupMean:
    """Return the mean of some stars and its error.

    Parameters
    ----------
    values : shape (n_stars,)
        NaN is left out.
    networks : shape (n_networks, n_stars)
        What each network of a translation gives: an error that all stars share.
    factor
        Error of a mean over the standard deviation of the means of the networks (`jackknife_factor`).
    """
    good = np.isfinite(values)
    n = int(good.sum())
    if n == 0:
        return GroupMean(0, *4 * [np.nan])
    std = float(values[good].std(ddof=1)) if n > 1 else np.nan
    shared = _networks_error(networks[:, good].mean(axis=1), factor) if len(networks) > 1 else 0.0
    error = float(np.hypot(student(1.0, n - 1) * std / np.sqrt(n), shared))
    std_err = std / np.sqrt(2 * (n - 1)) if n > 1 else np.nan
    return GroupMean(n, float(values[good].mean()), error, std, float(std_err))


def fit_trend(x: np.ndarray, values: np.ndarray, networks: np.ndarray = NO_NETWORKS, factor: float = 0.0) -> FittedLine:
    """Fit a straight line by least squares; the scatter about it gives the error of the slope.

    Parameters
    ----------
    x, values : shape (n_stars,)
        A star that lacks one is left out.
    networks, factor
        As for `group_mean`.
    """
    good = np.isfinite(x) & np.isfinite(values)
    n = int(good.sum())
    if n < MIN_FOR_TREND or np.ptp(x[good]) == 0:
        return FittedLine(n, *4 * [np.nan])
    x, y = x[good], values[good]
    lever = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    slope = float(lever @ y)
    residuals = y - y.mean() - slope * (x - x.mean())
    error = student(1.0, n - 2) * np.sqrt(np.sum(residuals**2) / (n - 2) * np.sum(lever**2))
    shared = _networks_error(networks[:, good] @ lever, factor) if len(networks) > 1 else 0.0
    return FittedLine(n, slope, float(np.hypot(error, shared)), float(x.mean()), float(y.mean()))


def _networks_error(results: np.ndarray, factor: float) -> float:
    return factor * float(results.std(ddof=1))
