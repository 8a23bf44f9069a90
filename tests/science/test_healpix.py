"""The sky in NESTED pixels."""

import healpy as hp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdask.science.healpix import FINEST_ORDER, INDEX_ORDER, Pixel, assign_tiles, sky_index, tile_sky

RNG = np.random.default_rng(1)
RA, DEC = RNG.uniform(0, 360, 3000), np.degrees(np.arcsin(RNG.uniform(-1, 1, 3000)))


def test_the_index_is_that_of_hats():
    spatial_index = pytest.importorskip("hats.pixel_math.spatial_index")
    np.testing.assert_array_equal(sky_index(RA, DEC), spatial_index.compute_spatial_index(RA, DEC))
    assert sky_index(RA, DEC).dtype == np.int64


def test_the_poles_and_the_last_pixel_have_an_index():
    index = sky_index(np.array([0.0, 0.0, 360.0, 359.999999]), np.array([90.0, -90.0, 0.0, 45.0]))
    assert index.min() >= 0
    assert index.max() < 12 * 4**INDEX_ORDER


def test_a_pixel_holds_the_indices_that_healpy_puts_there():
    index = sky_index(RA, DEC)
    for order in (0, 3, 11):
        inside = hp.ang2pix(1 << order, RA, DEC, nest=True, lonlat=True)
        pixel = Pixel(order, int(inside[0]))
        np.testing.assert_array_equal((index >= pixel.first_index) & (index < pixel.end_index), inside == pixel.pixel)


def test_pixels_overlap_where_one_lies_inside_the_other():
    parent, child, stranger = Pixel(3, 70), Pixel(5, 70 * 16 + 3), Pixel(5, 71 * 16)
    assert parent.overlaps(child)
    assert child.overlaps(parent)
    assert not parent.overlaps(stranger)
    assert not child.overlaps(stranger)


@given(
    st.lists(st.integers(0, 12 * 4**INDEX_ORDER - 1), min_size=1, max_size=60),
    st.integers(1, 10),
)
@settings(max_examples=100, deadline=None)
def test_tiles_are_disjoint_cover_every_star_and_are_no_larger_than_asked(stars: list, most: int):
    index = np.sort(np.array(stars, dtype=np.int64))
    tiles = tile_sky(index, np.ones(index.size), most)
    ends = [tile.end_index for tile in tiles]
    assert all(end <= tile.first_index for end, tile in zip(ends, tiles[1:], strict=False))
    numbers = assign_tiles(index, tiles)
    for number, tile in enumerate(tiles):
        inside = (index >= tile.first_index) & (index < tile.end_index)
        np.testing.assert_array_equal(numbers == number, inside)
        assert 0 < inside.sum() <= most or (tile.order == FINEST_ORDER and inside.any())
    assert np.isin(numbers, np.arange(len(tiles))).all()


def test_a_tile_is_split_only_where_it_is_too_heavy():
    index = np.sort(sky_index(RA, DEC))
    for tile in tile_sky(index, np.ones(index.size), 200):
        if tile.order:
            parent = Pixel(tile.order - 1, tile.pixel // 4)
            assert ((index >= parent.first_index) & (index < parent.end_index)).sum() > 200


def test_repeats_of_one_star_share_the_finest_tile_instead_of_splitting_for_ever():
    index = np.full(50, sky_index(np.array([10.0]), np.array([20.0]))[0])
    tiles = tile_sky(index, np.ones(50), 10)
    assert [tile.order for tile in tiles] == [FINEST_ORDER]


def test_weights_count_not_stars():
    index = np.array([0, Pixel(1, 1).first_index], dtype=np.int64)
    assert tile_sky(index, np.array([3.0, 3.0]), 6) == [Pixel(0, 0)]
    assert tile_sky(index, np.array([3.0, 4.0]), 6) == [Pixel(1, 0), Pixel(1, 1)]
