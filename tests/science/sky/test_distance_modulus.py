"""Distance moduli against draws of the distance and the parallax themselves."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.sky.distance_modulus import modulus_of_distance, modulus_of_parallax

RNG = np.random.default_rng(5)


def test_the_modulus_is_the_one_worked_out_by_hand():
    # 10 pc: 0; 1 kpc: 10; 2 kpc: 10 + 5 log10 2 = 11.505150; 10 per cent error: 5 / ln 10 x 0.1 = 0.217147 mag
    modulus, error = modulus_of_distance(np.array([0.01, 1.0, 2.0, np.nan]), np.array([0.001, 0.1, np.nan, 0.1]))
    assert_allclose(modulus, [0, 10, 11.505150, np.nan], atol=1e-6)
    assert_allclose(error, [0.217147, 0.217147, np.nan, np.nan], atol=1e-6)
    modulus, error = modulus_of_parallax(np.array([100.0, 1.0, 0.5]), np.array([10.0, 0.1, np.nan]))
    assert_allclose(modulus, [0, 10, 11.505150], atol=1e-6)
    assert_allclose(error, [0.217147, 0.217147, np.nan], atol=1e-6)


@pytest.mark.parametrize(("over_error", "tolerance"), [(50, 0.01), (20, 0.01), (10, 0.015), (5, 0.03)])
def test_the_error_is_the_half_width_of_draws_of_the_parallax(over_error: float, tolerance: float):
    _, error = modulus_of_parallax(np.array([0.8]), np.array([0.8 / over_error]))
    drawn = RNG.normal(0.8, 0.8 / over_error, 400_000)  # not one in a million is negative at 5 sigma
    low, high = np.percentile(10 - 5 * np.log10(drawn[drawn > 0]), [15.87, 84.13])
    # tolerances: second order in the relative error, and 0.3 per cent of chance
    assert error[0] == pytest.approx((high - low) / 2, rel=tolerance)


def test_a_parallax_and_its_inverse_agree():
    distances = RNG.uniform(0.05, 8, 1000)
    errors = distances * RNG.uniform(0.001, 0.1, 1000)
    of_distance = modulus_of_distance(distances, errors)
    of_parallax = modulus_of_parallax(1 / distances, errors / distances**2)
    assert_allclose(of_parallax, of_distance, rtol=1e-12)


def test_an_uncertain_or_negative_parallax_is_no_distance():
    parallaxes, errors = np.array([-1.0, 0.0, 0.49, 0.51, 0.01]), np.array([0.1, 0.1, 0.1, 0.1, np.nan])
    modulus, error = modulus_of_parallax(parallaxes, errors)
    assert_array_equal(np.isfinite(modulus), [False, False, False, True, True])
    assert_array_equal(np.isfinite(error), [False, False, False, True, False])
