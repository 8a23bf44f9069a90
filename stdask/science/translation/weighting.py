"""How much each training star counts for each label, and whether that helps stars that are held out."""

from typing import NamedTuple

import numpy as np
from scipy.stats import median_abs_deviation

# Of the scatter of B about A. Stated errors may be too large, and they are never all of the scatter.
LEAST_OWN_SCATTER = 0.5


def weights_by_errors(label_errors: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Return weights by the stated errors of B: the inverse of the scatter that each star has with them.

    The mean absolute error is the likelihood of residuals with a Laplace distribution, in which a star counts with the
    inverse of its scatter. That is the stated error and the scatter that all stars have beyond it, added in quadrature.
    Where a typical stated error exceeds the whole scatter, all are scaled down to it. So no star counts more than 2.3
    times as much as a typical one.

    Parameters
    ----------
    label_errors : shape (n_stars, n_labels)
        1-sigma errors of B. A star without one has the median of the others.
    residuals : shape (n_stars, n_labels)
        B minus a simple prediction of it, in the same units; NaN where B lacks the label.

    Returns
    -------
    weights : shape (n_stars, n_labels), 1 on average over the stars that have the label
        1 for all stars of a label that has no errors.
    """
    weights = np.ones_like(residuals)
    for number, (errors, own) in enumerate(zip(label_errors.T, residuals.T, strict=True)):
        known = np.isfinite(own)
        stated = known & np.isfinite(errors)
        if not stated.any():
            continue
        typical = np.median(errors[stated])
        scatter = median_abs_deviation(own[known], scale="normal") or 1.0  # 0 where most labels are exact
        factor = min(1.0, scatter / typical) if typical > 0 else 1.0
        beyond = max(scatter**2 - (factor * typical) ** 2, (LEAST_OWN_SCATTER * scatter) ** 2)
        weights[:, number] = 1 / np.sqrt(beyond + (factor * np.where(stated, errors, typical)) ** 2)
        weights[:, number] /= weights[known, number].mean()
    return weights


class Gain(NamedTuple):
    """How much closer to B one method is than another, over the same stars, in units of the distance of the other."""

    value: float  # positive where it is closer
    error: float  # 1 sigma

    @property
    def is_significant(self) -> bool:
        """Whether it is closer by more than the error."""
        return self.value > self.error


def gain_over(residuals: np.ndarray, others: np.ndarray, scales: np.ndarray, weights: np.ndarray) -> Gain:
    """Compare the mean absolute errors of two methods, the mean over labels of each star, with weights for the stars.

    The error is that of the weighted mean of the stars' differences.

    Parameters
    ----------
    residuals, others : shape (n_stars, n_labels)
        Prediction minus B of the method, and of the other one; NaN where B lacks the label.
    scales : shape (n_labels,)
        Units in which labels are averaged.
    weights : shape (n_stars,)
        1 for all stars; or those of another population.
    """
    distances, baseline = (np.nanmean(np.abs(values) / scales, axis=1) for values in (residuals, others))
    unit = np.average(baseline, weights=weights)
    differences = (baseline - distances) / unit
    value = np.average(differences, weights=weights)
    return Gain(float(value), float(np.sqrt((weights**2 * (differences - value) ** 2).sum()) / weights.sum()))
