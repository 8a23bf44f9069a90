"""Errors of medians by the choice of the pairs, by noise and by another population, against the errors themselves."""

import numpy as np
from numpy.testing import assert_allclose

from stdask.science.galaxy.errors import (
    Population,
    drawn_apart,
    jackknife_factor,
    noise_shift,
    population_shift,
    total_errors,
)


def test_members_that_share_pairs_scatter_by_the_error_of_other_pairs_once_drawn_apart():
    """A line through 400 pairs, five members of 80 per cent each, 2,000 realisations of the pairs."""
    rng, n_pairs, share = np.random.default_rng(1), 400, 0.8
    found, of_all = [], []
    for _ in range(2000):
        x, y = rng.normal(size=(2, n_pairs))
        of_all.append(np.polyfit(x, y, 1)[1])  # the value at 0
        chosen = [rng.permutation(n_pairs)[: int(share * n_pairs)] for _ in range(5)]
        members = np.array([[np.polyfit(x[own], y[own], 1)[1]] for own in chosen])
        found.append(drawn_apart(members, jackknife_factor(share)).var(ddof=1))
    assert jackknife_factor(share) == 2
    assert_allclose(np.sqrt(np.mean(found)), np.std(of_all), rtol=0.05)  # chance: 1.6 % of both


def test_members_that_are_drawn_apart_keep_their_mean_and_none_stay_none():
    members = np.array([[1.0, 5.0], [3.0, np.nan]], dtype=np.float32)
    assert_allclose(drawn_apart(members, 2.0), [[0, np.nan], [4, np.nan]])
    assert drawn_apart(np.empty((0, 3), dtype=np.float32), 2.0).shape == (0, 3)


def test_the_shift_by_noise_is_what_noise_has_done_to_the_median_of_a_skewed_distribution():
    rng = np.random.default_rng(2)
    truth = rng.exponential(1, 400_000)
    measured = truth + rng.normal(0, 0.3, truth.size)
    medians = np.array([np.median(measured)])
    noisy = np.median(measured + rng.normal(0, 0.3, (8, truth.size)), axis=1)[:, None]
    # to first order: the shift by twice the variance differs by a quarter
    assert_allclose(noise_shift(medians, noisy), medians - np.median(truth), rtol=0.25)
    assert_allclose(noise_shift(medians, np.array([[np.nan], [5.0]])), 5.0 - medians)
    assert np.isnan(noise_shift(medians, np.empty((0, 1)))).all()


def test_the_shift_by_the_population_is_that_of_regression_dilution():
    """Values of A are the truth and noise; the best prediction is drawn to the mean of the pairs."""
    rng = np.random.default_rng(3)
    pairs = rng.normal(0.1, 0.2, 200_000)
    slope = 0.2**2 / (0.2**2 + 0.1**2)  # of the best prediction on the measured value
    elsewhere = rng.normal(-0.3, 0.05, 200_000)  # stars of one bin
    translated = 0.1 + slope * (elsewhere + rng.normal(0, 0.1, elsewhere.size) - 0.1)
    attenuation = np.polyfit(pairs, 0.1 + slope * (pairs + rng.normal(0, 0.1, pairs.size) - 0.1), 1)[0]
    medians = np.array([np.median(translated)])
    found = population_shift(medians, np.array([1.0]), Population(0.0, attenuation, 0.1))
    assert_allclose(found, abs(medians - np.median(elsewhere)), rtol=0.02)
    assert_allclose(population_shift(medians, np.array([0.25]), Population(0.0, attenuation, 0.1)), found / 4)
    assert_allclose(population_shift(medians, np.array([1.0]), Population(-0.02, 1.0, 0.1)), 0.02)


def test_of_the_shift_by_noise_chance_is_no_error_and_what_is_unknown_is_none():
    nan = np.full(2, np.nan)
    bands, shifts, noise = np.array([0.04, 0.04]), np.array([0.02, -0.05]), np.array([0.03, 0.04])
    assert_allclose(total_errors(bands, nan, shifts, noise, nan), [0.04, 0.05])
    assert_allclose(total_errors(bands, nan, nan, nan, nan), bands)
    assert_allclose(total_errors(bands, np.array([0.03, 0]), nan, nan, np.array([0, 0.03])), 0.05)
    assert np.isnan(total_errors(np.array([np.nan]), nan[:1], shifts[:1], noise[:1], nan[:1])).all()
