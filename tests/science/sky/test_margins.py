"""How far stars reach over borders, against the geometry of hats and against distances on the sky."""

import healpy as hp
import numpy as np
import pytest

from stdask.science.sky.healpix import Pixel, sky_index
from stdask.science.sky.margins import margin_order, reach
from stdask.science.sky.positions import unit_vectors

ARCSEC = np.pi / 180 / 3600
# Corners of base pixels, where seven pixels meet or four, and a pole; a corner of small pixels away from them
CORNERS = ((0.0, 0.0), (45.0, 41.8103), (90.0, 41.8103), (123.0, 90.0), (45.0, 0.0), (0.0, -41.8103), (201.3, -67.2))
ANY = [Pixel(0, 0), Pixel(0, 7), Pixel(0, 11), Pixel(1, 3), Pixel(1, 21), Pixel(4, 0), Pixel(4, 1023), Pixel(5, 5461)]


def reaches(pixel: Pixel, index: np.ndarray, order: int) -> np.ndarray:
    """Return which stars outside a pixel reach it."""
    first, end = reach(index, order)
    inside = (index >= pixel.first_index) & (index < pixel.end_index)
    return ((first < pixel.end_index) & (end > pixel.first_index)).any(axis=0) & ~inside


@pytest.mark.parametrize("pixel", ANY, ids=str)
@pytest.mark.parametrize("finer", [1, 2, 3])
def test_the_cells_whose_stars_reach_a_pixel_are_those_of_hats(pixel: Pixel, finer: int):
    hats = pytest.importorskip("hats.pixel_math")
    order = pixel.order + finer
    cells = np.arange(12 << 2 * order)
    expected = sorted(set(hats.get_margin(pixel.order, pixel.pixel, finer)))
    assert cells[reaches(pixel, cells << 2 * (29 - order), order)].tolist() == expected


def test_stars_reach_pixels_that_are_smaller_than_a_cell():
    cell = 5 * 4**3 + 7
    pixel = Pixel(8, cell * 16 + 3)
    cells = np.arange(12 << 12)
    index = np.append(cells << 46, pixel.first_index + 5)  # the first place in each cell, and one in the pixel
    around = {number for number in hp.get_all_neighbours(1 << 6, cell, nest=True).tolist() if number >= 0}
    assert set(np.flatnonzero(reaches(pixel, index, 6)).tolist()) == {*around, cell}


@pytest.mark.parametrize("margin_arcsec", [10.0, 60.0])
@pytest.mark.parametrize("order", [0, 3, 8, 12, 17])
def test_no_place_within_the_margin_of_a_pixel_is_left_out(margin_arcsec: float, order: int):
    cell_order = margin_order(margin_arcsec)
    rng = np.random.default_rng(1)
    for ra, dec in CORNERS:
        # Places within 2 margins of the corner in any direction, and for each another one less than a margin away.
        east, north = rng.uniform(-2, 2, (2, 1000)) * margin_arcsec
        places = [_moved(ra, dec, east, north)]
        angle = rng.uniform(0, 2 * np.pi, 1000)
        places.append(_moved(ra, dec, east + margin_arcsec * np.cos(angle), north + margin_arcsec * np.sin(angle)))
        vectors = [unit_vectors(*place) for place in places]
        near = 2 * np.arcsin(np.linalg.norm(vectors[0] - vectors[1], axis=1) / 2) <= margin_arcsec * ARCSEC
        inside, there = (sky_index(*place) for place in places)
        for number in np.unique(inside >> 2 * (29 - order)):
            pixel = Pixel(order, int(number))
            apart = near & (inside >> 2 * (29 - order) == number) & (there >> 2 * (29 - order) != number)
            assert reaches(pixel, there[apart], cell_order).all()


def test_the_cells_are_the_finest_that_are_wide_enough():
    shim = pytest.importorskip("hats.pixel_math.healpix_shim")
    for margin_arcsec in (0.3, 1.0, 5.0, 10.0, 100.0):
        assert margin_order(margin_arcsec) == shim.margin2order(margin_arcsec / 60)


def _moved(ra: float, dec: float, east_arcsec: np.ndarray, north_arcsec: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places in the tangent plane of a place."""
    ra, dec = np.radians(ra), np.radians(dec)
    towards_east = np.array([-np.sin(ra), np.cos(ra), 0])
    towards_north = np.array([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    centre = np.array([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    x, y, z = centre[:, None] + (towards_east[:, None] * east_arcsec + towards_north[:, None] * north_arcsec) * ARCSEC
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arctan2(z, np.hypot(x, y)))
