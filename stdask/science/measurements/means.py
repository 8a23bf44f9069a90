"""Means of what several surveys say of a star, each with a weight by its error."""

from typing import NamedTuple

import numpy as np


class Means(NamedTuple):
    """Inverse-variance means; each of shape (n_stars,), but for the weights."""

    values: np.ndarray  # NaN where no survey has a value
    errors: np.ndarray  # 1 sigma
    scatter: np.ndarray  # standard deviation of the values of the surveys, ddof 1; NaN for fewer than two
    numbers: np.ndarray  # int64: of surveys in the mean
    weights: np.ndarray  # (n_surveys, n_stars), of sum 1; 0 for what is not in the mean

    def mean_of(self, others: np.ndarray) -> np.ndarray:
        """Return the means of other numbers of the surveys with the same weights, NaN where a star has no value.

        Parameters
        ----------
        others : shape (n_surveys, n_stars)
            What is not in the mean may be NaN.
        """
        return _weighted(self.weights, others)


def average(values: np.ndarray, errors: np.ndarray, correlations: np.ndarray) -> Means:
    """Return the inverse-variance means of what several surveys say.

    The weights are those of independent errors, the error of a mean contains the correlations. Weights by correlations
    would give all weight to one of two surveys where their errors are correlated and differ by much, and so depend on
    the error of each star as no error is known.

    A value without an error has no weight. If that of the first survey has none, it stays alone: a mean without the
    survey that takes precedence would be another quantity.

    Parameters
    ----------
    values, errors : shape (n_surveys, n_stars)
        Of the survey that takes precedence first. NaN where unknown; errors are above 0.
    correlations : shape (n_surveys, n_surveys)
        Of the errors of every two surveys, not below 0; 1 on the diagonal.
    """
    values, errors = values.astype(np.float64), errors.astype(np.float64)
    known = np.isfinite(values)
    used = known & np.isfinite(errors) & (errors > 0)
    alone = known[0] & ~used[0]
    used[1:] &= ~alone
    with np.errstate(divide="ignore"):
        inverse = np.where(used, errors**-2, 0.0)
    total = inverse.sum(axis=0)
    weights = np.divide(inverse, total, where=total > 0, out=np.zeros_like(inverse))
    parts = weights * np.where(used, errors, 0.0)
    sigma = np.where(total > 0, np.sqrt(np.einsum("is,ij,js->s", parts, correlations, parts)), np.nan)
    weights[0, alone] = 1.0
    numbers = (weights > 0).sum(axis=0)
    middle = np.where(weights > 0, values, 0.0).sum(axis=0) / np.maximum(numbers, 1)
    squares = np.where(weights > 0, values - middle, 0.0) ** 2
    scatter = np.where(numbers > 1, np.sqrt(squares.sum(axis=0) / np.maximum(numbers - 1, 1)), np.nan)
    return Means(_weighted(weights, values), sigma, scatter, numbers, weights)


def _weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return weighted means; that of one value is the value itself, to the last bit."""
    used = weights > 0
    means = np.where(used, weights * np.where(used, values, 0.0), 0.0).sum(axis=0)
    return np.where(used.any(axis=0), means, np.nan)
