"""Maps to look at pixel by pixel: samples and quantities to choose from, every number of a pixel under the pointer.

All samples of a quantity share their colour scale. A figure carries its numbers in `tags`; the page's script puts
those of the chosen sample and quantity into one renderer. Numbers that several samples share are carried once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import healpy
import numpy as np
from bokeh.models import ColorBar, ColumnDataSource, HoverTool, LinearColorMapper, LogColorMapper
from healpy.projector import MollweideProj
from matplotlib.colors import to_hex

from stdask.figures.interactive.page import Plot, frame, rounded
from stdask.figures.maps.galaxy import SHOWN
from stdask.figures.maps.scales import Scale
from stdask.figures.maps.sheet import NO_STARS
from stdask.figures.style import INK
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC

AXES = {
    "edge_on": ("R, with the sign of X [kpc]", "Z [kpc]"),
    "face_on": ("X [kpc]", "Y [kpc]"),
}
BEYOND = 1.0  # kpc about the Sun and the Galactic centre that a map shows in any case
N_COLOURS = 256


@dataclass(frozen=True)
class Row:
    """One line of the numbers that are shown for a pixel."""

    text: str
    columns: tuple[str, ...]
    places: int  # decimals; 0 for a count, which is 0 where it is missing
    between: str = ""  # columns


@dataclass(frozen=True)
class MapView:
    """One quantity of one sample."""

    sample: str
    quantity: str
    value: str  # column that gives the colour, NaN where there is no value
    stars: str  # column with the number of stars: a pixel with stars and without a value is grey
    rows: tuple[Row, ...]


def square_pixels(x_kpc: np.ndarray, y_kpc: np.ndarray, width_kpc: float) -> np.ndarray:
    """Return the corners of square pixels, shape (n_pixels, 4, 2), from their centres of shape (n_pixels,)."""
    around = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * width_kpc / 2
    return np.stack([x_kpc, y_kpc], axis=-1)[:, None] + around


def sky_pixels(order: int, pixels: np.ndarray) -> np.ndarray:
    """Return the corners of HEALPix pixels in Galactic Mollweide projection, the Galactic centre in the middle.

    Parameters
    ----------
    order, pixels
        Of the nested scheme in equatorial coordinates; shape (n_pixels,).

    Returns
    -------
    corners : shape (n_pixels, 4, 2)
        Longitude grows leftwards, from 2 to -2; latitude from -1 to 1.
    """
    n_side = 2**order
    to_galactic, projection = _to_galactic(), MollweideProj()
    vectors = np.moveaxis(healpy.boundaries(n_side, pixels, nest=True), 1, 0).reshape(3, -1)
    x, y = projection.vec2xy(*to_galactic(vectors))
    corners = np.stack([x, y], axis=-1).reshape(len(pixels), 4, 2)
    middle = np.stack(projection.vec2xy(*to_galactic(np.array(healpy.pix2vec(n_side, pixels, nest=True)))), axis=-1)
    # a pixel that the edge of the map cuts through ends there
    edge = np.copysign(_half_width(corners), middle[:, None, 0])
    beyond = np.abs(_half_turns(corners) - _half_turns(middle)[:, None]) > 1
    corners[..., 0] = np.where(beyond, edge, corners[..., 0])
    return corners


def sky_places(ra_deg: np.ndarray, dec_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Galactic longitude and latitude of equatorial places, in degrees, each of shape (n_pixels,)."""
    longitudes, latitudes = _to_galactic()(ra_deg, dec_deg, lonlat=True)
    return longitudes % 360, latitudes


def galactic_frame(view: str, corners: np.ndarray, stars: np.ndarray) -> Plot:
    """Return an empty frame that holds nearly all stars, the Sun and the Galactic centre.

    Parameters
    ----------
    view
        `edge_on` or `face_on`.
    corners : shape (n_pixels, 4, 2), kpc
    stars : shape (n_pixels,)
        How many lie in each pixel.
    """
    sun = (SUN_X_KPC, SUN_Z_KPC if view == "edge_on" else 0.0)
    ranges = [_range(corners[..., axis], stars, sun[axis]) for axis in (0, 1)]
    return frame(ranges[0], ranges[1], *AXES[view])


def sky_frame() -> Plot:
    """Return an empty frame for the whole sky in Mollweide projection."""
    plot = frame((-2.05, 2.05), (-1.05, 1.05), "", "")
    plot.axis.visible = False
    plot.outline_line_color = None
    return plot


def add_pixels(
    plot: Plot,
    corners: np.ndarray,
    columns: Mapping[str, np.ndarray],
    views: Sequence[MapView],
    scales: Mapping[str, Scale],
) -> None:
    """Put the pixels of all samples into a frame.

    Parameters
    ----------
    plot
        The frame.
    corners : shape (n_pixels, 4, 2)
        Of every pixel that any sample fills.
    columns
        Name -> shape (n_pixels,), what the views and their rows name.
    views
        Every quantity of every sample.
    scales
        Quantity -> its colours.
    """
    source = ColumnDataSource({"xs": [], "ys": [], "value": []}, name="pixels")
    drawn = plot.patches("xs", "ys", source=source, line_width=0.6, name="drawn")
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=None, point_policy="follow_mouse", name="hover"))
    for quantity in dict.fromkeys(view.quantity for view in views):
        plot.add_layout(_bar(quantity, scales[quantity]), "below")
    used = {name for view in views for name in (view.value, view.stars, *(n for row in view.rows for n in row.columns))}
    columns, same = _once({name: rounded(columns[name]) for name in sorted(used)})
    plot.tags = [
        {
            "kind": "map",
            "shape": (plot.y_range.end - plot.y_range.start) / (plot.x_range.end - plot.x_range.start),
            "corners": rounded(corners.reshape(len(corners), 8)).ravel(),
            "columns": columns,
            "same": same,
            "views": _nested(views),
            "grounds": {name: NO_STARS if scale.diverging else "#ffffff" for name, scale in scales.items()},
        }
    ]


def _to_galactic() -> healpy.Rotator:
    return healpy.Rotator(coord=["C", "G"])


def _once(columns: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the columns that differ, and the name of the first one like it for each of the others."""
    first: dict[bytes, str] = {}
    same = {name: first.setdefault(values.tobytes(), name) for name, values in columns.items()}
    return {name: columns[name] for name in first.values()}, {n: own for n, own in same.items() if n != own}


def _half_width(points: np.ndarray) -> np.ndarray:
    """Return how far a Mollweide map reaches to either side at the height of points (x, y)."""
    return 2 * np.sqrt(np.maximum(1 - points[..., 1] ** 2, np.finfo(float).eps))


def _half_turns(points: np.ndarray) -> np.ndarray:
    """Return the longitude of points (x, y) of a Mollweide map in units of 180 degrees, growing rightwards."""
    return points[..., 0] / _half_width(points)


def _nested(views: Sequence[MapView]) -> dict[str, dict[str, Any]]:
    nested: dict[str, dict[str, Any]] = {}
    for view in views:
        nested.setdefault(view.sample, {})[view.quantity] = asdict(view)
    return nested


def _bar(quantity: str, scale: Scale) -> ColorBar:
    kind = LogColorMapper if scale.logarithmic else LinearColorMapper
    palette = [to_hex(colour) for colour in scale.colours(np.linspace(0, 1, N_COLOURS))]
    low, high = scale.limits
    return ColorBar(
        color_mapper=kind(palette=palette, low=low, high=high, nan_color=NO_STARS, name=f"scale {quantity}"),
        title=scale.title,
        title_text_font_style="normal",
        title_text_color=INK,
        major_label_text_color=INK,
        orientation="horizontal",
        height=12,
        visible=False,
        name=f"bar {quantity}",
    )


def _range(edges: np.ndarray, stars: np.ndarray, sun: float) -> tuple[float, float]:
    """Return the part of an axis that holds nearly all stars, the Sun and the Galactic centre.

    Parameters
    ----------
    edges : shape (n_pixels, 4)
        Coordinates of the pixels' corners.
    stars : shape (n_pixels,)
    """
    order = np.argsort(edges[:, 0])
    share = np.cumsum(stars[order]) / max(stars.sum(), 1)
    first, last = np.minimum(np.searchsorted(share, [(1 - SHOWN) / 2, (1 + SHOWN) / 2]), len(order) - 1)
    low = min(edges[order[first]].min(), sun - BEYOND, -BEYOND)
    high = max(edges[order[last]].max(), sun + BEYOND, BEYOND)
    return float(np.floor(low)), float(np.ceil(high))
