"""Points with error bars in a panel whose scale the well-known ones set: those beyond it are arrows at its edge."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

POOR = 3.0  # times the median error: points with larger errors do not set the scale
MARGIN = 0.08  # of the range: free space above and below
ARROW = 0.13  # of the height of a panel: length of an arrow


def scale_of(values: np.ndarray, errors: np.ndarray, fixed: float | None = None) -> tuple[float, float] | None:
    """Return the ends of a scale that shows the well-known values with their error bars; None without a value.

    Parameters
    ----------
    values, errors : shape (n,)
        Of all points of the panel, 1 sigma; NaN for none.
    fixed
        A value that is always shown.
    """
    known = np.isfinite(values)
    if not known.any():
        return None
    values, errors = values[known], np.nan_to_num(errors[known])
    well = errors <= POOR * np.median(errors)
    ends = [(values - errors)[well].min(), (values + errors)[well].max(), *([fixed] if fixed is not None else [])]
    low, high = float(min(ends)), float(max(ends))
    margin = MARGIN * (high - low) or 0.1
    return low - margin, high + margin


def draw_points(axes: Axes, x: np.ndarray, values: np.ndarray, errors: np.ndarray, **style: Any) -> None:
    """Draw points with error bars; points beyond the scale of the panel are arrows at its edge.

    Parameters
    ----------
    axes
        With its final scale.
    x, values, errors : shape (n,)
        NaN is not drawn.
    style
        Of `Axes.errorbar`, with `color`.
    """
    low, high = axes.get_ylim()
    inside = (values >= low) & (values <= high)
    axes.errorbar(x, np.where(inside, values, np.nan), errors, **style)
    for at, value in zip(x[~inside], values[~inside], strict=True):
        if np.isfinite(value):
            end, start = (1.0, 1.0 - ARROW) if value > high else (0.0, ARROW)
            axes.annotate(
                "", (at, end), (at, start), xycoords=("data", "axes fraction"), textcoords=("data", "axes fraction"),
                arrowprops={"arrowstyle": "->", "color": style["color"], "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0},
                annotation_clip=False,
            )  # fmt: skip
