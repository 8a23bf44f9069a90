"""Packed keys, binned medians, deviations and bands against numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import binom

from stdask.mock.galaxy import draw_populations, true_magnesium
from stdask.science.galaxy.binning import (
    bin_bands,
    bin_deviations,
    bin_medians,
    bin_starts,
    merge_keys,
    range_of_bins,
    unpack_values,
)
from tests.science.keys.keys import pack_keys

N_BINS = 7
# the sum of two float32 below 1e38 does not overflow, in numpy's median as here
FLOATS = st.floats(min_value=-(2.0**126), max_value=2.0**126, width=32)


@st.composite
def stars(draw):
    n_stars = draw(st.integers(0, 60))
    bins = draw(arrays(np.int64, n_stars, elements=st.integers(-1, N_BINS - 1)))
    return bins, draw(arrays(np.float32, n_stars, elements=FLOATS | st.just(np.nan)))


def median_by_numpy(bins, values):
    medians = np.full(N_BINS, np.nan, dtype=np.float32)
    for number in range(N_BINS):
        inside = values[(bins == number) & np.isfinite(values)]
        if inside.size:
            medians[number] = np.median(inside)
    return medians


@given(stars())
def test_medians_equal_numpys_to_the_last_bit(sample):
    bins, values = sample
    found = bin_medians(pack_keys(bins, values), N_BINS)
    assert_array_equal(found.medians, median_by_numpy(bins, values))
    assert_array_equal(found.counts, [np.sum((bins == n) & np.isfinite(values)) for n in range(N_BINS)])


@given(stars(), st.integers(1, 5), st.randoms(use_true_random=False))
def test_any_partitioning_in_any_order_gives_the_same_keys(sample, n_parts, random):
    bins, values = sample
    order = np.array(random.sample(range(len(bins)), len(bins)), dtype=int)
    parts = [pack_keys(bins[part], values[part]) for part in np.array_split(order, n_parts)]
    random.shuffle(parts)
    assert_array_equal(merge_keys(parts), pack_keys(bins, values))


@given(arrays(np.float32, st.integers(0, 50), elements=FLOATS))
def test_keys_of_one_bin_give_back_its_values_in_order(values):
    assert_array_equal(unpack_values(pack_keys(np.zeros(len(values), dtype=int), values)), np.sort(values))


def test_medians_of_many_stars_equal_numpys():
    rng = np.random.default_rng(5)
    bins, values = rng.integers(-1, N_BINS, 100_000), rng.normal(-0.2, 0.3, 100_000).astype(np.float32)
    assert_array_equal(bin_medians(pack_keys(bins, values), N_BINS).medians, median_by_numpy(bins, values))


def test_a_bin_with_too_few_stars_has_a_count_but_no_median():
    found = bin_medians(pack_keys(np.array([0, 0, 1]), np.array([1.0, 2.0, 3.0])), 2, min_stars=2)
    assert_array_equal(found.counts, [2, 1])
    assert_array_equal(found.medians, np.array([1.5, np.nan], dtype=np.float32))


def test_the_last_bin_of_32_bits_is_kept_apart():
    keys = pack_keys(np.array([2**32 - 1, 2**32 - 2]), np.array([1.0, -1.0]))
    assert_array_equal(keys >> np.uint64(32), [2**32 - 2, 2**32 - 1])


@given(stars())
def test_deviations_equal_numpys_to_the_last_bit(sample):
    bins, values = sample
    keys = pack_keys(bins, values)
    medians = bin_medians(keys, N_BINS).medians
    expected = np.full(N_BINS, np.nan, dtype=np.float32)
    for number in np.flatnonzero(np.isfinite(medians)):
        inside = values[(bins == number) & np.isfinite(values)]
        expected[number] = np.median(np.abs(inside - medians[number]))
    assert_array_equal(bin_deviations(keys, medians), expected)


@given(stars(), st.integers(0, N_BINS), st.integers(0, N_BINS))
def test_a_range_of_bins_holds_the_keys_of_these_bins_counted_anew(sample, one, other):
    first, end = sorted((one, other))
    bins, values = sample
    inside = (bins >= first) & (bins < end)
    expected = pack_keys(bins[inside] - first, values[inside])
    assert_array_equal(range_of_bins(pack_keys(bins, values), first, end), expected)


def disc_stars(n_bins, n_stars, seed):
    """Return [Fe/H] and [Mg/Fe] of stars of both discs, (n_labels, n_bins, n_stars), and their true medians."""
    rng = np.random.default_rng(seed)
    radii = np.full(n_bins * n_stars + 400_000, 9.0)
    population, fe_h = draw_populations(radii, np.full(len(radii), 0.7), rng)
    labels = np.stack([fe_h, true_magnesium(population, fe_h) + rng.normal(0, 0.04, len(radii))]).astype(np.float32)
    return labels[:, : n_bins * n_stars].reshape(2, n_bins, n_stars), np.median(labels, axis=1)


@pytest.mark.parametrize("n_stars", [3, 4, 5, 6, 7, 8, 10, 15, 20, 51])
def test_bands_of_few_stars_hold_the_true_median_in_68_per_cent(n_stars):
    """Percentiles of bootstrapped medians hold it in 54 per cent with 7 stars, and in 75 with 3."""
    n_bins = 8000
    for values, truth in zip(*disc_stars(n_bins, n_stars, n_stars), strict=True):
        keys = pack_keys(np.repeat(np.arange(n_bins), n_stars), values.ravel())
        low, high = bin_bands(keys, bin_medians(keys, n_bins).medians, 0.16)
        # chance: 0.5 %; interpolation between the stars is right to 2 % (their table 1)
        assert_allclose(np.mean((low <= truth) & (truth <= high)), 0.68, atol=0.03)


@pytest.mark.parametrize("n_stars", [1, 2])
def test_one_or_two_stars_have_no_band(n_stars):
    """Two stars enclose the median of all in one case of two, whatever they are: 68 per cent would need others."""
    keys = pack_keys(np.zeros(n_stars, dtype=int), np.arange(n_stars, dtype=np.float32))
    medians = bin_medians(keys, 1).medians
    assert np.isfinite(medians).all()
    assert np.isnan(bin_bands(keys, medians, 0.16)).all()


@given(stars(), st.floats(0.01, 0.4))
def test_bands_enclose_the_median_and_are_limits_of_the_sign_test(given_stars, tail):
    """The stars on either side of a limit have binomial tails that enclose the one asked for."""
    bins, values = given_stars
    keys = pack_keys(bins, values)
    low, high = bin_bands(keys, bin_medians(keys, N_BINS).medians, tail)
    for number in range(N_BINS):
        inside = np.sort(values[(bins == number) & np.isfinite(values)])
        if 0.5 ** len(inside) > tail:
            assert np.isnan([low[number], high[number]]).all()
            continue
        rank = max(k for k in range(1, len(inside)) if binom.cdf(k - 1, len(inside), 0.5) <= tail)
        assert inside[rank - 1] <= low[number] <= inside[rank]
        assert inside[-rank - 1] <= high[number] <= inside[-rank]


def test_bands_of_a_bin_do_not_depend_on_the_other_bins():
    rng = np.random.default_rng(3)
    bins, values = rng.integers(0, N_BINS, 500), rng.normal(size=500)
    keys = pack_keys(bins, values)
    together = bin_bands(keys, bin_medians(keys, N_BINS).medians, 0.16)
    own = keys[slice(*bin_starts(keys, N_BINS)[4:6])]
    assert_array_equal(bin_bands(own, bin_medians(own, N_BINS).medians, 0.16)[:, 4], together[:, 4])
