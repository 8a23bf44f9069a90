"""The importance figure has a bar for each number it is given."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.figures.assessment.importance import draw_importance

MINUS = "\N{MINUS SIGN}"
KINDS = ("translated label", "correction")
GROUPS = ("all", "[Fe/H] < -1")
INPUTS = ("TEFF", "LOGG", "BP_G_0")
SHARES = {  # per cent; each line adds up to 100
    ("TEFF", "translated label", "all"): (70.0, 10.0, 20.0),
    ("TEFF", "translated label", "[Fe/H] < -1"): (50.0, 5.0, 45.0),
    ("TEFF", "correction", "all"): (12.0, 31.0, 57.0),
    ("TEFF", "correction", "[Fe/H] < -1"): (22.0, 33.0, 45.0),
    ("LOGG", "translated label", "all"): (15.0, 75.0, 10.0),
    ("LOGG", "translated label", "[Fe/H] < -1"): (20.0, 60.0, 20.0),
    ("LOGG", "correction", "all"): (48.0, 27.0, 25.0),
    ("LOGG", "correction", "[Fe/H] < -1"): (9.0, 81.0, 10.0),
}
ROWS = [
    (label, kind, "inputs", group, name, share, 1.5)
    for (label, kind, group), shares in SHARES.items()
    for name, share in zip(INPUTS, shares, strict=True)
]
COLUMNS = [np.array(column) for column in zip(*ROWS, strict=True)]


def chosen(rows: np.ndarray) -> list[np.ndarray]:
    return [column[rows] for column in COLUMNS]


def widths(axes: Any) -> list[float]:
    return [bar.get_width() for bar in axes.patches]


def place(axes: Any) -> tuple[int, int]:
    spec = axes.get_subplotspec()
    return spec.rowspan.start, spec.colspan.start


def test_each_label_and_kind_has_a_panel_and_each_group_and_input_a_bar() -> None:
    panels = {axes.get_title(loc="left").replace("\n", " "): axes for axes in draw_importance(*COLUMNS).axes}
    for label, symbol in (("TEFF", r"$T_{\rm eff}$"), ("LOGG", r"$\log g$")):
        for kind in KINDS:
            expected = [share for group in GROUPS for share in SHARES[label, kind, group]]
            assert_allclose(widths(panels.pop(f"{symbol}, {kind}")), expected)
    assert panels == {}


@pytest.mark.parametrize(
    ("n_labels", "places"),
    [
        (1, [(0, 0), (0, 1)]),
        (2, [(0, 0), (0, 1), (1, 0), (1, 1)]),
        (5, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0)]),
    ],
)
def test_panels_of_a_kind_stand_together(n_labels: int, places: list[tuple[int, int]]) -> None:
    names = np.array([f"L{n}" for n in range(n_labels)])
    kinds, labels = np.repeat(KINDS, n_labels), np.tile(names, 2)
    ones = np.ones(len(labels))
    same = [np.full(len(labels), text) for text in ("inputs", "all", "TEFF")]
    axes = draw_importance(labels, kinds, *same, 100 * ones, ones).axes
    assert [panel.get_title(loc="left").replace("\n", " ") for panel in axes] == [
        f"{label}, {kind}" for label, kind in zip(labels, kinds, strict=True)
    ]
    assert [place(panel) for panel in axes] == places


def test_inputs_stand_from_above_in_the_order_given() -> None:
    first = draw_importance(*COLUMNS).axes[0]
    assert [tick.get_text() for tick in first.get_yticklabels()] == [
        r"$T_{\rm eff}$",
        r"$\log g$",
        f"(BP {MINUS} G)$_0$",
    ]
    assert first.yaxis_inverted()


def test_an_input_of_other_players_stands_below_a_line() -> None:
    extra = [np.append(c, v) for c, v in zip(COLUMNS, ("LOGG", KINDS[1], "one", "all", "both", 33.0, 2.0), strict=True)]
    figure = draw_importance(*extra)
    assert figure.axes[0].get_yticklabels()[-1].get_text() == "both"
    for axes in figure.axes:
        lines = [line.get_ydata() for line in axes.lines if line.get_linestyle() == ":"]
        assert_allclose(lines, [[2.5, 2.5]])  # three inputs at 0, 1 and 2, the other at 3
    assert not [line for axes in draw_importance(*COLUMNS).axes for line in axes.lines if line.get_linestyle() == ":"]


def test_groups_have_a_legend_only_where_there_are_several() -> None:
    assert [t.get_text() for t in draw_importance(*COLUMNS).legends[0].get_texts()] == ["all", f"[Fe/H] < {MINUS}1"]
    assert not draw_importance(*chosen(COLUMNS[3] == "all")).legends


def test_rows_in_any_order_keep_bars_with_their_inputs() -> None:
    shuffled = chosen(np.random.default_rng(2).permutation(len(ROWS)))
    labels, kinds, _, groups, inputs = (list(dict.fromkeys(column.tolist())) for column in shuffled[:5])
    panels = [(label, kind) for kind in kinds for label in labels]
    for axes, (label, kind) in zip(draw_importance(*shuffled).axes, panels, strict=True):
        bars: Any = axes.patches
        middles = [bar.get_y() + bar.get_height() / 2 for bar in bars]
        names = [inputs[round(middle)] for middle in middles]  # bars of an input stand within 0.4 of its tick
        shares = [
            SHARES[label, kind, group][INPUTS.index(name)]
            for group, name in zip(np.repeat(groups, 3), names, strict=True)
        ]
        assert_allclose(widths(axes), shares)
