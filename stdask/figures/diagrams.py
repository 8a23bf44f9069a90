"""Distributions in a plane of two labels, cell by cell of the Galaxy: Thomas et al. 2024, figs. 13 and 14."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stdask.figures.style import (
    FULL_WIDTH,
    INK,
    LETTERS,
    PAGE_HEIGHT,
    SMALL,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)
from stdask.science.galaxy.density import CONTOURS, PlaneGrid, contour_levels, kernel_density

COLOURS = "Oranges"  # of the translated stars, as in the other figures
FAINTEST = CONTOURS[0] / 4  # of the maximum: left white below
CONTOUR = "#123a63"  # the blue of survey B, dark enough for thin lines on orange
LIMIT: dict[str, Any] = {"color": INK, "linewidth": 0.9, "linestyle": (0, (4, 3))}
# Equal steps of the square root of the density show rare stars as well as common ones.
SHADES = PowerNorm(0.5, vmin=0.0, vmax=1.0)
FEWEST = 20  # stars of a density; fewer are drawn one by one. As in the running medians of the paper, sect. 4.3
SHOWN = 0.999  # of the stars: the part of the plane that is drawn, so that a few odd ones do not shrink it
MARGIN = 0.1  # of the range shown, on either side
REVERSED = ("TEFF", "LOGG")  # drawn as in a Kiel diagram: hot left, giants on top
ROW = 1.2  # inches: height of a row
LINE = 96  # characters of the legend's title


@dataclass(frozen=True)
class GalaxyCells:
    """Where the cells lie, kpc: rings of the cylindrical radius R and slices of the height |Z|."""

    ring_edges_kpc: Sequence[float]
    height_edges_kpc: Sequence[float]

    @property
    def shape(self) -> tuple[int, int]:
        """Number of slices and of rings."""
        return len(self.height_edges_kpc) - 1, len(self.ring_edges_kpc) - 1


def draw_diagrams(
    labels: tuple[str, str],
    grid: PlaneGrid,
    counts: np.ndarray,
    cells: GalaxyCells,
    names: tuple[str, str],
    limits: Mapping[str, Sequence[float]],
) -> Figure:
    """Draw one plane in every cell: the density of A in colour, contours of B, the numbers of both.

    Parameters
    ----------
    labels
        Across and up.
    grid
        Bins of the plane.
    counts : shape (2, n_slices, n_rings, n_rows, n_columns), int64
        Stars of A and of B.
    cells
        Columns of panels are rings, rows are slices, the highest on top.
    names
        What A and B are called.
    limits
        Label -> two values: where the stars of other products were cut, drawn as dashed lines.

    Returns
    -------
    figure
        Shade: density over its maximum in the panel. Contours: `CONTOURS` of the maximum. A sample of fewer than
        `FEWEST` stars is drawn as dots.
    """
    total = counts.sum(axis=(0, 1, 2))
    frame = _with_contours(frame_of(labels, grid, total), grid, counts[1].reshape(-1, *total.shape))
    corner = free_corner(grid, total, frame)
    n_slices, n_rings = cells.shape
    with own_style({"xtick.labelsize": SMALL, "ytick.labelsize": SMALL, "axes.linewidth": 0.6}):
        layout = ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.01, wspace=0, hspace=0)
        figure = PrintedFigure((FULL_WIDTH, min(1.0 + ROW * n_slices, PAGE_HEIGHT)), layout=layout)
        panels = figure.subplots(n_slices, n_rings, sharex=True, sharey=True, squeeze=False)
        for row, part in zip(panels, range(n_slices)[::-1], strict=True):
            for ring, axes in enumerate(row):
                _draw_cell(axes, grid, counts[:, part, ring], frame)
                _tell_numbers(axes, counts[:, part, ring].sum(axis=(1, 2)), *corner)
                _draw_limits(axes, labels, limits)
        _label_edges(panels, labels, cells)
        any_of_a = bool(counts[0].any())
        if any_of_a:
            _add_scale(figure, panels)
        _add_legend(figure, names, any_of_a, labels, limits)
    return figure


def _with_contours(frame: np.ndarray, grid: PlaneGrid, counts: np.ndarray) -> np.ndarray:
    """Return the part of a plane, widened to hold the outer contour of every cell; `counts` are those of B by cell."""
    ends = [sorted(limits) for limits in frame]
    for own in counts:
        if own.sum() >= FEWEST:
            density = kernel_density(own, grid)
            inside = density >= CONTOURS[0] * density.max()
            for end, edges, filled in zip(ends, grid.edges, (inside.any(axis=0), inside.any(axis=1)), strict=True):
                bins = np.flatnonzero(filled)
                first, last = max(bins[0] - 1, 0), min(bins[-1] + 2, len(edges) - 1)  # lines run between bins
                end[:] = min(end[0], edges[first]), max(end[1], edges[last])
    return np.array([end if low < high else end[::-1] for end, (low, high) in zip(ends, frame, strict=True)])


def _draw_cell(axes: Axes, grid: PlaneGrid, counts: np.ndarray, frame: np.ndarray) -> None:
    of_a, of_b = counts
    if of_a.sum() >= FEWEST:
        density = kernel_density(of_a, grid)
        shade = np.ma.masked_less(density / density.max(), FAINTEST)
        across, up = grid.edges
        extent = (across[0], across[-1], up[0], up[-1])
        axes.imshow(shade, cmap=COLOURS, norm=SHADES, extent=extent, origin="lower", aspect="auto")
    else:
        axes.plot(*_places(of_a, grid), "o", color=TRANSLATED, markersize=2.5, markeredgewidth=0)
    if of_b.sum() >= FEWEST:
        density = kernel_density(of_b, grid)
        axes.contour(*grid.centres, density, levels=contour_levels(density), colors=CONTOUR, linewidths=0.5)
    else:
        axes.plot(*_places(of_b, grid), "+", color=CONTOUR, markersize=3, markeredgewidth=0.6)
    axes.set(xlim=frame[0], ylim=frame[1])


def _tell_numbers(axes: Axes, n_stars: np.ndarray, right: bool, top: bool) -> None:
    axes.text(
        0.95 if right else 0.05, 0.95 if top else 0.05, "$N_A$ = {:,}\n$N_B$ = {:,}".format(*n_stars),
        transform=axes.transAxes, fontsize=SMALL, linespacing=1.15,
        ha="right" if right else "left", va="top" if top else "bottom",
        bbox={"facecolor": "white", "alpha": 0.9, "edgecolor": "none", "pad": 1},
    )  # fmt: skip


def free_corner(grid: PlaneGrid, counts: np.ndarray, frame: np.ndarray) -> tuple[bool, bool]:
    """Return whether the corner with the fewest stars is on the right, and whether it is at the top.

    Parameters
    ----------
    grid
        Bins of the plane.
    counts : shape (n_rows, n_columns), int
    frame : shape (2, 2)
        As from `frame_of`.
    """
    sides = []
    for centres, (low, high) in zip(grid.centres, frame, strict=True):
        place = (centres - low) / (high - low)
        sides.append({False: place < 0.4, True: place > 0.6})
    stars = {(r, t): counts[np.ix_(sides[1][t], sides[0][r])].sum() for r in (False, True) for t in (True, False)}
    return min(stars, key=stars.__getitem__)


def _places(counts: np.ndarray, grid: PlaneGrid) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(counts)
    along, up = grid.centres
    return along[columns], up[rows]


def _draw_limits(axes: Axes, labels: tuple[str, str], limits: Mapping[str, Sequence[float]]) -> None:
    for label, line in zip(labels, (axes.axvline, axes.axhline), strict=True):
        for value in limits.get(label, ()):
            line(value, **LIMIT)


def _label_edges(panels: np.ndarray, labels: tuple[str, str], cells: GalaxyCells) -> None:
    across, up = (with_unit(symbol(label), unit_of(label)) for label in labels)
    for axes, (low, high) in zip(panels[0], pairwise(cells.ring_edges_kpc), strict=True):
        axes.set_title(f"{low:g} < $R$ < {high:g}", loc="center", pad=4)
    slices = [*pairwise(cells.height_edges_kpc)][::-1]
    for axes, (low, high) in zip(panels[:, -1], slices, strict=True):
        axes.annotate(f"{low:g} < $|Z|$ < {high:g}", (1.04, 0.5), xycoords="axes fraction", rotation=270, va="center")
    for axes in panels.flat:  # shared axes
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
        axes.yaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], prune="both"))
    figure = panels[0, 0].figure
    figure.supxlabel(across, fontsize=LETTERS)
    figure.supylabel(up, fontsize=LETTERS)


def _add_scale(figure: Figure, panels: np.ndarray) -> None:
    bar = figure.colorbar(
        ScalarMappable(SHADES, COLOURS), ax=list(panels.flat), location="right", pad=0.035, aspect=30, shrink=0.9
    )
    bar.set_ticks([*CONTOURS, 1.0], labels=[f"{100 * part:g}" for part in (*CONTOURS, 1.0)])
    bar.set_label("density of A, per cent of its maximum")
    bar.ax.minorticks_off()


def _add_legend(
    figure: Figure,
    names: tuple[str, str],
    any_of_a: bool,
    labels: tuple[str, str],
    limits: Mapping[str, Sequence[float]],
) -> None:
    parts = ", ".join(f"{100 * part:g}" for part in CONTOURS)
    handles = [Line2D([], [], color=CONTOUR, linewidth=0.8)]
    texts = [f"density of B: {parts} % of its maximum"]
    cuts = [f"{limits[label][0]:g} < {symbol(label)} < {limits[label][1]:g}" for label in labels if label in limits]
    if cuts:
        handles.append(Line2D([], [], **LIMIT))
        texts.append(f"selection of the maps: {', '.join(cuts)}")
    without = "" if any_of_a else " (no star with both labels)"
    title = fill(f"A: {names[0]} translated{without}, B: {names[1]}; $R$ and $|Z|$ in kpc", LINE)
    figure.legend(handles, texts, loc="outside upper left", ncols=2, title=title, alignment="left")


def frame_of(labels: tuple[str, str], grid: PlaneGrid, counts: np.ndarray) -> np.ndarray:
    """Return the part of a plane that holds nearly all stars, with a margin.

    Parameters
    ----------
    labels
        Across and up.
    grid
        Bins of the plane.
    counts : shape (n_rows, n_columns), int

    Returns
    -------
    limits : shape (2, 2)
        Left and right, bottom and top; from high to low for the labels of a Kiel diagram.
    """
    limits = []
    for label, edges, profile in zip(labels, grid.edges, (counts.sum(axis=0), counts.sum(axis=1)), strict=True):
        total = np.cumsum(profile) / max(profile.sum(), 1)
        first, last = np.searchsorted(total, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
        low, high = edges[min(first, len(edges) - 2)], edges[min(last + 1, len(edges) - 1)]
        margin = MARGIN * (high - low)
        limits.append([low - margin, high + margin][:: -1 if label in REVERSED else 1])
    return np.array(limits)
