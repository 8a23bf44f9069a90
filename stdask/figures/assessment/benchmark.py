"""Benchmark stars: differences from their reference values, before and after translation, and in B."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stdask.figures.assessment.three_values import MARKS, legend_of
from stdask.figures.points import draw_points, scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)
from stdask.schema.known_stars import OF_B, RAW, TRANSLATED

COLUMNS = 2
ROW, HEAD = 2.1, 0.75  # inches: of a row of panels, and of the legend
SHIFTS = {RAW: -0.006, OF_B: 0.006, TRANSLATED: 0.0}  # of the width of a panel, so that error bars are seen
SIZE = 4.0  # points


class BenchmarkPanel(NamedTuple):
    """One label of the benchmark stars; NaN where a star has no value or no error."""

    label: str
    unit: str
    reference: np.ndarray  # (n_stars,)
    reference_error: np.ndarray  # 1 sigma
    values: Mapping[str, np.ndarray]  # those of `MARKS` -> (n_stars,)
    errors: Mapping[str, np.ndarray]
    trained: np.ndarray  # (n_stars,), bool: training stars, whose translation is drawn open


def draw_benchmark(panels: Sequence[BenchmarkPanel], names: tuple[str, str]) -> Figure:
    """Draw values minus reference against the reference, a panel a label.

    Parameters
    ----------
    panels
        The labels.
    names
        What A and B are called.
    """
    n_columns = min(COLUMNS, len(panels))
    n_rows = -(-len(panels) // n_columns)
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, min(HEAD + ROW * n_rows, PAGE_HEIGHT)))
        axes = figure.subplots(n_rows, n_columns, squeeze=False)
        for own, place in zip(panels, axes.flat, strict=False):
            _draw_panel(place, own)
        for place in axes.flat[len(panels) :]:
            place.remove()
        figure.legend(*_legend(panels, names), loc="outside upper left", ncols=2)
    return figure


def _draw_panel(axes: Axes, own: BenchmarkPanel) -> None:
    name, unit = symbol(own.label), unit_of(own.label, own.unit)
    axes.set_xlabel(with_unit(f"{name}, reference", unit))
    axes.set_ylabel(with_unit(f"{name}: value {MINUS} reference", unit))
    axes.axhline(0, color=INK, linewidth=0.8, zorder=0)
    differences = {kind: own.values[kind] - own.reference for kind in MARKS}
    # a bar holds both errors, of which those that are unknown count nothing
    bars = {kind: np.hypot(*map(np.nan_to_num, (own.errors[kind], own.reference_error))) for kind in MARKS}
    scale = scale_of(np.concatenate([*differences.values()]), np.concatenate([*bars.values()]), fixed=0.0)
    if scale is None:
        return
    axes.set_ylim(*scale)
    width = np.ptp(own.reference) or 1.0
    for kind, sample in MARKS.items():
        colour, mark = SAMPLE_MARKS[sample]
        open_marks = own.trained if kind == TRANSLATED else np.zeros(len(own.trained), dtype=bool)
        for chosen, face in ((~open_marks, colour), (open_marks, "none")):
            style: dict[str, Any] = {"color": colour, "marker": mark, "markersize": SIZE, "markerfacecolor": face}
            x = own.reference[chosen] + SHIFTS[kind] * width
            draw_points(axes, x, differences[kind][chosen], bars[kind][chosen], linestyle="", elinewidth=0.8, **style)
        if np.isfinite(differences[kind]).any():
            axes.axhline(np.nanmean(differences[kind]), color=colour, linestyle="--", linewidth=0.9, zorder=1)


def _legend(panels: Sequence[BenchmarkPanel], names: tuple[str, str]) -> tuple[list[Line2D], list[str]]:
    trained = any(own.trained.any() for own in panels)
    handles, lines = legend_of(names, SIZE, trained, linestyle="")
    handles.append(Line2D([], [], color=FAINT, linestyle="--"))
    return handles, [*lines, "means, in the colour of the marks"]
