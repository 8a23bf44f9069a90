"""Clusters whose stars trained no network: means of A before and after translation compared with those of B."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from stdask.figures.style import (
    FULL_WIDTH,
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

COLUMNS = 3
LINE, ROW, HEAD = 0.26, 0.65, 0.65  # inches: of a cluster, of axis label and title of a row of panels, of the legend
NAME = 54  # characters of a line of the legend
APART = 0.12  # of a line: of the two marks of a cluster from its middle


class ClusterMean(NamedTuple):
    """One label of one cluster."""

    cluster: str
    label: str
    unit: str
    n_stars: int
    before: float  # mean of A minus mean of B; NaN where A has no such label
    before_error: float  # 1 sigma
    after: float  # mean of A translated minus mean of B
    after_error: float


def draw_clusters(means: Sequence[ClusterMean], names: tuple[str, str]) -> Figure:
    """Draw the differences from B, a panel a label, a line a cluster with its number of stars.

    Parameters
    ----------
    means
        Of all clusters and labels.
    names
        What A and B are called.
    """
    clusters = {own.cluster: own.n_stars for own in means}
    labels = [*dict.fromkeys(own.label for own in means)]
    n_columns = min(COLUMNS, len(labels))
    n_rows = -(-len(labels) // n_columns)
    height = min(ROW + LINE * len(clusters), (PAGE_HEIGHT - HEAD) / n_rows)
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + height * n_rows))
        panels = figure.subplots(n_rows, n_columns, sharey=True, squeeze=False)
        for axes, label in zip(panels.flat, labels, strict=False):
            own = [mean for mean in means if mean.label == label]
            _draw_panel(axes, own, [*clusters])
            axes.set_xlabel(with_unit(f"{symbol(label)}: A {MINUS} B", unit_of(label, own[0].unit)))
            axes.locator_params(axis="x", nbins=4)
        for axes in panels.flat[len(labels) :]:
            axes.remove()
        panels[0, 0].set_yticks(range(len(clusters)), [f"{name} ({n})" for name, n in clusters.items()])
        panels[0, 0].set_ylim(len(clusters) - 0.5, -0.5)
        handles = [
            Line2D([], [], color=SAMPLE_MARKS[sample][0], marker=SAMPLE_MARKS[sample][1], markersize=4.5, linestyle="")
            for sample in ("RAW_ONLY", "A_ONLY")
        ]
        handles.append(Line2D([], [], color=SURVEY_B, linewidth=1))
        texts = [
            f"A: {names[0]}, as measured",
            "A translated by networks that do not know the cluster",
            f"B: {names[1]}",
        ]
        texts = [fill(text, NAME) for text in texts]
        figure.legend(handles, texts, loc="outside upper left", ncols=2)
    return figure


def _draw_panel(axes: Axes, means: Sequence[ClusterMean], clusters: Sequence[str]) -> None:
    axes.axvline(0, color=SURVEY_B, linewidth=1, zorder=0)
    lines = np.array([clusters.index(mean.cluster) for mean in means])
    for shift, sample, values in (
        (-APART, "RAW_ONLY", [(mean.before, mean.before_error) for mean in means]),
        (APART, "A_ONLY", [(mean.after, mean.after_error) for mean in means]),
    ):
        colour, mark = SAMPLE_MARKS[sample]
        places, errors = np.array(values).T
        style: dict[str, Any] = {"color": colour, "marker": mark, "linestyle": ""}
        axes.errorbar(places, lines + shift, xerr=errors, markersize=4.5, elinewidth=1, **style)
    axes.tick_params(axis="y", length=0)
