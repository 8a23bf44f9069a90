"""Slopes of medians against height, radius and azimuth, with their total errors."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stdask.figures.style import FAINT, INK, STYLE, SURVEY_A, SURVEY_B, TRANSLATED, PrintedFigure, symbol

KINDS = {
    "radial": (r"$|Z|$ [kpc]", "along $R$"),
    "vertical": (r"$R$ [kpc]", "along $|Z|$"),
    "azimuthal": ("azimuth from the Sun [deg]", "along $R$, near the midplane"),
}
MARKS = {
    "ALONE": (SURVEY_B, "s"),
    "MERGED": (INK, "o"),
    "UNTRANSLATED": (SURVEY_A, "v"),
    "A_ONLY": (TRANSLATED, "^"),
    "RAW_ONLY": (SURVEY_A, "D"),
}
APART = 0.16  # of the width of a slice: between the marks of two samples
LINE = 36  # characters of a name in the legend, which has three columns
SIZES = (4.5, 2.8)  # of the marks: of the segment with the most stars, of others


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


def draw_gradients(slopes: Sequence[SlopeCurve], names: Mapping[str, str], units: Mapping[str, str]) -> Figure:
    """Draw the slopes of both sides of the midplane together, a row a label, a column a direction.

    Parameters
    ----------
    slopes
        Of all samples, labels, slices and segments.
    names
        Sample -> its name in the legend.
    units
        Label -> its unit.
    """
    with rc_context(STYLE):
        figure = PrintedFigure((11.0, 0.9 + 2.9 * len(units)))
        panels = figure.subplots(len(units), len(KINDS), squeeze=False)
        for row, (label, unit) in zip(panels, units.items(), strict=True):
            for axes, (kind, (across, along)) in zip(row, KINDS.items(), strict=True):
                own = [s for s in slopes if (s.label, s.kind, s.side) == (label, kind, "both")]
                for number, sample in enumerate(names):
                    of_sample = [s for s in own if s.sample == sample]
                    _draw_slopes(axes, of_sample, sample, (number - (len(names) - 1) / 2) * APART)
                if own:
                    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
                else:
                    axes.set(xticks=[], yticks=[])
                    axes.text(0.5, 0.5, "too few bins for a slope", ha="center", color=FAINT, transform=axes.transAxes)
                axes.set_xlabel(across)
                axes.set_title(f"{symbol(label)} {along}", fontsize=9)
            row[0].set_ylabel(f"slope [{unit}/kpc]")
        _add_legend(figure, axes, names)
    return figure


def _add_legend(figure: Figure, axes: Axes, names: Mapping[str, str]) -> None:
    marks = [axes.plot([], [], MARKS[s][1], color=MARKS[s][0], label=fill(name, LINE))[0] for s, name in names.items()]
    filled = [
        axes.plot([], [], "o", color=INK, fillstyle=style, markersize=size, label=text)[0]
        for style, size, text in (
            ("full", SIZES[0], "outside the break, or without one"),
            ("none", SIZES[0], "inside the break"),
            ("full", SIZES[1], "beyond a gap, where fewer stars are"),
        )
    ]
    figure.legend(handles=[*marks, *filled], loc="outside lower center", ncols=3)


def _draw_slopes(axes: Axes, slopes: Sequence[SlopeCurve], sample: str, shift: float) -> None:
    colour, mark = MARKS[sample]
    for s in slopes:
        x = (s.low + s.high) / 2 + shift * (s.high - s.low)
        size = SIZES[min(s.segment, len(SIZES)) - 1]
        style: dict[str, Any] = {"color": colour, "marker": mark, "markersize": size, "elinewidth": 1, "linestyle": ""}
        axes.errorbar(x, s.outer, s.outer_total, **style)
        if s.inner != s.outer:
            axes.errorbar(x, s.inner, s.inner_total, fillstyle="none", **style)
