"""The pixels of the maps against numpy and healpy."""

import healpy as hp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from stdask.science.galaxy.map_grid import MapGrid, edge_on_pixels, face_on_pixels, sky_pixels


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


def test_sky_pixels_are_healpys_nested_ones_and_none_without_a_position():
    ra, dec = np.array([0.0, 123.4, np.nan, 359.9]), np.array([-90.0, 45.6, 10.0, 89.0])
    expected = hp.ang2pix(16, ra[[0, 1, 3]], dec[[0, 1, 3]], nest=True, lonlat=True)
    assert_array_equal(sky_pixels(ra, dec, 4), [*expected[:2], -1, expected[2]])
