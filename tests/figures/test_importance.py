"""The importance figure has a bar for each number it is given."""

from typing import Any

import numpy as np
from numpy.testing import assert_allclose

from stdask.figures.importance import draw_importance

INPUTS = ("TEFF", "LOGG", "BP_G_0")
SHARES = {  # per cent; each line adds up to 100
    ("TEFF", "all"): (70.0, 10.0, 20.0),
    ("TEFF", "[Fe/H] < -1"): (50.0, 5.0, 45.0),
    ("LOGG", "all"): (15.0, 75.0, 10.0),
    ("LOGG", "[Fe/H] < -1"): (20.0, 60.0, 20.0),
}
ROWS = [(*key, name, share, 1.5) for key, shares in SHARES.items() for name, share in zip(INPUTS, shares, strict=True)]
COLUMNS = [np.array(column) for column in zip(*ROWS, strict=True)]


def widths(axes: Any) -> list[float]:
    return [bar.get_width() for bar in axes.patches]


def test_each_label_has_a_panel_and_each_group_and_input_a_bar() -> None:
    figure = draw_importance(*COLUMNS)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [r"$T_{\rm eff}$", r"$\log g$"]
    for axes, label in zip(figure.axes, ("TEFF", "LOGG"), strict=True):
        assert_allclose(widths(axes), [*SHARES[label, "all"], *SHARES[label, "[Fe/H] < -1"]])


def test_inputs_stand_from_above_in_the_order_given() -> None:
    figure = draw_importance(*COLUMNS)
    first = figure.axes[0]
    assert [tick.get_text() for tick in first.get_yticklabels()] == [
        r"$T_{\rm eff}$",
        r"$\log g$",
        "(BP \N{MINUS SIGN} G)$_0$",
    ]
    assert first.yaxis_inverted()


def test_groups_have_a_legend_only_where_there_are_several() -> None:
    assert [t.get_text() for t in draw_importance(*COLUMNS).legends[0].get_texts()] == [
        "all",
        "[Fe/H] < \N{MINUS SIGN}1",
    ]
    everything = COLUMNS[1] == "all"
    assert not draw_importance(*(column[everything] for column in COLUMNS)).legends


def test_rows_in_any_order_keep_bars_with_their_inputs() -> None:
    order = np.random.default_rng(2).permutation(len(ROWS))
    shuffled = [column[order] for column in COLUMNS]
    labels, groups, inputs = (list(dict.fromkeys(column.tolist())) for column in shuffled[:3])
    for axes, label in zip(draw_importance(*shuffled).axes, labels, strict=True):
        bars: Any = axes.patches
        middles = [bar.get_y() + bar.get_height() / 2 for bar in bars]
        names = [inputs[round(middle)] for middle in middles]  # bars of an input stand within 0.4 of its tick
        shares = [
            SHARES[label, group][INPUTS.index(name)] for group, name in zip(np.repeat(groups, 3), names, strict=True)
        ]
        assert_allclose(widths(axes), shares)
