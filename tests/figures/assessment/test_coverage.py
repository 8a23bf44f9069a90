"""The coverage figure shows the counts and shares it is given, against what chance allows."""

import numpy as np
from matplotlib.axes import Axes
from numpy.testing import assert_allclose

from stdask.figures.assessment.coverage import draw_coverage

COUNTS = np.array([[60, 40, 45, 55], [0, 0, 0, 0]])
LEVELS = np.linspace(0.05, 0.95, 19)
CALIBRATED = np.stack([np.stack([LEVELS, LEVELS**2], axis=-1), np.stack([LEVELS, np.full(19, np.nan)], axis=-1)])
DRAWN = np.array([[[0.68, 0.5], [0.9, 0.75]], [[0.68, np.nan], [0.9, np.nan]]])


def panels() -> list[Axes]:
    return draw_coverage(("TEFF", "MG_FE"), COUNTS, CALIBRATED, DRAWN).axes


def test_each_label_has_its_histogram_with_the_number_of_its_stars() -> None:
    axes = panels()
    assert [axes[n].get_title(loc="left") for n in (0, 2)] == [r"$T_{\rm eff}$, 200 stars", "[Mg/Fe], 0 stars"]
    steps = next(patch for patch in axes[0].patches if hasattr(patch, "get_data"))
    assert_allclose(steps.get_data().values, [60, 40, 45, 55])
    assert_allclose(steps.get_data().edges, [0, 0.25, 0.5, 0.75, 1])


def test_a_flat_histogram_stays_in_the_band_of_chance_19_times_in_20() -> None:
    axes = panels()[0]
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    counts = np.random.default_rng(1).binomial(200, 1 / 4, 20_000)
    inside = np.mean((counts >= band.y0 - 1e-9) & (counts <= band.y1 + 1e-9))
    assert 0.95 <= inside < 0.965  # whole stars: a band of less than 95 % would be one star narrower, 1.5 % less


def test_shares_are_drawn_in_per_cent_against_their_nominal_ones() -> None:
    axes = panels()[1]
    curve, points = axes.lines[1], axes.lines[2]
    assert_allclose(curve.get_xydata(), 100 * CALIBRATED[0])
    assert_allclose(points.get_xydata(), 100 * DRAWN[0])
    assert [line.get_label() for line in (curve, points)] == ["calibrated error", "percentiles of the draws"]


def test_a_label_without_stars_still_makes_a_figure() -> None:
    draw_coverage(("TEFF", "MG_FE"), COUNTS, CALIBRATED, DRAWN).draw_without_rendering()
