"""Densities in a plane of two labels against numpy, scikit-learn and scipy on the same stars."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import gaussian_kde
from sklearn.neighbors import KernelDensity

from stdask.science.galaxy.density import CONTOURS, PlaneGrid, add_bins, contour_levels, count_bins, kernel_density

GRID = PlaneGrid((-2.005, -0.405), (0.02, 0.01), (150, 120))  # [Fe/H] and [Mg/Fe]


def two_sequences(n_stars=3000, seed=4):
    """Return [Fe/H] and [Mg/Fe] of a thin and a thick disc."""
    rng = np.random.default_rng(seed)
    thick = rng.random(n_stars) < 0.3
    metals = np.where(thick, rng.normal(-0.5, 0.25, n_stars), rng.normal(0.0, 0.2, n_stars))
    return metals, np.where(thick, 0.28, 0.05) - 0.12 * metals + rng.normal(0, 0.03, n_stars)


def histogram(first, second, grid=GRID):
    return add_bins([count_bins(grid.bins_of(first, second))], grid.n_bins).reshape(grid.shape)


def middles(grid=GRID, every=5):
    """Return the middles of every fifth bin each way, shape (n, 2), and the slice that picks them."""
    some = (slice(None, None, every),) * 2
    return np.stack(np.meshgrid(*grid.centres), axis=-1)[some].reshape(-1, 2), some


def test_a_star_lies_in_the_bin_that_numpys_histogram_puts_it_in():
    stars = two_sequences()
    along, up = GRID.edges
    expected, _, _ = np.histogram2d(stars[1], stars[0], bins=(up, along))
    assert_array_equal(histogram(*stars), expected)


def test_stars_outside_the_plane_or_without_a_label_lie_in_no_bin():
    first = np.array([-2.1, 1.0, np.nan, 0.0, 0.0, 0.0, np.inf])
    second = np.array([0.0, 0.0, 0.0, np.nan, -0.5, 0.9, 0.0])
    assert_array_equal(GRID.bins_of(first, second), -1)


def test_two_decimals_never_fall_on_the_edge_of_a_bin():
    # of a catalogue rounded to 0.01 dex every bin of 0.02 dex must hold two values, whatever the last bit
    values = np.round(np.arange(-200, 100) / 100, 2).astype(np.float32)
    assert set(np.bincount(GRID.bins_of(values, np.zeros(300)) % 150)) == {2}


@pytest.mark.parametrize("n_parts", [1, 7, 3000])
def test_counts_are_the_same_however_the_stars_are_parted(n_parts):
    stars = two_sequences()
    bins = np.random.default_rng(1).permutation(GRID.bins_of(*stars))
    parted = add_bins([count_bins(part) for part in np.array_split(bins, n_parts)], GRID.n_bins)
    assert parted.dtype == np.int64
    assert_array_equal(parted.reshape(GRID.shape), histogram(*stars))


def test_coarser_bins_hold_the_stars_of_the_finer_ones():
    stars = two_sequences()
    summed = histogram(*stars).reshape(60, 2, 75, 2).sum(axis=(1, 3))
    assert_array_equal(histogram(*stars, GRID.coarser(2)), summed)


@pytest.mark.parametrize("n_stars", [100, 3000, 30_000])
def test_the_density_is_scikit_learns_of_the_same_stars(n_stars):
    stars = np.stack(two_sequences(n_stars), axis=-1)
    # one bandwidth fits both labels once the stars are scaled to unit covariance
    scale = np.linalg.cholesky(np.cov(stars.T))
    scaled, (places, some) = np.linalg.solve(scale, stars.T).T, middles()
    oracle = KernelDensity(bandwidth=n_stars ** (-1 / 6), rtol=1e-6).fit(scaled)
    logarithm = oracle.score_samples(np.linalg.solve(scale, places.T).T)
    expected = np.exp(logarithm) / np.linalg.det(scale)
    found = kernel_density(histogram(*stars.T), GRID)[some].ravel()
    # what was asked for: a line on a figure is wider
    assert_allclose(found, expected, rtol=0, atol=0.01 * expected.max())


def test_the_bandwidth_is_the_default_of_scipy():
    stars = np.stack(two_sequences(5000))
    places, some = middles()
    expected = gaussian_kde(stars)(places.T)
    found = kernel_density(histogram(*stars), GRID)[some].ravel()
    # a star lies 0.3 bins from the middle of its bin, an eighth of the kernel's sigma across; some 300 stars share
    # a kernel: 0.12 / sqrt(300) = 0.7 % at one place would be chance
    assert_allclose(found, expected, rtol=0, atol=0.007 * expected.max())


def test_the_density_adds_up_to_one_star():
    density = kernel_density(histogram(*two_sequences()), GRID)
    assert_allclose(density.sum() * 0.02 * 0.01, 1.0, rtol=1e-3)  # 0.1 % of the kernels reach out of the plane
    assert density.min() >= 0


def test_a_single_star_is_a_round_spot_one_bin_wide():
    density = kernel_density(histogram(np.array([0.0]), np.array([0.1])), GRID)
    row, column = np.unravel_index(density.argmax(), density.shape)
    assert (GRID.centres[0][column], GRID.centres[1][row]) == pytest.approx((0.005, 0.1))
    # a Gaussian of variance 1 - 1/12: the neighbours are exp(-6/11) of the peak
    assert_allclose(density[row, [column - 1, column + 1]], np.exp(-6 / 11) * density.max(), rtol=1e-9)
    assert_allclose(density[[row - 1, row + 1], column], np.exp(-6 / 11) * density.max(), rtol=1e-9)


def test_without_a_star_there_is_no_density():
    assert_array_equal(kernel_density(np.zeros(GRID.shape, dtype=np.int64), GRID), 0)


def test_contours_stand_at_the_papers_fractions_of_the_maximum():
    assert CONTOURS == (0.01, 0.05, 0.1, 0.3, 0.5, 0.7)
    assert_allclose(contour_levels(np.array([[1.0, 20.0]])), [0.2, 1, 2, 6, 10, 14])
