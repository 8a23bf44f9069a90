"""Weights of covariate shift, compared with ratios of densities that are known."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal, norm

from stdask.science.assessment.density_ratio import LARGEST, effective_number, fit_density_ratio

KNOWN = multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]])
OTHERS = multivariate_normal([0.7, -0.4], [[0.8, 0.1], [0.1, 0.9]])


def drawn(population: multivariate_normal, n_stars: int, seed: int) -> np.ndarray:
    return population.rvs(n_stars, random_state=np.random.default_rng(seed))


def test_weights_are_the_ratio_of_the_densities():
    known, others = drawn(KNOWN, 20_000, 1), drawn(OTHERS, 20_000, 2)
    expected = OTHERS.pdf(known) / KNOWN.pdf(known)
    weights = fit_density_ratio(known, others, seed=7).weights(known)
    # the logarithm of the ratio of two Gaussians is a quadratic form, which the regression has in full: what is left
    # is the noise of 20,000 stars, 3 % a coefficient, where the ratio is not at its limit
    inside = expected < 5
    assert inside.mean() > 0.97
    assert np.median(np.abs(np.log(weights[inside] / expected[inside]))) < 0.05
    assert_allclose(weights.mean(), 1)


def test_weighted_stars_have_the_mean_of_the_other_population_in_what_the_columns_decide():
    known, others = drawn(KNOWN, 5000, 3), drawn(OTHERS, 5000, 4)

    def residual(values: np.ndarray) -> np.ndarray:  # not a polynomial, so that no fit can know it
        return np.tanh(values[:, 0]) + 0.5 * np.abs(values[:, 1])

    weights = fit_density_ratio(known, others, seed=7).weights(known)
    shift = residual(known).mean() - residual(others).mean()
    left = np.average(residual(known), weights=weights) - residual(others).mean()
    assert abs(shift) > 0.3
    # 5,000 others and some 2,000 effective stars, each with a scatter of 0.7
    assert abs(left) < 3 * 0.7 * np.sqrt(1 / 5000 + 1 / effective_number(weights))


def test_a_difference_across_a_thin_relation_of_two_columns_is_seen():
    rng = np.random.default_rng(14)
    thickness = 0.03  # of the spread of either column, as that of luminosity compared with magnitude and distance

    def drawn_along(n_stars: int, across: float) -> np.ndarray:
        along = rng.normal(0, 1, n_stars)
        return np.column_stack([along, along + thickness * rng.normal(across, 1, n_stars)])

    known, others = drawn_along(600, 0), drawn_along(600, 1)
    logs = np.log(fit_density_ratio(known, others, seed=7).weights(known))
    expected = (known[:, 1] - known[:, 0]) / thickness - 0.5  # log N(x; 1, 1) / N(x; 0, 1)
    slope, _ = np.polyfit(expected, logs, 1)
    # 600 stars of either population: the slope is known to 0.07, and a penalty makes it smaller
    assert 0.7 < slope < 1.2
    assert np.corrcoef(expected, logs)[0, 1] > 0.9


def test_without_a_difference_all_weights_are_about_one():
    known, others = drawn(KNOWN, 1000, 5), drawn(KNOWN, 3000, 6)
    weights = fit_density_ratio(known, others, seed=7).weights(known)
    # five coefficients of a fit to 1,000 stars, each uncertain by about 1/sqrt(1000) = 3 %
    assert np.abs(weights - 1).mean() < 0.15
    assert effective_number(weights) > 900


def test_weights_are_bounded_where_the_other_population_lies_far_outside():
    rng = np.random.default_rng(8)
    known, others = rng.normal(0, 1, (2000, 1)), rng.normal(4, 1, (2000, 1))
    ratio = fit_density_ratio(known, others, seed=7)
    far = ratio.weights(np.array([[-1e9], [0.0], [4.0], [1e9]]))
    assert np.isfinite(far).all()
    assert (far * ratio.norm <= LARGEST).all()
    assert far[2] > far[1]


def test_the_number_of_stars_of_either_population_does_not_change_the_weights():
    rng = np.random.default_rng(9)
    known, many, few = rng.normal(0, 1, (4000, 1)), rng.normal(0.5, 1, (40_000, 1)), rng.normal(0.5, 1, (4000, 1))
    values = np.array([[-1.0], [0.0], [1.0]])
    expected = norm.pdf(values[:, 0], 0.5) / norm.pdf(values[:, 0])
    for others in (many, few):
        assert_allclose(fit_density_ratio(known, others, seed=7).weights(values), expected, rtol=0.1)


def test_stars_with_missing_values_are_left_out_and_have_no_weight():
    known, others = drawn(KNOWN, 500, 10), drawn(OTHERS, 500, 11)
    expected = fit_density_ratio(known, others, seed=7)
    lacking = np.array([[np.nan, 0.0]])
    found = fit_density_ratio(np.concatenate([known, lacking]), np.concatenate([lacking, others]), seed=7)
    assert_allclose(found.weights(known), expected.weights(known))
    assert np.isnan(found.weights(lacking)).all()


def test_a_column_without_spread_changes_nothing():
    known, others = drawn(KNOWN, 500, 12), drawn(OTHERS, 500, 13)
    expected = fit_density_ratio(known, others, seed=7).weights(known)
    known, others = (np.column_stack([values, np.full(len(values), 3.0)]) for values in (known, others))
    assert_allclose(fit_density_ratio(known, others, seed=7).weights(known), expected, rtol=1e-3)


def test_too_few_stars_are_an_error():
    with pytest.raises(ValueError, match="4 known"):
        fit_density_ratio(np.zeros((4, 1)), np.zeros((100, 1)), seed=7)


def test_the_effective_number_is_that_of_equal_weights_and_less_for_others():
    assert effective_number(np.full(50, 3.0)) == pytest.approx(50)
    assert effective_number(np.array([1.0, 0.0, 0.0])) == pytest.approx(1)
    assert effective_number(np.array([])) == 0
