"""What orients the reader of an interactive map: at the right places, and never over axes."""

import healpy
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from healpy.projector import MollweideProj
from numpy.testing import assert_allclose

from stdask.figures.interactive.maps import sky_frame
from stdask.figures.interactive.marks import area_on_plane, area_on_sky, mark_galaxy, mark_sky
from stdask.figures.interactive.page import Plot, frame
from stdask.figures.maps.marks import CIRCLES
from stdask.science.galaxy.galactocentric import FRAME


def marked(view: str) -> Plot:
    if view == "all_sky":
        plot = sky_frame()
        mark_sky(plot)
    else:
        plot = frame((-20, 5), (-6, 6), "X", "Y")
        mark_galaxy(plot, view)
    return plot


@pytest.mark.parametrize("view", ["edge_on", "face_on", "all_sky"])
def test_marks_are_glyphs_that_bokeh_cuts_off_at_the_frame(view: str):
    # BokehJS, plot_canvas.ts: of all levels only image, underlay and glyph are clipped to the frame
    assert {renderer.level for renderer in marked(view).renderers} == {"glyph"}


def test_circles_have_the_radii_that_are_written_on_them():
    plot = marked("face_on")
    lines = [r.data_source.data for r in plot.renderers if type(r.glyph).__name__ == "Line"]
    assert {round(float(r), 9) for line in lines for r in np.hypot(line["x"], line["y"])} == set(CIRCLES)
    (texts,) = (r.data_source.data for r in plot.renderers if type(r.glyph).__name__ == "Text")
    assert_allclose(np.hypot(texts["x"], texts["y"]), [float(text.split()[0]) for text in texts["text"]])


def test_arrows_point_to_where_the_sun_moves():
    # The motion of the Sun in astropy's frame: to positive Y, and so do all stars on circles, clockwise.
    assert FRAME.galcen_v_sun.y > 0 * u.km / u.s
    (arrows,) = (r for r in marked("face_on").renderers if getattr(r.glyph, "marker", "") == "triangle")
    x, y = (np.asarray(arrows.data_source.data[name]) for name in ("x", "y"))
    pointing = np.array([-np.sin(arrows.glyph.angle), np.cos(arrows.glyph.angle)])  # a triangle points up
    clockwise = np.stack([y, -x]) / np.hypot(x, y)
    assert_allclose(clockwise, np.broadcast_to(pointing[:, None], clockwise.shape), atol=1e-12)


def test_longitudes_are_written_where_they_are():
    # A star on a label, seen from the frame: longitude grows to the left, over 4 units for 360 degrees at the equator
    texts = next(r.data_source.data for r in marked("all_sky").renderers if type(r.glyph).__name__ == "Text")
    for x, text in zip(texts["x"], texts["text"], strict=True):
        longitude = SkyCoord(l=int(text[:-1]), b=0, unit="deg", frame="galactic").l.wrap_at("180d").deg
        assert np.sign(x) == -np.sign(longitude) or abs(longitude) < 1


def test_the_line_about_new_pixels_is_about_their_area():
    # a square of 4 kpc, 20 pixels wide, with a hole of one pixel, and a pixel far away
    x, y = (own.ravel() for own in np.meshgrid(np.arange(-1.9, 2, 0.2), np.arange(-1.9, 2, 0.2)))
    kept = np.hypot(x - 0.1, y - 0.1) > 0.1
    lines = area_on_plane(np.append(x[kept], 9.1), np.append(y[kept], 9.1), 0.2)
    assert len(lines) == 1
    # within half a pixel along the sides; corners are rounded by the blur of two pixels, 0.4 kpc
    far = np.abs(lines[0]).max(axis=1)
    assert_allclose(far[np.abs(lines[0]).min(axis=1) < 1.2], 2.0, atol=0.1)
    assert area_on_plane(np.empty(0), np.empty(0), 0.2) == []


def test_the_line_about_an_area_of_the_sky_is_where_the_area_ends():
    # the cap around the north Galactic pole, down to 45 degrees
    order = 5
    pixels = np.arange(12 * 4**order)
    places = SkyCoord(*healpy.pix2ang(2**order, pixels, nest=True, lonlat=True), unit="deg").galactic
    (line,) = area_on_sky(order, pixels[places.b.deg > 45])
    height = MollweideProj().ang2xy(0.0, 45.0, lonlat=True)[1]
    assert_allclose(line[np.abs(line[:, 0]) < 1, 1], height, atol=0.03)  # a pixel is 1.8 degrees, 0.02 there
