"""What orients the reader of an interactive map: at the right places, and never over axes."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from numpy.testing import assert_allclose

from stdask.figures.interactive.maps import sky_frame
from stdask.figures.interactive.marks import RADII_KPC, mark_galaxy, mark_sky
from stdask.figures.interactive.page import Plot, frame
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
    assert {round(float(r), 9) for line in lines for r in np.hypot(line["x"], line["y"])} == set(RADII_KPC)
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
