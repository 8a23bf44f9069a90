"""Closure: two independent translations of the same stars, and whether they agree within their errors."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf

from stdask.science.assessment.metrics import METRICS
from stdask.science.keys.seeds import generator

MOST_CORRELATED = 0.99  # two translations are never known to be the same measurement


class Translated(NamedTuple):
    """A label of some stars as one survey's translation gives it."""

    values: np.ndarray  # shape (n_stars,)
    errors: np.ndarray  # shape (n_stars,): 1-sigma errors of single stars
    members: np.ndarray  # shape (n_members, n_stars): of each network of the ensemble

    def take(self, stars: np.ndarray) -> "Translated":
        """Return some of the stars, by a mask or by their numbers."""
        return Translated(self.values[stars], self.errors[stars], self.members[:, stars])


class Closure(NamedTuple):
    """The first translation minus the second, over stars that both surveys have; NaN without stars."""

    n: int  # stars
    offset: float  # median
    stars_err: float  # 1-sigma error of the offset by the number of stars
    translation_err: float  # 1-sigma error of the offset by the networks of both ensembles
    scatter: float  # robust sigma
    scatter_err: float
    expected: float  # robust sigma that the errors of the stars foresee
    pull: float  # robust sigma of the differences in units of their errors
    pull_err: float
    correlation: float  # of the errors of both translations

    @property
    def offset_err(self) -> float:
        """1-sigma error of the offset; by the number of stars alone where there are no networks to compare."""
        return float(np.hypot(self.stars_err, np.nan_to_num(self.translation_err)))

    @property
    def excess(self) -> float:
        """Scatter that the errors do not explain, 0 if they explain all of it."""
        return float(np.sqrt(np.maximum(0.0, self.scatter**2 - self.expected**2)))


def compare(first: Translated, second: Translated, factors: tuple[float, float], resampled: tuple[int, int]) -> Closure:
    """Compare two translations of the same stars.

    The members of an ensemble share most of their training stars, so their scatter is multiplied with a factor to give
    the error of the translation. Both ensembles are independent but for the stars of B on which both were trained.

    Parameters
    ----------
    first, second
        The translations; stars without a value or an error in one of them are left out.
    factors
        Error of each translation over the standard deviation of the medians of its members.
    resampled
        Number of bootstrap samples of the stars, and their seed.
    """
    differences = first.values - second.values
    sigma = np.hypot(first.errors, second.errors)
    good = np.isfinite(differences) & (sigma > 0)
    if not good.any():
        return Closure(0, *9 * [np.nan])
    differences, sigma = differences[good], sigma[good]
    moved = [
        factor * np.median(own.members[:, good] - own.values[good], axis=1).std(ddof=1)
        for factor, own in zip(factors, (first, second), strict=True)
        if len(own.members) > 1
    ]
    n_bootstraps, seed = resampled
    rng = generator(seed, "bootstrap of a closure test")
    drawn = rng.integers(0, good.sum(), (n_bootstraps, good.sum()))
    errors = _statistics(differences[drawn], sigma[drawn]).std(axis=1, ddof=1).tolist()
    offset, scatter, pull = _statistics(differences, sigma).tolist()
    translation = float(np.sqrt(np.sum(np.square(moved)))) if moved else np.nan
    expected = robust_sigma_of(sigma)
    correlation = correlation_of(scatter, first.errors[good], second.errors[good])
    return Closure(
        int(good.sum()), offset, errors[0], translation, scatter, errors[1], expected, pull, errors[2], correlation
    )


def _statistics(differences: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return median, robust scatter and pull of stars along the last axis, shape (3, ...)."""
    robust = METRICS["robust"]
    return np.stack(
        [np.median(differences, axis=-1), robust(differences, axis=-1), robust(differences / sigma, axis=-1)]
    )


def robust_sigma_of(sigma: np.ndarray) -> float:
    """Return the robust sigma (1.4826 MAD) of Gaussian noise that differs from star to star.

    Half of the stars lie within the median absolute deviation m: the mean of erf(m / (sqrt(2) sigma)) is 1/2. It is
    smaller than the root mean square, to which a few stars with large errors add much.

    Parameters
    ----------
    sigma : shape (n_stars,)
        Standard deviation of the noise of each star, above 0.
    """

    def excess(median: float) -> float:
        return float(erf(median / (np.sqrt(2) * sigma)).mean()) - 0.5

    quartile = 0.67448975  # of the standard normal distribution
    low, high = quartile * sigma.min(), quartile * sigma.max()
    return (low if low == high else brentq(excess, low, high)) / quartile


def correlation_of(scatter: float, first: np.ndarray, second: np.ndarray) -> float:
    """Return the correlation of the errors of two translations of the same stars, from how little they differ.

    Two networks that see the same colours of a star, or draw a noisy label towards the same mean of the training stars,
    err alike: their difference is then smaller than independent errors foresee, and their mean is less certain.

    Parameters
    ----------
    scatter
        Robust sigma of the differences.
    first, second : shape (n_stars,)
        1-sigma errors of each translation, above 0.

    Returns
    -------
    correlation
        From 0, also where the scatter is larger than independent errors foresee, to `MOST_CORRELATED`.
    """

    def excess(correlation: float) -> float:
        return robust_sigma_of(np.sqrt(first**2 + second**2 - 2 * correlation * first * second)) - scatter

    if excess(0.0) <= 0:
        return 0.0
    if excess(MOST_CORRELATED) >= 0:
        return MOST_CORRELATED
    return float(brentq(excess, 0.0, MOST_CORRELATED))


def excess_errors(excess: Mapping[tuple[str, str], float]) -> dict[str, tuple[float, int]]:
    """Return what the errors of each survey lack, and with how many surveys it was compared.

    Both surveys of a pair are given half of its excess variance; a survey has the mean over its pairs.

    Parameters
    ----------
    excess
        First and second survey -> scatter that their errors do not explain; NaN if unknown.

    Returns
    -------
    errors
        Survey -> 1-sigma error, NaN if no pair of it is known, and number of pairs that are known.
    """
    errors = {}
    for survey in dict.fromkeys(name for pair in excess for name in pair):
        own = [value**2 / 2 for pair, value in excess.items() if survey in pair and np.isfinite(value)]
        errors[survey] = (float(np.sqrt(np.mean(own))) if own else np.nan, len(own))
    return errors
