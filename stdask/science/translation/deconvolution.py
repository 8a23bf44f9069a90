"""The distribution of stars without noise: extreme deconvolution.

A network trained on noisy inputs finds a relation that is too flat (regression dilution: Frost & Thompson 2000,
Journal of the Royal Statistical Society A 163, 173). Trained on inputs drawn from what each star's noise-free inputs
may have been, given its measured inputs and its labels, it finds the relation of the noise-free ones.
"""

import numpy as np
from scipy.special import logsumexp
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from stdask.science.keys.seeds import generator
from stdask.science.translation.gaussian_mixture import (
    FLOOR,
    Mixture,
    fit_components,
    log_joints,
    pick_components,
    whiten,
)

MAX_STARS = 5000  # that the mixture is fitted on: ten for each number in 10 components of 8 columns, and half a minute
STARS_AT_ONCE = 5000  # of 10 components of 8 columns: 26 MB
MAX_STEPS = 150
TOLERANCE = 1e-5  # gain of mean log-likelihood a step that ends the fit: of 5000 stars 0.05, far below one sigma


def deconvolve(values: np.ndarray, error_covariances: np.ndarray, seed: int, n_components: int) -> Mixture:
    """Fit a Gaussian mixture to the noise-free values behind noisy ones, by expectation and maximisation.

    Source: Bovy, Hogg & Roweis 2011, Annals of Applied Statistics 5, 1657, without projections. It starts from a
    mixture of the noisy values.

    Parameters
    ----------
    values : shape (n_stars, n_columns)
        Measured, finite.
    error_covariances : shape (n_stars, n_columns, n_columns)
        Of each star's noise, in products of the units of `values`; rows and columns of exact values are zero.
    seed, n_components
        Of the stars that are fitted and of those that the components start from; Gaussians in the mixture.

    Returns
    -------
    mixture
        Of the noise-free values.
    """
    chosen = generator(seed, "deconvolved stars").permutation(len(values))[:MAX_STARS]
    scaler = StandardScaler()
    standardised = scaler.fit_transform(values[chosen].astype(np.float64))
    noise = error_covariances[chosen] / np.outer(scaler.scale_, scaler.scale_)
    start = fit_components(standardised, n_components, seed)
    mixture = Mixture(start.weights_, start.means_, start.covariances_)
    likelihood = -np.inf
    with threadpool_limits(1):  # with small matrices several threads are slower than one
        for _ in range(MAX_STEPS):
            before = likelihood
            mixture, likelihood = _improve(mixture, standardised, noise)
            if likelihood - before < TOLERANCE:
                break
    return mixture.rescaled(scaler.mean_, scaler.scale_)


def draw_latent(
    mixture: Mixture, values: np.ndarray, error_covariances: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw each star's noise-free values from their distribution given the measured ones.

    The component is drawn by its probability given the measurement; within it, noise-free values x and noise e are
    drawn as if nothing were measured, and corrected by how far their sum is from the measurement w: the noise
    becomes `e + S (V + S)^-1 (w - x - e)`, S being the covariance of the noise and V that of the component. Source:
    Matheron's rule, Wilson et al. 2021, Journal of Machine Learning Research 22, 105, sect. 3. It draws from the
    posterior of Bovy, Hogg & Roweis 2011 (their b and B) without factorising B, which is singular where values
    are exact.

    Parameters
    ----------
    mixture
        Of the noise-free values.
    values : shape (n_stars, n_columns)
        Measured, finite.
    error_covariances : shape (n_stars, n_columns, n_columns)
        As for `deconvolve`.
    rng
        Generator of the draws.

    Returns
    -------
    latent : shape (n_stars, n_columns)
        Exact values are returned as they are.
    """
    parts = range(0, len(values), STARS_AT_ONCE)
    joints = np.concatenate(
        [
            _log_joints(mixture, *(a[start : start + STARS_AT_ONCE] for a in (values, error_covariances)))
            for start in parts
        ]
    )
    shares = np.exp(joints - logsumexp(joints, axis=1, keepdims=True))
    components = pick_components(shares, rng.random((len(values), 1)))[:, 0]
    roots = np.linalg.cholesky(mixture.covariances)[components]
    latent = mixture.means[components] + _times(roots, rng.standard_normal(values.shape))
    noise = _draw_noise(error_covariances, rng)
    totals = mixture.covariances[components] + error_covariances
    misfits = np.linalg.solve(totals, (values - latent - noise)[..., None])[..., 0]
    return values - (noise + _times(error_covariances, misfits))


def _improve(mixture: Mixture, values: np.ndarray, noise: np.ndarray) -> tuple[Mixture, float]:
    """Return the mixture after one step, and the mean log-likelihood before it.

    The expectation and maximisation of Bovy, Hogg & Roweis 2011, the sums over stars taken first: with T = V + S the
    covariance of a component and of a star's noise together, their b - m is V T^-1 (w - m) and their B is
    V - V T^-1 V.
    """
    joints = _log_joints(mixture, values, noise)
    evidences = logsumexp(joints, axis=1)
    shares = np.exp(joints - evidences[:, None])
    counts = shares.sum(axis=0) + np.finfo(float).tiny  # a component may lose all its stars
    inverses = np.linalg.inv(mixture.covariances + noise[:, None])
    solved = _times(inverses, values[:, None] - mixture.means)
    weighted = shares[..., None] * solved
    covariances = mixture.covariances
    shifts = _times(covariances, weighted.sum(axis=0)) / counts[:, None]
    gains = np.einsum("nka,nkb->kab", weighted, solved) - np.einsum("nk,nkab->kab", shares, inverses)
    moved = covariances + covariances @ (gains / counts[:, None, None]) @ covariances
    moved += FLOOR * np.eye(values.shape[1]) - shifts[:, :, None] * shifts[:, None]
    moved = (moved + np.swapaxes(moved, 1, 2)) / 2  # an asymmetry by rounding would grow from step to step
    return Mixture(counts / len(values), mixture.means + shifts, moved), float(evidences.mean())


def _log_joints(mixture: Mixture, values: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the log of weight times density of the noisy values, shape (n_stars, n_components)."""
    factors = np.linalg.cholesky(mixture.covariances + noise[:, None])
    return log_joints(mixture.weights, factors, whiten(factors, values[:, None] - mixture.means))


def _draw_noise(error_covariances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw noise of these covariances, shape (n_stars, n_columns); no noise is 0 exactly."""
    sigmas = np.sqrt(np.diagonal(error_covariances, axis1=1, axis2=2))
    units = np.where(sigmas > 0, sigmas, 1.0)
    # not Cholesky: two colours are fully correlated where all their noise is that of the magnitude they share
    variances, axes = np.linalg.eigh(error_covariances / (units[:, :, None] * units[:, None]))
    return sigmas * _times(axes, np.sqrt(np.maximum(variances, 0)) * rng.standard_normal(sigmas.shape))


def _times(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    return np.einsum("...ab,...b->...a", matrices, vectors)
