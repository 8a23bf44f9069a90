"""The residual figure shows what it quotes, on scales that allow a comparison."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from stdask.figures.assessment.residuals import draw_residuals, running_percentiles

RNG = np.random.default_rng(1)
N_STARS = 4000
VALUES_B = RNG.uniform(-1.0, 0.5, N_STARS)  # [Fe/H] [dex]
TRANSLATED = VALUES_B + RNG.normal(0.0, 0.05, N_STARS)
VALUES_A = VALUES_B + RNG.normal(0.03, 0.10, N_STARS)


def statistics(figure: Figure, row: int) -> str:
    return str(figure.axes[3 * row + 2].texts[0].get_text())


def test_running_percentiles_are_those_of_the_stars_in_each_window() -> None:
    residuals = TRANSLATED - VALUES_B
    width = 1.5 / 12
    curves = running_percentiles(VALUES_B, residuals, width)
    assert len(curves) == 12
    start = VALUES_B.min()
    for n, (middle, *percentiles) in enumerate(curves):
        later = np.flatnonzero(VALUES_B - start >= width)  # the next window starts at a star
        end = np.inf if n == 11 else VALUES_B[later].min()
        inside = np.flatnonzero((VALUES_B - start >= 0) & (VALUES_B - end < 0))
        assert_allclose(middle, np.median(VALUES_B[inside]))
        assert_allclose(percentiles, np.percentile(residuals[inside], (16, 50, 84)))
        start = end
    # Gaussian of 0.05 dex: a percentile of about 330 stars has an error of 0.004
    assert_allclose(curves[:, 1:], np.tile([-0.05, 0.0, 0.05], (12, 1)), atol=4 * 0.004)


def test_windows_hold_20_stars_and_reach_into_the_tails() -> None:
    positions = np.concatenate([np.linspace(-1.0, 0.0, 25), np.linspace(0.0, 0.01, 500), np.linspace(0.02, 1.0, 23)])
    number_of_window = np.repeat([0.0, 1.0, 2.0], [25, 500, 23])
    curves = running_percentiles(positions, number_of_window, 0.1)
    assert_allclose(curves[[0, -1], 2], [0, 2])  # medians of the two tails
    assert running_percentiles(positions[:19], number_of_window[:19], 0.1).shape == (0, 4)


def test_the_untranslated_row_stands_above_on_the_same_scale() -> None:
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, VALUES_A, names=("LAMOST", "APOGEE"))
    assert len(figure.axes) == 6
    titles = [figure.axes[n].get_title(loc="left") for n in (0, 3)]
    assert titles == ["LAMOST \N{MINUS SIGN} APOGEE", "LAMOST translated \N{MINUS SIGN} APOGEE"]
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    assert len({figure.axes[n].get_xlim() for n in (0, 1, 3, 4)}) == 1


def test_a_label_without_counterpart_has_no_untranslated_row() -> None:
    figure = draw_residuals("MG_FE", VALUES_B, TRANSLATED)
    assert len(figure.axes) == 3
    assert figure.axes[1].get_xlabel() == "[Mg/Fe] of A translated"


def test_residuals_are_drawn_against_b_and_against_the_compared_value() -> None:
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, VALUES_A)
    for axes, positions in zip((figure.axes[3], figure.axes[4]), (VALUES_B, TRANSLATED), strict=True):
        points = np.asarray(axes.lines[0].get_xydata())  # all of them: the frame fits the wider, untranslated residuals
        assert_allclose(points[:, 0], np.clip(positions, *axes.get_xlim()))
        assert_allclose(points[:, 1], TRANSLATED - VALUES_B)


def test_mean_and_both_scatters_are_quoted() -> None:
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, VALUES_A)
    residuals = VALUES_A - VALUES_B
    robust = 1.4826 * np.median(np.abs(residuals - np.median(residuals)))
    assert statistics(figure, 0).splitlines() == [
        "n = 4,000",
        f"mean = {residuals.mean():.3f} dex",
        f"std = {residuals.std():.3f} dex",
        rf"$\sigma_{{\rm MAD}}$ = {robust:.3f} dex",
    ]


def test_missing_values_are_left_out() -> None:
    values_a = VALUES_A.copy()
    values_a[:100] = np.nan
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, values_a)
    assert statistics(figure, 0).startswith("n = 3,900")
    assert statistics(figure, 1).startswith("n = 4,000")


def test_an_outlier_stands_at_the_edge_and_does_not_flatten_the_rest() -> None:
    values_a = VALUES_A.copy()
    values_a[0] += 50.0
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, values_a)
    height = figure.axes[0].get_ylim()[1]
    assert height < 0.5
    above = figure.axes[0].lines[1]
    assert above.get_marker() == "^"
    assert np.asarray(above.get_xydata())[:, 1].max() < height


@pytest.mark.parametrize("n_stars", [0, 1, 5])
def test_few_stars_still_make_a_figure(n_stars: int) -> None:
    figure = draw_residuals("TEFF", VALUES_B[:n_stars], TRANSLATED[:n_stars], VALUES_A[:n_stars])
    figure.draw_without_rendering()
    assert f"n = {n_stars}" in statistics(figure, 0)


def test_long_names_of_surveys_do_not_overlap_below_the_panels() -> None:
    names = ("LAMOST giants in the Kepler field with Gaia photometry", "APOGEE DR16 giants in the Kepler field")
    figure = draw_residuals("FE_H", VALUES_B, TRANSLATED, VALUES_A, names=names)
    figure.draw_without_rendering()
    for row in np.reshape(figure.axes, (2, 3)):
        boxes = [axes.xaxis.label.get_window_extent() for axes in row]
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
