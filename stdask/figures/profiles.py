"""Running medians along R and Z, a panel a slice of the Galaxy: Thomas et al. 2024, figs. 17, 18, D.1 and D.2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from stdask.figures.points import scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    SMALL,
    STYLE,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)

SHARE = "HIGH_ALPHA"  # in the place of a label: the share of stars above the line between the two sequences
MOST_COLUMNS = 5
BAND_ALPHA = 0.2
ROW, HEAD = 1.75, 1.2  # inches: of a row of panels, and of legend and axis labels
LINE = 44  # characters of a name in the legend
WIDTHS = (2.8, 1.0)  # points: of the first sample, which others may hide, and of others


@dataclass(frozen=True)
class Curve:
    """One running median with its total error."""

    south: bool  # drawn dashed
    positions_kpc: np.ndarray  # shape (n_bins,)
    medians: np.ndarray  # NaN where there are too few stars: a gap
    errors: np.ndarray  # 1 sigma


@dataclass(frozen=True)
class ProfilePanel:
    """What lies between two heights |Z| or two radii R: the curves of each sample."""

    slice_kpc: tuple[float, float]
    samples: Mapping[str, Sequence[Curve]]

    @property
    def curves(self) -> list[Curve]:
        """Those of all samples."""
        return [*chain.from_iterable(self.samples.values())]


@dataclass(frozen=True)
class ProfileRow:
    """One label: its panels, from the midplane up or from the centre out."""

    label: str
    panels: Sequence[ProfilePanel]
    unit: str = ""  # of a label that stdask does not know

    @property
    def title(self) -> str:
        """What is drawn, with its unit."""
        if self.label == SHARE:
            return "high-$\\alpha$ share"
        return with_unit(f"median {symbol(self.label)}", unit_of(self.label, self.unit))


def draw_profiles(rows: Sequence[ProfileRow], names: Mapping[str, str], axis: str, across: str, n_least: int) -> Figure:
    """Draw running medians of some samples over each other, a panel a slice; panels of a label share their scales.

    Parameters
    ----------
    rows
        The labels, from above.
    names
        Sample -> its name in the legend; the first is drawn below the others.
    axis
        Symbol of the position.
    across
        Symbol of what the slices are of.
    n_least
        Stars a bin has at least, said in the legend.

    Returns
    -------
    figure
        Shaded: total error of the median, 1 sigma. South of the midplane dashed.
    """
    shown = [row for row in rows if any(panel.curves for panel in row.panels)] or list(rows)
    missing = [symbol(row.label) for row in rows if row not in shown]
    n_panels = max(len(row.panels) for row in shown)
    n_lines = -(-n_panels // MOST_COLUMNS)  # of panels for a label
    n_columns = -(-n_panels // n_lines)
    height = min(ROW, (PAGE_HEIGHT - HEAD) / (n_lines * len(shown)))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + height * n_lines * len(shown)))
        grid = figure.subplots(n_lines * len(shown), n_columns, sharex=True, squeeze=False)
        for number, row in enumerate(shown):
            lines = grid[number * n_lines : (number + 1) * n_lines]
            _draw_row(lines, row, [*names], across, titled=number == 0 or n_lines > 1)
        for axes in grid[:, 0]:
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        figure.supxlabel(f"${axis}$ [kpc]", fontsize=STYLE["axes.labelsize"])
        _add_legend(figure, names, shown, n_least, ", ".join(missing))
    return figure


def _draw_row(lines: np.ndarray, row: ProfileRow, samples: Sequence[str], across: str, *, titled: bool) -> None:
    curves = [curve for panel in row.panels for curve in panel.curves]
    values = np.concatenate([np.empty(0), *(curve.medians for curve in curves)])
    scale = scale_of(values, np.concatenate([np.empty(0), *(curve.errors for curve in curves)]))
    flat = lines.ravel()
    for axes, panel in zip(flat, row.panels, strict=False):
        _draw_panel(axes, panel, samples)
        if scale:
            axes.set_ylim(*scale)
        if titled:
            low, high = panel.slice_kpc
            axes.set_title(f"${low:g} < {across} < {high:g}$", loc="center")
        if axes not in lines[:, 0]:
            axes.set_yticklabels([])
    for axes in flat[len(row.panels) :]:
        axes.remove()
    for axes in lines[:, 0]:
        axes.set_ylabel(row.title)
    for number in range(len(row.panels) - lines.shape[1], len(row.panels)):
        flat[number].tick_params(labelbottom=True)


def _draw_panel(axes: Axes, panel: ProfilePanel, samples: Sequence[str]) -> None:
    for number, sample in enumerate(samples):
        colour = SAMPLE_MARKS[sample][0]
        for curve in panel.samples.get(sample, ()):
            x, style = curve.positions_kpc, "--" if curve.south else "-"
            low, high = curve.medians - curve.errors, curve.medians + curve.errors
            axes.fill_between(x, low, high, color=colour, alpha=BAND_ALPHA, linewidth=0)
            axes.plot(x, curve.medians, color=colour, linewidth=WIDTHS[number > 0], linestyle=style)
            known = np.pad(np.isfinite(curve.medians), 1)
            alone = known[1:-1] & ~known[:-2] & ~known[2:]  # no line passes through such a bin
            face = "none" if curve.south else colour
            axes.plot(x[alone], curve.medians[alone], "o", color=colour, markersize=2.5, markerfacecolor=face)
    if not panel.curves:
        text = "no bin with\nenough stars"
        axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=FAINT, fontsize=SMALL)


def _add_legend(
    figure: Figure, names: Mapping[str, str], rows: Sequence[ProfileRow], n_least: int, lacking: str
) -> None:
    panels = [panel for row in rows for panel in row.panels]
    handles: list[Line2D | Patch] = []
    for number, (sample, name) in enumerate(names.items()):
        colour = SAMPLE_MARKS[sample][0]
        handles.append(Line2D([], [], color=colour, linewidth=WIDTHS[number > 0], label=fill(name, LINE)))
    if any(curve.south for panel in panels for curve in panel.curves):
        handles += [
            Line2D([], [], color=INK, linewidth=1.0, label="north of the midplane"),
            Line2D([], [], color=INK, linewidth=1.0, linestyle="--", label="south of it"),
        ]
    text = f"1 $\\sigma$, total error\n(bins of {n_least} stars or more)"
    handles.append(Patch(color=INK, alpha=BAND_ALPHA, linewidth=0, label=text))
    unchanged = [symbol(row.label) for row in rows if row.panels and all(map(_is_unchanged, row.panels))]
    notes = [f"no star has {lacking}"] if lacking else []
    notes += [f"both samples are the same in {', '.join(unchanged)}"] if unchanged else []
    figure.legend(handles=handles, loc="outside upper left", ncols=3, title="; ".join(notes) or None, alignment="left")


def _is_unchanged(panel: ProfilePanel) -> bool:
    """Tell whether two samples have the same curves."""
    if len(panel.samples) != 2:
        return False
    first, second = panel.samples.values()
    return len(first) == len(second) and all(
        np.array_equal(one.medians, other.medians, equal_nan=True) for one, other in zip(first, second, strict=True)
    )
