"""What a reader of the maps sees: titles, units, shared scales, the Sun, the new pixels."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, QuadMesh
from matplotlib.colors import LogNorm

from stdask.figures.maps import MapRow, colour_limits, draw_maps
from stdask.science.galaxy.map_grid import MapGrid

GRID = MapGrid.covering(12.0, 4.0, 1.0)
NAMES = ("APOGEE DR17 alone", "merged with LAMOST DR3")


def filled(columns, value):
    image = np.full(GRID.shape, np.nan)
    image[2:6, columns] = value
    return image


def row(quantity, counts, *images):
    return MapRow(quantity, images, colour_limits(quantity, images, counts))


def draw(rows, counts, edge_on=True):
    return draw_maps(GRID, rows, tuple(counts), NAMES, edge_on=edge_on, mark_new=True)


@pytest.fixture
def figure():
    counts = np.zeros((2, *GRID.shape), dtype=int)
    counts[0, 2:6, 5:12] = 30
    counts[1, 2:6, 2:12] = 40
    metallicity = row("FE_H", counts, filled(slice(5, 12), -0.1), filled(slice(2, 12), -0.4))
    magnesium = row("MG_FE", counts, filled(slice(5, 12), 0.2), filled(slice(5, 12), 0.2))
    number = row("COUNT", counts, *np.where(counts > 0, counts, np.nan))
    return draw([number, metallicity, magnesium], counts)


def panels(figure):
    """Return the map panels, a row of two a quantity, and the colour bars."""
    maps = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    return [maps[n : n + 2] for n in range(0, len(maps), 2)], [a for a in figure.axes if a not in maps]


def meshes(axes):
    return [artist for artist in axes.collections if isinstance(artist, QuadMesh)]


def test_axes_carry_names_and_units(figure):
    rows, _ = panels(figure)
    assert rows[-1][0].get_xlabel() == r"$R$, with the sign of $X$ [kpc]"
    assert [row[0].get_ylabel() for row in rows] == [r"$Z$ [kpc]"] * 3


def test_colour_bars_name_the_quantity(figure):
    _, bars = panels(figure)
    assert [bar.get_ylabel() for bar in bars] == ["stars per pixel", "median [Fe/H]", "median [Mg/Fe]"]


def test_titles_name_the_samples_and_their_stars(figure):
    rows, _ = panels(figure)
    titles = [axes.get_title(loc="left") for axes in rows[0]]
    assert titles == [f"{NAMES[0]}\n840 stars", f"{NAMES[1]}\n1,600 stars"]


def test_both_maps_of_a_row_share_their_colour_scale_and_limits(figure):
    rows, _ = panels(figure)
    for alone, merged in rows:
        assert meshes(alone)[0].norm is meshes(merged)[0].norm
        assert alone.get_xlim() == merged.get_xlim()
        assert alone.get_ylim() == merged.get_ylim()


def test_counts_are_logarithmic_and_medians_are_not(figure):
    rows, _ = panels(figure)
    assert [isinstance(meshes(row[0])[0].norm, LogNorm) for row in rows] == [True, False, False]


def test_a_kpc_is_as_long_up_as_across(figure):
    rows, _ = panels(figure)
    assert all(axes.get_aspect() == 1 for row in rows for axes in row)


def test_new_pixels_are_grey_on_the_left_and_outlined_on_the_right(figure):
    rows, _ = panels(figure)
    for (alone, merged), is_new in zip(rows, (True, True, False), strict=True):
        grey = meshes(alone)[1].get_array()
        assert (~np.ma.getmaskarray(grey)).sum() == (12 if is_new else 0)
        outline = next(artist for artist in merged.collections if isinstance(artist, LineCollection))
        # the border of 3 x 4 new pixels: 14 sides
        assert len(outline.get_segments()) == (14 if is_new else 0)


def test_the_legend_explains_the_marks(figure):
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[:2] == ["Sun", "Galactic midplane"]
    assert "only the merged catalogue fills" in texts[2]


def test_the_sun_is_marked_in_every_panel(figure):
    rows, _ = panels(figure)
    for axes in (axes for row in rows for axes in row):
        assert [-8.122, 0.0208] in [[line.get_xdata()[0], line.get_ydata()[0]] for line in axes.lines]


def test_a_map_to_which_nothing_was_added_says_so(figure):
    rows, _ = panels(figure)
    assert "nothing added" in rows[2][1].get_title(loc="left")
    assert "nothing added" not in rows[1][1].get_title(loc="left")


def test_face_on_maps_show_x_against_y_without_a_midplane():
    counts = np.ones((2, *GRID.shape), dtype=int)
    rows = [row("COUNT", counts, *counts.astype(float)), row("HEIGHT", counts, *np.full((2, *GRID.shape), 0.3))]
    figure = draw(rows, counts, edge_on=False)
    maps, bars = panels(figure)
    assert maps[-1][0].get_xlabel() == r"$X$ [kpc]"
    assert maps[-1][0].get_ylabel() == r"$Y$ [kpc]"
    assert bars[1].get_ylabel() == "median $|Z|$ [kpc]"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Sun"]


def test_a_single_star_is_drawn_with_the_sun_in_view():
    counts = np.zeros((2, *GRID.shape), dtype=int)
    counts[1, 4, 20] = 1
    star = np.where(counts > 0, -0.2, np.nan)
    rows = [row("COUNT", counts, *np.where(counts > 0, 1.0, np.nan)), row("FE_H", counts, *star)]
    figure = draw(rows, counts)
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    assert low < -8.122
    assert high >= 9


def test_far_stars_do_not_shrink_the_map():
    counts = np.zeros((2, *GRID.shape), dtype=int)
    counts[:, 3:5, 3:14] = 1000
    counts[1, 7, 23] = 1
    rows = [row("COUNT", counts, *np.where(counts > 0, counts, np.nan))]
    figure = draw(rows, counts)
    assert figure.axes[0].get_xlim()[1] <= 3


def test_single_star_pixels_do_not_set_the_colour_scale():
    counts = np.full((2, *GRID.shape), 50)
    counts[:, 0] = 1
    image = np.full(GRID.shape, -0.1) + np.linspace(0, 0.2, 24)
    image[0] = -3.0
    figure = draw([row("FE_H", counts, image, image + 0.01)], counts)
    norm = meshes(figure.axes[0])[0].norm
    assert -0.11 < norm.vmin < norm.vmax < 0.12


def test_samples_that_are_not_compared_have_no_new_pixels():
    counts = np.zeros((2, *GRID.shape), dtype=int)
    counts[1, 2:6, 5:12] = 30
    rows = [row("COUNT", counts, *np.where(counts > 0, counts, np.nan))]
    figure = draw_maps(GRID, rows, tuple(counts), NAMES, edge_on=True, mark_new=False)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Sun", "Galactic midplane"]
    assert np.ma.getmaskarray(meshes(figure.axes[0])[1].get_array()).all()


def test_one_sample_alone_fills_one_column():
    counts = np.full((1, *GRID.shape), 7)
    figure = draw_maps(
        GRID, [row("COUNT", counts, *counts.astype(float))], counts, ["all"], edge_on=True, mark_new=False
    )
    assert len(panels(figure)[0][0]) == 1
