"""Medians of quad-tree cells against numpy's of the same stars, cell by cell."""

import healpy as hp
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.science.galaxy.adaptive import LEVELS, cell_medians, z_order
from stdask.science.galaxy.binned import BinnedStars
from stdask.science.galaxy.binning import ordered_bits, pack_keys
from stdask.science.galaxy.weighted import pack_weighted

TAIL = 0.16


def crowded(n_stars, n_bins, seed):
    """Return pixels that fill steeply, as those of a survey around the Sun, and values."""
    rng = np.random.default_rng(seed)
    bins = (n_bins * rng.beta(0.6, 3, n_stars)).astype(np.int64)
    return bins, rng.normal(size=n_stars).astype(np.float32)


@pytest.mark.parametrize(("half_rows", "half_columns"), [(8, 8), (13, 5), (1, 1), (52, 100)])
def test_cells_are_squares_about_the_middle_of_the_map(half_rows, half_columns):
    numbers, n_bins = z_order(half_rows, half_columns)
    assert len(np.unique(numbers)) == len(numbers) == 4 * half_rows * half_columns
    assert n_bins % 4**LEVELS == 0
    assert 0 <= numbers.min() <= numbers.max() < n_bins
    rows, columns = np.divmod(np.arange(len(numbers)), 2 * half_columns)
    rows, columns = rows - half_rows, columns - half_columns  # from the middle
    for level in range(LEVELS + 1):
        width = 2**level
        cells = np.stack([np.floor_divide(rows, width), np.floor_divide(columns, width)])
        _, by_place = np.unique(cells, axis=1, return_inverse=True)
        _, by_number = np.unique(numbers >> 2 * level, return_inverse=True)
        assert len(set(zip(by_place.tolist(), by_number.tolist(), strict=True))) == by_place.max() + 1
        assert by_place.max() == by_number.max()


@pytest.mark.parametrize("n_stars", [150, 400, 5000])
def test_every_pixel_shows_numpys_median_of_the_smallest_cell_with_enough_stars(n_stars):
    n_bins, least = 12 * 64, 5
    bins, values = crowded(n_stars, n_bins, seed=n_stars)
    found = cell_medians(BinnedStars(pack_keys(bins, ordered_bits(values)), n_bins), least, LEVELS, TAIL)
    sizes = set()
    for pixel in range(n_bins):
        level = next((n for n in range(LEVELS + 1) if np.count_nonzero(bins >> 2 * n == pixel >> 2 * n) >= least), None)
        sizes.add(level)
        if level is None:
            assert found.counts[pixel] == 0
            assert np.isnan([found.medians[pixel], found.low[pixel], found.high[pixel]]).all()
        else:
            inside = values[bins >> 2 * level == pixel >> 2 * level]
            assert found.counts[pixel] == len(inside)
            assert found.medians[pixel] == np.median(inside)
            assert found.low[pixel] < found.medians[pixel] < found.high[pixel]
    assert len(sizes) > 2


def test_cells_of_the_sky_are_the_parents_of_healpixs_pixels():
    """The cell of a nested pixel, here and in healpy: the pixel of a coarser map at the same place."""
    order, n_stars = 4, 3000
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(0, 360, n_stars), np.degrees(np.arcsin(rng.uniform(0.6, 1, n_stars)))
    values = rng.normal(size=n_stars).astype(np.float32)
    n_bins = hp.nside2npix(2**order)
    bins = hp.ang2pix(2**order, lon, lat, nest=True, lonlat=True)
    found = cell_medians(BinnedStars(pack_keys(bins, ordered_bits(values)), n_bins), 60, LEVELS, TAIL)
    middle_lon, middle_lat = hp.pix2ang(2**order, np.arange(n_bins), nest=True, lonlat=True)
    for pixel in rng.choice(np.flatnonzero(found.counts), 40):
        for level in range(LEVELS + 1):
            nside = 2 ** (order - level)
            parent = hp.ang2pix(nside, middle_lon[pixel], middle_lat[pixel], nest=True, lonlat=True)
            inside = values[hp.ang2pix(nside, lon, lat, nest=True, lonlat=True) == parent]
            if len(inside) >= 60:
                break
        assert found.medians[pixel] == np.median(inside)


def test_ranges_of_whole_cells_give_the_same_medians():
    bins, values = crowded(800, 10 * 64, seed=4)
    whole = cell_medians(BinnedStars(pack_keys(bins, ordered_bits(values)), 640), 3, LEVELS, TAIL)
    for first, end in ((0, 128), (128, 640)):
        part = (bins >= first) & (bins < end)
        keys = pack_keys(bins[part] - first, ordered_bits(values[part]))
        own = cell_medians(BinnedStars(keys, end - first), 3, LEVELS, TAIL)
        for found, expected in zip(own, whole, strict=True):
            assert_array_equal(found, expected[first:end])


def test_weighted_cells_have_half_of_the_weight_of_their_stars_on_either_side():
    bins, values = crowded(400, 640, seed=6)
    weights = np.random.default_rng(7).integers(1, 4, len(bins)).astype(float)
    own = pack_weighted(bins, ordered_bits(values), weights)
    found = cell_medians(BinnedStars(own.keys, 640, own.weights), 5, LEVELS, TAIL)
    for pixel in np.flatnonzero(found.counts)[::7]:
        level = next(n for n in range(LEVELS + 1) if np.count_nonzero(bins >> 2 * n == pixel >> 2 * n) >= 5)
        inside = bins >> 2 * level == pixel >> 2 * level
        assert found.counts[pixel] == inside.sum()
        assert found.medians[pixel] == np.median(np.repeat(values[inside], weights[inside].astype(int)))
