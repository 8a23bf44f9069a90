"""The learning curves show every epoch of every member, and where weights were kept."""

import numpy as np
from numpy.testing import assert_array_equal

from stdask.figures.assessment.training import draw_learning_curves

# three members of 8, 6 and 4 epochs; the learning rate falls after half of them
LENGTHS = {1: 8, 2: 6, 4: 4}
ROWS = [
    (m, e, 1e-3 if e <= n // 2 else 1e-4, 1.0 / e, 1.0 / e + 0.1 * m)
    for m, n in LENGTHS.items()
    for e in range(1, n + 1)
]
MEMBERS, EPOCHS, RATES, LOSSES, VAL_LOSSES = map(np.array, zip(*ROWS, strict=True))


def test_each_member_has_a_panel_with_its_two_curves() -> None:
    figure = draw_learning_curves(MEMBERS, EPOCHS, RATES, LOSSES, VAL_LOSSES)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["member 1", "member 2", "member 4"]
    for axes, member in zip(figure.axes, LENGTHS, strict=True):
        own = np.isin(MEMBERS, member)
        for line, values in zip(axes.lines[:2], (LOSSES, VAL_LOSSES), strict=True):
            assert_array_equal(np.asarray(line.get_xydata()), np.column_stack([EPOCHS[own], values[own]]))


def test_rows_in_any_order_give_the_same_curves() -> None:
    order = np.random.default_rng(1).permutation(len(MEMBERS))
    figure = draw_learning_curves(*(a[order] for a in (MEMBERS, EPOCHS, RATES, LOSSES, VAL_LOSSES)))
    assert_array_equal(np.asarray(figure.axes[0].lines[0].get_xydata())[:, 0], np.arange(1, 9))


def test_the_circle_stands_at_the_lowest_validation_loss_and_a_line_at_each_new_learning_rate() -> None:
    val_losses = VAL_LOSSES.copy()
    val_losses[(MEMBERS == 1) & (EPOCHS == 3)] = 0.01
    figure = draw_learning_curves(MEMBERS, EPOCHS, RATES, LOSSES, val_losses)
    circle, change = figure.axes[0].lines[2:]
    assert_array_equal(np.asarray(circle.get_xydata()), np.array([[3, 0.01]]))
    assert_array_equal(
        np.asarray(change.get_xydata())[:, 0], np.full(2, 4.5)
    )  # between the last epoch at 1e-3 and the first at 1e-4


def test_the_legend_names_the_learning_rates_once() -> None:
    figure = draw_learning_curves(MEMBERS, EPOCHS, RATES, LOSSES, VAL_LOSSES)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["training", "validation", "weights kept", r"learning rate $10^{-3}$ $\to$ $10^{-4}$"]


def test_one_member_at_one_learning_rate_is_enough() -> None:
    figure = draw_learning_curves(np.ones(3, int), np.arange(1, 4), np.full(3, 2e-3), np.ones(3), np.ones(3))
    assert len(figure.axes) == 1
    assert len(figure.legends[0].get_texts()) == 3
