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
# The bumps are Matern functions (Rasmussen & Williams 2006, sect. 4.2.1): Gaussians, which are the infinitely smooth
# ones, or those that have one derivative, which follow sudden bends with less ringing elsewhere.
GAUSSIAN, ROUGH = np.inf, 1.5
SMOOTHNESSES = (GAUSSIAN, ROUGH)
SMALLEST_NOISE = 0.01  # in units of the scatter: values that are all equal would leave a matrix without an inverse


@dataclass(frozen=True)
class GaussianProcess:
    """The mean of the process for one label: a plane, and a Gaussian bump about each training star."""

    constant: float
    slopes: np.ndarray  # (n_inputs,)
    inverse_lengths: np.ndarray  # (n_inputs,), 1 / length scales
    weights: np.ndarray  # (n_stars,), of the bumps; 0 for a star without the label
    smoothness: float = GAUSSIAN  # of the bumps, one of `SMOOTHNESSES`
    evidence: float = np.nan  # its logarithm, but for a constant, and with the prior of the hyperparameters

    def evaluate(self, inputs: np.ndarray, new_inputs: np.ndarray) -> np.ndarray:
        """Return the mean for new inputs, shape (n_new,), in double precision.

        Parameters
        ----------
        inputs : shape (n_stars, n_inputs)
            Of the training stars, standardised.
        new_inputs : shape (n_new, n_inputs)
        """
        squares = cdist(new_inputs * self.inverse_lengths, inputs * self.inverse_lengths, "sqeuclidean")
        bumps, _ = matern(squares, self.smoothness)
        return self.constant + new_inputs @ self.slopes + bumps @ self.weights


def fit_gaussian_process(
    inputs: np.ndarray, values: np.ndarray, seed: int, smoothness: float = GAUSSIAN
) -> GaussianProcess:
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
    smoothness
        Of the bumps, one of `SMOOTHNESSES`.
    """
    has_label = np.isfinite(values)
    x, y = inputs[has_label].astype(np.float64), values[has_label].astype(np.float64)
    centre = float(np.median(y))
    chosen = generator(seed, "stars of the length scales").permutation(len(x))[:TUNING_STARS]
    with threadpool_limits(1):  # on a busy machine several threads are slower than one
        theta = _tune(x[chosen], y[chosen] - centre, smoothness)
        alpha, evidence = _fit_noise(theta, x, y - centre, smoothness)
    _, logs, log_plane = _unpacked(theta)
    plane = np.exp(2 * log_plane)
    weights = np.zeros(len(values))
    weights[has_label] = np.exp(2 * theta[0]) * alpha
    constant = centre + plane * float(alpha.sum())
    return GaussianProcess(constant, plane * (alpha @ x), np.exp(-logs), weights, smoothness, evidence)


class _Fit(NamedTuple):
    """A process given its hyperparameters and the variance of each star."""

    alpha: np.ndarray  # (n_stars,), inverse covariance times values
    inverse: np.ndarray  # (n_stars, n_stars), of the covariance of the values
    bumps: np.ndarray  # (n_stars, n_stars), covariance without plane and noise
    slopes: np.ndarray  # (n_stars, n_stars), minus twice the derivative of the bumps by the squared distance
    log_evidence: float

    def squared_residuals(self, variances: np.ndarray) -> np.ndarray:
        """Return what the squares of the noise of the stars are expected to be."""
        return (variances * self.alpha) ** 2 + variances - variances**2 * np.diagonal(self.inverse)


def _unpacked(theta: np.ndarray) -> tuple[float, np.ndarray, float]:
    """Return the logarithms of the amplitude of the bumps, of the length scales and of the plane's amplitude."""
    return float(theta[0]), theta[1:-1], float(theta[-1])


def matern(squares: np.ndarray, smoothness: float) -> tuple[np.ndarray, np.ndarray]:
    """Return bumps of height 1, and minus twice their derivative by the squared distance.

    Parameters
    ----------
    squares
        Squared distances, in length scales.
    smoothness
        One of `SMOOTHNESSES`.
    """
    if smoothness == GAUSSIAN:
        bumps = np.exp(-squares / 2)
        return bumps, bumps
    roots = np.sqrt(3 * squares)
    tails = np.exp(-roots)
    return (1 + roots) * tails, 3 * tails


def _solve(theta: np.ndarray, x: np.ndarray, y: np.ndarray, variances: np.ndarray, smoothness: float) -> _Fit:
    log_bumps, log_lengths, log_plane = _unpacked(theta)
    scaled = x * np.exp(-log_lengths)
    squares = cdist(scaled, scaled, "sqeuclidean")
    bumps, slopes = (np.exp(2 * log_bumps) * own for own in matern(squares, smoothness))
    covariance = bumps + np.exp(2 * log_plane) * (1 + x @ x.T)
    covariance[np.diag_indices_from(covariance)] += variances
    factor, _ = dpotrf(covariance, lower=True)
    alpha = cho_solve((factor, True), y)
    inverse, _ = dpotri(factor, lower=True)
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    log_evidence = -y @ alpha / 2 - np.log(np.diagonal(factor)).sum()
    return _Fit(alpha, inverse, bumps, slopes, float(log_evidence))


def _tune(x: np.ndarray, y: np.ndarray, smoothness: float) -> np.ndarray:
    """Return the hyperparameters: see `_unpacked`."""
    theta = np.concatenate([[0.0], np.full(x.shape[1], np.log(USUAL_LENGTH)), [0.0]])
    variances = _first_variances(y)
    for _ in range(ROUNDS):
        bounds = [LOG_BOUNDS] * len(theta) + [NOISE_LOG_BOUNDS]
        result = minimize(
            _cost,
            np.append(theta, 0.0),
            (x, y, variances, smoothness),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": STEPS},
        )
        theta, variances = result.x[:-1], variances * np.exp(2 * result.x[-1])
        fit = _solve(theta, x, y, variances, smoothness)
        variances, _ = _student_variances(fit.squared_residuals(variances))
    return theta


def _cost(
    parameters: np.ndarray, x: np.ndarray, y: np.ndarray, variances: np.ndarray, smoothness: float
) -> tuple[float, np.ndarray]:
    """Return minus the log posterior of the hyperparameters, and its gradient; the last one scales the noise."""
    theta, noise = parameters[:-1], variances * np.exp(2 * parameters[-1])
    fit = _solve(theta, x, y, noise, smoothness)
    _, log_lengths, log_plane = _unpacked(theta)
    slope = np.outer(fit.alpha, fit.alpha) - fit.inverse  # 2 x derivative of the evidence by the covariance
    by_squares = slope * fit.slopes
    # sum over pairs of slope x slope of the bump x squared difference of an input
    differences = 2 * (by_squares.sum(axis=1) @ x**2 - np.einsum("si,si->i", x, by_squares @ x))
    pull = (log_lengths - np.log(USUAL_LENGTH)) / SPREAD_OF_LOG_LENGTHS**2
    gradient = np.concatenate(
        [
            [np.vdot(slope, fit.bumps)],
            differences * np.exp(-2 * log_lengths) / 2 - pull,
            [np.exp(2 * log_plane) * (slope.sum() + np.einsum("si,si->", x, slope @ x))],
            [np.diagonal(slope) @ noise],
        ]
    )
    return _prior(theta) - fit.log_evidence, -gradient


def _prior(theta: np.ndarray) -> float:
    """Return minus the log prior of the hyperparameters."""
    _, log_lengths, _ = _unpacked(theta)
    return float((((log_lengths - np.log(USUAL_LENGTH)) / SPREAD_OF_LOG_LENGTHS) ** 2).sum() / 2)


def _fit_noise(theta: np.ndarray, x: np.ndarray, y: np.ndarray, smoothness: float) -> tuple[np.ndarray, float]:
    """Return `alpha` of all stars, after the variance of each is found, and the evidence with the prior.

    The evidence with Student-t noise has no closed form. This is its lower bound of the variational method (Kuss 2006,
    sect. 5.3.2), which the variances make as large as possible.
    """
    variances = _first_variances(y)
    for _ in range(NOISE_ROUNDS):
        fit = _solve(theta, x, y, variances, smoothness)
        variances, _ = _student_variances(fit.squared_residuals(variances))
    fit = _solve(theta, x, y, variances, smoothness)
    squares = fit.squared_residuals(variances)
    _, scale = _student_variances(squares)
    gaussian = np.log(variances) + squares / variances
    student = np.log(scale) + (DEGREES_OF_FREEDOM + 1) * np.log1p(squares / (DEGREES_OF_FREEDOM * scale))
    return fit.alpha, fit.log_evidence - _prior(theta) + float(np.sum(gaussian - student)) / 2


def _first_variances(y: np.ndarray) -> np.ndarray:
    return np.full(len(y), max(float(np.median(np.abs(y))), SMALLEST_NOISE) ** 2)


def _student_variances(squares: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the variance of each star under Student-t noise, and its scale, from expected squares of residuals."""
    scale = max(float(np.median(squares)), SMALLEST_NOISE**2)
    for _ in range(50):  # each brings the scale a factor of about 2 closer
        weights = (DEGREES_OF_FREEDOM + 1) / (DEGREES_OF_FREEDOM + squares / scale)
        scale = max(float(np.mean(weights * squares)), SMALLEST_NOISE**2)
    return scale / weights, scale
