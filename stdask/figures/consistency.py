"""How far surveys of a merged catalogue lie apart where they overlap: every two of them, before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SMALL,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)

COLOURS = colormaps["RdBu_r"]
STRONGEST = 0.6  # of the range of the colours from white to an end, for the largest offset: numbers stay readable
SIGNIFICANT = 3  # errors that an offset has at least if its colour is the strongest one
NO_NUMBER = "#eeeeee"
CELL, HEAD, TITLE = 0.42, 0.75, 0.3  # inches: height of a cell of a matrix, of the page's texts, and of a row's title
LINE = 18  # characters of the name of a survey


class PairOffset(NamedTuple):
    """The offset of two surveys, as it is drawn."""

    value: float  # NaN: not known
    error: float  # 1 sigma; NaN: not known
    text: str  # with its error; lines of it


@dataclass(frozen=True)
class ConsistencyRow:
    """One label: the offsets of every two surveys, by their numbers; the earlier one minus the later one."""

    label: str
    unit: str  # of a label that stdask does not know
    before: dict[tuple[int, int], PairOffset]
    after: dict[tuple[int, int], PairOffset]


def draw_consistency(rows: Sequence[ConsistencyRow], surveys: Sequence[str]) -> Figure:
    """Draw a row a label, left with the surveys as measured and right translated: white where they agree.

    Parameters
    ----------
    rows
        The labels, from above.
    surveys
        Names of the surveys, at least two, in their order.
    """
    n_cells = len(surveys) - 1
    names = [fill(name, LINE) for name in surveys]
    lines = max(name.count("\n") for name in names) + 1
    foot = 0.14 * lines
    height = min(n_cells * CELL + TITLE, (PAGE_HEIGHT - HEAD - foot) / len(rows))
    with own_style({"xtick.top": False, "ytick.right": False, "xtick.major.size": 0, "ytick.major.size": 0}):
        figure = PrintedFigure((FULL_WIDTH, HEAD + foot + height * len(rows)))
        panels = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
        for own, row in zip(panels, rows, strict=True):
            largest = _largest([*row.before.values(), *row.after.values()])
            for axes, pairs in zip(own, (row.before, row.after), strict=True):
                _draw_matrix(axes, pairs, n_cells, Normalize(-largest / STRONGEST, largest / STRONGEST))
            title = with_unit(symbol(row.label), unit_of(row.label, row.unit))
            own[0].set_title(f"{title}, as measured")
            own[1].set_title(f"{title}, on one scale")
        for axes in panels[-1]:
            axes.set_xticks(range(n_cells), names[1:])
            axes.set_xlabel(f"survey of the row {MINUS} survey of the column")
        for axes in panels[:, 0]:
            axes.set_yticks(range(n_cells), names[:-1])
    return figure


def _largest(pairs: Sequence[PairOffset]) -> float:
    """Return the offset that has the strongest colour: none that chance may explain."""
    values, errors = np.abs([[pair.value, pair.error] for pair in pairs]).T
    known = errors[np.isfinite(errors)]
    by_chance = SIGNIFICANT * float(np.median(known)) if known.size else 0.0
    return max(float(np.nanmax(values, initial=0.0)), by_chance) or 1.0


def _draw_matrix(axes: Axes, pairs: dict[tuple[int, int], PairOffset], n_cells: int, norm: Normalize) -> None:
    """Draw the offsets of the surveys of the rows from those of the columns."""
    for (first, second), pair in pairs.items():
        at = (second - 1, first)
        known = np.isfinite(pair.value)
        colour = COLOURS(norm(pair.value)) if known else NO_NUMBER
        axes.add_patch(Rectangle((at[0] - 0.5, at[1] - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
        axes.text(*at, pair.text, ha="center", va="center", fontsize=SMALL, color=INK if known else FAINT)
    axes.set_xlim(-0.5, n_cells - 0.5)
    axes.set_ylim(n_cells - 0.5, -0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
