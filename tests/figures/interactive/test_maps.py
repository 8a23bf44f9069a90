"""Interactive maps: where pixels lie, which are new, and one colour scale for all samples."""

import healpy
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from bokeh.models import LinearColorMapper, LogColorMapper
from matplotlib.colors import to_hex
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from stdask.figures.interactive.maps import (
    MapView,
    Row,
    add_pixels,
    galactic_frame,
    sky_frame,
    sky_pixels,
    sky_places,
    square_pixels,
)
from stdask.figures.interactive.page import Plot
from stdask.figures.maps.scales import DIFFERENCES, VALUES, Scale, count_scale
from stdask.figures.maps.sheet import NO_STARS
from stdask.science.galaxy.galactocentric import SUN_X_KPC

ORDER = 4
PIXELS = np.arange(12 * 4**ORDER)
SIZE = np.radians(healpy.nside2resol(2**ORDER, arcmin=True) / 60)


def mollweide(longitude: float, latitude: float) -> tuple[float, float]:
    """Snyder 1987, USGS Professional Paper 1395, eq. 31-1 to 31-3, for a map 4 wide and 2 high; radians."""
    angle = brentq(lambda t: 2 * t + np.sin(2 * t) - np.pi * np.sin(latitude), -np.pi / 2, np.pi / 2)
    return -2 / np.pi * longitude * np.cos(angle), np.sin(angle)


def test_pixels_of_the_sky_lie_where_snyder_and_astropy_put_them():
    corners = sky_pixels(ORDER, PIXELS)
    ra, dec = healpy.pix2ang(2**ORDER, PIXELS, nest=True, lonlat=True)
    galactic = SkyCoord(ra, dec, unit="deg").galactic
    for pixel in range(0, len(PIXELS), 97):
        longitude, latitude = galactic.l.wrap_at("180d").rad[pixel], galactic.b.rad[pixel]
        if abs(longitude) < np.pi - 2 * SIZE and abs(latitude) < np.pi / 2 - 2 * SIZE:
            # the mean of the corners is the centre but for the curvature of the pixel
            assert_allclose(corners[pixel].mean(axis=0), mollweide(longitude, latitude), atol=SIZE / 4)


def test_no_pixel_of_the_sky_reaches_over_the_map():
    corners = sky_pixels(ORDER, PIXELS)
    x, y = corners[..., 0], corners[..., 1]
    assert (x**2 / 4 + y**2).max() < 1 + 1e-6  # healpy's Mollweide interpolates in a table
    # a pixel is 0.06 wide, and in longitude twice that at 60 degrees; nearer to the poles meridians crowd
    assert np.ptp(x[np.abs(y).max(axis=1) < 0.8], axis=1).max() < 0.25


def test_square_pixels_lie_about_their_centres():
    corners = square_pixels(np.array([1.1]), np.array([-0.5]), 0.2)
    assert_allclose(sorted(map(tuple, corners[0])), [(1.0, -0.6), (1.0, -0.4), (1.2, -0.6), (1.2, -0.4)])


def views(quantity: str, samples: tuple[str, ...]) -> list[MapView]:
    return [MapView(s, quantity, f"{s}/value", f"{s}/n", (Row("n", (f"{s}/n",), 0),)) for s in samples]


def two_pixels(scale: Scale, columns: dict[str, np.ndarray], *samples: str) -> Plot:
    plot = sky_frame()
    corners = square_pixels(np.array([0.1, 0.3]), np.zeros(2), 0.2)
    add_pixels(plot, corners, columns, views("FE_H", samples or ("A",)), {"FE_H": scale})
    return plot


def test_the_colour_bar_has_the_colours_of_the_static_figures():
    scale = Scale("median", (-1.0, 0.5), VALUES)
    plot = two_pixels(scale, {"A/value": np.zeros(2), "A/n": np.full(2, 9.0)})
    bar = plot.select_one({"name": "bar FE_H"})
    assert isinstance(bar.color_mapper, LinearColorMapper)
    assert (bar.title, bar.color_mapper.low, bar.color_mapper.high) == ("median", -1.0, 0.5)
    assert bar.color_mapper.palette[0] == to_hex(VALUES(0.0))
    assert bar.color_mapper.palette[-1] == to_hex(VALUES(1.0))
    assert bar.color_mapper.nan_color == NO_STARS
    assert plot.tags[0]["grounds"] == {"FE_H": "#ffffff"}


def test_a_map_of_differences_has_no_white_ground():
    plot = two_pixels(Scale("change", (-0.2, 0.2), DIFFERENCES), {"A/value": np.zeros(2), "A/n": np.full(2, 9.0)})
    assert plot.tags[0]["grounds"] == {"FE_H": NO_STARS}


def test_stars_are_counted_on_a_logarithmic_scale():
    counts = np.array([1.0, 5000.0])
    plot = two_pixels(count_scale("stars", [counts]), {"A/value": counts, "A/n": counts})
    mapper = plot.select_one({"name": "bar FE_H"}).color_mapper
    assert isinstance(mapper, LogColorMapper)
    assert (mapper.low, mapper.high) == (1, 5000)


def test_numbers_that_samples_share_are_carried_once():
    columns = {f"{s}/{n}": np.array([1.0, np.nan]) for s in "AB" for n in ("value", "n")}
    columns["B/n"] = np.array([2.0, 3.0])
    tags = two_pixels(Scale("median", (0.0, 1.0), VALUES), columns, "A", "B").tags[0]
    for name, values in columns.items():
        assert_array_equal(tags["columns"][tags["same"].get(name, name)], values)
    assert len(tags["columns"]) == 2


@pytest.mark.parametrize("view", ["edge_on", "face_on"])
def test_a_frame_holds_the_stars_the_sun_and_the_galactic_centre_but_not_the_last_straggler(view: str):
    x = np.append(np.linspace(-12, -6, 1000), 19.9)
    corners = square_pixels(x, np.zeros(len(x)), 0.2)
    plot = galactic_frame(view, corners, np.append(np.full(1000, 100), 1))
    assert plot.x_range.start < -12
    assert plot.x_range.start < SUN_X_KPC
    assert 1 <= plot.x_range.end < 19
    assert plot.y_range.start < 0 < plot.y_range.end


def test_a_figure_carries_every_number_it_may_show_and_no_other():
    columns = {"A/value": np.array([0.5, np.nan]), "A/n": np.array([7.0, np.nan]), "A/unused": np.zeros(2)}
    corners = square_pixels(np.array([0.1, 0.3]), np.zeros(2), 0.2)
    tags = two_pixels(Scale("median", (0.0, 1.0), VALUES), columns).tags[0]
    assert_array_equal(tags["columns"]["A/value"], columns["A/value"].astype(np.float32))
    assert "A/unused" not in tags["columns"]
    assert_allclose(tags["corners"].reshape(2, 4, 2), corners, atol=0.5 / 4096)  # half a step
    assert tags["views"]["A"]["FE_H"]["rows"][0]["columns"] == ("A/n",)


def test_galactic_coordinates_of_a_place_are_those_of_astropy():
    ra, dec = np.array([0.0, 266.4, 192.86, 123.4]), np.array([-60.0, -28.94, 27.0, 88.0])
    longitudes, latitudes = sky_places(ra, dec)
    expected = SkyCoord(ra, dec, unit="deg").galactic
    assert_allclose(latitudes, expected.b.deg, atol=1e-4)  # healpy's rotation is of 1e-5 degrees
    assert_allclose((longitudes - expected.l.deg + 180) % 360 - 180, 0, atol=2e-3)  # near a pole more
