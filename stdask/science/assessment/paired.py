"""Two measurements of the same stars: which scatters more, how far their means lie apart, and how well one repeats."""

from typing import NamedTuple

import numpy as np
from scipy.stats import beta

from stdask.science.assessment.metrics import METRICS, score
from stdask.science.keys.seeds import generator


class ScatterRatio(NamedTuple):
    """The scatter of one method in units of another's, over the same stars; below 1 the first scatters less."""

    std: float
    std_err: float
    robust: float
    robust_err: float


def compare_scatter(residuals: np.ndarray, others: np.ndarray, n_bootstraps: int, seed: int) -> ScatterRatio:
    """Return the ratios of the standard deviations and of the robust sigmas of two methods.

    Each resampling takes the same stars for both methods, so what a star adds to both hardly moves their ratio. The
    error is the bootstrap standard error (Efron & Tibshirani 1993, An Introduction to the Bootstrap, ch. 6).

    Parameters
    ----------
    residuals, others : shape (n_stars,)
        Prediction minus truth of the method and of the other one; a star with a NaN in either is left out.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    ratio
        NaN without stars.
    """
    both = np.stack([residuals, others])
    both = both[:, np.isfinite(both).all(axis=0)]
    n_stars = both.shape[1]
    if n_stars == 0:
        return ScatterRatio(*4 * [np.nan])
    rng = generator(seed, "bootstrap of a comparison")
    ratios = np.array([_ratios(both[:, rng.integers(0, n_stars, n_stars)]) for _ in range(n_bootstraps)])
    (std, robust), (std_err, robust_err) = _ratios(both), ratios.std(axis=0, ddof=1)
    return ScatterRatio(std, float(std_err), robust, float(robust_err))


def _ratios(both: np.ndarray) -> tuple[float, float]:
    """Return the ratios of the standard deviations and of the robust sigmas of two rows."""
    std, robust = (METRICS[name](both, axis=1) for name in ("std", "robust"))
    return float(std[0] / std[1]), float(robust[0] / robust[1])


class Group(NamedTuple):
    """A label of stars that should share it, such as those of a cluster, compared with the expected values."""

    mean: float
    std: float  # ddof 1
    shift: float  # of the mean from that of the expected values, in units of its error; NaN where that is 0


def describe_group(values: np.ndarray, expected: np.ndarray) -> Group:
    """Return mean and scatter of some stars, and how many sigma their mean lies from that of the expected values.

    The error of the shift is that of the mean of the stars' differences: a spread that both share is no error.

    Parameters
    ----------
    values, expected : shape (n_stars,)
        At least two stars.
    """
    differences = values - expected
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    shift = differences.mean() / error if error > 0 else np.nan
    return Group(float(values.mean()), float(values.std(ddof=1)), float(shift))


class Repeatability(NamedTuple):
    """How well a measurement repeats."""

    n: int  # stars
    scatter: float  # robust, of a single measurement
    scatter_err: float
    pull: float  # robust sigma of the differences in units of their errors: 1 if those are right
    pull_err: float


def repeatability(
    first: np.ndarray, second: np.ndarray, sigma: np.ndarray, n_bootstraps: int, seed: int
) -> Repeatability:
    """Compare two independent measurements of each star.

    Parameters
    ----------
    first, second : shape (n_stars,)
        A star that lacks one is left out.
    sigma : shape (n_stars,)
        1-sigma error of their difference; a star without one counts for the scatter alone.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.
    """
    differences = first - second
    scatter = score(differences / np.sqrt(2), n_bootstraps, seed)  # the variances of both visits add up
    pull = score(differences / np.where(sigma > 0, sigma, np.nan), n_bootstraps, seed)
    return Repeatability(scatter.n, scatter.robust, scatter.robust_err, pull.robust, pull.robust_err)


class Share(NamedTuple):
    """A share of the stars and its binomial error."""

    value: float
    error: float


def share_of(chosen: np.ndarray) -> Share:
    """Return the share of True, and the standard deviation of the Beta distribution of what it may be.

    Source: Cameron 2011, PASA 28, 128; for a flat prior.

    Parameters
    ----------
    chosen : shape (n_stars,), bool
        NaN shares without stars.
    """
    n_stars, n_chosen = chosen.size, int(chosen.sum())
    if n_stars == 0:
        return Share(np.nan, np.nan)
    return Share(n_chosen / n_stars, float(beta.std(n_chosen + 1, n_stars - n_chosen + 1)))
