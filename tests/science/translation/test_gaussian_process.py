"""Gaussian processes with Student-t noise: scikit-learn's where the noise is given, and robust where it is not."""

import numpy as np
import pytest
from scipy.special import gammaln, logsumexp
from scipy.stats import t as student
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, DotProduct, Matern

from stdask.science.assessment.baselines import fit_baselines
from stdask.science.translation.gaussian_process import (
    SMOOTHNESSES,
    USUAL_LENGTH,
    _cost,
    _fit_noise,
    _solve,
    fit_gaussian_process,
)
from stdask.science.translation.scaling import NO_COUNTERPART

NOISE = 0.3


def truth(x: np.ndarray) -> np.ndarray:
    return np.sin(2 * x[:, 0]) + 0.5 * x[:, 1]


def sample(n_stars: int, seed: int, outliers: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and noisy values; a share of them are off by some 20 times the noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_stars, 3))
    y = truth(x) + rng.normal(0, NOISE, n_stars)
    return x, y + (rng.uniform(size=n_stars) < outliers) * rng.normal(0, 20 * NOISE, n_stars)


@pytest.mark.parametrize("smoothness", SMOOTHNESSES)
def test_with_given_noise_the_process_and_its_evidence_are_those_of_scikit_learn(smoothness: float):
    (x, y), variances = sample(80, 1), np.random.default_rng(2).uniform(0.05, 0.2, 80)
    theta = np.log([1.3, 0.8, 2.0, 3.0, 0.7])  # bumps, three length scales, plane
    fit = _solve(theta, x, y, variances, smoothness)
    kernel = ConstantKernel(1.3**2) * Matern([0.8, 2.0, 3.0], nu=smoothness) + ConstantKernel(0.7**2) * DotProduct(1.0)
    theirs = GaussianProcessRegressor(kernel, alpha=variances, optimizer=None).fit(x, y)
    np.testing.assert_allclose(fit.alpha, theirs.alpha_, rtol=0, atol=1e-9 * np.abs(theirs.alpha_).max())
    evidence = theirs.log_marginal_likelihood() + 40 * np.log(2 * np.pi)  # without the constant
    np.testing.assert_allclose(fit.log_evidence, evidence, rtol=1e-10)
    mean, std = theirs.predict(x, return_std=True)
    np.testing.assert_allclose(fit.squared_residuals(variances), (y - mean) ** 2 + std**2, rtol=1e-7)


@pytest.mark.parametrize("smoothness", SMOOTHNESSES)
def test_the_gradient_is_that_of_the_cost(smoothness: float):
    (x, y), variances = sample(60, 1), np.random.default_rng(2).uniform(0.05, 0.2, 60)
    at, step = np.array([0.1, 0.2, 0.6, 1.0, -0.3, 0.2]), 1e-5
    ahead, behind = (
        np.array([_cost(at + sign * step * axis, x, y, variances, smoothness)[0] for axis in np.eye(len(at))])
        for sign in (1, -1)
    )
    # differences of second order: their error is step^2
    np.testing.assert_allclose(
        _cost(at, x, y, variances, smoothness)[1], (ahead - behind) / (2 * step), rtol=1e-6, atol=1e-6
    )


@pytest.mark.parametrize("smoothness", SMOOTHNESSES)
def test_the_evidence_is_a_close_lower_bound_of_that_with_student_noise(smoothness: float):
    (x, y), theta = sample(8, 1), np.log([1.0, *[USUAL_LENGTH] * 3, 0.5])  # where the prior is flat
    y[3] += 10 * NOISE
    found = _fit_noise(theta, x, y, smoothness)[1]
    found += 8 * (gammaln(2.5) - gammaln(2) - np.log(4 * np.pi) / 2)  # the constant of Student's t, see its density
    kernel = Matern([USUAL_LENGTH] * 3, nu=smoothness) + ConstantKernel(0.5**2) * DotProduct(1.0)
    root = np.linalg.cholesky(kernel(x) + 1e-9 * np.eye(8))
    residuals = y - np.random.default_rng(3).normal(size=(200_000, 8)) @ root.T
    scales = np.linspace(1, 4, 7) * NOISE  # the best one is about 2.5 times the noise
    evidence = [logsumexp(student(4, scale=own).logpdf(residuals).sum(axis=1)) - np.log(200_000) for own in scales]
    assert np.argmax(evidence) not in (0, 6)
    # the integral is known to 2 %; of 8 stars with an outlier the bound misses some tenths
    assert max(evidence) - 0.6 < found < max(evidence) + 0.02


def test_outliers_bend_it_far_less_than_a_process_with_gaussian_noise():
    x, y = sample(400, 1, outliers=0.1)
    new = sample(1000, 2)[0]
    ours = fit_gaussian_process(x, y, seed=1).evaluate(x, new)
    gaussian = fit_baselines(x, y[:, None], [NO_COUNTERPART], new, seed=1)["gp"][:, 0]
    error, theirs = (np.abs(values - truth(new)).mean() for values in (ours, gaussian))
    # 1/4 of the noise with 360 good stars and some 15 degrees of freedom; outliers of 20 sigma triple that of the other
    assert error < 0.25 * NOISE
    assert error < 0.5 * theirs


@pytest.mark.parametrize("smoothness", SMOOTHNESSES)
def test_the_evidence_tells_how_smooth_the_values_are(smoothness: float):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(300, 2))
    covariance = Matern([0.5, 5.0], nu=smoothness)(x) + 0.01 * np.eye(300)
    y = np.linalg.cholesky(covariance) @ rng.normal(size=300)
    evidence = [fit_gaussian_process(x, y, 1, kind).evidence for kind in SMOOTHNESSES]
    assert SMOOTHNESSES[np.argmax(evidence)] == smoothness


def test_stars_without_the_label_have_no_weight_and_change_nothing():
    x, y = sample(200, 1)
    lacking = np.arange(200) % 3 == 0
    holed = fit_gaussian_process(x, np.where(lacking, np.nan, y), seed=1)
    alone = fit_gaussian_process(x[~lacking], y[~lacking], seed=1)
    assert not holed.weights[lacking].any()
    np.testing.assert_array_equal(holed.weights[~lacking], alone.weights)
    np.testing.assert_array_equal(holed.slopes, alone.slopes)


def test_the_same_stars_give_the_same_process():
    x, y = sample(100, 1)
    one, other = (fit_gaussian_process(x, y, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.weights, other.weights)
    assert one.constant == other.constant


def test_values_that_are_all_equal_stay_so():
    x, _ = sample(60, 1)
    process = fit_gaussian_process(x, np.full(60, 0.7), seed=1)
    np.testing.assert_allclose(process.evaluate(x, x), 0.7, atol=1e-3)
