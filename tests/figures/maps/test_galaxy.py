"""What a reader of the maps of the Galaxy sees."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import QuadMesh
from matplotlib.colors import to_rgba

from stdask.figures.maps.galaxy import draw_maps, frame_of
from stdask.figures.maps.scales import DIFFERENCES, VALUES, Scale, count_scale
from stdask.figures.maps.sheet import NO_STARS, MapImage, MapRow
from stdask.science.galaxy.map_grid import MapGrid
from tests.figures.printing import check_print

GRID = MapGrid.covering(12.0, 4.0, 0.5)
FRAME = (-12.0, 4.0, -3.0, 3.0)
TITLES = ("APOGEE DR17 alone\n840 stars", "merged with LAMOST DR3\n1,600 stars")
NOTE = r"All stars at $|Z|$ < 1 kpc. Pixels of 0.5 kpc."
IRON = Scale("median [Fe/H]", (-0.6, 0.2), VALUES)
CHANGE = Scale("change of [Fe/H]", (-0.2, 0.2), DIFFERENCES)


def image(columns, value, stars=None, scale=IRON):
    values, counts = np.full(GRID.shape, np.nan), np.zeros(GRID.shape, dtype=int)
    values[4:12, columns] = value
    counts[4:12, columns if stars is None else stars] = 30
    return MapImage(values, counts, scale)


def numbers(columns):
    values = image(columns, 30.0)
    return MapImage(values.values, values.stars, count_scale("stars per pixel", [values.stars]))


@pytest.fixture
def figure():
    alone, merged = slice(16, 26), slice(4, 26)
    new = np.isfinite(image(merged, 1).values) & ~np.isfinite(image(alone, 1).values)
    rows = [
        MapRow([numbers(alone), numbers(merged)], new),
        MapRow([image(alone, -0.1), image(merged, -0.4)], new),
        MapRow([image(alone, 0.1), replace(image(alone, 0.1, stars=merged), remark="nothing added")]),
    ]
    return draw_maps(GRID, rows, TITLES, frame=FRAME, edge_on=True, note=NOTE)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]


def meshes(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadMesh)]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_the_figure_is_one_for_print(figure):
    check_print(figure)


def test_axes_carry_names_and_units(figure):
    maps = panels(figure)
    assert [axes.get_xlabel() for axes in maps[-2:]] == [r"$R$, with the sign of $X$ [kpc]"] * 2
    assert [axes.get_ylabel() for axes in maps[::2]] == [r"$Z$ [kpc]"] * 3
    bars = [axes for axes in figure.axes if axes not in maps]
    assert [bar.get_ylabel() for bar in bars] == ["stars per pixel", "median [Fe/H]", "median [Fe/H]"]


def test_titles_name_the_samples_and_their_stars_and_the_note_the_selection(figure):
    texts = [text.get_text() for axes in panels(figure)[:2] for text in axes.texts]
    assert texts == ["APOGEE DR17 alone", "840 stars", "merged with LAMOST DR3", "1,600 stars"]
    assert NOTE in [text.get_text() for text in figure.texts]


def test_every_map_has_the_same_frame_and_a_kpc_is_as_long_up_as_across(figure):
    width, height = figure.get_size_inches()
    for axes in panels(figure):
        assert (*axes.get_xlim(), *axes.get_ylim()) == FRAME
        box = axes.get_position()
        assert box.width * width / 16 == pytest.approx(box.height * height / 6)


def test_pixels_with_stars_but_no_value_are_grey(figure):
    maps = panels(figure)
    for axes, n in zip(maps, (0, 0, 0, 0, 0, 8 * 12), strict=True):
        grey = meshes(axes)[0]
        assert (~np.ma.getmaskarray(grey.get_array())).sum() == n
        assert grey.cmap(0) == to_rgba(NO_STARS)
    assert "stars, but too few with a value" in legend(figure)


def test_the_area_that_only_the_merged_catalogue_covers_is_outlined_where_there_is_one(figure):
    outlined = [any(len(p) for c in axes.collections[2:] for p in c.get_paths()) for axes in panels(figure)]
    assert outlined == [True, True, True, True, False, False]
    assert "area that only the merged catalogue covers" in legend(figure)
    assert panels(figure)[-1].get_title(loc="left") == "nothing added"


def test_face_on_maps_have_circles_and_the_rotation_instead_of_the_midplane():
    everywhere = MapGrid.covering(12.0, 12.0, 0.5)
    values = np.full(everywhere.shape, -0.1)
    row = MapRow([MapImage(values, np.ones(everywhere.shape, dtype=int), IRON)])
    figure = draw_maps(everywhere, [row], ["all"], frame=(-12, 12, -12, 12), edge_on=False, note=NOTE)
    (axes,) = panels(figure)
    assert axes.get_xlabel() == r"$X$ [kpc]"
    assert axes.get_ylabel() == r"$Y$ [kpc]"
    assert legend(figure) == ["Sun", "Galactic centre", "Galactic rotation", "$R$ [kpc]"]
    check_print(figure)


def test_where_zero_is_white_pixels_without_a_value_are_not():
    row = MapRow([image(slice(4, 26), 0.0, scale=CHANGE)])
    figure = draw_maps(GRID, [row], ["change"], frame=FRAME, edge_on=True, note=NOTE)
    (axes,) = panels(figure)
    assert axes.get_facecolor() == to_rgba(NO_STARS)
    assert "no stars, or too few with a value" in legend(figure)


def test_a_frame_holds_the_sun_and_the_centre_even_for_a_single_star():
    counts = np.zeros(GRID.shape, dtype=int)
    counts[8, 40] = 1
    low, high, lower, upper = frame_of(GRID, counts, edge_on=True)
    assert low < -8.122
    assert high >= 8
    assert lower <= -1
    assert upper >= 1


def test_far_stars_do_not_widen_the_frame():
    counts = np.zeros(GRID.shape, dtype=int)
    counts[6:10, 6:28] = 1000
    counts[14, 46] = 1
    assert frame_of(GRID, counts, edge_on=True)[1] <= 3
