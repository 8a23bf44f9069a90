"""Weighted statistics of bins by brute force, and the unweighted ones where all weights are alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.galaxy.binning import bin_deviations, bin_medians, ordered_bits, pack_keys
from stdask.science.galaxy.shares import bin_shares
from stdask.science.galaxy.weighted import (
    WeightedKeys,
    weighted_bands,
    weighted_bootstraps,
    weighted_deviations,
    weighted_medians,
    weighted_shares,
)
from tests.science.galaxy.running import running_medians

TAIL = 0.16


def stars_of(bins, values, weights):
    keys = np.asarray(bins).astype(np.uint64) << np.uint64(32) | ordered_bits(np.asarray(values))
    return WeightedKeys.of(keys, np.asarray(weights, dtype=np.float64))


def median_by_force(values, weights):
    """Return the mean of the smallest and the largest value with no more than half of the weight on either side."""
    half = weights.sum() / 2
    possible = [v for v in values if weights[values < v].sum() <= half and weights[values > v].sum() <= half]
    return (min(possible) + max(possible)) / np.float32(2)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.floats(-3, 3, width=32), st.integers(1, 5)), min_size=1, max_size=60))
def test_medians_have_half_of_the_weight_on_either_side(sample):
    bins, values, weights = (np.array(own) for own in zip(*sample, strict=True))
    values = values.astype(np.float32)
    counts, medians = weighted_medians(stars_of(bins, values, weights), 4)
    for number in range(4):
        own = bins == number
        assert counts[number] == own.sum()
        if own.any():
            assert medians[number] == median_by_force(values[own], weights[own])
        else:
            assert np.isnan(medians[number])


def test_a_weight_of_three_is_three_stars():
    rng = np.random.default_rng(1)
    bins, values = rng.integers(0, 6, 500), rng.normal(size=500).astype(np.float32)
    weights = rng.integers(1, 4, 500)
    stars = stars_of(bins, values, weights)
    repeated = pack_keys(np.repeat(bins, weights), ordered_bits(np.repeat(values, weights)))
    medians = weighted_medians(stars, 6).medians
    assert_array_equal(medians, bin_medians(repeated, 6).medians)
    assert_array_equal(weighted_deviations(stars, medians), bin_deviations(repeated, medians))
    above = stars_of(bins, values > 0.3, weights)
    expected = bin_shares(
        pack_keys(np.repeat(bins, weights), ordered_bits(np.repeat(values > 0.3, weights))), 6, 1, TAIL
    )
    assert_allclose(weighted_shares(above, 6, 1, TAIL)[1], expected[1], rtol=1e-6)


def test_equal_weights_whatever_their_size_change_nothing():
    rng = np.random.default_rng(2)
    bins, values = rng.integers(0, 5, 400), rng.normal(size=400).astype(np.float32)
    stars, keys = stars_of(bins, values, np.full(400, 0.37)), pack_keys(bins, ordered_bits(values))
    medians = weighted_medians(stars, 5).medians
    assert_array_equal(medians, bin_medians(keys, 5).medians)
    found, drawn = running_medians(keys, 5, 1, 4000, seed=3)
    bootstraps = weighted_bootstraps(stars, medians, 4000, seed=3, first_bin=0)
    # 4000 draws know a standard deviation to 1.1 per cent, and so do those that they are compared with
    assert_allclose(bootstraps.std(axis=0), drawn.std(axis=0), rtol=0.12)
    assert_allclose(weighted_bands(stars, medians, TAIL), [found.low, found.high], atol=0.02)
    for own, expected in zip(
        weighted_shares(stars_of(bins, values > 0, np.full(400, 0.37)), 5, 1, TAIL),
        bin_shares(pack_keys(bins, ordered_bits(values > 0)), 5, 1, TAIL),
        strict=True,
    ):
        assert_allclose(own, expected, rtol=1e-5)


@pytest.mark.parametrize("n_stars", [8, 30, 200])
def test_bands_hold_the_true_median_of_what_was_selected_in_68_per_cent(n_stars):
    """Stars of high values are seen less often; weights of one over the probability give the median of all back."""
    rng, n_bins = np.random.default_rng(n_stars), 1500
    values, seen = rng.normal(size=(2, n_bins, 6 * n_stars)), np.zeros((n_bins, 6 * n_stars), dtype=bool)
    values = values[0]
    probabilities = np.where(values > 0.4, 0.1, 0.3)
    seen = rng.random(values.shape) < probabilities
    bins = np.nonzero(seen)[0]
    stars = stars_of(bins, values[seen], 1 / probabilities[seen])
    medians = weighted_medians(stars, n_bins).medians
    low, high = weighted_bands(stars, medians, TAIL)
    known = np.isfinite(low) & np.isfinite(high)
    assert known.mean() > 0.9
    # One sigma of chance is 1.2 per cent; levels are Gaussian for many stars only.
    assert abs(np.mean((low < 0) & (high > 0), where=known) - 0.68) < 0.05
    biased = bin_medians(pack_keys(bins, ordered_bits(values[seen])), n_bins).medians
    assert np.nanmean(biased) < -0.15
    assert abs(np.nanmean(medians)) < 0.05


def test_one_heavy_star_among_light_ones_has_no_band():
    stars = stars_of(np.zeros(5), np.arange(5.0), [1, 1, 100, 1, 1])
    medians = weighted_medians(stars, 1).medians
    assert medians[0] == 2
    assert np.isnan(weighted_bands(stars, medians, TAIL)).all()


def test_order_and_partitioning_change_no_bit():
    rng = np.random.default_rng(5)
    bins, values, weights = rng.integers(0, 3, 300), np.round(rng.normal(size=300), 1), rng.lognormal(size=300)
    one = stars_of(bins, values, weights)
    order = rng.permutation(300)
    other = stars_of(bins[order], values[order], weights[order])
    for mine, its in zip(one, other, strict=True):
        assert_array_equal(mine, its)
