"""What a reader of the Kiel and abundance diagrams sees: cells, densities, contours, numbers, cuts."""

import numpy as np
import pytest
from matplotlib.contour import ContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from stdask.figures.diagrams import FEWEST, GalaxyCells, draw_diagrams, frame_of, free_corner
from stdask.science.galaxy.density import PlaneGrid, add_bins, contour_levels, count_bins, kernel_density

KIEL = PlaneGrid((2999.5, -0.505), (50.0, 0.05), (100, 120))
CELLS = GalaxyCells((0.0, 2.0, 4.0, 6.0), (0.0, 0.5, 1.0))
NAMES = ("LAMOST DR3", "APOGEE DR17")
SELECT = {"LOGG": (1.5, 2.5), "FE_H": (-1.0, 0.5)}
N_STARS = np.array([[[2000, 300, 5], [40, 0, 800]], [[1000, 7, 900], [0, 0, FEWEST]]])  # of A and of B


def giants(n_stars, seed):
    """Return the histogram of a giant branch."""
    rng = np.random.default_rng(seed)
    logg = rng.uniform(0.8, 3.6, n_stars)
    bins = KIEL.bins_of(3900 + 350 * logg + rng.normal(0, 80, n_stars), logg)
    return add_bins([count_bins(bins)], KIEL.n_bins).reshape(KIEL.shape)


@pytest.fixture(scope="module")
def counts():
    places = np.ndindex(N_STARS.shape)
    return np.array([giants(N_STARS[at], seed) for seed, at in enumerate(places)]).reshape(*N_STARS.shape, *KIEL.shape)


@pytest.fixture(scope="module")
def figure(counts):
    drawn = draw_diagrams(("TEFF", "LOGG"), KIEL, counts, CELLS, NAMES, SELECT)
    drawn.draw_without_rendering()
    return drawn


def panels(figure: Figure):
    """Return the panels, a row a slice from the top; the colour bar comes after them."""
    return np.array(figure.axes[:6]).reshape(2, 3)


def of_kind(axes, kind):
    return [artist for artist in (*axes.collections, *axes.images) if isinstance(artist, kind)]


def test_columns_are_rings_and_rows_are_slices_the_highest_on_top(figure):
    assert [axes.get_title() for axes in panels(figure)[0]] == ["0 < $R$ < 2", "2 < $R$ < 4", "4 < $R$ < 6"]
    right = [axes.texts[-1].get_text() for axes in panels(figure)[:, -1]]
    assert right == ["0.5 < $|Z|$ < 1", "0 < $|Z|$ < 0.5"]


def test_every_panel_tells_the_stars_of_both_surveys(figure):
    for (part, ring), axes in np.ndenumerate(panels(figure)[::-1]):
        of_a, of_b = N_STARS[:, part, ring]
        assert axes.texts[0].get_text() == f"$N_A$ = {of_a:,}\n$N_B$ = {of_b:,}"


def test_the_shade_is_the_density_of_a_over_its_maximum(figure, counts):
    (image,) = of_kind(panels(figure)[1, 0], AxesImage)
    assert (image.origin, tuple(image.get_extent())) == ("lower", (2999.5, 7999.5, -0.505, pytest.approx(5.495)))
    shade = image.get_array()
    density = kernel_density(counts[0, 0, 0], KIEL)
    kept = ~np.ma.getmaskarray(shade)
    assert shade.max() == 1
    np.testing.assert_allclose(shade[kept], (density / density.max())[kept])
    # what is left white is fainter than the outermost contour would be
    assert (density[~kept] < 0.01 * density.max()).all()


def test_contours_are_those_of_b_at_fractions_of_its_maximum(figure, counts):
    contours = of_kind(panels(figure)[1, 0], ContourSet)[0]
    np.testing.assert_allclose(contours.levels, contour_levels(kernel_density(counts[1, 0, 0], KIEL)))


def test_few_stars_are_drawn_one_by_one_and_not_as_a_density(figure):
    for (part, ring), axes in np.ndenumerate(panels(figure)[::-1]):
        of_a, of_b = N_STARS[:, part, ring]
        assert bool(of_kind(axes, AxesImage)) == (of_a >= FEWEST)
        assert bool(of_kind(axes, ContourSet)) == (of_b >= FEWEST)
        dots = {line.get_marker(): len(line.get_xdata()) for line in axes.lines if line.get_marker() in ("o", "+")}
        # stars may share a bin, but not with so few of them in so many bins
        assert dots.get("o", 0) == (of_a if of_a < FEWEST else 0)
        assert dots.get("+", 0) == (of_b if of_b < FEWEST else 0)


def test_the_cuts_on_the_labels_of_the_plane_are_dashed_lines_in_every_panel(figure):
    for axes in panels(figure).flat:
        dashed = [line for line in axes.lines if line.get_linestyle() == "--"]
        assert [set(line.get_ydata()) for line in dashed] == [{1.5}, {2.5}]


def test_the_legend_names_both_surveys_the_contours_and_the_cut(figure):
    legend = figure.legends[0]
    assert "A: LAMOST DR3 translated, B: APOGEE DR17" in legend.get_title().get_text()
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [
        "density of B: 1, 5, 10, 30, 50, 70 % of its maximum",
        r"selection of the maps: 1.5 < $\log g$ < 2.5",
    ]


def test_a_kiel_diagram_has_hot_stars_on_the_left_and_giants_on_top_in_all_panels(figure):
    limits = {(*axes.get_xlim(), *axes.get_ylim()) for axes in panels(figure).flat}
    assert len(limits) == 1
    left, right, bottom, top = limits.pop()
    assert left > right
    assert bottom > top


def test_nothing_is_drawn_over_the_borders_of_the_page(figure):
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [axes.get_tightbbox() for axes in figure.axes] + [figure.legends[0].get_window_extent()]
    assert all(box.x0 >= 0 and box.x1 <= width + 1 and box.y0 >= 0 and box.y1 <= height + 1 for box in boxes)


def test_a_few_odd_stars_do_not_shrink_the_diagram():
    counts = np.zeros(KIEL.shape, dtype=int)
    counts[20:60, 10:40] = 10
    near = frame_of(("TEFF", "LOGG"), KIEL, counts)
    counts[110, 95] = 3  # of 12,000
    np.testing.assert_array_equal(frame_of(("TEFF", "LOGG"), KIEL, counts), near)
    # ten per cent about 30 bins of 50 K from 3499.5 K, and 40 of 0.05 dex from 0.495
    np.testing.assert_allclose(near, [[5149.5, 3349.5], [2.695, 0.295]])


@pytest.mark.parametrize(
    ("labels", "expected"), [(("TEFF", "LOGG"), (False, True)), (("FE_H", "MG_FE"), (True, False))]
)
def test_numbers_stand_in_the_corner_with_the_fewest_stars(labels, expected):
    counts = np.ones(KIEL.shape, dtype=int)
    counts[:40, 60:] = 0  # hot giants; of unreversed labels: the lower right
    frame = frame_of(labels, KIEL, counts)
    assert free_corner(KIEL, counts, frame) == expected


def test_without_a_star_of_a_the_contours_of_b_stand_alone(counts):
    only_b = counts * np.array([0, 1]).reshape(2, 1, 1, 1, 1)
    figure = draw_diagrams(("FE_H", "MG_FE"), KIEL, only_b, CELLS, NAMES, {})
    assert not any(of_kind(axes, AxesImage) for axes in panels(figure).flat)
    assert len(figure.axes) == 6  # and no colour bar
    assert "LAMOST DR3 translated (no star with both labels)" in figure.legends[0].get_title().get_text()


def test_no_contour_is_cut_by_the_frame(figure):
    for axes in panels(figure).flat:
        across, up = sorted(axes.get_xlim()), sorted(axes.get_ylim())
        for contours in of_kind(axes, ContourSet):
            points = np.concatenate([path.vertices for path in contours.get_paths() if len(path.vertices)])
            assert np.all((points >= [across[0], up[0]]) & (points <= [across[1], up[1]]))
