"""Interactive maps: where pixels lie, which are new, and one colour scale for all samples."""

import healpy
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from bokeh.models import LinearColorMapper, LogColorMapper
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from stdask.figures.interactive.maps import (
    MapView,
    Row,
    add_pixels,
    galactic_frame,
    sky_frame,
    sky_pixels,
    square_pixels,
)
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
    return [MapView(s, quantity, "title", f"{s}/value", f"{s}/n", (Row("n", (f"{s}/n",), 0),)) for s in samples]


def test_the_line_about_new_pixels_follows_their_outer_edges():
    # three pixels in a row, the first two of them new: a rectangle of six edges
    corners = square_pixels(np.array([0.1, 0.3, 0.5]), np.full(3, 0.1), 0.2)
    columns = {"A/value": np.zeros(3), "A/n": np.full(3, 9.0)}
    plot = sky_frame()
    add_pixels(plot, corners, columns, views("FE_H", ("A",)), np.array([True, True, False]))
    data = plot.select_one({"name": "new"}).data_source.data
    edges = np.stack([data[name] for name in ("x0", "y0", "x1", "y1")], axis=-1)
    assert len(edges) == 6
    assert_allclose(np.hypot(edges[:, 2] - edges[:, 0], edges[:, 3] - edges[:, 1]), 0.2)
    inner = np.isclose(edges[:, 0], 0.2) & np.isclose(edges[:, 2], 0.2)
    assert not inner.any()


def test_pixels_of_the_sky_share_edges_too():
    # the four children of a pixel: eight edges outside, four inside that no line follows
    plot = sky_frame()
    columns = {"A/value": np.zeros(4), "A/n": np.full(4, 9.0)}
    add_pixels(plot, sky_pixels(ORDER, PIXELS[400:404]), columns, views("FE_H", ("A",)), np.full(4, True))
    assert len(plot.select_one({"name": "new"}).data_source.data["x0"]) == 8


def test_all_samples_share_the_colour_scale_of_a_quantity():
    corners = square_pixels(np.arange(100) / 5, np.zeros(100), 0.2)
    columns = {"A/value": np.linspace(-1, 0, 100), "B/value": np.linspace(0, 1, 100)}
    columns |= {"A/n": np.full(100, 50.0), "B/n": np.full(100, 50.0)}
    plot = sky_frame()
    add_pixels(plot, corners, columns, views("FE_H", ("A", "B")), np.zeros(100, dtype=bool))
    mapper = plot.select_one({"name": "bar FE_H"}).color_mapper
    assert isinstance(mapper, LinearColorMapper)
    both = np.concatenate([columns["A/value"], columns["B/value"]])
    assert_allclose((mapper.low, mapper.high), np.percentile(both, (2, 98)), atol=0.1)  # rounded to full steps


def test_pixels_with_few_stars_do_not_set_the_scale():
    corners = square_pixels(np.arange(100) / 5, np.zeros(100), 0.2)
    n_stars = np.where(np.arange(100) < 50, 100.0, 1.0)
    columns = {"A/value": np.where(n_stars > 1, np.linspace(-1, 1, 100), 40.0), "A/n": n_stars}
    plot = sky_frame()
    add_pixels(plot, corners, columns, views("FE_H", ("A",)), np.zeros(100, dtype=bool))
    assert plot.select_one({"name": "bar FE_H"}).color_mapper.high < 1


def test_stars_are_counted_on_a_logarithmic_scale():
    plot = sky_frame()
    columns = {"A/value": np.array([1.0, 5000.0]), "A/n": np.array([1.0, 5000.0])}
    corners = square_pixels(np.array([0.1, 0.3]), np.zeros(2), 0.2)
    add_pixels(plot, corners, columns, views("COUNT", ("A",)), np.zeros(2, dtype=bool))
    mapper = plot.select_one({"name": "bar COUNT"}).color_mapper
    assert isinstance(mapper, LogColorMapper)
    assert (mapper.low, mapper.high) == (1, 5000)


@pytest.mark.parametrize("view", ["edge_on", "face_on"])
def test_a_frame_holds_the_stars_the_sun_and_the_galactic_centre_but_not_the_last_straggler(view: str):
    x = np.append(np.linspace(-12, -6, 1000), 19.9)
    corners = square_pixels(x, np.zeros(len(x)), 0.2)
    plot = galactic_frame(view, corners, np.append(np.full(1000, 100), 1))
    assert plot.x_range.start < -12
    assert plot.x_range.start < SUN_X_KPC
    assert 1 <= plot.x_range.end < 19
    assert plot.y_range.start < 0 < plot.y_range.end


def test_a_figure_carries_every_number_it_may_show():
    corners = square_pixels(np.array([0.1, 0.3]), np.zeros(2), 0.2)
    columns = {"A/value": np.array([0.5, np.nan]), "A/n": np.array([7.0, np.nan])}
    plot = sky_frame()
    add_pixels(plot, corners, columns, views("FE_H", ("A",)), np.zeros(2, dtype=bool))
    assert_array_equal(plot.tags[0]["columns"]["A/value"], columns["A/value"].astype(np.float32))
    assert_allclose(plot.tags[0]["corners"].reshape(2, 4, 2), corners, atol=0.5 / 4096)  # half a step
    assert plot.tags[0]["views"]["A"]["FE_H"]["rows"][0]["columns"] == ("A/n",)
