"""Slopes of medians by height, radius and azimuth, with their total errors."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from stdask.figures.points import draw_points, scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    SMALL,
    PrintedFigure,
    own_style,
    symbol,
)

KINDS = {  # direction -> what slices are of, and what slopes are along
    "radial": ("$|Z|$ [kpc]", "along ${radius}$"),
    "vertical": ("${radius}$ [kpc]", "along $|Z|$"),
    "azimuthal": ("azimuth [deg]", "along ${radius}$, by azimuth"),
}
SHOWN = ("ALONE", "RAW_ONLY", "A_ONLY", "MERGED")  # the table has UNTRANSLATED too, which is between the others
APART = 0.2  # of the width of a slice: between the marks of two samples
SIZES = (4.2, 2.4)  # points: of the marks of the segment with the most stars, and of others
ROW, HEAD = 1.95, 1.45  # inches: of a row, and of the legend
LINE = 46  # characters of a name in the legend

# Slopes of [Fe/H] in dex/kpc: one for the whole disc, and some at a place: |Z| of radial slopes, R of vertical ones.
# Hackshaw et al. 2024 (arXiv:2405.18120), abstract: giants of APOGEE DR17.
LITERATURE = {"radial": -0.066, "vertical": -0.164, "azimuthal": -0.066}
LITERATURE_NAME = "Hackshaw et al. 2024: giants of APOGEE DR17"
# Sun et al. 2024 (arXiv:2403.01842), abstract: red clump stars of the thin disc in LAMOST and APOGEE, first and last.
PLACES = {"radial": ((0.125, -0.06), (2.875, -0.02)), "vertical": ((5.5, -0.36), (11.75, -0.05))}
PLACES_NAME = "Sun et al. 2024: red clump of the thin disc"
CITED = "FE_H"


class SlopeCurve(NamedTuple):
    """The slopes of one sample in one segment of a slice."""

    sample: str
    label: str
    kind: str  # one of `KINDS`
    side: str
    low: float
    high: float
    segment: int  # 1 for that with the most stars
    inner: float  # below the break, if there is one
    inner_total: float  # 1-sigma error
    outer: float
    outer_total: float
    at: float  # where the slope breaks, kpc; NaN if there is one slope


def draw_gradients(
    slopes: Sequence[SlopeCurve], names: Mapping[str, str], units: Mapping[str, str], radius: str = "R"
) -> Figure:
    """Draw the slopes of both sides of the midplane together, a row a label, a column a direction.

    Slices are drawn equally wide, with their edges as ticks.

    Parameters
    ----------
    slopes
        Of all samples, labels, slices and segments.
    names
        Sample -> its name in the legend.
    units
        Label -> its unit.
    radius
        Symbol of the radius; published slopes are drawn along R alone.
    """
    cited = CITED if radius == "R" else ""
    samples = [sample for sample in SHOWN if sample in names]
    height = min(ROW, (PAGE_HEIGHT - HEAD) / len(units))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + height * len(units)))
        panels = figure.subplots(len(units), len(KINDS), squeeze=False)
        for row, (label, unit) in zip(panels, units.items(), strict=True):
            for axes, (kind, (across, along)) in zip(row, KINDS.items(), strict=True):
                own = [s for s in slopes if (s.label, s.kind, s.side) == (label, kind, "both") and s.sample in samples]
                _draw_panel(axes, own, samples, is_cited=label == cited)
                axes.set_xlabel(across.format(radius=radius))
                axes.set_title(f"{symbol(label)} {along.format(radius=radius)}")
            row[0].set_ylabel(f"slope [{unit}/kpc]" if unit else "slope [1/kpc]")
        _add_legend(figure, {sample: names[sample] for sample in samples}, slopes, is_cited=cited in units)
    return figure


def _draw_panel(axes: Axes, slopes: Sequence[SlopeCurve], samples: Sequence[str], *, is_cited: bool) -> None:
    if not slopes:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, "too few bins for a slope", ha="center", color=FAINT, transform=axes.transAxes)
        return
    slices = sorted({(s.low, s.high) for s in slopes})
    edges = np.array(sorted({edge for part in slices for edge in part}))
    numbers = np.array([[s.inner, s.inner_total, s.outer, s.outer_total] for s in slopes])
    values, errors = numbers[:, ::2].ravel(), numbers[:, 1::2].ravel()
    if scale := scale_of(values, errors, fixed=0.0):
        axes.set_ylim(*scale)
    axes.set_xlim(0, len(edges) - 1)
    axes.set_xticks(range(len(edges)), [f"{edge:g}".replace("-", MINUS) for edge in edges])
    axes.tick_params(axis="x", top=False, length=0)
    for number in range(1, len(edges) - 1):
        axes.axvline(number, color=FAINT, linewidth=0.4, zorder=0)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for number, sample in enumerate(samples):
        shift = 0.5 + (number - (len(samples) - 1) / 2) * APART
        _draw_slopes(axes, [s for s in slopes if s.sample == sample], edges, shift, told=sample == samples[-1])
    if is_cited:
        _draw_literature(axes, slopes[0].kind, edges)


def _draw_slopes(axes: Axes, slopes: Sequence[SlopeCurve], edges: np.ndarray, shift: float, *, told: bool) -> None:
    """Draw the slopes of a sample; those inside a break are open, with the place of the break if it is told."""
    for s in slopes:
        colour, mark = SAMPLE_MARKS[s.sample]
        x = np.array([np.searchsorted(edges, s.low) + shift])
        size = SIZES[min(s.segment, len(SIZES)) - 1]
        style: dict[str, Any] = {"color": colour, "marker": mark, "markersize": size, "elinewidth": 1, "linestyle": ""}
        draw_points(axes, x, np.array([s.outer]), np.array([s.outer_total]), **style)
        if s.inner != s.outer:
            inner = {"markerfacecolor": "white", **style}
            draw_points(axes, x, np.array([s.inner]), np.array([s.inner_total]), **inner)
            low, high = axes.get_ylim()
            if told and s.segment == 1 and low < s.inner < high:
                place: dict[str, Any] = {
                    "xytext": (-2.5, 3),
                    "textcoords": "offset points",
                    "ha": "right",
                    "va": "bottom",
                }
                halo = [withStroke(linewidth=1.5, foreground="white")]  # read on marks too
                axes.annotate(f"{s.at:.1f}", (float(x[0]), s.inner), fontsize=SMALL, path_effects=halo, **place)


def _draw_literature(axes: Axes, kind: str, edges: np.ndarray) -> None:
    axes.axhline(LITERATURE[kind], color=INK, linewidth=0.9, linestyle=":", zorder=1)
    for place, slope in PLACES.get(kind, ()):
        if edges[0] <= place <= edges[-1]:
            x = np.interp(place, edges, np.arange(len(edges)))
            axes.plot(x, slope, "*", color=FAINT, markersize=6, zorder=1)


def _add_legend(figure: Figure, names: Mapping[str, str], slopes: Sequence[SlopeCurve], *, is_cited: bool) -> None:
    handles, texts = [], []
    for sample, name in names.items():
        colour, mark = SAMPLE_MARKS[sample]
        handles.append(Line2D([], [], color=colour, marker=mark, markersize=SIZES[0], linestyle=""))
        texts.append(fill(name, LINE))
    circle: dict[str, Any] = {"color": INK, "marker": "o", "linestyle": ""}
    if any(s.inner != s.outer for s in slopes):
        handles.append(Line2D([], [], markerfacecolor="white", markersize=SIZES[0], **circle))
        texts.append("open: inside the break, which is at the\nnumber beside it [kpc]")
    if any(s.segment > 1 for s in slopes):
        handles.append(Line2D([], [], markersize=SIZES[1], **circle))
        texts.append("small: beyond a gap, where fewer stars are")
    if is_cited:
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=":"))
        handles.append(Line2D([], [], color=FAINT, marker="*", markersize=6, linestyle=""))
        texts += [LITERATURE_NAME, PLACES_NAME]
    figure.legend(handles, texts, loc="outside upper left", ncols=2)
