"""Importance of each input for each label: Thomas et al. 2024, fig. 7, and figs. B.1 and B.2."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SMALL,
    SURVEY_B,
    PrintedFigure,
    own_style,
    symbol,
)

GROUP_COLOURS = (SURVEY_B, "#b8860b", "#8c2d5a", "#4d7a4a", "#777777")
COLUMNS = 4


def draw_importance(
    labels: np.ndarray,
    kinds: np.ndarray,
    players: np.ndarray,
    groups: np.ndarray,
    inputs: np.ndarray,
    importances: np.ndarray,
    errors: np.ndarray,
) -> Figure:
    """Draw the importance of each input as horizontal bars, a panel each label and kind, a colour each group.

    The panels of a kind stand together, above those of the next; of a lone label they stand side by side.

    Parameters
    ----------
    labels, kinds, players, groups, inputs : shape (n_rows,), strings
        One row a label, kind ("translated label" or "correction"), group (e.g. "all", "[Fe/H] < -1") and input;
        each appears in the order first met. `players` says which shares add up to 100 per cent: an input of
        other players than those first met stands below a line.
    importances, errors : shape (n_rows,), per cent
        100 mean|SHAP| over the sum of all players, and its 1-sigma error.

    Returns
    -------
    figure
        Source: Thomas et al. 2024, A&A 690, A54, sect. 3.3.2, fig. 7 and appendix B.
    """
    label_names, kind_names, group_names, input_names = (_in_order(a) for a in (labels, kinds, groups, inputs))
    n_apart = len(set(inputs[players != players[0]]))
    height = len(input_names) * (0.14 + 0.12 * len(group_names))
    with own_style():
        figure, panels = _layout(label_names, kind_names, height)
        for (label, kind), panel in panels.items():
            for n, group in enumerate(group_names):
                own = (labels == label) & (kinds == kind) & (groups == group)
                at = np.array([input_names.index(str(name)) for name in inputs[own]])
                _draw_group(panel, at, importances[own], errors[own], n, len(group_names), group)
            if n_apart:
                panel.axhline(len(input_names) - n_apart - 0.5, color=FAINT, lw=0.8, ls=":")
            panel.set_title(f"{symbol(label)},\n{kind}")
        _finish(figure, list(panels.values()), input_names, float(np.nanmax(importances + errors)))
    return figure


def _in_order(names: np.ndarray) -> list[str]:
    return list(dict.fromkeys(map(str, names)))


def _layout(labels: list[str], kinds: list[str], height: float) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Return an empty figure and its panels, each `height` inches high."""
    is_lone = len(labels) == 1
    columns = len(kinds) if is_lone else min(COLUMNS, len(labels))
    per_kind = 1 if is_lone else math.ceil(len(labels) / columns) * columns  # panels, spare ones too
    rows = per_kind * len(kinds) // columns
    figure = PrintedFigure((FULL_WIDTH, min(0.6 + rows * (height + 0.75), PAGE_HEIGHT)))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    panels = {}
    for k, kind in enumerate(kinds):
        for n, label in enumerate(labels):
            panels[label, kind] = axes.flat[k * per_kind + n]
    for spare in set(axes.flat) - set(panels.values()):
        spare.remove()
    return figure, panels


def _draw_group(
    axes: Axes, at: np.ndarray, importances: np.ndarray, errors: np.ndarray, n: int, n_groups: int, name: str
) -> None:
    height = 0.8 / n_groups
    middles = at + (n - (n_groups - 1) / 2) * height
    axes.barh(middles, importances, 0.9 * height, color=GROUP_COLOURS[n % len(GROUP_COLOURS)], label=name)
    axes.errorbar(importances, middles, xerr=errors, fmt="none", ecolor=INK, elinewidth=0.8)
    for middle, importance, error in zip(middles, importances, np.nan_to_num(errors), strict=True):
        axes.annotate(
            f"{importance:.0f}", (importance + error, middle), xytext=(2.5, 0),
            textcoords="offset points", va="center", fontsize=SMALL,
        )  # fmt: skip


def _finish(figure: Figure, panels: list[Axes], input_names: list[str], largest: float) -> None:
    first = panels[0]
    first.set_yticks(range(len(input_names)), [symbol(name) for name in input_names])
    first.invert_yaxis()
    first.set_xlim(0, 1.15 * largest)
    for panel in panels:
        panel.tick_params(axis="y", left=False, right=False)
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("importance [per cent]")
    handles, names = first.get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, [name.replace("-", MINUS) for name in names], loc="outside upper left", ncols=len(names))
