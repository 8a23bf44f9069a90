"""Stars in bins: the statistics without weights are those of `binning` and `profiles`, those with weights weighted."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.science.galaxy.binned import BinnedStars
from stdask.science.galaxy.binning import bin_bands, bin_deviations, bin_medians, ordered_bits, pack_keys
from stdask.science.galaxy.weighted import pack_weighted
from tests.science.galaxy.running import running_medians

N_BINS, TAIL = 16, 0.16


def made_up(seed=1, n_stars=500):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n_stars).astype(np.float32)
    return rng.integers(0, N_BINS, n_stars), values, rng.integers(1, 4, n_stars).astype(float)


def test_without_weights_medians_bands_and_bootstraps_are_those_of_all_stars_alike():
    bins, values, _ = made_up()
    keys = pack_keys(bins, ordered_bits(values))
    stars = BinnedStars.merge([BinnedStars(keys[::2], N_BINS), BinnedStars(keys[1::2], N_BINS)], N_BINS)
    assert_array_equal(stars.keys, keys)
    counts, medians = stars.medians(30)
    expected = bin_medians(keys, N_BINS, 30)
    assert_array_equal(counts, expected.counts)
    assert_array_equal(medians, expected.medians)
    assert_array_equal(stars.bands(medians, TAIL), bin_bands(keys, medians, TAIL))
    assert_array_equal(stars.deviations(medians), bin_deviations(keys, medians))
    _, drawn = running_medians(keys, N_BINS, 30, 50, seed=2, first_bin=7)
    assert_array_equal(stars.bootstraps(medians, 50, seed=2, first_bin=7), drawn)
    assert np.isnan(medians).any()


@pytest.mark.parametrize("weighted", [False, True])
def test_coarser_bins_hold_the_stars_of_four(weighted):
    bins, values, weights = made_up()
    weights = weights if weighted else np.ones(len(bins))
    own = pack_weighted(bins, ordered_bits(values), weights)
    stars = BinnedStars(own.keys, N_BINS, own.weights if weighted else None)
    wanted = np.array([True, False, True, True])
    counts, medians = stars.coarser(wanted, 1).medians()
    for cell in range(4):
        inside = bins // 4 == cell
        assert counts[cell] == inside.sum() * wanted[cell]
        if wanted[cell]:
            assert medians[cell] == np.median(np.repeat(values[inside], weights[inside].astype(int)))


def test_weights_follow_their_stars_whatever_the_order_of_the_parts():
    parts = []
    for seed in (1, 2, 3):
        bins, values, weights = made_up(seed, 100)
        own = pack_weighted(bins, ordered_bits(values), weights)
        parts.append(BinnedStars(own.keys, N_BINS, own.weights))
    one, other = BinnedStars.merge(parts, N_BINS), BinnedStars.merge(parts[::-1], N_BINS)
    assert_array_equal(one.keys, other.keys)
    assert_array_equal(one.weights, other.weights)
    assert one.weights.sum() == sum(part.weights.sum() for part in parts)
