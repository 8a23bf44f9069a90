"""Means of what several surveys say of a star, with the weights that give them the smallest error."""

from typing import NamedTuple

import numpy as np

LEAST_EIGENVALUE = 0.01  # of correlations: no sum of surveys is known better than to a tenth of its independent error


class Means(NamedTuple):
    """Means of least variance; each of shape (n_stars,), but for the weights."""

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
    """Return the means of least variance of what several surveys say.

    With independent errors these are inverse-variance means. A survey that would get a negative weight, because its
    errors are much larger than those of another with which they are correlated, adds nothing and is left out.

    A value without an error has no weight. If that of the first survey has none, it stays alone: a mean without the
    survey that takes precedence would be another quantity.

    Parameters
    ----------
    values, errors : shape (n_surveys, n_stars)
        Of the survey that takes precedence first. NaN where unknown; errors are above 0.
    correlations : shape (n_surveys, n_surveys)
        Of the errors of every two surveys; 1 on the diagonal.
    """
    values, errors = values.astype(np.float64), errors.astype(np.float64)
    known = np.isfinite(values)
    used = known & np.isfinite(errors) & (errors > 0)
    alone = known[0] & ~used[0]
    used[1:] &= ~alone
    covariances = _covariances(np.where(used, errors, 1.0), correlations)
    weights = _weights(covariances, used)
    sigma = np.sqrt(np.einsum("is,sij,js->s", weights, covariances, weights))
    sigma[~used.any(axis=0)] = np.nan
    weights[0, alone] = 1.0
    in_mean = weights > 0
    numbers = in_mean.sum(axis=0)
    middle = np.where(in_mean, values, 0.0).sum(axis=0) / np.maximum(numbers, 1)
    squares = np.where(in_mean, values - middle, 0.0) ** 2
    scatter = np.where(numbers > 1, np.sqrt(squares.sum(axis=0) / np.maximum(numbers - 1, 1)), np.nan)
    return Means(_weighted(weights, values), sigma, scatter, numbers, weights)


def _covariances(errors: np.ndarray, correlations: np.ndarray) -> np.ndarray:
    """Return the covariances of the surveys for each star, shape (n_stars, n_surveys, n_surveys).

    Correlations that were measured for two surveys at a time need not fit together; they are reduced until they do.
    """
    least = np.linalg.eigvalsh(correlations)[0]
    if least < LEAST_EIGENVALUE:
        unity = np.eye(len(correlations))
        correlations = unity + (1 - LEAST_EIGENVALUE) / (1 - least) * (correlations - unity)
    return errors.T[:, :, None] * correlations * errors.T[:, None, :]


def _weights(covariances: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Return the weights of least variance and none below 0, shape (n_surveys, n_stars); 0 for what is not used."""
    used = used.copy()
    while True:
        both = used.T[:, :, None] & used.T[:, None, :]
        system = np.where(both, covariances, np.eye(len(used)))
        found = np.linalg.solve(system, used.T[:, :, None].astype(np.float64))[:, :, 0].T
        if not (negative := found < 0).any():
            total = found.sum(axis=0)
            return np.divide(found, total, where=total > 0, out=np.zeros_like(found))
        worst = np.where(negative, found * np.sqrt(np.diagonal(covariances, axis1=1, axis2=2).T), 0.0).argmin(axis=0)
        stars = negative.any(axis=0)
        used[worst[stars], np.flatnonzero(stars)] = False


def _weighted(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return weighted means; that of one value is the value itself, to the last bit."""
    used = weights > 0
    means = np.where(used, weights * np.where(used, values, 0.0), 0.0).sum(axis=0)
    return np.where(used.any(axis=0), means, np.nan)
