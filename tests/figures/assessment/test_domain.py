"""The corner plot shows the valid bins of each pair where they belong."""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from stdask.figures.assessment.domain import draw_domain, enclosing_level

NAMES = ("TEFF", "LOGG", "FE_H", "G_RP_0")
PAIRS = list(combinations(range(4), 2))
EDGES = np.array([np.linspace(low, high, 6) for low, high in ((4000, 6000), (0, 5), (-2, 0.5), (0.3, 1.0))])
VALID = np.random.default_rng(1).random((6, 5, 5)) < 0.5
OUTSIDE = np.array([0.0, 0.0004, 0.0123, 0.5, 0.25, 1.0])
FINE = np.array([np.linspace(own[0] - 0.25 * np.ptp(own), own[-1] + 0.25 * np.ptp(own), 41) for own in EDGES])
COUNTS = np.zeros((6, 40, 40), dtype=np.int64)
COUNTS[:, 30:, 18:22] = 5  # a quarter of the range beyond the training stars


def test_each_pair_has_a_panel_with_its_bins() -> None:
    figure = draw_domain(NAMES, (EDGES, VALID), (FINE, COUNTS), OUTSIDE, "Survey A")
    # row by row from above: the panel of (first, second) is in the row of the second and the column of the first
    by_panel = sorted(range(6), key=lambda n: (PAIRS[n][1], PAIRS[n][0]))
    for axes, n in zip(figure.axes, by_panel, strict=True):
        mesh: Any = axes.collections[0]
        assert_array_equal(np.asarray(mesh.get_array()).reshape(5, 5), VALID[n].T)
        corners = mesh.get_coordinates()
        assert_allclose(corners[0, :, 0], EDGES[PAIRS[n][0]])
        assert_allclose(corners[:, 0, 1], EDGES[PAIRS[n][1]])


def test_the_share_of_the_catalogue_outside_stands_above_each_panel() -> None:
    figure = draw_domain(NAMES, (EDGES, VALID), (FINE, COUNTS), OUTSIDE, "Survey A")
    titles = {axes.get_title(loc="left") for axes in figure.axes}
    assert titles == {f"{share} % outside" for share in ("0.0", "< 0.1", "1.2", "50.0", "25.0", "100.0")}


def test_temperature_and_gravity_run_as_in_a_kiel_diagram() -> None:
    kiel = draw_domain(NAMES, (EDGES, VALID), (FINE, COUNTS), OUTSIDE, "Survey A").axes[0]
    assert kiel.xaxis_inverted()
    assert kiel.yaxis_inverted()


def test_two_inputs_make_one_panel_and_a_lone_input_a_strip() -> None:
    assert len(draw_domain(NAMES[:2], (EDGES[:2], VALID[:1]), (FINE[:2], COUNTS[:1]), OUTSIDE[:1], "A").axes) == 1
    occupied = np.array([True, False, True, True, False])
    strip = draw_domain(("RV",), (EDGES[:1], np.diag(occupied)[None]), (FINE[:1], COUNTS[:1]), OUTSIDE[3:4], "A")
    assert_array_equal(np.asarray(strip.axes[0].collections[0].get_array()).ravel(), occupied)
    assert strip.axes[0].get_title(loc="left") == "50.0 % outside"


def test_lines_enclose_the_shares_of_a_gaussian_that_they_claim() -> None:
    axis = np.linspace(-5, 5, 401)
    density = np.exp(-(axis[:, None] ** 2 + axis**2) / 2)
    for share in (0.68, 0.99):  # a circle of radius r holds 1 - exp(-r^2 / 2), and the density there is exp(-r^2 / 2)
        assert_allclose(enclosing_level(density, share), 1 - share, rtol=0.02)


def test_the_catalogue_is_drawn_whole_where_it_reaches_beyond_the_training_stars() -> None:
    figure = draw_domain(NAMES, (EDGES, VALID), (FINE, COUNTS), OUTSIDE, "Survey A")
    left, right = sorted(figure.axes[0].get_xlim())
    assert left == EDGES[0, 0]
    assert EDGES[0, -1] < FINE[0, -3] <= right <= FINE[0, -1]  # all but the faintest of 99 %
    assert "Survey A: 68 % and 99 % of the stars inside" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_catalogue_without_stars_leaves_the_bins_alone() -> None:
    figure = draw_domain(NAMES, (EDGES, VALID), (FINE, 0 * COUNTS), OUTSIDE, "Survey A")
    assert sorted(figure.axes[0].get_xlim()) == [EDGES[0, 0], EDGES[0, -1]]
