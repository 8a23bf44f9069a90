"""How a population of stars differs from the pairs, and what their translation is off by, estimated from the pairs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import wasserstein_distance

from stdask.science.assessment.density_ratio import effective_number
from stdask.science.keys.seeds import generator

IN_MOST = 0.95  # share of the stars of either population that must have a column for weights to depend on it


class Distribution(NamedTuple):
    """A column of stars in three numbers, in its unit."""

    low: float  # 16th percentile
    median: float
    high: float  # 84th percentile


class PopulationDifference(NamedTuple):
    """A column of two populations."""

    n_pairs: int
    pairs: Distribution
    n_stars: int
    stars: Distribution
    distance: float  # Wasserstein distance, in the unit of the column
    separation: float  # the same in standard deviations of the pairs


def compare_distributions(pairs: np.ndarray, stars: np.ndarray) -> PopulationDifference:
    """Compare a column of the pairs with that of other stars.

    The Wasserstein distance is the mean difference of stars of equal rank (Villani 2009, Optimal Transport, ch. 6).

    Parameters
    ----------
    pairs, stars : shape (n_pairs,) and (n_stars,)
        NaN is left out; at least one value of each.
    """
    pairs, stars = pairs[np.isfinite(pairs)], stars[np.isfinite(stars)]
    distance = float(wasserstein_distance(pairs, stars))
    spread = float(pairs.std())
    separation = distance / spread if spread > 0 else 0.0 if distance == 0 else np.nan
    return PopulationDifference(len(pairs), _describe(pairs), len(stars), _describe(stars), distance, separation)


def _describe(values: np.ndarray) -> Distribution:
    return Distribution(*map(float, np.percentile(values, [16, 50, 84])))


class ReweightedBias(NamedTuple):
    """The mean residual of test stars, and the same with weights; each error is a 1-sigma bootstrap error."""

    n_test: int
    n_effective: float
    bias: float
    bias_err: float
    reweighted: float
    reweighted_err: float
    shift: float  # reweighted minus bias
    shift_err: float


def reweighted_bias(residuals: np.ndarray, weights: np.ndarray, n_bootstraps: int, seed: int) -> ReweightedBias:
    """Return the mean of the residuals, equally weighted and with the weights of another population.

    The weights are normalised over the stars. Each resampling takes the same stars for both means, so that the error of
    their difference is not that of two independent ones. The weights count as known.

    Parameters
    ----------
    residuals, weights : shape (n_stars,)
        Translated minus B, and the density of the other population over that of the stars. A star with a NaN in either
        is left out.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.
    """
    known = np.isfinite(residuals) & np.isfinite(weights)
    residuals, weights = residuals[known], weights[known]
    if not weights.sum() > 0:
        return ReweightedBias(len(residuals), 0.0, *6 * [np.nan])
    rng = generator(seed, "bootstrap of populations")
    resampled = []
    for _ in range(n_bootstraps):
        chosen = rng.integers(0, len(residuals), len(residuals))
        resampled.append(_both_means(residuals[chosen], weights[chosen]))
    bias, reweighted = _both_means(residuals, weights)
    errors = np.std(resampled, axis=0, ddof=1)
    shift_err = float(np.std(np.diff(resampled, axis=1), ddof=1))
    effective = effective_number(weights)
    means = (bias, float(errors[0]), reweighted, float(errors[1]), reweighted - bias, shift_err)
    return ReweightedBias(len(residuals), effective, *means)


def _both_means(residuals: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    return float(residuals.mean()), float(np.average(residuals, weights=weights))


def noise_level(errors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return how noisy the measurements of each star are: the mean logarithm of its errors in units of typical ones.

    It stands for the signal-to-noise ratio, which a survey may not state, and which moves all errors together. A
    typical error is the median of the reference stars; a measurement without one is left out.

    Parameters
    ----------
    errors : shape (n_stars, n_measured)
    reference : shape (n_reference, n_measured)
        Errors of the reference stars.

    Returns
    -------
    levels : shape (n_stars,); NaN where an error is missing, or if no reference star has any
    """
    typical = np.full(errors.shape[1], np.nan)
    stated = np.isfinite(reference).any(axis=0)
    typical[stated] = np.nanmedian(reference[:, stated], axis=0)
    known = typical > 0
    if not known.any():
        return np.full(len(errors), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(errors[:, known] / typical[known])
    return np.where(np.isfinite(logs), logs, np.nan).mean(axis=1)


def common_columns(known: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns that nearly all stars of both populations have, side by side.

    Parameters
    ----------
    known, others
        Columns of the one population and of the other, in the same order; shape (n_known,) and (n_others,).

    Returns
    -------
    known, others : shape (n_known, n_columns) and (n_others, n_columns)
    """
    kept = [
        (own, other)
        for own, other in zip(known, others, strict=True)
        if min(np.isfinite(own).mean(), np.isfinite(other).mean()) >= IN_MOST
    ]
    return np.column_stack([own for own, _ in kept]), np.column_stack([other for _, other in kept])
