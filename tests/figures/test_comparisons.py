"""What a reader of the seam and of the asymmetry sees: marks in their rings, all rings together, and gaps."""

import numpy as np
import pytest

from stdask.figures.comparisons import ComparisonPanel, ComparisonRow, RingDifference, draw_comparisons
from tests.figures.printing import check_print

EDGES = (0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0)
LONG = "LAMOST DR3 K giants in the Kepler field with Gaia photometry"
NAMES = {"A_ONLY": f"{LONG} alone, translated", "RAW_ONLY": f"{LONG} alone, as measured", "MERGED": "merged"}


def rings(value):
    return [RingDifference(low, low + 2.0, value, 0.01) for low in EDGES[1:-1]]


def panel(**values):
    together = {sample: RingDifference(0.0, 14.0, value, 0.002) for sample, value in values.items()}
    return ComparisonPanel({sample: rings(value) for sample, value in values.items()}, together, "nothing to compare")


@pytest.fixture
def figure():
    rows = [
        ComparisonRow("FE_H", "dex", [panel(RAW_ONLY=0.1, A_ONLY=0.0), panel()]),
        ComparisonRow("AGE", "Gyr", [panel(RAW_ONLY=1.0, A_ONLY=0.2), panel(A_ONLY=0.3)]),
    ]
    return draw_comparisons(rows, ["all stars of B", "without the stars in both surveys"], NAMES, "A - B", EDGES)


def test_it_fits_a_page(figure):
    check_print(figure)


def test_marks_stand_in_their_rings_and_all_rings_beyond_them(figure):
    curves = [line for line in figure.axes[0].lines if line.get_marker() in ("^", "D")]
    assert len(curves) == 4
    for line in curves:
        x = line.get_xdata()
        if len(x) > 1:
            assert np.all((x > EDGES[1:-1]) & (x < EDGES[2:]))
        else:
            assert x > EDGES[-1]
    assert figure.axes[2].get_xticklabels()[-1].get_text() == "all"


def test_axes_and_legend_say_what_is_compared(figure):
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["[Fe/H]: A - B", "AGE: A - B [Gyr]"]
    texts = [text.get_text().replace("\n", " ") for text in figure.legends[0].get_texts()]
    assert texts == [NAMES["RAW_ONLY"], NAMES["A_ONLY"]]


def test_an_empty_panel_says_why(figure):
    assert [text.get_text() for text in figure.axes[1].texts] == ["nothing to compare"]
    assert not figure.axes[0].texts


def test_a_lone_ring_is_not_repeated_as_all_rings():
    own = [RingDifference(0.0, 14.0, 0.1, 0.01)]
    row = ComparisonRow("FE_H", "dex", [ComparisonPanel({"MERGED": own}, {}, "")])
    figure = draw_comparisons([row], [""], NAMES, "north - south", (0.0, 14.0))
    assert "all" not in [label.get_text() for label in figure.axes[0].get_xticklabels()]
    check_print(figure)
