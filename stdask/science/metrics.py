"""How far predictions lie from the truth, with bootstrap errors."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.stats import median_abs_deviation

METRICS: dict[str, Callable[..., Any]] = {
    "bias": np.mean,
    "std": np.std,
    "robust": lambda x, axis: median_abs_deviation(x, axis=axis, scale="normal"),  # 1.4826 MAD
    "mae": lambda x, axis: np.mean(np.abs(x), axis=axis),
}


def score(residuals: np.ndarray, n_bootstraps: int, seed: int) -> dict[str, float]:
    """Return bias, standard deviation, robust sigma and mean absolute error, each with its bootstrap error.

    Parameters
    ----------
    residuals : shape (n_stars,)
        Prediction minus truth; NaN is left out.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    scores
        `n`, and for each metric its value and `{metric}_err`; NaN without stars.
    """
    good = residuals[np.isfinite(residuals)]
    if good.size == 0:
        return {"n": 0} | {name: np.nan for metric in METRICS for name in (metric, f"{metric}_err")}
    rng = np.random.default_rng(seed)
    spreads: dict[str, list[np.ndarray]] = {metric: [] for metric in METRICS}
    for _ in range(-(-n_bootstraps // 50)):  # in parts: the paper's 2,733 test stars x 1000 stay under 2 MB
        resampled = good[rng.integers(0, good.size, (50, good.size))]
        for metric, function in METRICS.items():
            spreads[metric].append(function(resampled, axis=1))
    scores: dict[str, float] = {"n": good.size}
    for metric, function in METRICS.items():
        scores[metric] = float(function(good, axis=0))
        scores[f"{metric}_err"] = float(np.concatenate(spreads[metric]).std(ddof=1))
    return scores


def coverage(percentiles: Mapping[int, np.ndarray], truth: np.ndarray) -> list[tuple[float, float, int]]:
    """Return (nominal, covered, stars) of the central intervals between percentiles.

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
        rows.append(((high - low) / 100, float(inside[good].mean()) if good.any() else np.nan, int(good.sum())))
    return rows
