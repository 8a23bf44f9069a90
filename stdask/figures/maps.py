"""Maps of the Galaxy, one survey beside the merged catalogue: Thomas et al. 2024, figs. 15 and 16."""

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
from stdask.science.binning import MapGrid
from stdask.science.galactocentric import SUN_X_KPC, SUN_Z_KPC

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
    """One quantity: the same map from one survey alone and from the merged catalogue."""

    quantity: str  # a label, or COUNT or HEIGHT
    alone: np.ndarray  # shape (n_rows, n_columns), NaN for no value
    merged: np.ndarray
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
    counts: tuple[np.ndarray, np.ndarray],
    names: tuple[str, str],
    edge_on: bool,
) -> Figure:
    """Draw maps of one view, a row a quantity, one survey alone on the left and merged on the right.

    Both maps of a row share their colour scale. Pixels that only the merged catalogue fills are grey on the
    left and outlined on the right.

    Parameters
    ----------
    grid
        Pixels of the maps.
    rows
        The quantities, from above.
    counts : two of shape (n_rows, n_columns)
        Stars a pixel of the survey alone and of the merged catalogue: they say which pixels are new, and how
        much of the grid is drawn.
    names
        Titles of the two columns.
    edge_on
        Signed R against Z if True, X against Y seen from the north Galactic pole if False.
    """
    limits = _limits(grid, counts[1], SUN_X_KPC, SUN_Z_KPC if edge_on else 0.0)
    any_new = bool(((counts[0] == 0) & (counts[1] > 0)).any())
    aspect = (limits[3] - limits[2]) / (limits[1] - limits[0])
    with rc_context(STYLE):
        size = (WIDTH, 1.3 + len(rows) * (0.1 + PANEL * aspect))
        # with a fixed aspect the layout engine leaves the outer labels no room: hence the margins
        figure = Figure(size, layout=ConstrainedLayoutEngine(rect=(0.02, 0.0, 0.96, 1.0)))
        panels = figure.subplots(len(rows), 2, sharex=True, sharey=True, squeeze=False)
        for row, pair in zip(rows, panels, strict=True):
            _draw_row(figure, pair, grid, row, counts)
        for number, axes in enumerate(panels.flat):
            _decorate(axes, limits, edge_on, first_column=number % 2 == 0)
        for axes in panels[-1]:
            axes.set_xlabel(r"$R$, with the sign of $X$ [kpc]" if edge_on else r"$X$ [kpc]")
        for axes, name, count in zip(panels[0], names, counts, strict=True):
            axes.set_title(f"{fill(name, TITLE_WIDTH)}\n{int(count.sum()):,} stars", fontweight="bold")
        _add_legend(figure, edge_on, any_new)
    return figure


def _draw_row(
    figure: Figure, pair: Sequence[Axes], grid: MapGrid, row: MapRow, counts: tuple[np.ndarray, np.ndarray]
) -> None:
    new = (counts[0] == 0) & np.isfinite(row.merged)
    norm = _colour_scale(row, counts)
    for axes, image in zip(pair, (row.alone, row.merged), strict=True):
        mesh = axes.pcolormesh(
            grid.column_edges_kpc,
            grid.row_edges_kpc,
            np.ma.masked_invalid(image),
            norm=norm,
            cmap=COLOURS,
            rasterized=True,
        )
    grey = np.ma.masked_where(~new, np.ones(grid.shape))
    pair[0].pcolormesh(grid.column_edges_kpc, grid.row_edges_kpc, grey, cmap=ListedColormap([NEW]), rasterized=True)
    _outline(pair[1], grid, new)
    if np.array_equal(row.alone, row.merged, equal_nan=True):
        pair[1].set_title("nothing added to the map on the left", fontsize=8, pad=3)
    bar = figure.colorbar(
        mesh, ax=list(pair), pad=0.01, fraction=0.05, aspect=18, extend=_extend((row.alone, row.merged), norm)
    )
    bar.set_label(row.title)


def _decorate(axes: Axes, limits: tuple[float, float, float, float], edge_on: bool, first_column: bool) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(*limits[:2])
    axes.set_ylim(*limits[2:])
    step = 2 if limits[1] - limits[0] <= WIDE else 5
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.yaxis.set_major_locator(MultipleLocator(step))
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


def _colour_scale(row: MapRow, counts: tuple[np.ndarray, np.ndarray]) -> Normalize:
    images = (row.alone, row.merged)
    if row.quantity == "COUNT":
        return LogNorm(1, max(*(np.nanmax(image, initial=10) for image in images)))
    settled = [image[np.isfinite(image) & (n >= SETTLED)] for image, n in zip(images, counts, strict=True)]
    known = [image[np.isfinite(image)] for image in images]
    values = np.concatenate(settled if settled[1].size > known[1].size / 10 else known)
    low, high = np.percentile(values, SCALE) if values.size else (0.0, 1.0)
    return Normalize(low, high if high > low else low + 0.1)


def _extend(images: Sequence[np.ndarray], norm: Normalize) -> str:
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
