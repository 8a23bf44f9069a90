"""The sky in NESTED pixels."""

from pathlib import Path

import healpy as hp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stdask.science.sky.healpix import (
    FINEST_ORDER,
    INDEX_ORDER,
    Cells,
    Pixel,
    add_counts,
    assign_tiles,
    count_cells,
    rest_of_sky,
    sky_index,
    tile_sky,
)
from stdask.storage.surveys.files import open_survey

END = 12 << 2 * INDEX_ORDER  # one more than the last order-29 index
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


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 3, 10, 200]))
@settings(max_examples=40, deadline=None)
def test_the_tiles_of_counted_cells_are_those_of_the_stars(seed, most):
    """Counts in cells that hold at most `most`, coarse where few stars are and fine where many, as merge counts."""
    rng = np.random.default_rng(seed)
    scales = 1 << rng.integers(0, 40, size=200)
    index = np.sort((rng.integers(0, 12 << 2 * INDEX_ORDER, size=3)[rng.integers(0, 3, 200)] + scales) % END)
    light, heavy = [], None
    for order in (2, 6, 12, FINEST_ORDER):
        halves = [index[::2], index[1::2]]
        cells = add_counts([count_cells(half if heavy is None else half[heavy.hold(half)], order) for half in halves])
        too_many = (cells.n_stars > most) & (order < FINEST_ORDER)
        light.append(cells.select(~too_many))
        heavy = cells.select(too_many)
    cells = add_counts(light)
    assert cells.n_stars.sum() == index.size
    assert tile_sky(cells.starts, cells.n_stars, most) == tile_sky(index, np.ones(index.size), most)


def test_cells_hold_what_lies_inside_and_overlap_what_shares_some_sky():
    own = Pixel(3, 17), Pixel(5, 1000)
    starts, ends = (np.array([getattr(pixel, name) for pixel in own]) for name in ("first_index", "end_index"))
    cells = Cells(starts, ends, np.ones(2, dtype=int))
    index = np.array([starts[0] - 1, starts[0], ends[0] - 1, ends[0], starts[1] - 1, starts[1], ends[1] - 1, ends[1]])
    assert cells.hold(index).tolist() == [False, True, True, False, False, True, True, False]
    assert not cells.hold(np.array([0, END - 1])).any()
    others = (Pixel(2, 4), Pixel(6, 17 * 64), Pixel(3, 18), Pixel(3, 16), Pixel(0, 0), Pixel(0, 11))
    assert [cells.overlap(pixel) for pixel in others] == [any(pixel.overlaps(o) for o in own) for pixel in others]


@pytest.mark.parametrize("file", ["lamost_dr3_kgiants.fits", "apogee_dr17_giants.parquet", "apogee_dr14_kepler.fits"])
@pytest.mark.parametrize("most", [20, 100, 500, 2000])
def test_the_footprints_of_surveys_are_cut_into_few_tiles_that_are_no_larger_than_asked(
    data_dir: Path, file: str, most: int
):
    stars = open_survey(data_dir / file).read(["ra", "dec"])
    index = np.sort(sky_index(stars["ra"].to_numpy(), stars["dec"].to_numpy()))
    tiles = tile_sky(index, np.ones(index.size), most)
    n_stars = np.bincount(assign_tiles(index, tiles), minlength=len(tiles))
    too_large = n_stars > most
    assert all(tile.order == FINEST_ORDER for tile, large in zip(tiles, too_large, strict=True) if large)
    # a tile of evenly spread stars is a quarter full to full, so 1 to 4 times as many as the least possible are needed;
    # edges of the footprint cost some more, crowded places some less: 1.3 to 3.2 times seen
    assert len(tiles) <= 4 * -(-index.size // most)


@pytest.mark.parametrize("pixels", [[], [Pixel(0, 3)], [Pixel(2, 40), Pixel(1, 11), Pixel(5, 12287)], [Pixel(18, 5)]])
def test_the_rest_of_the_sky_is_that_of_hats(pixels: list[Pixel]):
    hats = pytest.importorskip("hats.pixel_tree.pixel_tree")
    from hats.pixel_tree.negative_tree import compute_negative_tree_pixels

    expected = compute_negative_tree_pixels(hats.PixelTree.from_healpix([tuple(pixel) for pixel in pixels]))
    rest = rest_of_sky(sorted(pixels, key=lambda pixel: pixel.first_index))
    assert sorted(rest) == sorted(Pixel(pixel.order, pixel.pixel) for pixel in expected)
    assert rest == sorted(rest, key=lambda pixel: pixel.first_index)
