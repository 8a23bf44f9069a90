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


def curves_of(axes):
    return [line for line in axes.lines if len(line.get_xdata()) == 3]


def test_marks_stand_in_their_rings_at_their_values(figure):
    for axes, names in ((figure.axes[0], ("raw", "of_b", "translated")), (figure.axes[1], ("before", "after"))):
        curves = curves_of(axes)
        assert len(curves) == len(names)
        for line in curves:
            assert np.all((line.get_xdata() > [4, 6, 8]) & (line.get_xdata() < [6, 8, 10]))
    raw, of_b, translated = (line.get_ydata() for line in curves_of(figure.axes[0]))
    before, after = (line.get_ydata() for line in curves_of(figure.axes[1]))
    assert np.allclose(before, raw - of_b)
    assert np.allclose(after, translated - of_b)


def test_the_title_says_how_far_apart_the_surveys_are(figure):
    # before: 0.2, 0.15 and 0.1; after: 0.015, 0 and 0.06
    assert figure.axes[1].get_title(loc="left").endswith("0.15 before, 0.015 after")


def test_marks_of_stars_in_both_surveys_are_open_and_the_legend_says_so(figure):
    marks = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "")]
    places = {colour: [] for colour in ("white", "filled")}
    for line in marks:
        places["white" if line.get_markerfacecolor() == "white" else "filled"] += list(line.get_xdata())
    assert sorted(x // 2 for x in places["white"]) == [3.0] * 3
    assert sorted(x // 2 for x in places["filled"]) == [2.0] * 3 + [4.0] * 3
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
    assert figure.axes[1].get_title(loc="left").endswith(": 0 after")
    check_print(figure)
