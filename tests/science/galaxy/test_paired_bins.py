"""Differences of two sets of stars in the same bins: known shifts, honest errors, no effect of where stars lie."""

import numpy as np
from numpy.testing import assert_allclose

from stdask.science.galaxy.paired_bins import BinSample, has_grown, paired_difference, shared_means
from tests.science.galaxy.running import running_medians
from tests.science.keys.keys import pack_keys

N_BINS = 40


def sample(n_stars, shift, seed, lean=0.0):
    """Return stars whose values rise from bin to bin; `lean` crowds them into the last bins."""
    rng = np.random.default_rng(seed)
    bins = (N_BINS * rng.random(n_stars) ** (1 / (1 + lean))).astype(int)
    values = 0.02 * bins + shift + rng.normal(0, 0.15, n_stars)
    found, drawn = running_medians(pack_keys(bins, values), N_BINS, 5, 200, seed=1)
    return BinSample(found.counts, found.medians, drawn)


def test_a_shift_is_found_however_differently_the_stars_lie():
    found = paired_difference(sample(4000, 0.05, 1, lean=2.0), sample(6000, 0.0, 2))
    assert abs(found.value - 0.05) < 3 * found.error
    assert found.error < 0.006  # 1.25 * 0.15 sqrt(1 / 4000 + 1 / 6000) = 0.004, and some stars have no partners
    assert found.p_value < 0.001
    assert found.n_bins <= N_BINS


def test_errors_are_those_of_many_mocks():
    found = [paired_difference(sample(2000, 0, 2 * n), sample(3000, 0, 2 * n + 1)) for n in range(150)]
    pulls = [difference.value / difference.error for difference in found]
    assert_allclose(np.std(pulls), 1, atol=0.2)  # of 150 to 6 %: 3 sigma
    # of p-values of equal sets a tenth lies below 0.1: 15 of 150, and 4 sigma
    assert sum(difference.p_value < 0.1 for difference in found) < 30


def test_without_a_shared_bin_there_is_no_difference():
    first, second = sample(1000, 0, 1), sample(1000, 0, 2)
    first.medians[::2], second.medians[1::2] = np.nan, np.nan
    found = paired_difference(first, second)
    assert found.n_bins == found.n_first == 0
    assert np.isnan(found.value)


def moved(sample, by):
    return sample._replace(medians=sample.medians + np.float32(by), bootstraps=sample.bootstraps + np.float32(by))


def test_means_are_of_the_bins_that_all_sets_have_and_differ_by_the_paired_difference():
    first, last = sample(3000, 0.05, 3, lean=2.0), sample(5000, 0.0, 4)
    middle = moved(first, -0.2)
    middle.medians[:10] = np.nan
    means = shared_means([first, middle, last])
    assert not means.weights[:10].any()
    kept = np.flatnonzero(means.weights)
    expected = [np.average(own.medians[kept].astype(float), weights=means.weights[kept]) for own in (first, last)]
    assert_allclose(means.values[[0, 2]], expected, rtol=1e-12)
    assert_allclose(means.values[0] - means.values[1], 0.2, atol=1e-6)  # float32
    difference = paired_difference(first.take(kept), last.take(kept))
    assert_allclose(means.values[0] - means.values[2], difference.value, rtol=1e-9)
    assert_allclose(np.hypot(*means.errors[[0, 2]]), difference.error, rtol=0.15)  # 200 bootstraps: 5 %, 3 sigma


def test_without_a_bin_of_all_sets_there_are_no_means():
    first, second = sample(1000, 0, 1), sample(1000, 0, 2)
    first.medians[::2], second.medians[1::2] = np.nan, np.nan
    means = shared_means([first, second])
    assert np.isnan([*means.values, *means.errors]).all()
    assert not means.weights.any()


def test_a_difference_of_known_sign_has_grown_by_less_than_its_error():
    first, second = sample(4000, 0.05, 5), sample(6000, 0.0, 6)
    before, after = (paired_difference(one, second) for one in (first, moved(first, 0.002)))
    assert before.error > 0.002
    assert has_grown(after, before, 2)  # the same stars, resampled alike: the change is known
    assert not has_grown(before, after, 2)
    assert not has_grown(after, before, 2, further_error=0.002)


def test_a_difference_that_changes_its_sign_has_seldom_grown():
    n_grown = 0
    for seed in range(100):
        first, second = sample(400, -0.01, 2 * seed), sample(600, 0.0, 2 * seed + 1)
        before, after = (paired_difference(one, second) for one in (first, moved(first, 0.02)))
        n_grown += has_grown(after, before, 2)
    # 0.01 before and after, known to 0.013: of 100 five or fewer at 2 sigma; seen growth is in half of them
    assert n_grown <= 5


def test_few_bins_have_a_difference_but_no_test():
    first, second = (sample(3000, 0, seed).take(np.arange(5)) for seed in (1, 2))
    found = paired_difference(first, second)
    assert found.n_bins == 5
    assert np.isfinite(found.error)
    assert np.isnan(found.p_value)
