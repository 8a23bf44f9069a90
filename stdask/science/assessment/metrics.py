"""How far predictions lie from the truth, and how often within their errors."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, median_abs_deviation, norm

from stdask.schema import PERCENTILES
from stdask.science.keys.seeds import generator

LEVELS = (0.68, 0.9)  # nominal shares: those of the percentiles 16-84 and 5-95
THREE_SIGMA_LEVEL = 0.9973  # share of a Gaussian within 3 sigma
METRICS: dict[str, Callable[..., Any]] = {  # in the order of `Score`
    "bias": np.mean,
    "std": np.std,
    "robust": lambda x, axis: median_abs_deviation(x, axis=axis, scale="normal"),  # 1.4826 MAD
    "mae": lambda x, axis: np.mean(np.abs(x), axis=axis),
}


class Score(NamedTuple):
    """How far predictions lie from the truth; each error is a 1-sigma bootstrap error."""

    n: int  # stars
    bias: float  # mean of the residuals
    bias_err: float
    std: float
    std_err: float
    robust: float  # 1.4826 MAD
    robust_err: float
    mae: float
    mae_err: float


def score(residuals: np.ndarray, n_bootstraps: int, seed: int) -> Score:
    """Return bias, standard deviation, robust sigma and mean absolute error, each with its bootstrap error.

    Parameters
    ----------
    residuals : shape (n_stars,)
        Prediction minus truth; NaN is left out.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    score
        In the unit of the residuals; NaN without stars.
    """
    good = residuals[np.isfinite(residuals)]
    if good.size == 0:
        return Score(0, *2 * len(METRICS) * [np.nan])
    rng = generator(seed, "bootstrap of scores")
    spreads: dict[str, list[np.ndarray]] = {metric: [] for metric in METRICS}
    for _ in range(-(-n_bootstraps // 50)):  # in parts: the paper's 2,733 test stars x 1000 stay under 2 MB
        resampled = good[rng.integers(0, good.size, (50, good.size))]
        for metric, function in METRICS.items():
            spreads[metric].append(function(resampled, axis=1))
    scores: list[float] = []
    for metric, function in METRICS.items():
        scores += [float(function(good, axis=0)), float(np.concatenate(spreads[metric]).std(ddof=1))]
    return Score(good.size, *scores)


class Coverage(NamedTuple):
    """How often the truth lies inside an interval that promises to hold it with probability `nominal`."""

    nominal: float
    covered: float
    covered_err: float  # binomial, 1 sigma
    n: int  # stars


def coverage_of_errors(residuals: np.ndarray, sigma: np.ndarray, levels: Sequence[float] = LEVELS) -> list[Coverage]:
    """Return the coverage of the central Gaussian intervals of stated 1-sigma errors.

    Parameters
    ----------
    residuals, sigma : shape (n_stars,)
        Prediction minus truth, and its error; NaN is left out.
    levels
        Nominal shares, 0 to 1.
    """
    good = np.isfinite(residuals) & np.isfinite(sigma)
    distances, sigma = np.abs(residuals[good]), sigma[good]
    return [_count_covered(level, distances <= norm.ppf((1 + level) / 2) * sigma) for level in levels]


def coverage_of_widths(residuals: np.ndarray, half_widths: np.ndarray, nominal: float) -> Coverage:
    """Return the coverage of intervals that reach as far to either side of the prediction.

    Parameters
    ----------
    residuals, half_widths : shape (n_stars,)
        Prediction minus truth, and how far the interval reaches; NaN is left out.
    nominal
        Share that the intervals should hold, 0 to 1.
    """
    good = np.isfinite(residuals) & np.isfinite(half_widths)
    return _count_covered(nominal, np.abs(residuals[good]) <= half_widths[good])


class MaeComparison(NamedTuple):
    """How far two methods lie from the truth, over the same stars."""

    mae: float
    other_mae: float
    difference: float  # positive where the other method is closer
    difference_err: float


def compare_mae(residuals: np.ndarray, others: np.ndarray, n_bootstraps: int, seed: int) -> MaeComparison:
    """Compare the mean absolute errors of two methods by a paired bootstrap.

    Each resampling takes the same stars for both methods, so what a star adds to both, such as the noise of its
    truth, cancels. The error is the bootstrap standard error (Efron & Tibshirani 1993, An Introduction to the
    Bootstrap, ch. 6) of the mean of the stars' differences.

    Parameters
    ----------
    residuals, others : shape (n_stars,)
        Prediction minus truth of the method and of the other one; a star with a NaN in either is left out.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    comparison
        In the units of the residuals; NaN without stars.
    """
    distances = np.abs(np.stack([residuals, others]))
    distances = distances[:, np.isfinite(distances).all(axis=0)]
    if distances.size == 0:
        return MaeComparison(np.nan, np.nan, np.nan, np.nan)
    mae, other_mae = distances.mean(axis=1)
    scores = score(distances[0] - distances[1], n_bootstraps, seed)
    return MaeComparison(float(mae), float(other_mae), scores.bias, scores.bias_err)


def coverage(percentiles: Mapping[int, np.ndarray], truth: np.ndarray) -> list[Coverage]:
    """Return the coverage of the central intervals between percentiles.

    Parameters
    ----------
    percentiles
        Percentile -> values of shape (n_stars,); 5, 16, 84 and 95.
    truth : shape (n_stars,)
    """
    rows = []
    for low, high in ((16, 84), (5, 95)):
        good = np.isfinite(truth) & np.isfinite(percentiles[low]) & np.isfinite(percentiles[high])
        inside = (truth >= percentiles[low]) & (truth <= percentiles[high])
        rows.append(_count_covered((high - low) / 100, inside[good]))
    return rows


def probability_integral(truth: np.ndarray, predicted: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Return the probability below the truth under N(predicted, sigma): uniform from 0 to 1 if the errors are right.

    Too small errors pile up at 0 and 1, too large ones in the middle; an offset tilts.
    Source: Dawid 1984, JRSS A 147, 278; Gneiting, Balabdaoui & Raftery 2007, JRSS B 69, 243, sect. 3.1.

    Parameters
    ----------
    truth, predicted, sigma : shape (n_stars,) or (n_stars, n_labels)
    """
    return norm.cdf(truth, loc=predicted, scale=sigma)


def _count_covered(nominal: float, inside: np.ndarray) -> Coverage:
    """Return the share inside, and the standard deviation of what it may be.

    That of the Beta distribution of the share for a flat prior (Cameron 2011, PASA 28, 128): unlike
    sqrt(p (1 - p) / n) it is not 0 where all stars are inside, or none.
    """
    n, inside_n = inside.size, int(inside.sum())
    if n == 0:
        return Coverage(nominal, np.nan, np.nan, 0)
    return Coverage(nominal, inside_n / n, float(beta.std(inside_n + 1, n - inside_n + 1)), n)


def percentile_errors(percentiles: np.ndarray, reference: np.ndarray) -> dict[str, float]:
    """Return how far percentiles lie from a reference, and by how much their 16-84 % range is too wide.

    All in units of half of the reference's 16-84 % range, of each star and label its own. Where the draws of a few
    stars have a long tail or two peaks, a percentile there is far off: the root mean square tells of those stars, the
    median of the others.

    Parameters
    ----------
    percentiles, reference : shape (n_percentiles, n_stars, n_labels)

    Returns
    -------
    errors
        `rms_{percentile}` and `median_{percentile}` of the absolute errors over stars and labels; `width_bias`, the
        mean relative error of the range. A label that does not vary with the draws is left out; NaN if none does.
    """
    low, high = PERCENTILES.index(16), PERCENTILES.index(84)
    half_widths = (reference[high] - reference[low]) / 2
    varies = half_widths > 0
    if not varies.any():
        varies, half_widths = np.ones_like(varies), np.full_like(half_widths, np.nan)
    errors = (percentiles - reference)[:, varies] / half_widths[varies]
    rms, medians = np.sqrt(np.mean(errors**2, axis=1)), np.median(np.abs(errors), axis=1)
    columns = {f"rms_{p}": float(value) for p, value in zip(PERCENTILES, rms, strict=True)}
    columns |= {f"median_{p}": float(value) for p, value in zip(PERCENTILES, medians, strict=True)}
    return columns | {"width_bias": float(np.mean(errors[high] - errors[low]) / 2)}
