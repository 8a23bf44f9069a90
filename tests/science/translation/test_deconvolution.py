"""The noise is taken out: known distributions come back from noisy stars, and relations lose no slope."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from scipy.stats import kstest, multivariate_normal

from stdask.science.keys.seeds import generator
from stdask.science.translation import deconvolution
from stdask.science.translation.deconvolution import _improve, deconvolve, draw_latent
from stdask.science.translation.gaussian_mixture import FLOOR, Mixture

UNITS, CENTRES = np.array([400.0, 0.8, 0.3]), np.array([4800.0, 2.4, -0.3])  # Teff [K], log g, [Fe/H]
COVARIANCE = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.1], [-0.3, 0.1, 1.0]])


def noise_covariances(n_stars: int, n_columns: int, seed: int) -> np.ndarray:
    """Return correlated noise that differs from star to star, of variance 0.05 to 0.6 in each column."""
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n_stars, n_columns, n_columns)) * np.sqrt(0.15 / n_columns)
    sizes = rng.uniform(0.5, 1.5, (n_stars, 1, 1))
    return sizes**2 * (roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(n_columns))


def add_noise(latent: np.ndarray, covariances: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    axes = np.linalg.cholesky(covariances + 1e-14 * np.eye(latent.shape[1]))
    return latent + np.einsum("nab,nb->na", axes, rng.standard_normal(latent.shape))


def moments(mixture: Mixture) -> tuple[np.ndarray, np.ndarray]:
    mean = mixture.weights @ mixture.means
    spread = mixture.means - mean
    return mean, np.einsum("k,kab->ab", mixture.weights, mixture.covariances + spread[:, :, None] * spread[:, None])


def mean_log_likelihood(mean, covariance, values, noise) -> float:
    """Return the mean log-likelihood of one Gaussian, star by star, by scipy."""
    parts = zip(values, noise, strict=True)
    return float(np.mean([multivariate_normal(mean, covariance + own).logpdf(star) for star, own in parts]))


@pytest.mark.parametrize("n_components", [1, 3])
def test_the_covariance_of_a_gaussian_comes_back_from_behind_its_noise(n_components):
    rng = np.random.default_rng(1)
    latent = rng.multivariate_normal(np.zeros(3), COVARIANCE, 5000)
    noise = noise_covariances(5000, 3, seed=2)
    values = CENTRES + UNITS * add_noise(latent, noise, seed=3)
    found = deconvolve(values, noise * np.outer(UNITS, UNITS), seed=1, n_components=n_components)
    mean, covariance = moments(found)
    # a variance of 1 behind noise of some 0.3: 4 sigma of 1.3 sqrt(2 / 5000); noisy variances are off by 0.3
    assert_allclose(covariance / np.outer(UNITS, UNITS), COVARIANCE, atol=0.1)
    assert_allclose((mean - CENTRES) / UNITS, 0, atol=4 * np.sqrt(1.3 / 5000))
    assert np.diagonal(np.cov(values.T) / np.outer(UNITS, UNITS)).min() > 1.2


def test_the_likelihood_is_as_high_as_a_general_optimiser_makes_it():
    rng = np.random.default_rng(4)
    noise = noise_covariances(300, 2, seed=5)
    values = add_noise(rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 0.8]], 300), noise, seed=6)

    def cost(p):
        root = np.array([[p[2], 0], [p[3], p[4]]])
        return -mean_log_likelihood(p[:2], root @ root.T, values, noise)

    best = minimize(cost, [0.0, 0.0, 1.0, 0.7, 0.6], method="BFGS")
    found = deconvolve(values, noise, seed=1, n_components=1)
    reached = mean_log_likelihood(found.means[0], found.covariances[0], values, noise)
    # the fit ends where a step gains 1e-5; steps shrink by some noise / total = 0.3, so 1e-5 may be left
    assert reached == pytest.approx(-best.fun, abs=2e-5)


def test_a_step_is_that_of_bovy_hogg_and_roweis_star_by_star():
    rng = np.random.default_rng(20)
    noise = noise_covariances(40, 3, seed=21)
    values = add_noise(rng.multivariate_normal(np.zeros(3), COVARIANCE, 40), noise, seed=22)
    old = Mixture(np.array([0.3, 0.7]), rng.normal(size=(2, 3)), np.stack([COVARIANCE, 0.5 * COVARIANCE]))
    new, likelihood = _improve(old, values, noise)
    totals = old.covariances + noise[:, None]
    densities = [
        [multivariate_normal(m, t).pdf(w) for m, t in zip(old.means, ts, strict=True)]
        for w, ts in zip(values, totals, strict=True)
    ]
    joints = old.weights * np.array(densities)
    q = joints / joints.sum(axis=1, keepdims=True)
    assert likelihood == pytest.approx(np.log(joints.sum(axis=1)).mean(), rel=1e-12)
    for j, (m, v) in enumerate(zip(old.means, old.covariances, strict=True)):
        b = np.array([m + v @ np.linalg.solve(t, w - m) for w, t in zip(values, totals[:, j], strict=True)])
        rest = np.array([v - v @ np.linalg.solve(t, v) for t in totals[:, j]])
        mean = q[:, j] @ b / q[:, j].sum()
        spread = [np.outer(own - mean, own - mean) for own in b]
        covariance = np.einsum("n,nab->ab", q[:, j], spread + rest) / q[:, j].sum()
        assert new.weights[j] == pytest.approx(q[:, j].mean(), rel=1e-12)
        assert_allclose(new.means[j], mean, rtol=1e-10)
        assert_allclose(new.covariances[j], covariance + FLOOR * np.eye(3), rtol=1e-10, atol=1e-12)


def test_two_groups_that_the_noise_blurs_into_one_come_back():
    rng = np.random.default_rng(7)
    latent = np.where(rng.random((5000, 1)) < 0.3, [3.0, 0.0], [0.0, 0.0]) + rng.normal(0, 0.3, (5000, 2))
    noise = noise_covariances(5000, 2, seed=8) * 3
    found = deconvolve(add_noise(latent, noise, seed=9), noise, seed=1, n_components=2)
    order = np.argsort(found.weights)
    # 1500 and 3500 stars of noise 0.7: errors of 0.02 in the means and 0.01 in the weights; 4 sigma
    assert_allclose(found.weights[order], [0.3, 0.7], atol=0.04)
    assert_allclose(found.means[order], [[3, 0], [0, 0]], atol=0.1)
    # variances of 0.09 behind noise of 0.6: 4 sigma of 0.7 sqrt(2 / 1500)
    assert_allclose(found.covariances[order], np.tile(0.09 * np.eye(2), (2, 1, 1)), atol=0.1)


def regression_slope(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.cov(x, y)[0, 1] / np.var(x, ddof=1))


def attenuated_stars(n_stars: int):
    """Return stars of slope 2 whose input has noise of mean variance 0.52: columns noisy input, exact label."""
    rng = np.random.default_rng(10)
    latent = rng.normal(size=n_stars)
    labels = 2 * latent + rng.normal(0, 0.5, n_stars)
    sigmas = rng.uniform(0.4, 1.0, n_stars)
    noise = np.zeros((n_stars, 2, 2))
    noise[:, 0, 0] = sigmas**2
    return np.column_stack([latent + sigmas * rng.normal(size=n_stars), labels]), noise, latent


@pytest.mark.parametrize("n_components", [1, 4])
def test_a_regression_on_drawn_latent_inputs_has_the_true_slope_where_the_naive_one_is_attenuated(n_components):
    values, noise, _ = attenuated_stars(20_000)
    mixture = deconvolve(values, noise, seed=1, n_components=n_components)
    latent = draw_latent(mixture, values, noise, rng=generator(2, "test"))
    # regression dilution: 1 / (1 + mean noise variance), (1 - 0.064) / 1.8 = 0.52; 4 sigma of either slope
    assert regression_slope(values[:, 0], values[:, 1]) == pytest.approx(2 / 1.52, abs=0.05)
    # the slope is that of the 5000 stars of the fit: 4 x 0.5 sqrt(1.5) / sqrt(5000) from noise and scatter, twice
    assert regression_slope(latent[:, 0], values[:, 1]) == pytest.approx(2, abs=0.08)
    assert latent[:, 0].var() == pytest.approx(1, abs=0.08)
    # 0.25 is what the fit leaves of 0.25 + 4 x 0.52 when it takes the noise away: 4 x 2.33 sqrt(2 / 5000)
    assert np.var(values[:, 1] - 2 * latent[:, 0]) == pytest.approx(0.25, abs=0.19)
    assert_array_equal(latent[:, 1], values[:, 1])


def test_draws_of_one_star_have_the_mean_and_covariance_of_wieners_filter():
    mixture = Mixture(np.ones(1), CENTRES[None], (COVARIANCE * np.outer(UNITS, UNITS))[None])
    noise = noise_covariances(1, 3, seed=11)[0] * np.outer(UNITS, UNITS)
    measured = CENTRES + UNITS * [1.0, -0.5, 2.0]
    draws = draw_latent(
        mixture, np.tile(measured, (50_000, 1)), np.tile(noise, (50_000, 1, 1)), rng=generator(1, "test")
    )
    precision = np.linalg.inv(mixture.covariances[0]) + np.linalg.inv(noise)
    covariance = np.linalg.inv(precision)
    mean = CENTRES + covariance @ np.linalg.solve(noise, measured - CENTRES)
    sigmas = np.sqrt(np.diag(covariance))
    assert_allclose((draws.mean(axis=0) - mean) / sigmas, 0, atol=4 / np.sqrt(50_000))
    assert_allclose((np.cov(draws.T) - covariance) / np.outer(sigmas, sigmas), 0, atol=5 * np.sqrt(2 / 50_000))


def test_draws_from_a_mixture_are_like_the_stars_that_were_measured_alike():
    rng = np.random.default_rng(12)
    mixture = Mixture(np.array([0.3, 0.7]), np.array([[2.0, 1.0], [0.0, 0.0]]), 0.3 * np.tile(np.eye(2), (2, 1, 1)))
    noise = np.array([[0.5, 0.2], [0.2, 0.4]])
    group = rng.random((2_000_000, 1)) < 0.3
    latent = np.where(group, [2.0, 1.0], 0.0) + np.sqrt(0.3) * rng.standard_normal((2_000_000, 2))
    measured = latent + rng.standard_normal(latent.shape) @ np.linalg.cholesky(noise).T
    place = np.array([1.2, 0.4])  # between the groups
    alike = latent[(np.abs(measured - place) < 0.05).all(axis=1)]
    draws = draw_latent(mixture, np.tile(place, (50_000, 1)), np.tile(noise, (50_000, 1, 1)), rng=generator(1, "test"))
    assert len(alike) > 1000
    for column in range(2):
        levels = np.linspace(0.05, 0.95, 19)
        shares = (draws[:, None, column] < np.quantile(alike[:, column], levels)[:, None].T).mean(axis=0)
        assert_allclose(shares, levels, atol=4 * 0.5 / np.sqrt(len(alike)))  # 4 sigma of the brute-force sample
    assert np.corrcoef(draws.T)[0, 1] == pytest.approx(np.corrcoef(alike.T)[0, 1], abs=4 / np.sqrt(len(alike)))


def test_drawn_stars_are_distributed_as_the_noise_free_ones():
    values, noise, truth = attenuated_stars(5000)
    mixture = Mixture(np.ones(1), np.zeros((1, 2)), np.array([[[1.0, 2.0], [2.0, 4.25]]]))
    latent = draw_latent(mixture, values, noise, rng=generator(3, "test"))[:, 0]
    assert kstest(latent, "norm").pvalue > 0.01  # the seeds are fixed
    assert kstest(values[:, 0], "norm").pvalue < 1e-6
    # given the label, the latent input is known to 1 / sqrt(1 + 16) of itself but for the scatter of 0.5
    assert np.std(latent - truth) < 0.5


def test_exact_values_are_returned_to_the_last_bit_and_fully_correlated_noise_moves_values_together():
    rng = np.random.default_rng(13)
    values = CENTRES + UNITS * rng.multivariate_normal(np.zeros(3), COVARIANCE, 2000)
    noise = np.zeros((2000, 3, 3))
    noise[1000:, :2, :2] = [[2500.0, -5.0], [-5.0, 0.01]]  # of correlation -1, as two colours of one bad magnitude
    mixture = Mixture(np.ones(1), CENTRES[None], (COVARIANCE * np.outer(UNITS, UNITS))[None])
    moved = draw_latent(mixture, values, noise, rng=generator(1, "test")) - values
    assert_array_equal(moved[:1000], 0)
    assert_array_equal(moved[:, 2], 0)
    assert moved[1000:, 0].std() > 10  # K
    assert_allclose(moved[1000:, 1], -0.002 * moved[1000:, 0], atol=1e-8)  # root of rounding, 1e-16 of 0.01 dex^2


def test_values_without_noise_are_fitted_as_they_are():
    rng = np.random.default_rng(14)
    values = rng.multivariate_normal(np.zeros(3), COVARIANCE, 1000)
    found = deconvolve(values, np.zeros((1000, 3, 3)), seed=1, n_components=2)
    mean, covariance = moments(found)
    assert_allclose(mean, values.mean(axis=0), atol=1e-10)
    assert_allclose(covariance, np.cov(values.T, ddof=0), atol=1.5e-5)  # 1e-5 is added to the variances


def test_noise_larger_than_the_scatter_leaves_a_small_and_finite_distribution():
    rng = np.random.default_rng(15)
    noise = np.tile(4 * np.eye(3), (500, 1, 1))
    values = add_noise(rng.normal(0, 0.01, (500, 3)), noise, seed=16)
    found = deconvolve(values, noise, seed=1, n_components=4)
    assert (np.linalg.eigvalsh(found.covariances) > 0).all()
    # the sample variance of 4 is uncertain by 4 sqrt(2 / 500) = 0.25: what is left is of that size
    assert np.diagonal(moments(found)[1]).max() < 1
    assert np.isfinite(draw_latent(found, values, noise, rng=generator(1, "test"))).all()


def test_many_components_of_many_columns_stay_positive_definite_through_all_steps():
    """Rounding makes the covariances a little asymmetric; left alone that grows until one is no covariance."""
    rng = np.random.default_rng(17)
    latent = rng.normal(size=(1500, 8)) @ rng.normal(size=(8, 8))
    latent[:, 7] = latent[:, 0] + 0.03 * rng.normal(size=1500)
    noise = np.zeros((1500, 8, 8))
    noise[:, :4, :4] = noise_covariances(1500, 4, seed=18)
    found = deconvolve(add_noise(latent, noise, seed=19), noise, seed=1, n_components=6)
    assert_array_equal(found.covariances, found.covariances.transpose(0, 2, 1))
    assert (np.linalg.eigvalsh(found.covariances) > 0).all()


def test_the_stars_of_the_fit_are_chosen_by_the_seed_alone(monkeypatch):
    monkeypatch.setattr(deconvolution, "MAX_STARS", 200)
    values, noise, _ = attenuated_stars(1000)
    one, again, other = (deconvolve(values, noise, seed, n_components=2) for seed in (1, 1, 2))
    assert_array_equal(one.covariances, again.covariances)
    assert (one.covariances != other.covariances).all()
    assert_array_equal(
        draw_latent(one, values, noise, generator(5, "test")), draw_latent(one, values, noise, generator(5, "test"))
    )
    assert (
        draw_latent(one, values, noise, generator(5, "test")) != draw_latent(one, values, noise, generator(6, "test"))
    )[:, 0].all()
