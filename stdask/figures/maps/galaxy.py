"""Maps of the Galaxy, edge-on and face-on, samples of stars side by side: Thomas et al. 2024, figs. 15, 16 and C.1."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from stdask.figures.maps.marks import (
    MIDPLANE,
    add_circles,
    add_rotation,
    add_sun,
    area_of,
    enclose_significant,
    kinds_of,
    marks_of,
    outline_area,
)
from stdask.figures.maps.sheet import NO_STARS, MapImage, MapRow, Margins, Sheet, make_sheet
from stdask.figures.style import SMALL, own_style
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.science.galaxy.map_grid import MapGrid

SHOWN = 0.995  # of the stars: the part of the map that is drawn, so that a few far ones do not shrink it
WIDE = 16  # kpc: wider maps have a number every 5 kpc, others every 2, and a small tick between
MARGINS = Margins(left=11.5, below=9.5)
Frame = tuple[float, float, float, float]  # left, right, lower and upper end, kpc


def draw_maps(
    grid: MapGrid,
    rows: Sequence[MapRow],
    titles: Sequence[str],
    *,
    frame: Frame,
    edge_on: bool,
    note: str,
    radius: str = "$R$",
) -> Figure:
    """Draw maps of one view, a row a quantity, a column a sample.

    Parameters
    ----------
    grid
        Pixels of the maps.
    rows
        The quantities, from above.
    titles
        Of the columns: what is shown, and in a second line of how many stars.
    frame
        The part of the grid that is drawn, as from `frame_of`: the same for all figures of a view.
    edge_on
        Signed R against Z if True, X against Y seen from the north Galactic pole if False.
    note
        What the maps are of: selection, pixels, smallest number of stars.
    radius
        Symbol of the radius at which stars are placed.
    """
    kinds = ["sun", "centre", *(["midplane"] if edge_on else ["rotation", "circles"])]
    areas = [None if row.area is None else area_of(row.area) for row in rows]
    handles, texts = marks_of([*kinds, *kinds_of(rows, areas)])
    with own_style():
        sheet = make_sheet(rows, (frame[3] - frame[2]) / (frame[1] - frame[0]), MARGINS, texts=texts, note=note)
        for row, panels, area in zip(rows, sheet.panels, areas, strict=True):
            for axes, image in zip(panels, row.images, strict=True):
                draw_image(axes, grid, image)
                if area is not None:
                    outline_area(axes, *_middles(grid), area)
        for axes in sheet.panels.flat:
            _decorate(axes, frame, edge_on)
        if not edge_on:
            for row, panels in zip(rows, sheet.panels, strict=True):
                stars = np.sum([image.stars for image in row.images], axis=0)
                for axes in panels:
                    add_circles(axes, frame, lambda x, y, half, s=stars: _stars_about(grid, s, x, y, half))
        _name_axes(sheet, edge_on, radius)
        sheet.titles(titles)
        sheet.legend(handles, texts, note)
    return sheet.figure


def frame_of(grid: MapGrid, counts: np.ndarray, *, edge_on: bool) -> Frame:
    """Return the part of the map that holds nearly all stars, the Sun and the Galactic centre, in kpc.

    Parameters
    ----------
    grid
        Pixels of the map.
    counts : shape (n_rows, n_columns)
        Stars of all samples.
    edge_on
        Whether the map is of R and Z.
    """
    limits: list[float] = []
    for edges, profile, sun in (
        (grid.column_edges_kpc, counts.sum(axis=0), SUN_X_KPC),
        (grid.row_edges_kpc, counts.sum(axis=1), SUN_Z_KPC if edge_on else 0.0),
    ):
        total = np.cumsum(profile) / max(profile.sum(), 1)
        first, last = np.searchsorted(total, [(1 - SHOWN) / 2, (1 + SHOWN) / 2])
        low, high = min(edges[first], sun - 1, -1), max(edges[min(last + 1, len(edges) - 1)], sun + 1, 1)
        limits += [max(np.floor(low), edges[0]), min(np.ceil(high), edges[-1])]
    return limits[0], limits[1], limits[2], limits[3]


def draw_image(axes: Axes, grid: MapGrid, image: MapImage) -> None:
    """Draw one map: colours where there is a value, pale grey where there are stars and none."""
    edges = grid.column_edges_kpc, grid.row_edges_kpc
    axes.set_title(image.remark, fontsize=SMALL, pad=2)
    axes.set_facecolor(NO_STARS if image.scale.diverging else "white")
    grey = np.ma.masked_where(~image.without_value, np.ones(grid.shape))
    axes.pcolormesh(*edges, grey, cmap=ListedColormap([NO_STARS]), rasterized=True)
    scale = image.scale
    axes.pcolormesh(*edges, np.ma.masked_invalid(image.values), norm=scale.norm, cmap=scale.colours, rasterized=True)
    if image.errors_off is not None and np.isfinite(image.errors_off).any():
        enclose_significant(axes, *_middles(grid), image.errors_off)


def _middles(grid: MapGrid) -> tuple[np.ndarray, np.ndarray]:
    x, y = ((edges[1:] + edges[:-1]) / 2 for edges in (grid.column_edges_kpc, grid.row_edges_kpc))
    return x, y


def _stars_about(grid: MapGrid, stars: np.ndarray, x: float, y: float, half: float) -> int:
    across, up = _middles(grid)
    return int(stars[np.ix_(np.abs(up - y) < half, np.abs(across - x) < half)].sum())


def _decorate(axes: Axes, frame: Frame, edge_on: bool) -> None:
    axes.set_xlim(*frame[:2])
    axes.set_ylim(*frame[2:])
    for axis, low, high in ((axes.xaxis, *frame[:2]), (axes.yaxis, *frame[2:])):
        step = 2 if high - low <= WIDE else 5
        axis.set_major_locator(MultipleLocator(step))
        axis.set_minor_locator(MultipleLocator(step / 2))  # ticks take most of the time of drawing
    axes.tick_params(labelsize=SMALL, labelleft=False, labelbottom=False, pad=2.5)
    if edge_on:
        axes.axhline(0.0, **MIDPLANE)
    else:
        add_rotation(axes)
    add_sun(axes, edge_on=edge_on)


def _name_axes(sheet: Sheet, edge_on: bool, radius: str) -> None:
    for axes in sheet.panels[:, 0]:
        axes.tick_params(labelleft=True)
        axes.set_ylabel(r"$Z$ [kpc]" if edge_on else r"$Y$ [kpc]", labelpad=1)
    for axes in sheet.panels[-1]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel(rf"{radius}, with the sign of $X$ [kpc]" if edge_on else r"$X$ [kpc]", labelpad=1.5)
