"""A reader sees the members of each cluster against temperature and gravity, and how they depend on these."""

from typing import NamedTuple

import numpy as np

from stdask.figures.assessment.cluster_members import ClusterPoints, draw_members
from stdask.figures.assessment.three_values import MARKS
from stdask.schema.known_stars import OF_B, RAW, TRANSLATED
from tests.figures.printing import check_print, texts_of

NAMES = ("LAMOST DR3 K giants in the Kepler field", "APOGEE DR17")
SLOPE = "\N{MINUS SIGN}0.023 ± 0.027 / 1000 K"
AXES = {"TEFF": (4500.0, 300.0), "LOGG": (2.4, 0.4)}


class Line(NamedTuple):
    slope: float
    middle: float
    level: float


def cluster(name: str, seed: int, n_stars: int = 25, literature: float = np.nan) -> ClusterPoints:
    rng = np.random.default_rng(seed)
    shifts = {RAW: 0.1, OF_B: 0.0, TRANSLATED: 0.01}
    values = {kind: rng.normal(-0.7 - 0.1 * seed + shift, 0.03, n_stars) for kind, shift in shifts.items()}
    places = {axis: {kind: rng.normal(*own, n_stars) for kind in MARKS} for axis, own in AXES.items()}
    for kind in MARKS:
        values[kind][: n_stars // 3] = np.nan if kind == OF_B else values[kind][: n_stars // 3]
    lines = {
        axis: {kind: Line(0.02 / AXES[axis][1], AXES[axis][0], np.nanmean(own)) for kind, own in values.items()}
        for axis in AXES
    }
    slopes = {axis: dict.fromkeys(MARKS, SLOPE) for axis in AXES}
    trained = np.arange(n_stars) > n_stars // 2
    return ClusterPoints(name, places, values, trained, lines, slopes, literature)


def test_each_cluster_has_a_column_and_each_axis_a_row():
    own = [cluster("NGC 6791", 1, literature=-0.79), cluster("NGC 6819", 2)]
    figure = draw_members("FE_H", "dex", own, list(AXES), NAMES)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["NGC 6791", "NGC 6819", "", ""]
    assert [axes.get_xlabel() for axes in figure.axes[1:3]] == [r"$T_{\rm eff}$ [K]", r"$\log g$"]
    assert figure.axes[0].get_ylabel() == "[Fe/H]"
    texts = [text.get_text() for text in texts_of(figure)]
    assert texts.count(SLOPE) == 2 * 2 * 3
    drawn = [line for line in figure.axes[0].lines if line.get_marker() == "^"]
    assert sum(np.isfinite(line.get_ydata()).sum() for line in drawn) == 25
    open_marks = next(line for line in drawn if line.get_markerfacecolor() == "none")
    assert len(open_marks.get_ydata()) == own[0].trained.sum()


def test_a_trend_is_drawn_through_its_level_over_the_stars():
    own = cluster("NGC 6791", 1)
    figure = draw_members("FE_H", "dex", [own], list(AXES), NAMES)
    trend = next(line for line in figure.axes[0].lines if line.get_marker() == "None" and len(line.get_xdata()) == 2)
    line, (x, y) = own.lines["TEFF"][RAW], trend.get_data()
    np.testing.assert_allclose(np.interp(line.middle, x, y), line.level)
    assert np.ptp(x) == np.ptp(own.places["TEFF"][RAW])


def test_one_far_star_does_not_hide_the_others():
    own = cluster("NGC 6791", 1)
    own.values[TRANSLATED][0] = 3.0
    low, high = draw_members("FE_H", "dex", [own], list(AXES), NAMES).axes[0].get_ylim()
    assert high - low < 0.5


def test_a_cluster_without_stars_of_b_and_without_lines_is_drawn():
    own = cluster("NGC 6791", 1)
    own.values[OF_B][:] = np.nan
    lines = {axis: {kind: Line(np.nan, np.nan, np.nan) for kind in MARKS} for axis in AXES}
    slopes: dict[str, dict[str, str]] = {axis: {} for axis in AXES}
    check_print(draw_members("FE_H", "dex", [own._replace(lines=lines, slopes=slopes)], list(AXES), NAMES))


def test_clusters_that_are_left_out_are_named():
    few = "M 71 (4), NGC 362 (3); 12 without a member in A"
    figure = draw_members("FE_H", "dex", [cluster("NGC 6791", 1)], list(AXES), NAMES, few)
    assert figure.get_supxlabel() == f"Too few usable members of A (their number), not drawn: {few}"
    assert draw_members("FE_H", "dex", [cluster("NGC 6791", 1)], list(AXES), NAMES).get_supxlabel() == ""


def test_it_fits_a_page():
    few = ", ".join(f"Collinder {n} (4)" for n in range(1, 7)) + " and 120 others; 32 without a member in A"
    for n in (1, 3, 5, 8):
        own = [cluster(f"NGC {6000 + n}", n, literature=-0.7 - 0.1 * n) for n in range(n)]
        check_print(draw_members("FE_H", "dex", own, list(AXES), NAMES))
        check_print(draw_members("FE_H", "dex", own, list(AXES), NAMES, few))
