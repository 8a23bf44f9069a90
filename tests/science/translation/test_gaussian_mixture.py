"""Mixtures of Gaussians: they fit the stars they are given, and their conditionals are those of probability theory."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from stdask.science.translation import gaussian_mixture
from stdask.science.translation.gaussian_mixture import Mixture, condition, fit_mixture, pick_components

UNITS = np.array([400.0, 0.8, 0.3, 0.1])  # scatter of Teff [K], log g, [Fe/H], [Mg/Fe]
CENTRES = np.array([4800.0, 2.4, -0.3, 0.1])


def random_mixture(n_components: int, n_columns: int, seed: int) -> Mixture:
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(n_components, n_columns, n_columns))
    return Mixture(
        rng.dirichlet(np.full(n_components, 3.0)),
        rng.normal(0, 2, (n_components, n_columns)),
        roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(n_columns),
    )


def sample(mixture: Mixture, n_stars: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(n_stars, mixture.weights)
    parts = [rng.multivariate_normal(*part) for part in zip(mixture.means, mixture.covariances, counts, strict=True)]
    return rng.permutation(np.concatenate(parts))


def log_density(weights, means, covariances, values) -> float:
    """Return the log density of a mixture at one place, by scipy."""
    parts = [multivariate_normal(m, c).logpdf(values) for m, c in zip(means, covariances, strict=True)]
    return logsumexp(parts, b=weights)


def mean_log_density(mixture: Mixture, values: np.ndarray) -> float:
    parts = [
        multivariate_normal(m, c, allow_singular=True).logpdf(values)
        for m, c in zip(mixture.means, mixture.covariances, strict=True)
    ]
    return float(logsumexp(parts, b=mixture.weights[:, None], axis=0).mean())


@pytest.mark.parametrize("n_components", [1, 3, 12])
@pytest.mark.parametrize("present", [(1, 0, 1, 1), (0, 1, 0, 0), (1, 0, 0, 1)])
def test_the_conditional_density_is_the_joint_one_over_that_of_the_present_columns(n_components, present):
    mixture = random_mixture(n_components, 4, seed=1).rescaled(CENTRES, UNITS)
    seen = np.array(present, bool)
    stars = sample(mixture, 20, seed=2)
    given = condition(mixture, np.where(seen, stars, np.nan), seen)
    for row, star in enumerate(stars):
        joint = log_density(mixture.weights, mixture.means, mixture.covariances, star)
        marginal = log_density(
            mixture.weights, mixture.means[:, seen], mixture.covariances[:, seen][:, :, seen], star[seen]
        )
        found = log_density(given.responsibilities[row], given.means[row], given.covariances, star[~seen])
        assert found == pytest.approx(joint - marginal, abs=1e-8)  # rounding, of values up to 1e7 K^2


def test_conditional_moments_are_those_of_the_sampled_stars_that_have_these_values():
    mixture = random_mixture(3, 3, seed=3)
    stars = sample(mixture, 1_000_000, seed=4)
    place, width = stars[0, :2], 0.1
    alike = stars[(np.abs(stars[:, :2] - place) < width).all(axis=1), 2]
    given = condition(mixture, np.append(place, np.nan)[None], np.array([True, True, False]))
    shares, means = given.responsibilities[0], given.means[0, :, 0]
    mean = shares @ means
    std = np.sqrt(shares @ (given.covariances[:, 0, 0] + (means - mean) ** 2))
    assert alike.size > 500
    # 4 sigma of so many stars; the width of the bin adds its square, 1 %
    assert mean == pytest.approx(alike.mean(), abs=4 * std / np.sqrt(alike.size) + 0.01)
    assert std == pytest.approx(alike.std(), rel=4 / np.sqrt(alike.size) + 0.01)


def test_a_star_without_any_value_has_the_whole_mixture():
    mixture = random_mixture(5, 3, seed=5)
    given = condition(mixture, np.full((2, 3), np.nan), np.zeros(3, bool))
    assert_allclose(given.responsibilities, np.tile(mixture.weights, (2, 1)), rtol=1e-14)
    assert_array_equal(given.means, np.tile(mixture.means, (2, 1, 1)))
    assert_allclose(given.covariances, mixture.covariances, rtol=1e-12)


def test_a_star_beyond_all_components_still_has_probabilities():
    given = condition(random_mixture(5, 3, seed=5), np.array([[1e6, -1e6, np.nan]]), np.array([True, True, False]))
    assert given.responsibilities.sum() == pytest.approx(1)
    assert np.isfinite(given.means).all()


def test_components_are_picked_as_often_as_they_are_probable():
    responsibilities = np.array([[0.2, 0.0, 0.5, 0.3], [1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    uniforms = np.tile((np.arange(1000) + 0.5) / 1000, (3, 1))
    picked = pick_components(responsibilities, uniforms)
    counts = np.array([np.bincount(row, minlength=4) for row in picked])
    assert_array_equal(counts, 1000 * responsibilities)


def test_even_the_largest_uniform_number_picks_a_component_where_probabilities_add_up_to_less_than_one():
    picked = pick_components(np.full((1, 3), (1 - 1e-15) / 3), np.array([[1 - 2**-53]]))
    assert picked.tolist() == [[2]]


@pytest.mark.parametrize("n_components", [1, 2, 4])
def test_a_known_mixture_is_found_again(n_components):
    rng = np.random.default_rng(6)
    roots = rng.normal(size=(n_components, 4, 4))
    truth = Mixture(
        np.full(n_components, 1 / n_components),
        6 * np.eye(4)[:n_components],  # 8 apart, some 3 sigma
        roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(4),
    ).rescaled(CENTRES, UNITS)
    found = fit_mixture(sample(truth, 8000, seed=7), seed=1)
    assert len(found.weights) == n_components
    new = sample(truth, 8000, seed=8)
    # a fit of p numbers to n stars loses p / 2n on average: at most 59 / 16,000; twice that, for its scatter
    assert mean_log_density(truth, new) - mean_log_density(found, new) < 0.008


def test_the_moments_of_the_mixture_are_those_of_the_stars():
    rng = np.random.default_rng(9)
    stars = CENTRES + UNITS * np.column_stack([rng.gamma(2, 1, 3000), rng.normal(size=(3000, 3))]) @ rng.normal(
        size=(4, 4)
    )
    mixture = fit_mixture(stars, seed=1)
    mean = mixture.weights @ mixture.means
    spread = mixture.means - mean
    covariance = np.einsum("k,kab->ab", mixture.weights, mixture.covariances + spread[:, :, None] * spread[:, None])
    scales = stars.std(axis=0)
    # a maximisation step keeps both to rounding, but for the 1e-5 that is added to standardised variances
    assert_allclose((mean - stars.mean(axis=0)) / scales, 0, atol=1e-10)
    assert_allclose((covariance - np.cov(stars.T, ddof=0)) / np.outer(scales, scales), 0, atol=1.1e-5)


@pytest.mark.parametrize("n_stars", [40, 200, 3000])
def test_awkward_columns_warn_nobody_and_give_finite_mixtures(n_stars):
    """Warnings are errors here. Two nearly equal colours, a constant, a rounded and a skewed column, a copy."""
    rng = np.random.default_rng(10)
    colour = rng.normal(0.6, 0.1, n_stars)
    skewed = rng.exponential(1, n_stars)
    stars = np.column_stack(
        [
            rng.normal(4800, 300, n_stars),
            colour,
            0.9 * colour + rng.normal(0, 1e-4, n_stars),
            np.full(n_stars, 2.5),
            np.round(rng.normal(0, 0.3, n_stars), 1),
            skewed,
            skewed,
            rng.normal(size=n_stars) * skewed,
            rng.normal(size=n_stars),
        ]
    ).astype(np.float32)
    mixture = fit_mixture(stars, seed=1)
    assert {values.dtype for values in vars(mixture).values()} == {np.dtype(np.float64)}
    assert all(np.isfinite(values).all() for values in vars(mixture).values())
    given = condition(mixture, stars, np.arange(9) % 2 == 0)
    assert np.isfinite(given.means).all()
    assert (np.linalg.eigvalsh(mixture.covariances) > 0).all()


def test_a_fit_that_is_cut_short_warns_nobody(monkeypatch):
    monkeypatch.setattr(gaussian_mixture, "MAX_STEPS", 2)
    stars = sample(random_mixture(4, 3, seed=15), 1000, seed=16)
    assert len(fit_mixture(stars, seed=1).weights) > 1


def test_a_dozen_stars_are_one_gaussian_not_a_component_each():
    stars = sample(random_mixture(1, 2, seed=17), 12, seed=18)
    mixture = fit_mixture(stars, seed=1)
    assert_allclose(mixture.means, [stars.mean(axis=0)], rtol=1e-10)


def test_the_same_seed_gives_the_same_mixture():
    stars = sample(random_mixture(4, 3, seed=11), 1000, seed=12)
    one, again = fit_mixture(stars, seed=1), fit_mixture(stars, seed=1)
    assert all(np.array_equal(a, b) for a, b in zip(vars(one).values(), vars(again).values(), strict=True))


def test_units_do_not_matter():
    stars = sample(random_mixture(2, 4, seed=13), 1000, seed=14)
    plain = fit_mixture(stars, seed=1).rescaled(CENTRES, UNITS)
    scaled = fit_mixture(CENTRES + UNITS * stars, seed=1)
    # rounding of 1e-16 relative to 4800 K / 400 K, and what the steps of a fit make of it
    assert_allclose(scaled.means, plain.means, rtol=1e-8)
    assert_allclose(scaled.covariances / np.outer(UNITS, UNITS), plain.covariances / np.outer(UNITS, UNITS), atol=1e-8)
