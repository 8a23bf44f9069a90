"""The distribution of stars as a sum of Gaussians, and the distribution of some columns of a star given the others."""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from stdask.science.keys.seeds import integer_seed

if TYPE_CHECKING:  # scikit-learn is slow to import; only fits need it, no translation
    from sklearn.mixture import GaussianMixture

N_COMPONENTS = (1, 2, 4, 8, 12, 16)  # tried; 11,000 stars of the mock have their least BIC at 12
FLOOR = 1e-5  # added to variances of standardised columns, 0.3 % of their scatter: below any survey's errors
TOLERANCE = 1e-4  # gain of mean log-likelihood a step that ends a fit: one unit of BIC in 5000 stars
MAX_STEPS = 200  # of expectation and maximisation; further steps gain too little to change the choice by BIC


@dataclass(frozen=True)
class Mixture:
    """A sum of Gaussians, in the units of the values it was fitted on."""

    weights: np.ndarray  # (n_components,), float64 as all of them; they add up to 1
    means: np.ndarray  # (n_components, n_columns)
    covariances: np.ndarray  # (n_components, n_columns, n_columns)

    def rescaled(self, centres: np.ndarray, scales: np.ndarray) -> "Mixture":
        """Return the distribution of `centres + scales * values`, `values` being distributed as this mixture.

        Parameters
        ----------
        centres, scales : shape (n_columns,)
        """
        return Mixture(self.weights, centres + scales * self.means, self.covariances * np.outer(scales, scales))


@dataclass(frozen=True)
class Conditional:
    """The distribution of the missing columns of each star, given its present ones: a mixture of its own."""

    responsibilities: np.ndarray  # (n_stars, n_components), probability that the star is of the component
    means: np.ndarray  # (n_stars, n_components, n_missing)
    factors: np.ndarray  # (n_components, n_missing, n_missing), lower Cholesky factors of the covariances

    @property
    def covariances(self) -> np.ndarray:
        """The same for all stars, shape (n_components, n_missing, n_missing)."""
        return self.factors @ np.swapaxes(self.factors, 1, 2)


def fit_mixture(values: np.ndarray, seed: int) -> Mixture:
    """Fit Gaussian mixtures of several sizes and return the one with the least BIC (Schwarz 1978).

    Parameters
    ----------
    values : shape (n_stars, n_columns)
        Finite.
    seed
        Of the stars that the components start from.
    """
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler()
    standardised = scaler.fit_transform(values.astype(np.float64))
    n_stars, n_columns = values.shape
    n_numbers = 1 + n_columns + n_columns * (n_columns + 1) // 2
    # a component needs more stars than it has numbers, or it shrinks around a few of them and its likelihood diverges
    sizes = [n for n in N_COMPONENTS if n == 1 or n * n_numbers < n_stars]
    models = [fit_components(standardised, size, seed) for size in sizes]
    best = min(models, key=lambda model: model.bic(standardised))
    return Mixture(best.weights_, best.means_, best.covariances_).rescaled(scaler.mean_, scaler.scale_)


def fit_components(standardised: np.ndarray, n_components: int, seed: int) -> "GaussianMixture":
    """Fit a mixture of `n_components` by expectation and maximisation.

    Parameters
    ----------
    standardised : shape (n_stars, n_columns)
        Of mean 0 and standard deviation 1.
    n_components, seed
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    random_state = integer_seed(seed, "mixture")
    model = GaussianMixture(n_components, tol=TOLERANCE, reg_covar=FLOOR, max_iter=MAX_STEPS, random_state=random_state)
    # one thread: a sum over stars shared among threads has other last bits on another machine
    with threadpool_limits(1), warnings.catch_warnings():
        # A likelihood that still grows slowly, or a start from fewer places than components, is a valid fit:
        # BIC judges it, and there is nothing to do for whoever runs this
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(standardised)


def condition(mixture: Mixture, values: np.ndarray, present: np.ndarray) -> Conditional:
    """Return the distribution of the missing columns given the present ones, of stars that miss the same.

    With the present columns first, the Cholesky factor of a covariance is [[L_pp, 0], [L_mp, L_mm]]. The present
    values have the whitened deviations `z = L_pp^-1 (x_p - mean_p)`; the missing ones then have the mean
    `mean_m + L_mp z` and the covariance `L_mm L_mm^T`. Source: Bishop 2006, Pattern Recognition and Machine
    Learning, sect. 2.3.1, eqs. 2.81 and 2.82, in terms of that factor; for mixtures Ghahramani & Jordan 1994,
    Advances in Neural Information Processing Systems 6, 120.

    Each star's numbers depend on that star alone, to the last bit: sums run over columns and components in a
    fixed order, never through BLAS, whose order depends on the number of stars.

    Parameters
    ----------
    mixture
        Of all columns.
    values : shape (n_stars, n_columns)
        In the units of the mixture; missing columns are not used.
    present : shape (n_columns,), bool
    """
    order = np.argsort(~present, kind="stable")
    n_present = int(present.sum())
    seen, missing = order[:n_present], order[n_present:]
    factors = np.linalg.cholesky(mixture.covariances[:, order[:, None], order])
    seen_factors = factors[:, :n_present, :n_present]
    whitened = whiten(seen_factors, values[:, None, seen] - mixture.means[:, seen])
    joints = log_joints(mixture.weights, seen_factors, whitened)
    shares = np.exp(joints - joints.max(axis=1, keepdims=True))
    return Conditional(
        responsibilities=shares / np.cumsum(shares, axis=1)[:, -1:],
        means=mixture.means[:, missing] + multiply(factors[:, n_present:, :n_present], whitened),
        factors=factors[:, n_present:, n_present:],
    )


def pick_components(responsibilities: np.ndarray, uniforms: np.ndarray) -> np.ndarray:
    """Return the number of the component that each uniform number falls into, by inverse cumulative probability.

    Parameters
    ----------
    responsibilities : shape (n_stars, n_components)
    uniforms : shape (n_stars, n_draws), in (0, 1)

    Returns
    -------
    numbers : shape (n_stars, n_draws), int
    """
    edges = np.cumsum(responsibilities, axis=1)[
        :, None, :-1
    ]  # the last edge is 1 apart from rounding and is not needed
    return (uniforms[..., None] >= edges).sum(axis=-1)


def whiten(factors: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return `factors^-1 deviations` by forward substitution.

    Parameters
    ----------
    factors : shape (..., n_columns, n_columns)
        Lower triangular.
    deviations : shape (n_stars, n_components, n_columns)
    """
    whitened = np.empty_like(deviations)
    for row in range(deviations.shape[-1]):
        rest = deviations[..., row]
        for column in range(row):
            rest = rest - factors[..., row, column] * whitened[..., column]
        whitened[..., row] = rest / factors[..., row, row]
    return whitened


def multiply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Return `matrices vectors`, summed column by column: the order must not depend on the number of stars.

    Parameters
    ----------
    matrices : shape (..., n_rows, n_columns)
    vectors : shape (..., n_columns)

    Returns
    -------
    products : shape (..., n_rows)
    """
    products = np.zeros((*vectors.shape[:-1], matrices.shape[-2]))
    for column in range(vectors.shape[-1]):
        products += matrices[..., column] * vectors[..., column, None]
    return products


def log_joints(weights: np.ndarray, factors: np.ndarray, whitened: np.ndarray) -> np.ndarray:
    """Return the log of weight times Gaussian density, for each star and component.

    Parameters
    ----------
    weights : shape (n_components,)
    factors : shape (..., n_components, n_columns, n_columns)
        Lower Cholesky factors of the covariances.
    whitened : shape (n_stars, n_components, n_columns)
        `factors^-1` times the deviation of the star from the mean of the component.

    Returns
    -------
    joints : shape (n_stars, n_components)
    """
    n_stars, _, n_columns = whitened.shape
    joints = np.tile(np.log(weights) - np.log(2 * np.pi) * n_columns / 2, (n_stars, 1))
    for column in range(n_columns):
        joints -= np.log(factors[..., column, column]) + whitened[..., column] ** 2 / 2
    return joints
