"""Gaussian processes with Student-t noise: smooth corrections that a few outliers do not bend.

With some hundred pairs they are as close to B as networks, and their errors differ, so that the mean of both is
closer. Sources: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, sects. 2.2, 2.7 and 5.4.1; for
the noise Kuss 2006, PhD thesis, TU Darmstadt, sect. 5.3.2, and Lange, Little & Taylor 1989, JASA 84, 881.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from stdask.science.keys.seeds import generator

DEGREES_OF_FREEDOM = 4.0  # of the noise, the value of Lange, Little & Taylor 1989, sect. 5
TUNING_STARS = 300  # that choose length scales: the cost of one try grows with their cube
ROUNDS = 3  # of hyperparameters and noise in turn
STEPS = 12  # of the optimiser in a round, which begins where the last one ended
NOISE_ROUNDS = 5  # of the noise alone, with all stars
# Length scales are in standard deviations of an input, and are a priori 3 within a factor of e: without this some
# hundred stars with many outliers can be "explained" by a correction for each star of its own.
USUAL_LENGTH, SPREAD_OF_LOG_LENGTHS = 3.0, 1.0
LOG_BOUNDS = (-5.0, 5.0)  # of all hyperparameters
NOISE_LOG_BOUNDS = (-1.0, 1.0)  # of the factor that a round applies to the noise
SMALLEST_NOISE = 0.01  # in units of the scatter: values that are all equal would leave a matrix without an inverse


@dataclass(frozen=True)
class GaussianProcess:
    """The mean of the process for one label: a plane, and a Gaussian bump about each training star."""

    constant: float
    slopes: np.ndarray  # (n_inputs,)
    inverse_lengths: np.ndarray  # (n_inputs,), 1 / length scales
    weights: np.ndarray  # (n_stars,), of the bumps; 0 for a star without the label

    def evaluate(self, inputs: np.ndarray, new_inputs: np.ndarray) -> np.ndarray:
        """Return the mean for new inputs, shape (n_new,), in double precision.

        Parameters
        ----------
        inputs : shape (n_stars, n_inputs)
            Of the training stars, standardised.
        new_inputs : shape (n_new, n_inputs)
        """
        squares = cdist(new_inputs * self.inverse_lengths, inputs * self.inverse_lengths, "sqeuclidean")
        return self.constant + new_inputs @ self.slopes + np.exp(-squares / 2) @ self.weights


def fit_gaussian_process(inputs: np.ndarray, values: np.ndarray, seed: int) -> GaussianProcess:
    """Fit the process of one label.

    The noise of each star is Gaussian with a variance of its own, whose distribution makes it a Student t: stars far
    from the others have a large variance, and so little weight. Hyperparameters are those of the largest evidence.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
        Standardised, finite.
    values : shape (n_stars,)
        What has to be added to A, in units of its scatter; NaN for a star without the label.
    seed
        Of the stars that choose the hyperparameters.
    """
    has_label = np.isfinite(values)
    x, y = inputs[has_label].astype(np.float64), values[has_label].astype(np.float64)
    centre = float(np.median(y))
    chosen = generator(seed, "stars of the length scales").permutation(len(x))[:TUNING_STARS]
    with threadpool_limits(1):  # on a busy machine several threads are slower than one
        theta = _tune(x[chosen], y[chosen] - centre)
        fitted = _fit_noise(theta, x, y - centre)
    _, logs, log_plane = _unpacked(theta)
    plane = np.exp(2 * log_plane)
    weights = np.zeros(len(values))
    weights[has_label] = np.exp(2 * theta[0]) * fitted.alpha
    constant = centre + plane * float(fitted.alpha.sum())
    return GaussianProcess(constant, plane * (fitted.alpha @ x), np.exp(-logs), weights)


class _Fit(NamedTuple):
    """A process given its hyperparameters and the variance of each star."""

    alpha: np.ndarray  # (n_stars,), inverse covariance times values
    inverse: np.ndarray  # (n_stars, n_stars), of the covariance of the values
    bumps: np.ndarray  # (n_stars, n_stars), covariance without plane and noise
    log_evidence: float

    def squared_residuals(self, variances: np.ndarray) -> np.ndarray:
        """Return what the squares of the noise of the stars are expected to be."""
        return (variances * self.alpha) ** 2 + variances - variances**2 * np.diagonal(self.inverse)


def _unpacked(theta: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the logarithms of the amplitude of the bumps, of the length scales and of the plane's amplitude."""
    return float(theta[0]), theta[1:-1], float(theta[-1])


def _solve(theta: np.ndarray, x: np.ndarray, y: np.ndarray, variances: np.ndarray) -> _Fit:
    log_bumps, log_lengths, log_plane = _unpacked(theta)
    scaled = x * np.exp(-log_lengths)
    bumps = np.exp(2 * log_bumps - cdist(scaled, scaled, "sqeuclidean") / 2)
    covariance = bumps + np.exp(2 * log_plane) * (1 + x @ x.T)
    covariance[np.diag_indices_from(covariance)] += variances
    factor, _ = dpotrf(covariance, lower=True)
    alpha = cho_solve((factor, True), y)
    inverse, _ = dpotri(factor, lower=True)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    log_evidence = -y @ alpha / 2 - np.log(np.diagonal(factor)).sum()
    return _Fit(alpha, inverse, bumps, float(log_evidence))


def _tune(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the hyperparameters: see `_unpacked`."""
    theta = np.concatenate([[0.0], np.full(x.shape[1], np.log(USUAL_LENGTH)), [0.0]])
    variances = _first_variances(y)
    for _ in range(ROUNDS):
        bounds = [LOG_BOUNDS] * len(theta) + [NOISE_LOG_BOUNDS]
        result = minimize(
            _cost,
            np.append(theta, 0.0),
            (x, y, variances),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS},
        )
        theta, variances = result.x[:-1], variances * np.exp(2 * result.x[-1])
        variances = _student_variances(_solve(theta, x, y, variances).squared_residuals(variances))
    return theta


def _cost(parameters: np.ndarray, x: np.ndarray, y: np.ndarray, variances: np.ndarray) -> tuple[float, np.ndarray]:
    """Return minus the log posterior of the hyperparameters, and its gradient; the last one scales the noise."""
    theta, noise = parameters[:-1], variances * np.exp(2 * parameters[-1])
    fit = _solve(theta, x, y, noise)
    _, log_lengths, log_plane = _unpacked(theta)
    slope = np.outer(fit.alpha, fit.alpha) - fit.inverse  # 2 x derivative of the evidence by the covariance
    by_bumps = slope * fit.bumps
    # sum over pairs of slope x bump x squared difference of an input
    differences = 2 * (by_bumps.sum(axis=1) @ x**2 - np.einsum("si,si->i", x, by_bumps @ x))
    pull = (log_lengths - np.log(USUAL_LENGTH)) / SPREAD_OF_LOG_LENGTHS**2
    gradient = np.concatenate(
        [
            [by_bumps.sum()],
            differences * np.exp(-2 * log_lengths) / 2 - pull,
            [np.exp(2 * log_plane) * (slope.sum() + np.einsum("si,si->", x, slope @ x))],
            [np.diagonal(slope) @ noise],
        ]
    )
    prior = (pull**2).sum() * SPREAD_OF_LOG_LENGTHS**2 / 2
    return prior - fit.log_evidence, -gradient


def _fit_noise(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> _Fit:
    """Return the process with all stars, after the variance of each is found."""
    variances = _first_variances(y)
    for _ in range(NOISE_ROUNDS):
        variances = _student_variances(_solve(theta, x, y, variances).squared_residuals(variances))
    return _solve(theta, x, y, variances)


def _first_variances(y: np.ndarray) -> np.ndarray:
    return np.full(len(y), max(float(np.median(np.abs(y))), SMALLEST_NOISE) ** 2)


def _student_variances(squares: np.ndarray) -> np.ndarray:
    """Return the variance of each star under Student-t noise from the expected squares of its residuals."""
    scale = max(float(np.median(squares)), SMALLEST_NOISE**2)
    for _ in range(50):  # each brings the scale a factor of about 2 closer
        weights = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + squares / scale)
        scale = max(float(np.mean(weights * squares)), SMALLEST_NOISE**2)
    return scale / weights
