"""The members of star clusters: a label against temperature and gravity, cluster by cluster, before and after."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stdask.figures.assessment.three_values import MARKS, legend_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    SMALL,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)
from stdask.schema.known_stars import OF_B, RAW, TRANSLATED

COLUMNS = 4
ROW, HEAD = 1.65, 0.75  # inches: of a row of panels, and of the legend
SIZE = 3.2  # points
OUTLIER = 6.0  # robust standard deviations of a cluster: stars beyond do not set the scale
MARGIN, FOR_TEXT = 0.12, 0.35  # of the range of the values: free space, and that below it for the slopes
PLACES = {RAW: 0.22, OF_B: 0.13, TRANSLATED: 0.04}  # of the height of a panel, of the slopes
PAGE = 110  # characters of a line across the page


class DrawnLine(Protocol):
    """A straight line: `level` at `middle`, and its slope."""

    @property
    def slope(self) -> float: ...
    @property
    def middle(self) -> float: ...
    @property
    def level(self) -> float: ...


class ClusterPoints(NamedTuple):
    """One label of the members of a cluster; values are `MARKS` and others, which are not drawn."""

    cluster: str
    places: Mapping[str, Mapping[str, np.ndarray]]  # axis -> values -> (n_stars,)
    values: Mapping[str, np.ndarray]  # values -> (n_stars,), NaN for none
    trained: np.ndarray  # (n_stars,), bool: training stars, whose translation is drawn open
    lines: Mapping[str, Mapping[str, DrawnLine]]  # axis -> values -> trend, NaN for none
    slopes: Mapping[str, Mapping[str, str]]  # the same in words, with errors
    literature: float  # published value, NaN for none


def draw_members(
    label: str,
    unit: str,
    clusters: Sequence[ClusterPoints],
    axes: Sequence[str],
    names: tuple[str, str],
    left_out: str = "",
) -> Figure:
    """Draw a label of the members of clusters, a column a cluster, a row a quantity that it may depend on.

    Source: Thomas et al. 2024, A&A 690, A54, figs. 10 and 11.

    Parameters
    ----------
    label, unit
        What is drawn, and its unit where stdask does not know the label.
    clusters, axes
        The clusters, those with the most members first, and the quantities.
    names
        What A and B are called.
    left_out
        Which clusters are not drawn, because too few of their members can be used.
    """
    n_columns = min(COLUMNS, len(clusters))
    n_rows = len(axes) * -(-len(clusters) // n_columns)
    with own_style({"xtick.labelsize": SMALL, "ytick.labelsize": SMALL}):
        figure = PrintedFigure((FULL_WIDTH, min(HEAD + ROW * n_rows, PAGE_HEIGHT)))
        panels = figure.subplots(n_rows, n_columns, squeeze=False)
        span = max(np.diff(_scale(own)).item() for own in clusters)
        for number, own in enumerate(clusters):
            block, column = divmod(number, n_columns)
            for row, axis in enumerate(axes):
                panel = panels[block * len(axes) + row, column]
                _draw_panel(panel, own, axis, span)
                panel.set_xlabel(with_unit(symbol(axis), unit_of(axis)))
                if row == 0:
                    panel.set_title(own.cluster)
                if column == 0:
                    panel.set_ylabel(with_unit(symbol(label), unit_of(label, unit)))
        for panel in panels[-len(axes) :, len(clusters) - (n_rows // len(axes) - 1) * n_columns :].flat:
            panel.remove()
        figure.legend(*_legend(clusters, names), loc="outside upper left", ncols=2)
        if left_out:
            text = fill(f"Too few usable members of A (their number), not drawn: {left_out}", PAGE)
            figure.supxlabel(text, fontsize=SMALL, x=0, ha="left")
    return figure


def _draw_panel(panel: Axes, own: ClusterPoints, axis: str, span: float) -> None:
    low, high = _scale(own)
    middle = (low + high) / 2
    panel.set_ylim(middle - (0.5 + FOR_TEXT) * span, middle + 0.5 * span)
    if np.isfinite(own.literature):
        panel.axhline(own.literature, color=FAINT, linestyle=":", zorder=0)
    for order, (kind, sample) in enumerate(MARKS.items(), start=1):
        colour, mark = SAMPLE_MARKS[sample]
        x, y = own.places[axis][kind], own.values[kind]
        filled = ~own.trained if kind == TRANSLATED else np.ones(len(y), dtype=bool)
        style: dict[str, Any] = {"color": colour, "marker": mark, "markersize": SIZE, "linestyle": ""}
        style |= {"zorder": 2 * order}
        panel.plot(x[filled], y[filled], markeredgewidth=0, alpha=0.75, **style)
        panel.plot(x[~filled], y[~filled], markerfacecolor="none", markeredgewidth=0.7, **style)
        line = own.lines[axis][kind]
        known = x[np.isfinite(x + y)]
        if np.isfinite(line.slope) and known.size:
            ends = np.array([known.min(), known.max()])
            panel.plot(ends, line.level + line.slope * (ends - line.middle), color=colour, zorder=2 * order + 1)
        text, place = own.slopes[axis].get(kind, ""), PLACES[kind]
        panel.text(0.04, place, text, color=colour, fontsize=SMALL, transform=panel.transAxes)
    panel.locator_params(axis="x", nbins=4)
    panel.locator_params(axis="y", nbins=5)


def _scale(own: ClusterPoints) -> tuple[float, float]:
    """Return the ends of a scale that shows all values of a cluster but outliers."""
    known = np.concatenate([own.values[kind][np.isfinite(own.values[kind])] for kind in MARKS])
    distances = np.abs(known - np.median(known))
    near = known[distances <= OUTLIER * 1.4826 * np.median(distances)]
    low, high = near.min(), near.max()
    margin = MARGIN * (high - low) or 0.1
    return float(low - margin), float(high + margin)


def _legend(clusters: Sequence[ClusterPoints], names: tuple[str, str]) -> tuple[list[Line2D], list[str]]:
    trained = any(own.trained.any() for own in clusters)
    handles, lines = legend_of(names, SIZE + 1, trained)
    if any(np.isfinite(own.literature) for own in clusters):
        handles.append(Line2D([], [], color=FAINT, linestyle=":"))
        lines.append("literature")
    return handles, lines
