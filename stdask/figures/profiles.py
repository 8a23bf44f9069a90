"""Running medians along R and Z, samples side by side: Thomas et al. 2024, figs. 17, 18, D.1 and D.2."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from stdask.figures.style import FAINT, INK, STYLE, TITLE_WIDTH, PrintedFigure, symbol, unit_of, with_unit

COLOURS = "viridis"  # from the midplane up, or from the centre out; its last tenth is too pale for lines
PALEST = 0.88
BAND_ALPHA = 0.22
MARGIN = 0.04  # of the range of the medians: free space above and below them


@dataclass(frozen=True)
class Curve:
    """One running median with its band."""

    slice_kpc: tuple[float, float]  # what all stars of the curve have in common: a range of |Z| or of R
    south: bool  # drawn dashed
    positions_kpc: np.ndarray  # shape (n_bins,)
    medians: np.ndarray  # NaN where there are too few stars: a gap
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class ProfileRow:
    """One label: its curves from each sample."""

    label: str
    samples: Sequence[Sequence[Curve]]
    unit: str = ""  # of a label that stdask does not know


def draw_profiles(rows: Sequence[ProfileRow], names: Sequence[str], axis: str, slicing: str, min_stars: int) -> Figure:
    """Draw running medians, a row a label, a column a sample.

    A slice has the same colour everywhere; panels of a row share their scales.

    Parameters
    ----------
    rows
        The labels, from above.
    names
        Titles of the columns.
    axis
        Name and unit of the position.
    slicing
        What the slices are, over their list in the legend.
    min_stars
        Stars a bin has at least, said in the legend.

    Returns
    -------
    figure
        Shaded: 68 % confidence interval of the median from the stars alone.
    """
    curves = [curve for row in rows for own in row.samples for curve in own]
    slices = sorted({curve.slice_kpc for curve in curves})
    shades = np.linspace(0, PALEST, max(len(slices), 2))
    colours = {part: to_hex(colormaps[COLOURS](shade)) for part, shade in zip(slices, shades, strict=False)}
    with rc_context(STYLE):
        figure = PrintedFigure(figsize=(1.6 + 4.2 * len(names), 0.7 + 3.1 * len(rows)))
        panels = figure.subplots(len(rows), len(names), sharex=True, sharey="row", squeeze=False)
        for row, pair in zip(rows, panels, strict=True):
            for axes, own in zip(pair, row.samples, strict=True):
                _draw_curves(axes, own, colours)
            _fit_height(pair[0], [curve for own in row.samples for curve in own])
            if len(names) == 2 and _are_equal(*row.samples):
                pair[1].set_title("nothing added to the profiles on the left", fontsize=8, pad=3)
            pair[0].set_ylabel(with_unit(f"median {symbol(row.label)}", unit_of(row.label, row.unit)))
        for axes, name in zip(panels[0], names, strict=True):
            axes.set_title(fill(name, TITLE_WIDTH), fontweight="bold")
        for axes in panels[-1]:
            axes.set_xlabel(axis)
            axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10]))
        _add_legend(figure, colours, slicing, any(curve.south for curve in curves), min_stars)
    return figure


def _draw_curves(axes: Axes, curves: Sequence[Curve], colours: dict[tuple[float, float], str]) -> None:
    for curve in curves:
        colour, x = colours[curve.slice_kpc], curve.positions_kpc
        axes.fill_between(x, curve.low, curve.high, color=colour, alpha=BAND_ALPHA, linewidth=0)
        axes.plot(x, curve.medians, color=colour, linewidth=1.6, linestyle="--" if curve.south else "-")
        known = np.pad(np.isfinite(curve.medians), 1)
        alone = known[1:-1] & ~known[:-2] & ~known[2:]  # no line passes through such a bin
        fill_style = "none" if curve.south else "full"
        axes.plot(x[alone], curve.medians[alone], "o", color=colour, markersize=3, fillstyle=fill_style)
    if not any(np.isfinite(curve.medians).any() for curve in curves):
        axes.text(0.5, 0.5, "no bin with enough stars", transform=axes.transAxes, ha="center", color=FAINT)


def _are_equal(alone: Sequence[Curve], merged: Sequence[Curve]) -> bool:
    before, after = (np.array([curve.medians for curve in curves]) for curves in (alone, merged))
    return np.array_equal(before, after, equal_nan=True)


def _fit_height(axes: Axes, curves: Sequence[Curve]) -> None:
    """Let the medians set the scale: the band of a poor bin may run out of the panel."""
    values = np.concatenate([np.empty(0), *(curve.medians[np.isfinite(curve.medians)] for curve in curves)])
    if values.size:
        margin = MARGIN * np.ptp(values) + 0.02
        axes.set_ylim(values.min() - margin, values.max() + margin)


def _add_legend(
    figure: Figure, colours: dict[tuple[float, float], str], slicing: str, both_sides: bool, min_stars: int
) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, linewidth=2.5, label=f"{low:g}\N{EN DASH}{high:g} kpc")
        for (low, high), colour in colours.items()
    ]
    if both_sides:
        handles += [
            Line2D([], [], color=INK, linewidth=1.6, label="north ($Z \\geq 0$)"),
            Line2D([], [], color=INK, linewidth=1.6, linestyle="--", label="south ($Z < 0$)"),
        ]
    handles.append(Patch(color=INK, alpha=BAND_ALPHA, linewidth=0, label="68 % interval, by the stars alone"))
    figure.legend(
        handles=handles,
        loc="outside right upper",
        title=f"{slicing}\n(bins of {min_stars} stars or more)",
        alignment="left",
        labelspacing=0.7,
    )
