"""What lies on top of the maps."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from stdask.figures.maps.marks import add_circles, add_rotation, add_sun, area_of, enclose_significant, outline_area
from stdask.science.galaxy.galactocentric import SUN_X_KPC

X = np.arange(-9.9, 10, 0.2)


@pytest.fixture
def axes():
    own = Figure().add_subplot()
    own.set_xlim(-10, 10)
    own.set_ylim(-10, 10)
    return own


def borders(axes):
    return [path for drawn in axes.collections for path in drawn.get_paths() if len(path)]


def test_the_outline_of_an_area_runs_round_it_and_not_round_its_pixels(axes):
    x, y = np.meshgrid(X, X)
    rng = np.random.default_rng(1)
    inside = (np.hypot(x, y) < 5) & (rng.random(x.shape) < 0.85)  # full of holes of a pixel
    inside |= rng.random(x.shape) < 0.02  # and single pixels everywhere
    outline_area(axes, X, X, area_of(inside))
    (path,) = borders(axes)
    closed = [part for part in path.to_polygons() if len(part) > 2]
    assert len(closed) == 1
    np.testing.assert_allclose(np.hypot(*closed[0].T), 5, atol=0.4)  # two pixels: the outline is of blurred pixels


def test_scattered_pixels_have_no_outline(axes):
    inside = np.random.default_rng(1).random((100, 100)) < 0.1
    for pixels in (inside, np.zeros((100, 100), dtype=bool)):
        assert not area_of(pixels).any()
        outline_area(axes, X, X, area_of(pixels))
    assert not borders(axes)


def test_the_sun_and_the_galactic_centre_are_marked(axes):
    add_sun(axes, edge_on=False)
    places = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines]
    assert (0.0, 0.0) in places
    assert (SUN_X_KPC, 0.0) in places


def test_the_arrow_points_where_the_sun_moves(axes):
    add_rotation(axes)
    arrow = axes.texts[0]
    assert arrow.xyann == (SUN_X_KPC, 0.0)
    # Y points towards l = 90 degrees, where the rotation takes the Sun (Gravity Collaboration et al. 2018)
    assert arrow.xy[0] == SUN_X_KPC
    assert arrow.xy[1] > 0


def test_circles_of_radius_carry_their_number_where_fewest_stars_are(axes):
    add_circles(axes, (-10.0, 10.0, -10.0, 10.0), lambda _, y, __: 100 if y > -3 else 0)
    assert [text.get_text() for text in axes.texts] == ["4", "8", "12"]  # that of 16 kpc is not on the map
    for text, radius in zip(axes.texts, (4, 8, 12), strict=True):
        assert np.hypot(*text.get_position()) == pytest.approx(radius)
        assert text.get_position()[1] < -3


def test_lines_enclose_what_differs_by_three_errors_dashed_below_zero(axes):
    enclose_significant(axes, X, X, np.tile(X, (100, 1)))
    lines = axes.collections[0]
    places = [path.vertices[:, 0] for path in lines.get_paths()]
    np.testing.assert_allclose(places[0], -3, atol=1e-9)
    np.testing.assert_allclose(places[-1], 3, atol=1e-9)
    styles = lines.get_linestyle()
    assert styles[0][1] is not None  # a pattern of dashes
    assert styles[-1][1] is None
