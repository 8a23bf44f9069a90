"""What a reader of the first figure sees: three samples ring by ring, their differences, and where none can be."""

import numpy as np
import pytest

from stdask.figures.before_after import BeforeAfterRow, RingPoint, WithError, draw_before_after
from tests.figures.printing import check_print

NAMES = {
    "ALONE": "APOGEE DR17 giants of the inner Galaxy alone",
    "RAW_ONLY": "LAMOST DR3 K giants in the Kepler field with Gaia photometry alone, as measured",
    "A_ONLY": "LAMOST DR3 K giants in the Kepler field with Gaia photometry alone, translated",
    "MERGED": "not in this figure",
}


def point(low, raw, translated, *, of_b=-0.1, error=0.01, independent=True):
    values = (of_b, raw, translated, raw - of_b, translated - of_b)
    return RingPoint(low, low + 2.0, independent, *(WithError(value, error) for value in values))


@pytest.fixture
def figure():
    points = [point(4.0, 0.1, -0.085), point(6.0, 0.05, -0.1, independent=False), point(8.0, 0.0, -0.04)]
    return draw_before_after([BeforeAfterRow("FE_H", "dex", points), BeforeAfterRow("TEFF", "K", [])], NAMES, (0, 14))


def test_it_fits_a_page(figure):
    check_print(figure)


def test_marks_stand_in_their_rings_at_their_values(figure):
    for axes, names in ((figure.axes[0], ("raw", "of_b", "translated")), (figure.axes[1], ("before", "after"))):
        curves = [line for line in axes.lines if len(line.get_xdata()) == 3]
        assert len(curves) == len(names)
        for line in curves:
            assert np.all((line.get_xdata() > [4, 6, 8]) & (line.get_xdata() < [6, 8, 10]))
    raw, of_b, translated = (line.get_ydata() for line in figure.axes[0].lines if len(line.get_xdata()) == 3)
    before, after = (line.get_ydata() for line in figure.axes[1].lines if len(line.get_xdata()) == 3)
    assert np.allclose(before, raw - of_b)
    assert np.allclose(after, translated - of_b)


def test_rings_in_which_the_surveys_agree_are_counted(figure):
    # after: 0.015 and 0 are within 2 sigma of 0.01, 0.06 is not
    title = figure.axes[1].get_title(loc="left")
    assert "0 of 3 before, 2 of 3 after" in title


def test_marks_of_stars_in_both_surveys_are_open_and_the_legend_says_so(figure):
    marks = [line for line in figure.axes[0].lines if len(line.get_xdata()) == 1]
    open_ones = [line for line in marks if line.get_markerfacecolor() == "white"]
    assert len(marks) == 9
    assert {float(line.get_xdata()[0]) // 2 for line in open_ones} == {3.0}
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts[-1].startswith("open")
    assert not any("not in this figure" in text for text in texts)
    closed = draw_before_after([BeforeAfterRow("FE_H", "dex", [point(4.0, 0.1, 0.0)])], NAMES, (0, 14))
    assert not any(text.get_text().startswith("open") for text in closed.legends[0].get_texts())


def test_surveys_that_share_no_cell_are_said_to(figure):
    assert ["no cell" in axes.texts[0].get_text() for axes in figure.axes[2:]] == [True, True]


def test_a_label_that_a_does_not_measure_has_no_mark_before():
    points = [point(low, np.nan, -0.1) for low in (4.0, 6.0)]
    figure = draw_before_after([BeforeAfterRow("MG_FE", "dex", points)], NAMES, (0, 14))
    assert figure.axes[1].get_title(loc="left").endswith("2 of 2 after")
    check_print(figure)
