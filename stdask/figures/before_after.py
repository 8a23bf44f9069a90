"""What a translation does to the medians of survey A: as measured, translated, and B in the same cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stdask.figures.points import draw_points, scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    SURVEY_B,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)

# what a point has -> the sample whose mark it is drawn with
MEDIANS = {"raw": "RAW_ONLY", "of_b": "ALONE", "translated": "A_ONLY"}
DIFFERENCES = {"before": "RAW_ONLY", "after": "A_ONLY"}
APART = 0.13  # of the width of a ring: between marks, so that their error bars are seen
SIZE = 4.5  # points
LINE = 48  # characters of a name in the legend, which has two columns
ROW, HEAD = 1.9, 0.95  # inches: of a row, and of legend and axis label
NOTHING = "no cell of $R$ and $|Z|$\nhas enough stars of both surveys"


class WithError(NamedTuple):
    """A number and its 1-sigma error; NaN if unknown."""

    value: float
    error: float


@dataclass(frozen=True)
class RingPoint:
    """Means over the cells of a ring in which both surveys have stars."""

    low: float  # kpc
    high: float
    independent: bool  # no star of B in it is in A too
    of_b: WithError
    raw: WithError
    translated: WithError
    before: WithError  # A as measured minus B
    after: WithError  # A translated minus B


@dataclass(frozen=True)
class BeforeAfterRow:
    """One label."""

    label: str
    unit: str  # of a label that stdask does not know
    points: Sequence[RingPoint]


def draw_before_after(
    rows: Sequence[BeforeAfterRow], names: Mapping[str, str], limits_kpc: tuple[float, float], radius: str = "R"
) -> Figure:
    """Draw a row a label: medians of the three against R, and A minus B before and after.

    Parameters
    ----------
    rows
        The labels, from above.
    names
        Sample -> its name in the legend.
    limits_kpc
        Range of R.
    radius
        Its symbol.
    """
    height = min(ROW, (PAGE_HEIGHT - HEAD) / len(rows))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + height * len(rows)))
        panels = figure.subplots(len(rows), 2, sharex=True, squeeze=False, width_ratios=(1.15, 1))
        for (left, right), row in zip(panels, rows, strict=True):
            text, unit = symbol(row.label), unit_of(row.label, row.unit)
            _draw_medians(left, row.points)
            _draw_differences(right, row.points)
            left.set_ylabel(with_unit(f"median {text}", unit))
            right.set_ylabel(with_unit(f"{text}: A {MINUS} B", unit))
            right.set_title(_summary(row.points, unit))
            for axes in (left, right):
                axes.set_xlim(*limits_kpc)
                if not row.points:
                    axes.set_yticks([])
                    axes.text(0.5, 0.5, NOTHING, transform=axes.transAxes, ha="center", va="center", color=FAINT)
        panels[0, 0].set_title(f"medians in the same cells of ${radius}$ and $|Z|$")
        for axes in panels[-1]:
            axes.set_xlabel(f"${radius}$ [kpc]")
            axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
        _add_legend(figure, names, [point.independent for row in rows for point in row.points])
    return figure


def _draw_medians(axes: Axes, points: Sequence[RingPoint]) -> None:
    _set_scale(axes, points, [*MEDIANS])
    for number, (name, sample) in enumerate(MEDIANS.items()):
        _draw_series(axes, points, name, sample, (number - 1) * APART)


def _draw_differences(axes: Axes, points: Sequence[RingPoint]) -> None:
    _set_scale(axes, points, [*DIFFERENCES], fixed=0.0)
    axes.axhline(0, color=SURVEY_B, linewidth=1.0, zorder=0)
    for name, sample in DIFFERENCES.items():
        _draw_series(axes, points, name, sample, -APART if name == "before" else APART)


def _set_scale(axes: Axes, points: Sequence[RingPoint], names: Sequence[str], fixed: float | None = None) -> None:
    values = np.array([getattr(point, name) for name in names for point in points]).reshape(-1, 2)
    if scale := scale_of(values[:, 0], values[:, 1], fixed=fixed):
        axes.set_ylim(*scale)


def _draw_series(axes: Axes, points: Sequence[RingPoint], name: str, sample: str, shift: float) -> None:
    colour, mark = SAMPLE_MARKS[sample]
    x = np.array([(p.low + p.high) / 2 + shift * (p.high - p.low) for p in points])
    values = np.array([getattr(p, name) for p in points]).reshape(-1, 2)
    axes.plot(x, values[:, 0], color=colour, linewidth=0.8, alpha=0.6, scaley=False)
    independent = np.array([p.independent for p in points], dtype=bool)
    for own, face in ((independent, colour), (~independent, "white")):
        style: dict[str, Any] = {"marker": mark, "markersize": SIZE, "markerfacecolor": face, "linestyle": ""}
        draw_points(axes, x[own], values[own, 0], values[own, 1], color=colour, elinewidth=1.0, **style)


def _summary(points: Sequence[RingPoint], unit: str) -> str:
    """Return how far A is from B in the ring in the middle of all, before and after."""
    parts = []
    for name in DIFFERENCES:
        known = [abs(getattr(p, name).value) for p in points if np.isfinite(getattr(p, name).value)]
        if known:
            parts.append(f"{np.median(known):.2g} {name}")
    return with_unit(f"median $|A - B|$: {', '.join(parts)}", unit) if parts else ""


def _add_legend(figure: Figure, names: Mapping[str, str], independent: Sequence[bool]) -> None:
    handles, texts = [], []
    for sample in MEDIANS.values():
        if sample in names:
            colour, mark = SAMPLE_MARKS[sample]
            handles.append(Line2D([], [], color=colour, marker=mark, markersize=SIZE, linewidth=0.8))
            texts.append(fill(names[sample], LINE))
    if not all(independent):
        handles.append(Line2D([], [], color=INK, marker="o", markersize=SIZE, markerfacecolor="white", linestyle=""))
        texts.append("open: stars that are in both surveys are among them")
    figure.legend(handles, texts, loc="outside upper left", ncols=2)
