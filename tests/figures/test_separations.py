"""The histogram of separations counts every pair; the curve of chance adds up to the number expected."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from stdask.figures.separations import draw_separations

SEPARATIONS = np.random.default_rng(1).rayleigh(0.3, 2000)


def total(stairs: StepPatch) -> float:
    return stairs.get_data().values.sum()


def test_every_pair_is_in_a_bin_and_chance_grows_with_the_area() -> None:
    figure = draw_separations(SEPARATIONS, np.zeros(2000, dtype=bool), radius=2.0, n_chance=40.0)
    (axes,) = figure.axes
    pairs, chance = axes.patches
    assert total(pairs) == 2000
    expected, edges, _ = chance.get_data()
    assert expected.sum() == pytest.approx(40.0)
    assert expected[edges[:-1] < 1.0].sum() == pytest.approx(10.0)  # half of the radius: a quarter of the area
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["2,000 pairs", "40.0 expected by chance"]


def test_pairs_by_id_have_no_radius_and_those_far_apart_are_counted() -> None:
    far = np.append(SEPARATIONS, 500.0)
    figure = draw_separations(far, np.zeros(2001, dtype=bool))
    (axes,) = figure.axes
    n_shown = total(axes.patches[0])
    assert 1990 <= n_shown <= 2000
    assert axes.get_legend().get_title().get_text() == f"{2001 - n_shown:,.0f} pairs lie farther apart"


def test_pairs_with_a_second_candidate_are_told_apart() -> None:
    ambiguous = np.arange(2000) < 30
    (axes,) = draw_separations(SEPARATIONS, ambiguous, radius=2.0).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert [total(stairs) for stairs in axes.patches] == [2000, 30]
    assert names == ["2,000 pairs", "30 with a second candidate"]


def test_stars_at_the_very_same_place_have_a_figure_too() -> None:
    (axes,) = draw_separations(np.zeros(5), np.zeros(5, dtype=bool)).axes
    assert total(axes.patches[0]) == 5
