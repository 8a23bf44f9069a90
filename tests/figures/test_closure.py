"""What a reader of the closure figures sees: offsets and scatter where they are, and every trend in its panel."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.figures.closure import draw_closure, draw_trends
from stdask.schema.closure import DOMAIN_INDEX, EVERYWHERE, INSIDE_B, LATITUDE, OUTSIDE_B, SIGNAL, ClosureRow
from tests.figures.printing import check_print

NAN = np.nan
WHOLE = ClosureRow(
    first="apogee_dr14_kepler",
    second="lamost_kepler",
    label="FE_H",
    sample=OUTSIDE_B,
    unit="dex",
    by=EVERYWHERE,
    bin=EVERYWHERE,
    low=NAN,
    high=NAN,
    middle=NAN,
    n=153,
    offset=0.008,
    offset_err=0.003,
    error_of_stars=0.003,
    error_of_networks=0.001,
    scatter=0.028,
    scatter_err=0.002,
    expected=0.03,
    pull=0.95,
    pull_err=0.08,
    raw_offset=0.07,
    raw_offset_err=0.004,
    raw_scatter=0.034,
)
TEFF = replace(WHOLE, label="TEFF", unit="K", offset=-2.0, offset_err=4.0, raw_offset=-5.0, raw_scatter=45.0)
IN_B = replace(WHOLE, sample=INSIDE_B, n=687)


def bins(row, by, middles):
    return [replace(row, by=by, middle=x, offset=row.offset + n * row.offset_err) for n, x in enumerate(middles)]


TRENDS = [
    *(row for own in (WHOLE, TEFF) for row in bins(own, "FE_H", [-0.4, -0.1, 0.1])),
    *bins(TEFF, "TEFF", [4500.0, 4800.0]),
    *(row for own in (WHOLE, TEFF) for row in bins(own, DOMAIN_INDEX, [0.4, 0.9])),
    *(row for own in (WHOLE, TEFF) for row in bins(own, LATITUDE, [-20.0, 20.0])),
    *(row for own in (WHOLE, TEFF) for row in bins(own, f"{SIGNAL} of lamost_kepler", [20.0, 90.0])),
]


@pytest.fixture
def overview():
    rows = [WHOLE, IN_B, TEFF]
    return draw_closure(rows, {row: f"offset {number}" for number, row in enumerate(rows)})


def test_both_figures_fit_a_page(overview):
    check_print(overview)
    check_print(draw_trends(TRENDS))


def test_offsets_and_scatters_stand_where_they_are(overview):
    left, right = overview.axes[0], overview.axes[1]
    marks = [line for line in left.lines if len(line.get_xdata()) == 2 and line.get_marker() not in ("None", "|")]
    assert [list(line.get_xdata()) for line in marks] == [[0.07, 0.07], [0.008, 0.008]]
    assert [bar.get_width() for bar in right.patches] == [0.03, 0.03]
    names = [text.get_text() for text in left.get_yticklabels()]
    assert "in B (687)" in names[1]
    assert "(153)" in names[0]


def test_the_offsets_are_written_beside_their_marks(overview):
    beside = [axes for axes in overview.axes if axes.get_yticklabels() and axes.yaxis.get_ticks_position() == "right"]
    assert [[text.get_text() for text in axes.get_yticklabels()] for axes in beside] == [
        ["offset 0", "offset 1"],
        ["offset 2"],
    ]


def test_every_trend_is_drawn_once():
    figure = draw_trends(TRENDS)
    drawn = [[list(line.get_xdata()) for line in axes.lines if line.get_marker() == "o"] for axes in figure.axes[:10]]
    assert drawn == [
        [[-0.4, -0.1, 0.1]], [], [[0.4, 0.9]], [[-20.0, 20.0]], [[20.0, 90.0]],
        [[4500.0, 4800.0]], [[-0.4, -0.1, 0.1]], [[0.4, 0.9]], [[-20.0, 20.0]], [[20.0, 90.0]],
    ]  # fmt: skip


def test_without_bins_there_are_no_trends():
    assert draw_trends([WHOLE, TEFF]) is None


def test_many_labels_and_surveys_fit_a_page():
    labels = ("TEFF", "LOGG", "M_H", "MG_FE", "VHELIO")
    pairs = (("mock_a", "mock_c"), ("mock_a", "mock_d"), ("mock_c", "mock_d"))
    rows = [replace(WHOLE, label=label, first=a, second=b) for label in labels for a, b in pairs]
    check_print(draw_closure(rows, dict.fromkeys(rows, "+0.0082 ± 0.0027")))
    check_print(draw_trends([own for row in rows for own in bins(row, DOMAIN_INDEX, [0.4, 0.9])]))
