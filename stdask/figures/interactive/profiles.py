"""Running medians to look at bin by bin: samples and labels to choose from, slices to put aside.

A figure carries its curves in `tags`; the page's script draws those of the chosen sample, label and slices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from bokeh.models import ColumnDataSource, HoverTool
from matplotlib import colormaps
from matplotlib.colors import to_hex

from stdask.figures.interactive.page import Plot, frame, rounded

BAND_ALPHA = 0.22
COLOURS = "plasma"  # from the midplane up, or from the centre out
PALEST = 0.62  # all shades have a contrast of 3 with white: WCAG 2.2, 1.4.11
MARGIN = 0.04  # of the range of the medians: free space above and below them
TOLD = [  # text, column
    ["slice", "slice"],
    ["median", "median"],
    ["1-sigma error, all sources", "error"],
    ["68 % interval by the stars alone", "band"],
    ["stars", "stars"],
]
SHAPE = 0.55  # height over width
GAP = 1.5  # steps between bins: over a wider gap no line is drawn


@dataclass(frozen=True)
class ShownCurve:
    """One label of one sample in one slice, bin by bin from low to high; only bins with a median."""

    sample: str
    label: str
    part: str  # the slice, in words
    side: str  # north, south or both
    positions_kpc: np.ndarray  # shape (n_bins,)
    medians: np.ndarray
    low: np.ndarray
    high: np.ndarray
    errors: np.ndarray  # 1 sigma, from all sources; NaN where only the interval from `low` to `high` is known
    stars: np.ndarray


def colours_of(parts: Sequence[str]) -> dict[str, str]:
    """Return the colour of each slice, from dark to pale."""
    shades = np.linspace(0, PALEST, max(len(parts), 2))
    return {part: to_hex(colormaps[COLOURS](shade)) for part, shade in zip(parts, shades, strict=False)}


def draw_profiles(
    curves: Sequence[ShownCurve], axis: str, titles: Mapping[str, str], colours: Mapping[str, str]
) -> Plot:
    """Draw running medians.

    Parameters
    ----------
    curves
        Of all samples, labels and slices.
    axis
        Name and unit of the position.
    titles
        Label -> what its axis is called.
    colours
        Slice -> colour.
    """
    everywhere = np.concatenate([curve.positions_kpc for curve in curves])
    step = np.min(np.diff(np.unique(np.round(everywhere, 6))), initial=np.inf)
    plot = frame((everywhere.min() - 0.5, everywhere.max() + 0.5), (0, 1), axis, "")
    bands, lines, points = (ColumnDataSource(name=name) for name in ("bands", "lines", "points"))
    for source, names in ((bands, ("xs", "ys", "colour")), (lines, ("xs", "ys", "colour", "dash"))):
        source.data = {name: [] for name in names}
    points.data = {name: [] for name in ("x", "y", "colour", "fill", "position", *(column for _, column in TOLD))}
    plot.patches("xs", "ys", source=bands, fill_color="colour", fill_alpha=BAND_ALPHA, line_color=None)
    plot.multi_line("xs", "ys", source=lines, line_color="colour", line_dash="dash", line_width=2)
    drawn = plot.scatter("x", "y", source=points, size=6, line_color="colour", fill_color="fill")
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=None, name="hover"))
    ranges = {label: _range([curve for curve in curves if curve.label == label]) for label in titles}
    plot.tags = [
        {
            "kind": "profile",
            "shape": SHAPE,
            "told": [[axis, "position"], *TOLD],
            "axes": {label: {"title": titles[label], "range": list(ranges[label])} for label in titles},
            "curves": [_content(curve, colours[curve.part], step) for curve in curves],
        }
    ]
    return plot


def _content(curve: ShownCurve, colour: str, step: float) -> dict[str, object]:
    breaks = np.flatnonzero(np.diff(curve.positions_kpc) > GAP * step) + 1
    return {
        "sample": curve.sample,
        "label": curve.label,
        "part": curve.part,
        "side": curve.side,
        "colour": colour,
        "x": rounded(curve.positions_kpc),
        "median": rounded(curve.medians),
        "low": rounded(curve.low),
        "high": rounded(curve.high),
        "error": rounded(curve.errors),
        "stars": curve.stars.astype(np.int32),
        "breaks": breaks.tolist(),
    }


def _range(curves: Sequence[ShownCurve]) -> tuple[float, float]:
    """Let the medians of all samples set the scale: the band of a poor bin may run out of the figure."""
    medians = np.concatenate([np.empty(0), *(curve.medians for curve in curves)])
    if not medians.size:
        return 0.0, 1.0
    margin = MARGIN * float(np.ptp(medians)) + 0.02
    return float(medians.min()) - margin, float(medians.max()) + margin
