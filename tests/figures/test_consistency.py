"""The matrices of surveys: each pair once, in the right cell, white where they agree, within a page."""

import numpy as np
import pytest

from stdask.figures.consistency import NO_NUMBER, ConsistencyRow, PairOffset, draw_consistency
from tests.figures.printing import check_print

SURVEYS = ["LAMOST DR5 giants with Gaia photometry", "LAMOST in the Kepler field", "APOGEE DR14", "APOGEE DR16"]
PAIRS = [(i, j) for j in range(4) for i in range(j)]
UNKNOWN = (0, 2)


def offsets(size):
    found = {pair: PairOffset(size * (pair[0] - pair[1]), 0.001, f"{pair[0]}{pair[1]}\n± 0.001") for pair in PAIRS}
    return found | {UNKNOWN: PairOffset(np.nan, np.nan, "no shared\ncell")}


@pytest.fixture
def figure():
    rows = [ConsistencyRow(label, "", offsets(0.1), offsets(0.001)) for label in ("TEFF", "LOGG", "M_H", "MG_FE", "RV")]
    return draw_consistency(rows, SURVEYS)


def test_it_fits_a_page(figure):
    check_print(figure)


def test_it_fits_a_page_with_two_surveys_and_one_label():
    pair = {(0, 1): PairOffset(0.0, np.nan, "0.000\n± 0.001")}
    check_print(draw_consistency([ConsistencyRow("M_H", "", pair, pair)], SURVEYS[:2]))


def test_each_pair_stands_in_the_row_of_the_first_and_the_column_of_the_second(figure):
    rows = [label.get_text().replace("\n", " ") for label in figure.axes[0].get_yticklabels()]
    assert rows == SURVEYS[:-1]
    for axes in figure.axes:
        found = {text.get_text()[:2]: text.get_position() for text in axes.texts}
        for first, second in set(PAIRS) - {UNKNOWN}:
            assert found[f"{first}{second}"] == (second - 1, first)
    assert [label.get_text().replace("\n", " ") for label in figure.axes[-1].get_xticklabels()] == SURVEYS[1:]


def test_surveys_that_agree_are_nearly_white_and_an_unknown_offset_is_grey(figure):
    before, after = ([patch.get_facecolor() for patch in axes.patches] for axes in figure.axes[:2])
    assert min(min(colour) for colour in after if colour[:3]) > 0.9
    assert min(min(colour) for colour in before) < 0.5
    grey = tuple(int(NO_NUMBER[place : place + 2], 16) / 255 for place in (1, 3, 5))
    assert sum(np.allclose(colour[:3], grey) for colour in before) == 1
    assert sum(np.allclose(colour[:3], grey) for colour in after) == 1


def test_offsets_that_chance_may_explain_are_pale():
    pairs = {(0, 1): PairOffset(0.01, 0.02, "+0.010\n± 0.020")}
    figure = draw_consistency([ConsistencyRow("M_H", "", pairs, pairs)], SURVEYS[:2])
    assert min(figure.axes[0].patches[0].get_facecolor()) > 0.8


def test_texts_are_dark_on_the_colours_behind_them(figure):
    """The contrast that WCAG 2.1 asks of text, 4.5, for the darkest colour."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
        return np.dot(linear, (0.2126, 0.7152, 0.0722))

    ink = luminance((0x22 / 255,) * 3)
    for axes in figure.axes:
        for patch in axes.patches:
            assert (luminance(patch.get_facecolor()) + 0.05) / (ink + 0.05) > 4.5
