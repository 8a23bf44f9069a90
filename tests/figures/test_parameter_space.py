"""What a reader of the parameter space sees: training stars in colour, whole catalogues as contours."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.contour import ContourSet

from stdask.figures.parameter_space import PlaneRow, draw_parameter_space
from stdask.science.galaxy.density import PlaneGrid

GRID = PlaneGrid((-2.005, -0.405), (0.04, 0.02), (75, 60))


def spot(most):
    """Return a histogram that falls off from its middle, in whole stars."""
    across, up = np.meshgrid(np.arange(75) - 40, np.arange(60) - 30)
    return np.floor(most * np.exp(-0.005 * (across**2 + up**2))).astype(int)


@pytest.fixture(scope="module")
def figure():
    training = np.array([spot(5), spot(5), spot(5)])
    everything = np.array([spot(300), spot(60), spot(0)])
    without_a = np.array([spot(0), spot(5), spot(0)])
    rows = [
        PlaneRow(("FE_H", "MG_FE"), GRID, training, everything),
        PlaneRow(("FE_H", "MG_FE"), GRID, without_a, 10 * without_a),
    ]
    figure = draw_parameter_space(rows, ("GALAH DR3", "APOGEE DR17"))
    figure.draw_without_rendering()
    return figure


def panels(figure):
    return np.array(figure.axes[:6]).reshape(2, 3)


def test_columns_are_a_b_and_a_translated(figure):
    titles = [axes.get_title(loc="left") for axes in panels(figure)[0]]
    assert titles == ["GALAH DR3", "APOGEE DR17", "GALAH DR3 translated"]


def test_colour_counts_the_training_stars_on_one_scale(figure):
    meshes = [next(m for m in axes.collections if isinstance(m, QuadMesh)) for axes in panels(figure).flat]
    assert len({id(mesh.norm) for mesh in meshes}) == 1
    assert meshes[0].get_array().sum() == spot(5).sum()


def test_contours_enclose_the_bins_of_at_least_one_ten_and_a_hundred_stars(figure):
    levels = [[float(c.levels[0]) for c in axes.collections if isinstance(c, ContourSet)] for axes in panels(figure)[0]]
    assert levels == [[0.5, 9.5, 99.5], [0.5, 9.5], []]


def test_panels_tell_how_many_stars_they_show_or_that_a_does_not_measure_them(figure):
    trained, measured = f"{spot(5).sum():,}", f"{10 * spot(5).sum():,}"
    texts = [axes.texts[0].get_text() for axes in panels(figure)[1]]
    assert texts == ["not measured", f"{trained} of {measured}", "not translated"]


def test_nothing_is_drawn_over_the_borders_of_the_page(figure):
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [axes.get_tightbbox() for axes in figure.axes] + [figure.legends[0].get_window_extent()]
    assert all(box.x0 >= 0 and box.x1 <= width + 1 and box.y0 >= 0 and box.y1 <= height + 1 for box in boxes)


def test_the_legend_names_the_contours_that_are_drawn(figure):
    # 300 stars in the fullest bin
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1", "10", "100"]
    few = draw_parameter_space([PlaneRow(("FE_H", "MG_FE"), GRID, *2 * [np.array([spot(9)] * 3)])], ("A", "B"))
    assert [text.get_text() for text in few.legends[0].get_texts()] == ["1"]
