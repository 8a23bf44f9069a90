"""Differences of two sets of stars ring by ring: A minus B, and north minus south."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stdask.figures.points import draw_points, scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    STYLE,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)

APART = 0.16  # of the width of a ring: between the marks of two samples
SIZE = 4.5  # points
ROW, HEAD = 1.8, 0.95  # inches: of a row, and of legend and axis label
LINE = 50  # characters of a name in the legend
MOST_TICKS = 8


class RingDifference(NamedTuple):
    """The difference in a ring, with its 1-sigma error."""

    low: float  # kpc
    high: float
    value: float
    error: float


@dataclass(frozen=True)
class ComparisonPanel:
    """Some samples in one panel: ring by ring, and all rings together."""

    rings: Mapping[str, Sequence[RingDifference]]  # by sample
    together: Mapping[str, RingDifference]
    nothing: str  # what the panel says if it is empty

    @property
    def samples(self) -> list[str]:
        """All samples, in the order in which they are drawn."""
        return [*dict.fromkeys((*self.rings, *self.together))]


@dataclass(frozen=True)
class ComparisonRow:
    """One label: its panels, from the left."""

    label: str
    unit: str  # of a label that stdask does not know
    panels: Sequence[ComparisonPanel]


def draw_comparisons(
    rows: Sequence[ComparisonRow],
    columns: Sequence[str],
    names: Mapping[str, str],
    difference: str,
    edges_kpc: Sequence[float],
    radius: str = "R",
) -> Figure:
    """Draw differences against R, a row a label, with those of all rings together at the right of a panel.

    Parameters
    ----------
    rows
        The labels, from above.
    columns
        Titles of the columns.
    names
        Sample -> its name in the legend.
    difference
        What is subtracted from what, after the symbol of the label.
    edges_kpc
        Edges of the rings of R.
    radius
        Its symbol.
    """
    height = min(ROW, (PAGE_HEIGHT - HEAD) / len(rows))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + height * len(rows)))
        panels = figure.subplots(len(rows), len(columns), sharex=True, sharey="row", squeeze=False)
        for own, row in zip(panels, rows, strict=True):
            if scale := _scale(row):
                own[0].set_ylim(*scale)
            for axes, panel in zip(own, row.panels, strict=True):
                _draw_panel(axes, panel, edges_kpc)
            own[0].set_ylabel(with_unit(f"{symbol(row.label)}: {difference}", unit_of(row.label, row.unit)))
        for axes, title in zip(panels[0], columns, strict=True):
            axes.set_title(title)
        for axes in panels[-1]:
            axes.set_xlabel(f"${radius}$ [kpc]")
        handles, texts = [], []
        for sample in dict.fromkeys(sample for row in rows for panel in row.panels for sample in panel.samples):
            colour, mark = SAMPLE_MARKS[sample]
            handles.append(Line2D([], [], color=colour, marker=mark, markersize=SIZE, linewidth=0.8))
            texts.append(fill(names[sample], LINE))
        figure.legend(handles, texts, loc="outside upper left", ncols=2)
    return figure


def _scale(row: ComparisonRow) -> tuple[float, float] | None:
    rings = [point for panel in row.panels for own in panel.rings.values() for point in own]
    together = [point for panel in row.panels for point in panel.together.values()]
    values = np.array([[point.value, point.error] for point in (*rings, *together)], dtype=float).reshape(-1, 2)
    return scale_of(values[:, 0], values[:, 1], fixed=0.0)


def _draw_panel(axes: Axes, panel: ComparisonPanel, edges_kpc: Sequence[float]) -> None:
    edges = np.asarray(edges_kpc, dtype=float)
    width, end = float(np.median(np.diff(edges))), edges[-1]
    several = len(edges) > 2
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for number, sample in enumerate(panel.samples):
        shift = (number - (len(panel.samples) - 1) / 2) * APART
        own = np.array(panel.rings.get(sample, ()), dtype=float).reshape(-1, 4)
        style = _style(sample)
        at = own[:, :2].mean(axis=1) + shift * (own[:, 1] - own[:, 0])
        draw_points(axes, at, own[:, 2], own[:, 3], **style)
        if sample in panel.together and several:
            together = panel.together[sample]
            at = np.array([end + (0.75 + shift) * width])
            draw_points(axes, at, np.array([together.value]), np.array([together.error]), **style)
    ticks = edges[:: -(-len(edges) // MOST_TICKS)]
    labels = [f"{edge:g}" for edge in ticks]
    if several:
        axes.axvline(end, color=INK, linewidth=STYLE["axes.linewidth"])
        axes.set_xticks([*ticks, end + 0.75 * width], [*labels, "all"])
    else:
        axes.set_xticks(ticks, labels)
    axes.set_xlim(edges[0], end + 1.5 * width * several)
    if not panel.samples:
        axes.text(0.5, 0.5, panel.nothing, transform=axes.transAxes, ha="center", va="center", color=FAINT)


def _style(sample: str) -> dict[str, Any]:
    colour, mark = SAMPLE_MARKS[sample]
    return {"color": colour, "marker": mark, "markersize": SIZE, "linewidth": 0.8, "elinewidth": 1.0}
