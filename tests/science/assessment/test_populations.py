"""How populations differ, and the bias of one estimated from another, compared with brute force and known truth."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.science.assessment.populations import (
    common_columns,
    compare_distributions,
    noise_level,
    reweighted_bias,
)


def test_the_distance_of_two_populations_is_the_mean_difference_of_stars_of_equal_rank():
    rng = np.random.default_rng(1)
    pairs, stars = rng.normal(4800, 200, 500), rng.gamma(3, 300, 500) + 4000
    found = compare_distributions(np.append(pairs, np.nan), np.append(stars, [np.nan, np.nan]))
    assert found.distance == pytest.approx(np.abs(np.sort(pairs) - np.sort(stars)).mean())
    assert found.separation == pytest.approx(found.distance / pairs.std())
    assert (found.n_pairs, found.n_stars) == (500, 500)
    assert_allclose(found.pairs, np.percentile(pairs, [16, 50, 84]))
    assert_allclose(found.stars, np.percentile(stars, [16, 50, 84]))
    assert np.isnan(compare_distributions(np.zeros(5), np.ones(5)).separation)
    assert compare_distributions(np.ones(5), np.ones(7)).separation == 0


def mock(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return residuals that grow with x, and the exact weights from N(0, 1) to N(0.8, 1): the mean moves by 0.8."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, 400)
    return 0.1 + x + rng.normal(0, 0.5, 400), np.exp(0.8 * x - 0.32)


def test_the_reweighted_bias_is_that_of_the_other_population_within_its_error():
    found = [reweighted_bias(*mock(seed), n_bootstraps=100, seed=7) for seed in range(200)]
    pulls = {
        name: np.array([(getattr(one, name) - truth) / getattr(one, f"{name}_err") for one in found])
        for name, truth in (("bias", 0.1), ("reweighted", 0.9), ("shift", 0.8))
    }
    for name, pull in pulls.items():
        # 200 realisations: the scatter of the pulls is known to 5 %, that of their mean to 7 %; a bootstrap with
        # few effective stars is itself a few per cent too small
        assert abs(pull.mean()) < 0.3, name
        assert 0.8 < pull.std() < 1.25, name
    one = found[0]
    assert one.n_test == 400
    assert 150 < one.n_effective < 280  # 400 / E[w^2] = 400 exp(-0.64) = 211
    # the same stars are in both means: their difference is better known than that of independent ones
    assert one.shift_err < np.hypot(one.bias_err, one.reweighted_err)


def test_equal_weights_change_nothing_and_stars_without_a_value_are_left_out():
    residuals, _ = mock(1)
    found = reweighted_bias(np.append(residuals, [np.nan, 3.0]), np.append(np.full(400, 2.0), [1.0, np.nan]), 50, 1)
    assert found.n_test == 400
    assert found.n_effective == pytest.approx(400)
    assert found.reweighted == pytest.approx(found.bias) == pytest.approx(residuals.mean())
    assert (found.shift, found.shift_err) == pytest.approx((0, 0), abs=1e-12)
    assert np.isnan(reweighted_bias(np.zeros(0), np.zeros(0), 10, 1).bias)


def test_the_noise_level_of_a_star_whose_errors_are_all_twice_the_typical_ones_is_the_logarithm_of_two():
    typical = np.array([[80.0, 0.1]] * 5)
    levels = noise_level(np.array([[160.0, 0.2], [80.0, 0.1], [80.0, np.nan], [80.0, 0.0]]), typical)
    assert_allclose(levels[:2], [np.log(2), 0], atol=1e-12)
    assert np.isnan(levels[2:]).all()


@pytest.mark.parametrize("unstated", [np.nan, 0.0])
def test_a_measurement_without_any_stated_error_says_nothing_of_the_noise(unstated: float):
    errors = np.array([[160.0, unstated], [80.0, unstated], [80.0, unstated]])
    assert_allclose(noise_level(errors, errors), [np.log(2), 0, 0], atol=1e-12)
    assert np.isnan(noise_level(errors[:, 1:], errors[:, 1:])).all()


def test_a_column_that_one_of_the_populations_lacks_is_left_out():
    full, few = np.arange(100.0), np.where(np.arange(100) < 10, np.nan, 1.0)
    known, others = common_columns([full, full, few], [full, few, full])
    assert known.shape == others.shape == (100, 1)
    assert_allclose(known[:, 0], full)
