"""What lies on top of maps: the Sun, the Galactic centre, circles of radius, the rotation, outlines of areas."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from contourpy import contour_generator
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import AbstractPathEffect, Normal, Stroke, withStroke
from scipy import ndimage

from stdask.figures.maps.sheet import NO_STARS, MapRow
from stdask.figures.style import INK, SMALL
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC

HALO: list[AbstractPathEffect] = [withStroke(linewidth=2.2, foreground="white")]  # so that marks are seen on any colour
SUN: tuple[dict[str, Any], ...] = (  # the astronomers' sign
    {"marker": "o", "markersize": 6.5, "color": "white", "markeredgecolor": INK, "markeredgewidth": 1.0},
    {"marker": "o", "markersize": 2.0, "color": INK, "markeredgewidth": 0},
)
CENTRE: dict[str, Any] = {"marker": "x", "markersize": 5.5, "markeredgewidth": 1.2, "color": INK}
MIDPLANE: dict[str, Any] = {"color": INK, "linewidth": 0.7, "linestyle": (0, (5, 3))}
CIRCLE: dict[str, Any] = {"color": INK, "linewidth": 0.5, "linestyle": (0, (1, 1.5))}
AREA: dict[str, Any] = {"color": "#c2185b", "linewidth": 1.0}  # neither a colour of values nor of counts
CIRCLES = (4, 8, 12, 16)  # kpc
ARROW = 2.6  # kpc: length of the arrow that shows the rotation
BLUR = 2.0  # pixels: outlines are of areas, not of pixels
SMALLEST = 15  # areas and holes of fewer pixels, in squares of the blur, have no outline
SIGNIFICANT = 3  # errors: a smooth difference of more has a line about it


def add_sun(axes: Axes, *, edge_on: bool) -> None:
    """Mark the Sun and the Galactic centre."""
    centre = axes.plot(0.0, 0.0, linestyle="", zorder=5, **CENTRE)
    centre[0].set_path_effects([withStroke(linewidth=3.0, foreground="white")])
    for marker in SUN:
        axes.plot(SUN_X_KPC, SUN_Z_KPC if edge_on else 0.0, linestyle="", zorder=6, **marker)


def add_rotation(axes: Axes) -> None:
    """Draw an arrow from the Sun along the Galactic rotation: clockwise, as seen from the north Galactic pole."""
    axes.annotate(
        "",
        (SUN_X_KPC, ARROW),
        (SUN_X_KPC, 0.0),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.1, "path_effects": HALO, "shrinkA": 3.2},
        zorder=5,
    )


def add_circles(axes: Axes, limits: tuple[float, float, float, float], is_empty: Any) -> None:
    """Draw circles of galactocentric radius, each with its number where there is room.

    Parameters
    ----------
    axes
        A face-on map.
    limits
        Left, right, lower and upper end of the map, kpc.
    is_empty
        Called with x, y and half a width in kpc: the number of stars about there.
    """
    angles = np.radians(np.arange(0, 361, 2))
    for radius in CIRCLES:
        line = axes.plot(radius * np.cos(angles), radius * np.sin(angles), zorder=3, **CIRCLE)
        line[0].set_path_effects([Stroke(linewidth=1.4, foreground="white", alpha=0.6), Normal()])
        if place := _room(radius, limits, is_empty):
            axes.text(
                *place,
                f"{radius}",
                fontsize=SMALL,
                ha="center",
                va="center",
                zorder=4,
                path_effects=HALO,
            )


def _room(radius: float, limits: tuple[float, float, float, float], count: Any) -> tuple[float, float] | None:
    """Return where on a circle a number hides the fewest stars; None if the circle is not on the map."""
    left, right, lower, upper = limits
    margin = 0.04 * (right - left)
    places = []
    for angle in np.radians(np.arange(-180, 180, 5)):
        x, y = radius * np.cos(angle), radius * np.sin(angle)
        if left + margin < x < right - margin and lower + margin < y < upper - margin and abs(x - SUN_X_KPC) > margin:
            places.append((count(x, y, margin), abs(abs(np.degrees(angle)) - 90), float(x), float(y)))
    return min(places)[2:] if places else None


def area_of(inside: np.ndarray, blur: float = BLUR) -> np.ndarray:
    """Return the area that pixels belong to, 1 inside and 0 outside with a smooth border; zero if there is none.

    The pixels are blurred first, and small areas and holes left out: the border is that of an area, not of pixels.

    Parameters
    ----------
    inside : bool, shape (n_rows, n_columns)
    blur
        Standard deviation of the Gaussian that pixels are blurred by, in pixels.
    """
    area = _without_small(ndimage.gaussian_filter(inside.astype(float), blur, mode="nearest") > 0.5, blur)
    smooth = np.asarray(ndimage.gaussian_filter(area.astype(float), blur, mode="nearest"))
    large = _without_small(smooth > 0.5, blur)  # the second blur can cut off necks
    return np.where(large, np.maximum(smooth, 0.501), np.minimum(smooth, 0.499 if large.any() else 0.0))


def _without_small(area: np.ndarray, blur: float) -> np.ndarray:
    """Return an area without its small parts and small holes."""
    for wanted in (True, False):
        groups, n = ndimage.label(area == wanted)
        sizes = ndimage.sum_labels(np.ones_like(groups), groups, np.arange(n + 1))
        area = np.where((groups > 0) & (sizes < SMALLEST * blur**2)[groups], not wanted, area)
    return area


def border_of(x: np.ndarray, y: np.ndarray, area: np.ndarray) -> list[np.ndarray]:
    """Return the border of an area, as lines of shape (n_points, 2).

    Parameters
    ----------
    x, y
        Middles of the columns and of the rows.
    area : shape (n_rows, n_columns)
        As from `area_of`.
    """
    # not by Axes.contour: curved projections would cut each of its lines into hundreds
    lines: Any = contour_generator(x, y, area).lines(0.5)
    return list(lines)


def outline_area(axes: Axes, x: np.ndarray, y: np.ndarray, area: np.ndarray) -> None:
    """Draw the border of an area on any map; the arguments are those of `border_of`."""
    lines = LineCollection(border_of(x, y, area), zorder=4, **AREA)
    lines.set_path_effects(HALO)
    axes.add_collection(lines, autolim=False)


def enclose_significant(axes: Axes, x: np.ndarray, y: np.ndarray, errors_off: np.ndarray) -> None:
    """Draw lines about what differs from zero by more than three errors, dashed below zero: seen in grey too."""
    lines = axes.contour(x, y, errors_off, levels=[-SIGNIFICANT, SIGNIFICANT], colors=INK, linewidths=0.7, zorder=3)
    lines.set_path_effects(HALO)  # seen on the dark ends of the colours too


def kinds_of(rows: Sequence[MapRow], areas: Sequence[np.ndarray | None]) -> list[str]:
    """Return the kinds of pixels and areas that the legend of some maps has to explain."""
    images = [image for row in rows for image in row.images]
    kinds = ["nothing"] if any(image.scale.diverging for image in images) else []
    if not kinds and any(image.without_value.any() for image in images):
        kinds = ["no_value"]
    return kinds + (["area"] if any(area is not None and area.any() for area in areas) else [])


def marks_of(kinds: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Return the marks of some kinds, and what the legend says of them."""
    explained: dict[str, tuple[Any, str]] = {
        "sun": (tuple(Line2D([], [], linestyle="", **marker) for marker in SUN), "Sun"),
        "centre": (Line2D([], [], linestyle="", **CENTRE), "Galactic centre"),
        "rotation": (Line2D([], [], linestyle="", marker=r"$\uparrow$", markersize=8, color=INK), "Galactic rotation"),
        "circles": (Line2D([], [], **CIRCLE), "$R$ [kpc]"),
        "midplane": (Line2D([], [], **MIDPLANE), "midplane"),
        "no_value": (Patch(facecolor=NO_STARS), "stars, but too few with a value"),
        "nothing": (Patch(facecolor=NO_STARS), "no stars, or too few with a value"),
        "area": (Line2D([], [], **AREA), "area that only the merged catalogue covers"),
    }
    chosen = [explained[kind] for kind in kinds]
    return [handle for handle, _ in chosen], [text for _, text in chosen]
