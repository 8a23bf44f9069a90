"""A poor point neither sets the scale of a panel nor disappears."""

import numpy as np
from matplotlib.figure import Figure

from stdask.figures.points import draw_points, scale_of

VALUES = np.array([0.1, 0.2, np.nan, 0.15, 5.0])
ERRORS = np.array([0.01, 0.01, np.nan, 0.02, 2.0])


def test_well_known_points_set_the_scale_with_their_error_bars():
    low, high = scale_of(VALUES, ERRORS)
    assert 0 < low < 0.09
    assert 0.21 < high < 0.3
    assert scale_of(VALUES, ERRORS, fixed=-1.0)[0] < -1.0


def test_without_a_value_there_is_no_scale():
    assert scale_of(np.array([np.nan]), np.array([np.nan])) is None


def test_a_point_beyond_the_scale_is_an_arrow_towards_it():
    axes = Figure().subplots()
    axes.set_ylim(*scale_of(VALUES, ERRORS))
    draw_points(axes, np.arange(5.0), VALUES, ERRORS, color="black", marker="o")
    (arrow,) = axes.texts
    assert arrow.xy == (4.0, 1.0)
    assert arrow.xyann[1] < 1.0
    drawn = axes.lines[0].get_ydata()
    assert np.isfinite(drawn).tolist() == [True, True, False, True, False]
