"""The error of a translation without the noise of B."""

import numpy as np
from numpy.testing import assert_allclose

from stdask.science.assessment.noiseless import errors_on_scale


def test_errors_without_the_noise_of_b_are_the_distance_from_the_truth() -> None:
    rng = np.random.default_rng(1)
    truth, own, of_b = rng.normal(size=100_000), 0.08, 0.05
    translated = truth + own * rng.standard_normal(truth.size)
    b = truth + of_b * rng.standard_normal(truth.size)
    sigma = np.full(truth.size, (translated - b).std())  # what calibration on held-out stars finds
    nothing = np.zeros(truth.size)
    errors = errors_on_scale(sigma, nothing, nothing, of_b)
    assert_allclose(errors, (translated - truth).std(), rtol=0.01)  # 4 x 1 / sqrt(2 x 100,000)


def test_errors_keep_what_the_noise_of_a_and_the_networks_add() -> None:
    sigma, noise, members = (np.array([value], np.float32) for value in (0.05, 0.03, 0.02))
    assert_allclose(errors_on_scale(sigma, noise, members, 0.05), [np.hypot(0.03, 0.02)], rtol=1e-6)


def test_an_unknown_error_of_b_leaves_the_errors_as_they_are() -> None:
    sigma = np.array([0.05, np.nan])
    assert_allclose(errors_on_scale(sigma, sigma / 2, sigma / 2, np.nan), sigma)
