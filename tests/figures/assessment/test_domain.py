"""The corner plot shows the valid bins of each pair where they belong."""

from itertools import combinations
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from stdask.figures.assessment.domain import draw_domain

NAMES = ("TEFF", "LOGG", "FE_H", "G_RP_0")
PAIRS = list(combinations(range(4), 2))
EDGES = np.array([np.linspace(low, high, 6) for low, high in ((4000, 6000), (0, 5), (-2, 0.5), (0.3, 1.0))])
VALID = np.random.default_rng(1).random((6, 5, 5)) < 0.5
OUTSIDE = np.array([0.0, 0.0004, 0.0123, 0.5, 0.25, 1.0])


def test_each_pair_has_a_panel_with_its_bins() -> None:
    figure = draw_domain(NAMES, EDGES, VALID, OUTSIDE)
    # row by row from above: the panel of (first, second) is in the row of the second and the column of the first
    by_panel = sorted(range(6), key=lambda n: (PAIRS[n][1], PAIRS[n][0]))
    for axes, n in zip(figure.axes, by_panel, strict=True):
        mesh: Any = axes.collections[0]
        assert_array_equal(np.asarray(mesh.get_array()).reshape(5, 5), VALID[n].T)
        corners = mesh.get_coordinates()
        assert_allclose(corners[0, :, 0], EDGES[PAIRS[n][0]])
        assert_allclose(corners[:, 0, 1], EDGES[PAIRS[n][1]])


def test_the_share_of_the_catalogue_outside_stands_above_each_panel() -> None:
    figure = draw_domain(NAMES, EDGES, VALID, OUTSIDE)
    titles = {axes.get_title(loc="left") for axes in figure.axes}
    assert titles == {f"{share} % outside" for share in ("0.0", "< 0.1", "1.2", "50.0", "25.0", "100.0")}


def test_temperature_and_gravity_run_as_in_a_kiel_diagram() -> None:
    kiel = draw_domain(NAMES, EDGES, VALID, OUTSIDE).axes[0]
    assert kiel.xaxis_inverted()
    assert kiel.yaxis_inverted()


def test_two_inputs_make_one_panel_and_a_lone_input_a_strip() -> None:
    assert len(draw_domain(NAMES[:2], EDGES[:2], VALID[:1], OUTSIDE[:1]).axes) == 1
    occupied = np.array([True, False, True, True, False])
    strip = draw_domain(("RV",), EDGES[:1], np.diag(occupied)[None], OUTSIDE[3:4])
    assert_array_equal(np.asarray(strip.axes[0].collections[0].get_array()).ravel(), occupied)
    assert strip.axes[0].get_title(loc="left") == "50.0 % outside"
