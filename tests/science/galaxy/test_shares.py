"""Shares of stars and their limits against astropy and by drawing."""

import numpy as np
import pytest
from astropy.stats import binom_conf_interval
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.galaxy.binning import ordered_bits, pack_keys
from stdask.science.galaxy.shares import bin_shares

TAIL = 0.16


def shares_of(has, bins, n_bins, least=1):
    return bin_shares(pack_keys(np.asarray(bins), ordered_bits(np.asarray(has, dtype=float))), n_bins, least, TAIL)


def test_shares_and_limits_are_those_of_astropy():
    rng = np.random.default_rng(1)
    bins = rng.integers(0, 40, 900)
    has = rng.random(900) < bins / 40
    counts, shares, low, high = shares_of(has, bins, 40)
    k = np.bincount(bins[has], minlength=40)
    assert_array_equal(counts, np.bincount(bins, minlength=40))
    assert_allclose(shares, k / counts, rtol=1e-6)  # float32
    limits = binom_conf_interval(k, counts, confidence_level=1 - 2 * TAIL, interval="wilson")
    assert_allclose([low, high], limits, rtol=1e-6, atol=1e-7)


def test_none_or_all_of_a_few_stars_leave_room_on_the_other_side():
    counts, shares, low, high = shares_of([0, 0, 0, 1, 1, 1, np.nan, 1], [0, 0, 0, 1, 1, 1, 1, 2], 4, least=3)
    assert_array_equal(counts, [3, 3, 1, 0])  # of the star without a value nothing is known
    assert_array_equal(shares[:2], [0, 1])
    assert low[0] == 0
    assert 0.1 < high[0] < 0.5
    assert high[1] == 1
    assert_allclose(low[1], 1 - high[0], rtol=1e-5)
    assert np.isnan([shares[2:], low[2:], high[2:]]).all()


@pytest.mark.parametrize("n_stars", [5, 20, 200])
def test_limits_hold_the_true_share_in_68_per_cent(n_stars):
    rng = np.random.default_rng(n_stars)
    truth = np.repeat(rng.uniform(0.05, 0.95, 4000), n_stars)
    bins = np.repeat(np.arange(4000), n_stars)
    _, _, low, high = shares_of(rng.random(len(truth)) < truth, bins, 4000)
    own = truth[::n_stars]
    # Of shares of any size, binomial limits miss 68 per cent by up to 3; chance adds 0.7 per cent, one sigma.
    assert abs(np.mean((low <= own) & (own <= high)) - 0.68) < 0.05
