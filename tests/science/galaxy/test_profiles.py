"""Running medians against numpy, bootstrap bands against real bootstraps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import ks_2samp

from stdask.mock.galaxy import draw_populations, true_magnesium
from stdask.science.galaxy.binning import bin_medians, merge_keys, range_of_bins, slices_of
from stdask.science.galaxy.profiles import Windows, bootstrap_medians, height_slices, window_bins
from tests.science.galaxy.running import running_medians
from tests.science.keys.keys import pack_keys

HEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
N_REALISATIONS, N_STARS, FEWEST = 200, 2000, 20
COVERED = Windows.between(2.0, 14.0, 0.5, 0.5)


def test_windows_of_the_paper_are_half_a_kpc_wide_and_start_every_quarter():
    windows = Windows.between(0.0, 20.0, 0.5, 0.5)
    assert_allclose(windows.starts_kpc[:3], [0.0, 0.25, 0.5])
    assert_allclose(windows.ends_kpc[-1], 20.0)
    assert_allclose(windows.centres_kpc[0], 0.25)


def test_vertical_windows_lie_alike_on_both_sides_of_the_midplane():
    centres = Windows.between(-10.0, 10.0, 0.2, 0.5).centres_kpc
    assert_allclose(centres, -centres[::-1], atol=1e-12)  # rounding of sums of 0.1


@given(
    st.floats(0.1, 2),
    st.floats(0, 0.9),
    st.lists(st.floats(-6, 6) | st.just(float("nan")), max_size=30),
)
def test_members_are_all_the_stars_between_the_edges_of_each_window(width, overlap, positions):
    windows = Windows.between(-5.0, 5.0, width, overlap)
    x = np.array(positions)
    stars, numbers = windows.members(x)
    truth = (x[:, None] >= windows.starts_kpc) & (x[:, None] < windows.ends_kpc)
    found = np.zeros_like(truth)
    found[stars, numbers] = True
    assert len(stars) == truth.sum()  # each once
    assert_array_equal(found, truth)


def test_a_star_on_an_edge_lies_in_the_window_that_starts_there():
    stars, numbers = Windows.between(0.0, 2.0, 0.5, 0.5).members(np.array([0.5, 0.0, 2.0]))
    assert_array_equal(stars, [0, 0, 1])
    assert_array_equal(numbers, [1, 2, 0])  # [0, 0.5) does not hold 0.5, nor any window 2.0


def test_slices_north_come_before_slices_south():
    z = np.array([0.0, 0.1, -0.1, 0.25, -0.25, 3.9, -3.9, 4.0, -4.0, np.nan])
    assert_array_equal(height_slices(z, HEIGHTS), [0, 0, 5, 1, 6, 4, 9, -1, -1, -1])


def test_rings_hold_their_inner_edge():
    assert_array_equal(slices_of(np.array([-1, 0, 1.9, 2, 13.9, 14, np.nan]), (0, 2, 14)), [-1, 0, 0, 1, 1, -1, -1])


def test_running_medians_equal_numpys_in_every_bin():
    rng = np.random.default_rng(2)
    radii, z = rng.uniform(0, 16, 20_000).astype(np.float32), rng.laplace(0, 0.7, 20_000).astype(np.float32)
    values = (0.3 - 0.05 * radii + rng.normal(0, 0.2, 20_000)).astype(np.float32)
    windows = Windows.between(0.0, 20.0, 0.5, 0.5)
    stars, bins = window_bins(height_slices(z, HEIGHTS), radii, windows)
    found, _ = running_medians(pack_keys(bins, values[stars]), 10 * windows.number, 20, 10, seed=1)
    slices, medians = height_slices(z, HEIGHTS), found.medians.reshape(10, windows.number)
    for part in range(10):
        for number, (low, high) in enumerate(zip(windows.starts_kpc, windows.ends_kpc, strict=True)):
            inside = values[(slices == part) & (radii >= low) & (radii < high)]
            expected = np.median(inside) if inside.size >= 20 else np.nan
            assert_array_equal(medians[part, number], np.float32(expected))


@pytest.mark.parametrize("n_stars", [1, 2, 3, 20, 21, 150, 151])
def test_bootstrapped_medians_follow_the_distribution_of_resampled_ones(n_stars):
    rng = np.random.default_rng(n_stars)
    values = np.sort(rng.normal(-0.3, 0.2, n_stars)).astype(np.float32)
    brute = np.median(rng.choice(values, (4000, n_stars)), axis=1)
    # the same distribution gives p < 0.01 once in 100 draws of the seeds, which are fixed
    assert ks_2samp(brute, bootstrap_medians(values, 4000, rng)).pvalue > 0.01


def test_bootstrapped_medians_of_few_stars_have_the_exact_probabilities():
    # of the 27 samples of 3 stars, the median is the middle star in 13, each outer one in 7
    draws = bootstrap_medians(np.array([0.0, 1.0, 2.0], dtype=np.float32), 40_000, np.random.default_rng(4))
    assert_allclose(
        [np.mean(draws == star) for star in (0, 1, 2)], np.array([7, 13, 7]) / 27, atol=4 * np.sqrt(0.25 / 40_000)
    )  # 4 sigma


def test_the_band_of_a_gaussian_sample_has_the_textbook_width():
    n_stars = 4001
    values = np.random.default_rng(6).normal(0, 1, n_stars).astype(np.float32)
    found, _ = running_medians(pack_keys(np.zeros(n_stars, dtype=int), values), 1, 20, 1000, seed=1)
    expected = np.sqrt(np.pi / 2 / n_stars)  # standard error of a Gaussian median
    # 25 %: the band knows the density at the middle from sqrt(n) = 63 stars, 13 %, at 2 sigma
    assert_allclose((found.high - found.low) / 2, expected, rtol=0.25)
    assert found.low[0] < found.medians[0] < found.high[0]


def test_bands_and_bootstraps_depend_neither_on_the_partitioning_nor_on_other_bins():
    rng = np.random.default_rng(9)
    bins, values = rng.integers(0, 5, 1000), rng.normal(0, 1, 1000).astype(np.float32)
    whole, drawn = running_medians(pack_keys(bins, values), 5, 20, 50, seed=3)
    parts = [pack_keys(bins[part], values[part]) for part in (slice(700, None), slice(0, 700))]
    assert_array_equal(running_medians(merge_keys(parts), 5, 20, 50, seed=3)[0], whole)
    last = bins == 4
    alone, own = running_medians(pack_keys(bins[last], values[last]), 5, 20, 50, seed=3)
    assert (alone.low[4], alone.high[4]) == (whole.low[4], whole.high[4])
    assert_array_equal(own[:, 4], drawn[:, 4])
    assert not np.array_equal(running_medians(pack_keys(bins, values), 5, 20, 50, seed=4)[1][:, 4], own[:, 4])


def test_bins_of_the_same_stars_draw_their_own_bootstraps():
    values = np.random.default_rng(10).normal(0, 1, 200).astype(np.float32)
    keys = pack_keys(np.repeat([0, 1], 200), np.tile(values, 2))
    found, drawn = running_medians(keys, 2, 20, 50, seed=3)
    assert found.medians[0] == found.medians[1]
    assert not np.array_equal(drawn[:, 0], drawn[:, 1])


def test_a_bin_of_nineteen_stars_has_no_median_and_one_of_twenty_has():
    bins = np.repeat([0, 1], [19, 20])
    found, _ = running_medians(pack_keys(bins, np.arange(39.0)), 2, 20, 10, seed=1)
    assert_array_equal(found.counts, [19, 20])
    assert_array_equal(np.isfinite([found.medians, found.low, found.high]), [[False, True]] * 3)


def test_a_range_of_bins_draws_the_bootstraps_of_these_bins_among_all():
    rng = np.random.default_rng(12)
    bins, values = rng.integers(0, 5, 1000), rng.normal(0, 1, 1000).astype(np.float32)
    keys = pack_keys(bins, values)
    whole, drawn = running_medians(keys, 5, 20, 50, seed=3)
    part, own = running_medians(range_of_bins(keys, 2, 4), 2, 20, 50, seed=3, first_bin=2)
    assert_array_equal(part, [values[2:4] for values in whole])
    assert_array_equal(own, drawn[:, 2:4])


def realisation(seed):
    """Return the keys of [Fe/H] and of [Mg/Fe] of stars near the midplane, with errors of a survey."""
    rng = np.random.default_rng(seed)
    radii, heights = 8 + rng.normal(0, 2.5, N_STARS).clip(-6, 6), rng.laplace(0, 0.5, N_STARS)
    population, fe_h = draw_populations(radii, heights, rng)
    mg_fe = true_magnesium(population, fe_h) + rng.normal(0, 0.04, N_STARS)
    members, bins = COVERED.members(radii)
    return [pack_keys(bins, values[members]) for values in (fe_h + rng.normal(0, 0.05, N_STARS), mg_fe)]


def test_bands_hold_the_true_median_in_68_per_cent_of_200_realisations():
    realisations = [realisation(seed) for seed in range(N_REALISATIONS)]
    for label in range(2):
        every = [keys[label] for keys in realisations]
        truth = bin_medians(merge_keys(every), COVERED.number).medians  # of 400,000 stars: 14 times as well known
        drawn, bands = [], []
        for seed, keys in enumerate(every):
            found, bootstraps = running_medians(keys, COVERED.number, FEWEST, 1000, seed)
            used = np.isfinite(found.medians)
            low, high = np.percentile(bootstraps[:, used], (16, 84), axis=0)
            drawn.append((low <= truth[used]) & (truth[used] <= high))
            bands.append(((found.low <= truth) & (truth <= found.high))[used])
        # bootstraps of few stars are some per cent too wide or too narrow by the steps of their order statistics
        assert_allclose(np.concatenate(drawn).mean(), 0.68, atol=0.04)
        # 14,000 bins, which share half of their stars: 0.6 %; truth known to 1/14 of the band: 0.1 %
        assert_allclose(np.concatenate(bands).mean(), 0.68, atol=0.02)
