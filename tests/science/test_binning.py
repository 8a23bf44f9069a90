"""Packed keys and binned medians against numpy, and the pixels of the maps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal

from stdask.science.binning import (
    MapGrid,
    bin_medians,
    edge_on_pixels,
    face_on_pixels,
    merge_keys,
    pack_keys,
    unpack_values,
)

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


@pytest.mark.parametrize(
    ("half", "width", "n_columns"), [(20.0, 0.2, 200), (10.0, 0.1, 200), (20.0, 0.3, 134), (1.0, 5.0, 2)]
)
def test_a_grid_covers_its_half_width_with_the_centre_at_a_corner_of_pixels(half, width, n_columns):
    grid = MapGrid.covering(half, half, width)
    assert grid.shape == (n_columns, n_columns)
    assert grid.column_edges_kpc[n_columns // 2] == 0
    assert grid.column_edges_kpc[-1] >= half


def test_pixels_are_counted_along_rows_and_hold_their_lower_left_edges():
    grid = MapGrid(1.0, 2, 1)  # R from -2 to 2, Z from -1 to 1
    across = np.array([-2.0, -1.0, 1.999, -2.001, 2.0, 0.0, np.nan, 0.0])
    up = np.array([-1.0, 0.0, 0.999, 0.0, 0.0, -1.001, 0.0, np.nan])
    assert_array_equal(grid.pixels(across, up), [0, 5, 7, -1, -1, -1, -1, -1])


def test_map_counts_equal_numpys_histogram():
    rng = np.random.default_rng(8)
    x, y, z = rng.normal(0, 6, (3, 20_000)).astype(np.float32)
    radius = np.hypot(x, y)
    grid = MapGrid.covering(10, 5, 0.5)
    found = edge_on_pixels(grid, x, z, radius)
    truth, *_ = np.histogram2d(
        z.astype(float), (radius * np.sign(x)).astype(float), (grid.row_edges_kpc, grid.column_edges_kpc)
    )
    assert_array_equal(np.bincount(found[found >= 0], minlength=grid.n_pixels).reshape(grid.shape), truth)


def test_a_star_on_the_suns_side_is_left_of_the_centre_edge_on():
    grid = MapGrid(1.0, 10, 10)
    pixels = edge_on_pixels(grid, np.array([-8.0, 8.0]), np.array([0.5, 0.5]), np.array([8.5, 8.5]))
    assert_array_equal(pixels % grid.shape[1], [1, 18])


def test_face_on_leaves_out_stars_far_from_the_midplane():
    grid = MapGrid(1.0, 10, 10)
    zeros = np.zeros(4)
    pixels = face_on_pixels(grid, zeros, zeros, np.array([0.99, -0.99, 1.0, np.nan]), 1.0)
    assert_array_equal(pixels >= 0, [True, True, False, False])


@settings(max_examples=30)
@given(st.floats(0.05, 3), st.floats(-25, 25), st.floats(-25, 25))
def test_a_star_lies_between_the_edges_of_its_pixel(width, across, up):
    grid = MapGrid.covering(20, 20, width)
    pixel = int(grid.pixels(np.array([across]), np.array([up]))[0])
    if pixel < 0:
        assert max(abs(across), abs(up)) >= grid.column_edges_kpc[-1]
        return
    row, column = divmod(pixel, grid.shape[1])
    assert grid.column_edges_kpc[column] <= across < grid.column_edges_kpc[column + 1]
    assert grid.row_edges_kpc[row] <= up < grid.row_edges_kpc[row + 1]
