"""Maps of the Galaxy, samples of stars side by side: Thomas et al. 2024, figs. 15, 16 and C.1."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator

from stdask.figures.style import INK, STYLE, TITLE_WIDTH, symbol, unit_of, with_unit
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.science.galaxy.map_grid import MapGrid

TITLES = {"COUNT": "stars per pixel", "HEIGHT": "median $|Z|$ [kpc]"}
COLOURS = "viridis"  # read without red-green vision and in print; holds no grey, which marks new pixels
NEW = "#cfcfcf"
SUN: tuple[dict[str, Any], ...] = (  # the astronomers' sign, seen on any colour
    {"marker": "o", "markersize": 8, "color": "white", "markeredgecolor": INK, "markeredgewidth": 1.2},
    {"marker": "o", "markersize": 2.5, "color": INK, "markeredgewidth": 0},
)
MIDPLANE: dict[str, Any] = {"color": INK, "linewidth": 0.9, "linestyle": (0, (5, 3))}
SHOWN = 0.995  # of the stars: the part of the map that is drawn, so that a few far ones do not shrink it
SCALE = (2, 98)  # percentiles of the pixels: ends of the colour scale
SETTLED = 5  # stars: pixels with fewer scatter too much to set the scale, where there are enough others
WIDTH, PANEL = 10.0, 4.15  # inches: of the figure, and of one map in it
WIDE = 16  # kpc: wider maps have a tick every 5 kpc, others every 2


@dataclass(frozen=True)
class MapRow:
    """One quantity: the same map from one or two samples."""

    quantity: str  # a label, or COUNT or HEIGHT
    images: Sequence[np.ndarray]  # each of shape (n_rows, n_columns), NaN for no value; on the sky (n_pixels,)
    limits: tuple[float, float]  # of the colours, as from `colour_limits`
    unit: str = ""  # of a label that stdask does not know

    @property
    def title(self) -> str:
        """What the colour bar is called."""
        if self.quantity in TITLES:
            return TITLES[self.quantity]
        return with_unit(f"median {symbol(self.quantity)}", unit_of(self.quantity, self.unit))


def draw_maps(
    grid: MapGrid,
    rows: Sequence[MapRow],
    counts: Sequence[np.ndarray],
    names: Sequence[str],
    *,
    edge_on: bool,
    mark_new: bool,
) -> Figure:
    """Draw maps of one view, a row a quantity, a column a sample.

    Parameters
    ----------
    grid
        Pixels of the maps.
    rows
        The quantities, from above.
    counts : each of shape (n_rows, n_columns)
        Stars a pixel in each sample: they say which pixels are new, and how much of the grid is drawn.
    names
        Titles of the columns.
    edge_on
        Signed R against Z if True, X against Y seen from the north Galactic pole if False.
    mark_new
        Pixels that only the second sample fills are grey in the first and outlined in the second.
    """
    limits = _limits(grid, np.sum(counts, axis=0), SUN_X_KPC, SUN_Z_KPC if edge_on else 0.0)
    new = (counts[0] == 0) & (counts[-1] > 0) if mark_new else np.zeros(grid.shape, dtype=bool)
    aspect = (limits[3] - limits[2]) / (limits[1] - limits[0])
    with rc_context(STYLE):
        size = (WIDTH * len(names) / 2, 1.3 + len(rows) * (0.1 + PANEL * aspect))
        # with a fixed aspect the layout engine leaves the outer labels no room: hence the margins
        figure = Figure(size, layout=ConstrainedLayoutEngine(rect=(0.02, 0.0, 0.96, 1.0)))
        panels = figure.subplots(len(rows), len(names), sharex=True, sharey=True, squeeze=False)
        for row, axes in zip(rows, panels, strict=True):
            _draw_row(figure, axes, grid, row, new)
        for number, axes in enumerate(panels.flat):
            _decorate(axes, limits, edge_on, first_column=number % len(names) == 0)
        for axes in panels[-1]:
            axes.set_xlabel(r"$R$, with the sign of $X$ [kpc]" if edge_on else r"$X$ [kpc]")
        for axes, name, count in zip(panels[0], names, counts, strict=True):
            axes.set_title(f"{fill(name, TITLE_WIDTH)}\n{int(count.sum()):,} stars", fontweight="bold")
        _add_legend(figure, edge_on, bool(new.any()))
    return figure


def _draw_row(figure: Figure, panels: Sequence[Axes], grid: MapGrid, row: MapRow, new: np.ndarray) -> None:
    norm = colour_scale(row)
    edges = grid.column_edges_kpc, grid.row_edges_kpc
    for axes, image in zip(panels, row.images, strict=True):
        mesh = axes.pcolormesh(*edges, np.ma.masked_invalid(image), norm=norm, cmap=COLOURS, rasterized=True)
    new = new & np.isfinite(row.images[-1])
    grey = np.ma.masked_where(~new, np.ones(grid.shape))
    panels[0].pcolormesh(*edges, grey, cmap=ListedColormap([NEW]), rasterized=True)
    _outline(panels[-1], grid, new)
    if len(panels) == 2 and np.array_equal(row.images[0], row.images[1], equal_nan=True):
        panels[1].set_title("nothing added to the map on the left", fontsize=8, pad=3)
    bar = figure.colorbar(
        mesh, ax=list(panels), pad=0.01, fraction=0.05, aspect=18, extend=colours_beyond(row.images, norm)
    )
    bar.set_label(row.title)


def _decorate(axes: Axes, limits: tuple[float, float, float, float], edge_on: bool, first_column: bool) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(*limits[:2])
    axes.set_ylim(*limits[2:])
    for axis, low, high in ((axes.xaxis, *limits[:2]), (axes.yaxis, *limits[2:])):
        axis.set_major_locator(MultipleLocator(2 if high - low <= WIDE else 5))
    axes.xaxis.set_minor_locator(MultipleLocator(1))
    axes.yaxis.set_minor_locator(MultipleLocator(1))
    if edge_on:
        axes.axhline(0.0, **MIDPLANE)
    for marker in SUN:
        axes.plot(SUN_X_KPC, SUN_Z_KPC if edge_on else 0.0, linestyle="", zorder=5, **marker)
    if first_column:
        axes.set_ylabel(r"$Z$ [kpc]" if edge_on else r"$Y$ [kpc]")


def _add_legend(figure: Figure, edge_on: bool, any_new: bool) -> None:
    handles: list[Any] = [tuple(Line2D([], [], linestyle="", **marker) for marker in SUN)]
    texts = ["Sun"]
    if edge_on:
        handles.append(Line2D([], [], **MIDPLANE))
        texts.append("Galactic midplane")
    if any_new:
        handles.append(Patch(facecolor=NEW, edgecolor=INK, linewidth=0.7))
        texts.append("pixels that only the merged catalogue fills: grey left, outlined right")
    figure.legend(handles, texts, loc="outside lower center", ncols=len(handles))


def _outline(axes: Axes, grid: MapGrid, inside: np.ndarray) -> None:
    """Draw the border between the pixels inside and those outside."""
    x, y = grid.column_edges_kpc, grid.row_edges_kpc
    padded = np.pad(inside, 1)
    rows, columns = np.nonzero(np.diff(padded[1:-1], axis=1))
    upright = np.stack([np.stack([x[columns], y[rows]], -1), np.stack([x[columns], y[rows + 1]], -1)], 1)
    rows, columns = np.nonzero(np.diff(padded[:, 1:-1], axis=0))
    level = np.stack([np.stack([x[columns], y[rows]], -1), np.stack([x[columns + 1], y[rows]], -1)], 1)
    axes.add_collection(LineCollection([*upright, *level], colors=INK, linewidths=0.4), autolim=False)


def colour_limits(quantity: str, images: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the values at the ends of the colour scale that several images of a quantity share.

    Parameters
    ----------
    quantity
        A label, or COUNT or HEIGHT.
    images
        NaN for no value.
    counts
        Stars in the pixels of each image.
    """
    if quantity == "COUNT":
        return 1, max(*(np.nanmax(image, initial=10) for image in images), 10)
    settled = [image[np.isfinite(image) & (n >= SETTLED)] for image, n in zip(images, counts, strict=True)]
    known = [image[np.isfinite(image)] for image in images]
    values = np.concatenate(settled if settled[-1].size > known[-1].size / 10 else known)
    low, high = np.percentile(values, SCALE) if values.size else (0.0, 1.0)
    return low, high if high > low else low + 0.1


def colour_scale(row: MapRow) -> Normalize:
    """Return the colour scale of a row of maps: of counts it is logarithmic."""
    return LogNorm(*row.limits) if row.quantity == "COUNT" else Normalize(*row.limits)


def colours_beyond(images: Sequence[np.ndarray], norm: Normalize) -> str:
    """Return which ends of the colour bar have values beyond them."""
    values = np.concatenate([image[np.isfinite(image)] for image in images])
    below, above = bool((values < norm.vmin).any()), bool((values > norm.vmax).any())
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


def _limits(grid: MapGrid, counts: np.ndarray, sun_across: float, sun_up: float) -> tuple[float, float, float, float]:
    """Return the part of the map that holds nearly all stars, the Sun and the Galactic centre, in kpc."""
    limits: list[float] = []
    for edges, profile, sun in (
        (grid.column_edges_kpc, counts.sum(axis=0), sun_across),
        (grid.row_edges_kpc, counts.sum(axis=1), sun_up),
    ):
        total = np.cumsum(profile) / max(profile.sum(), 1)
        first, last = np.searchsorted(total, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
        low, high = min(edges[first], sun - 1, -1), max(edges[min(last + 1, len(edges) - 1)], sun + 1, 1)
        limits += [max(np.floor(low), edges[0]), min(np.ceil(high), edges[-1])]
    return limits[0], limits[1], limits[2], limits[3]
