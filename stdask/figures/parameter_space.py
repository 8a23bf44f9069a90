"""Training stars among all stars, as A and B measure them and as A is translated: Thomas et al. 2024, fig. 4."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from stdask.figures.diagrams import frame_of, free_corner
from stdask.figures.style import (
    FULL_WIDTH,
    INK,
    PAGE_HEIGHT,
    SMALL,
    SURVEY_A,
    SURVEY_B,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)
from stdask.science.galaxy.density import PlaneGrid

COLUMNS = ((SURVEY_A, "Purples"), (SURVEY_B, "Blues"), (TRANSLATED, "Oranges"))
PALEST = 0.35  # of the sequential colours: a bin of one star is seen on white
CONTOURS = (1, 10, 100)  # stars in a bin
LINES: tuple[Literal["-", "--", ":"], ...] = ("-", "--", ":")


@dataclass(frozen=True)
class PlaneRow:
    """One plane: the stars as A measures them, as B does, and as A translated."""

    labels: tuple[str, str]  # across, up
    grid: PlaneGrid
    training: np.ndarray  # shape (3, n_rows, n_columns), int: training stars
    everything: np.ndarray  # of the same shape: all good stars of the catalogue


def draw_parameter_space(rows: Sequence[PlaneRow], names: tuple[str, str]) -> Figure:
    """Draw for each plane the training stars in colour and the whole catalogues as contours of stars per bin.

    Parameters
    ----------
    rows
        The planes, from above.
    names
        What A and B are called.
    """
    titles = (names[0], names[1], f"{names[0]} translated")
    norm = LogNorm(1, max(10, *(row.training.max() for row in rows)))
    with own_style():
        layout = ConstrainedLayoutEngine(rect=(0.01, 0.0, 0.98, 1.0))  # else its labels reach over the border
        figure = PrintedFigure((FULL_WIDTH, min(1.3 + 2.3 * len(rows), PAGE_HEIGHT)), layout=layout)
        panels = figure.subplots(len(rows), 3, sharex="row", sharey="row", squeeze=False)
        for axes_row, row in zip(panels, rows, strict=True):
            for number, axes in enumerate(axes_row):
                image = np.ma.masked_equal(row.training[number], 0)
                axes.pcolormesh(*row.grid.edges, image, cmap=_shades(number), norm=norm, rasterized=True)
                _draw_catalogue(axes, row, number)
                axes.set_xlabel(with_unit(symbol(row.labels[0]), unit_of(row.labels[0])))
            total = (row.training + row.everything).sum(axis=0)
            frame = frame_of(row.labels, row.grid, total)
            axes_row[0].set(xlim=frame[0], ylim=frame[1])
            for number, axes in enumerate(axes_row):
                _tell_numbers(axes, row, number, *free_corner(row.grid, total, frame))
            axes_row[0].set_ylabel(with_unit(symbol(row.labels[1]), unit_of(row.labels[1])))
        for number, (title, (colour, _)) in enumerate(zip(titles, COLUMNS, strict=True)):
            panels[0, number].set_title(fill(title, 24), color=colour, fontweight="bold")
            bar = figure.colorbar(
                ScalarMappable(norm, _shades(number)), ax=panels[:, number], orientation="horizontal", aspect=30
            )
            bar.set_label("training stars per bin")
            bar.ax.xaxis.set_major_formatter("{x:g}")
        most = max(row.everything.max() for row in rows)
        drawn = {level: line for level, line in zip(CONTOURS, LINES, strict=True) if level <= most}
        handles = [Line2D([], [], color=INK, linewidth=0.7, linestyle=line) for line in drawn.values()]
        title = f"Contours: bins with at least this number of stars of the whole catalogue\n(bins of {_sizes(rows)})"
        figure.legend(
            handles, [str(n) for n in drawn], loc="outside lower left", ncols=3, title=title, alignment="left"
        )
    return figure


def _shades(number: int) -> Colormap:
    return ListedColormap(colormaps[COLUMNS[number][1]](np.linspace(PALEST, 1, 256)))


def _sizes(rows: Sequence[PlaneRow]) -> str:
    """Return the sizes of the bins in words."""
    sizes = [
        f"{width:g} {unit_of(label)} in {symbol(label)}"
        for row in rows
        for label, width in zip(row.labels, row.grid.widths, strict=True)
    ]
    return ", ".join(sizes)


def _draw_catalogue(axes: Axes, row: PlaneRow, number: int) -> None:
    everything = row.everything[number]
    levels = [level - 0.5 for level in CONTOURS]  # between whole numbers: contours enclose at least this number
    shown = [(level, line) for level, line in zip(levels, LINES, strict=True) if level < everything.max()]
    for level, line in shown:
        axes.contour(*row.grid.centres, everything, levels=[level], colors=INK, linewidths=0.5, linestyles=line)


def _tell_numbers(axes: Axes, row: PlaneRow, number: int, right: bool, top: bool) -> None:
    trained, all_stars = row.training[number].sum(), row.everything[number].sum()
    text = f"{trained:,} of {all_stars:,}" if all_stars else "not measured" if number < 2 else "not translated"
    axes.text(
        0.96 if right else 0.04, 0.96 if top else 0.04, text, transform=axes.transAxes, fontsize=SMALL,
        ha="right" if right else "left", va="top" if top else "bottom",
        bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 1},
    )  # fmt: skip
