"""Excess over the radial trend: none where there is none, and what was put in."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.science.galaxy.excess import Trend, smooth_errors, smooth_excess
from stdask.science.galaxy.profiles import Windows

EDGES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
WINDOWS = Windows.between(0.0, 20.0, 0.5, 0.5)
HEIGHTS = np.array([0.11, 0.36, 0.7, 1.4, 2.7])  # median |Z| of the slices


def disc(radii, heights):
    """Return [Fe/H] of a disc that falls linearly outwards and upwards."""
    return 0.3 - 0.06 * radii - 0.2 * heights


def trend(values=disc):
    medians = np.array([values(WINDOWS.centres_kpc, height) for height in HEIGHTS])
    heights = np.repeat(HEIGHTS[:, None], WINDOWS.number, axis=1)
    return Trend(WINDOWS, EDGES, medians, np.full_like(medians, 0.01), heights)


def places(n=500, seed=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.25, 19.75, n), rng.uniform(0, 3.999, n)


def test_a_linear_trend_is_exact_at_every_radius_and_height():
    radii, heights = places()
    values, errors = trend().at(radii, heights)
    assert_allclose(values, disc(radii, heights), atol=1e-12)
    assert_allclose(errors, 0.01)


def test_a_curved_trend_is_followed_to_the_second_order_of_the_step():
    def bent(radii, heights):
        return 0.002 * (radii - 8) ** 2 - 0.2 * heights

    radii, heights = places()
    values, _ = trend(bent).at(radii, heights)
    # chords of a parabola of curvature 0.004 dex/kpc2, 0.25 kpc long: 0.004 * 0.25^2 / 8
    assert_allclose(values, bent(radii, heights), atol=0.004 * 0.25**2 / 8 + 1e-12)


def test_where_a_slice_has_too_few_stars_there_is_no_trend_and_its_neighbours_do_without_it():
    own = trend()
    own.medians[2, 30:40] = np.nan  # 0.5 to 1 kpc, around R = 8.75 kpc
    inside = np.full(3, 8.75)
    values, _ = own.at(inside, np.array([0.7, 0.45, 1.2]))
    assert np.isnan(values[0])
    assert_allclose(values[1:], disc(inside[1:], np.array([0.45, 1.2])), atol=1e-12)  # lines of the other neighbours


def test_beyond_the_highest_slice_and_without_a_place_there_is_no_trend():
    values, errors = trend().at(np.array([8.0, 8.0, np.nan]), np.array([4.0, np.nan, 0.1]))
    assert np.isnan(values[:2]).all()
    assert np.isnan(errors[:2]).all()


def test_smoothing_recovers_an_arm_and_lowers_the_noise():
    """A spiral arm 1.6 kpc wide of 0.06 dex, in a map with pixels of 0.2 kpc and 10 stars each of 0.2 dex."""
    rng = np.random.default_rng(3)
    y, x = np.indices((100, 100)) * 0.2 - 10
    arm = 0.06 * np.exp(-((x - 0.3 * y) ** 2) / 2 / 0.8**2)
    counts = rng.poisson(10, arm.shape)
    noise = 1.25 * 0.2 / np.sqrt(np.maximum(counts, 1))
    excess = np.where(counts > 2, arm + rng.normal(size=arm.shape) * noise, np.nan)
    smooth = smooth_excess(excess, counts, sigma_pixels=2.5, min_stars=20)
    known = np.isfinite(smooth)
    assert known[5:-5, 5:-5].all()
    # What smoothing does to the arm itself: a Gaussian across of sigma 0.77 kpc widens by 0.5 kpc in quadrature.
    sigma = np.hypot(0.8, 0.5 * np.sqrt(1 + 0.3**2))
    expected = 0.06 * 0.8 / sigma * np.exp(-((x - 0.3 * y) ** 2) / 2 / sigma**2)
    # 10 stars in 4 pi 2.5^2 pixels: 1.25 * 0.2 / sqrt(785) = 0.0089 for their mean, 1.25 times that for their median
    left = (smooth - expected)[10:-10, 10:-10]
    assert left.std() < 1.1 * 0.0111
    assert np.abs(left).max() < 5 * 0.0111


def test_half_of_the_weight_lies_on_either_side():
    """By brute force: pixels weigh as their numbers of stars and the Gaussian."""
    rng = np.random.default_rng(5)
    counts = rng.poisson(4, (40, 40))
    excess = np.where(rng.random(counts.shape) < 0.8, rng.normal(size=counts.shape), np.nan)
    smooth = smooth_excess(excess, counts, sigma_pixels=2.0, min_stars=10)
    rows, columns = np.indices(counts.shape)
    for row, column in [(15, 20), (20, 12), (20, 31)]:
        weights = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8) * np.where(np.isfinite(excess), counts, 0)
        weights *= (np.abs(rows - row) <= 6) & (np.abs(columns - column) <= 6)
        own = smooth[row, column]
        below, above = (weights[side].sum() / weights.sum() for side in (excess < own, excess > own))
        heaviest = weights.max() / weights.sum()
        assert abs(below - 0.5) <= heaviest
        assert abs(above - 0.5) <= heaviest


def test_a_skewed_distribution_of_a_few_stars_a_pixel_leaves_no_excess():
    """[Fe/H] of a disc has a metal-poor tail: the mean of medians of three stars is lower than the median of all."""
    rng = np.random.default_rng(6)
    tail = np.sort(-0.15 * rng.gamma(1.5, 1, 200_001))
    excess = np.median(rng.choice(tail - np.median(tail), (120, 120, 3)), axis=2)
    smooth = smooth_excess(excess, np.full(excess.shape, 3), sigma_pixels=2.5, min_stars=20)
    assert excess.mean() < -0.015
    # 43,200 stars that scatter by 0.18: 0.0011 is their error, three times that
    assert abs(np.nanmean(smooth)) < 0.0033


def test_few_stars_and_the_outside_of_an_edge_are_left_empty():
    excess, counts = np.full((40, 40), np.nan), np.zeros((40, 40), dtype=np.int64)
    excess[:, :20], counts[:, :20] = 0.1, 50
    excess[30, 35], counts[30, 35] = 0.1, 19
    smooth = smooth_excess(excess, counts, sigma_pixels=2.5, min_stars=20)
    assert_allclose(smooth[10, 3:19], 0.1, atol=1e-6)
    assert np.isnan(smooth[10, 22:]).all()  # more than half a sigma outside the last pixel with stars
    assert np.isnan(smooth[28:33, 33:38]).all()  # 19 stars where 20 are needed
    counts[30, 35] = 20
    assert_array_equal(smooth_excess(excess, counts, 2.5, 20)[30, 35], np.float32(0.1))


@pytest.mark.parametrize("sigma", [1.0, 2.5])
def test_errors_of_a_smooth_map_are_the_scatter_of_noise_that_is_smoothed(sigma):
    rng = np.random.default_rng(5)
    counts = rng.integers(3, 40, (40, 40))
    errors = 0.3 / np.sqrt(counts) * rng.uniform(0.5, 1.5, counts.shape)
    errors[10:14, 20:30] = np.nan
    drawn = [smooth_excess(rng.normal(0, errors), counts, sigma, 1) for _ in range(120)]
    expected = np.std(drawn, axis=0)
    found = smooth_errors(errors, counts, sigma)
    known = np.isfinite(expected)
    # 120 draws know a scatter to 6.5 %; a Gaussian of one pixel is sampled coarsely: some per cent more
    assert_allclose(np.mean(found[known] / expected[known]), 1, atol=0.05)
    assert np.std(found[known] / expected[known]) < 0.09
