"""Slopes of medians against height, radius and azimuth, with their errors."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stdask.figures.style import FAINT, INK, STYLE, SURVEY_A, SURVEY_B, TRANSLATED, symbol

KINDS = {
    "radial": (r"$|Z|$ [kpc]", "along $R$"),
    "vertical": (r"$R$ [kpc]", "along $|Z|$"),
    "azimuthal": ("azimuth from the Sun [deg]", "along $R$, near the midplane"),
}
MARKS = {"ALONE": (SURVEY_B, "s"), "MERGED": (INK, "o"), "UNTRANSLATED": (SURVEY_A, "v"), "A_ONLY": (TRANSLATED, "^")}
APART = 0.16  # of the width of a slice: between the marks of two samples


class SlopeCurve(NamedTuple):
    """The slopes of one sample in one slice."""

    sample: str
    label: str
    kind: str  # one of `KINDS`
    side: str
    low: float
    high: float
    inner: float  # below the break, if there is one
    inner_err: float
    outer: float
    outer_err: float


def draw_gradients(slopes: Sequence[SlopeCurve], names: Mapping[str, str], units: Mapping[str, str]) -> Figure:
    """Draw the slopes of both sides of the midplane together, a row a label, a column a direction.

    Parameters
    ----------
    slopes
        Of all samples, labels and slices.
    names
        Sample -> its name in the legend.
    units
        Label -> its unit.
    """
    with rc_context(STYLE):
        figure = Figure((11.0, 0.9 + 2.9 * len(units)))
        panels = figure.subplots(len(units), len(KINDS), squeeze=False)
        for row, (label, unit) in zip(panels, units.items(), strict=True):
            for axes, (kind, (across, along)) in zip(row, KINDS.items(), strict=True):
                for number, sample in enumerate(names):
                    own = [s for s in slopes if (s.sample, s.label, s.kind, s.side) == (sample, label, kind, "both")]
                    _draw_slopes(axes, own, sample, (number - (len(names) - 1) / 2) * APART)
                axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)
                axes.set_xlabel(across)
                axes.set_title(f"{symbol(label)} {along}", fontsize=9)
            row[0].set_ylabel(f"slope [{unit}/kpc]")
        marks = [axes.plot([], [], MARKS[s][1], color=MARKS[s][0], label=name)[0] for s, name in names.items()]
        filled = [
            axes.plot([], [], "o", color=INK, fillstyle=style, label=text)[0]
            for style, text in (("full", "outside the break, or without one"), ("none", "inside the break"))
        ]
        figure.legend(handles=[*marks, *filled], loc="outside lower center", ncols=3)
    return figure


def _draw_slopes(axes: Axes, slopes: Sequence[SlopeCurve], sample: str, shift: float) -> None:
    colour, mark = MARKS[sample]
    for s in slopes:
        x = (s.low + s.high) / 2 + shift * (s.high - s.low)
        style: dict[str, Any] = {"color": colour, "marker": mark, "markersize": 4.5, "elinewidth": 1, "linestyle": ""}
        axes.errorbar(x, s.outer, s.outer_err, **style)
        if s.inner != s.outer:
            axes.errorbar(x, s.inner, s.inner_err, fillstyle="none", **style)
