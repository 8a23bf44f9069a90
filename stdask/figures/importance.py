"""How much each input says about each label: Thomas et al. 2024, fig. 7, and figs. B.1 and B.2 beside it."""

import math

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stdask.figures.style import INK, MINUS, STYLE, SURVEY_B, symbol

GROUP_COLOURS = (SURVEY_B, "#b8860b", "#8c2d5a", "#4d7a4a", "#777777")
COLUMNS = 4


def draw_importance(
    labels: np.ndarray,
    groups: np.ndarray,
    inputs: np.ndarray,
    importances: np.ndarray,
    errors: np.ndarray,
) -> Figure:
    """Draw the importance of each input as horizontal bars, one panel a label, one colour a group of stars.

    Parameters
    ----------
    labels, groups, inputs : shape (n_rows,), strings
        One row a label, group (e.g. "all", "[Fe/H] < -1") and input; each appears in the order first met.
    importances, errors : shape (n_rows,), per cent
        100 mean|SHAP| over the sum of all inputs, and its 1-sigma error.

    Returns
    -------
    figure
        Source: Thomas et al. 2024, A&A 690, A54, sect. 3.3.2, fig. 7 and appendix B.
    """
    label_names, group_names, input_names = (list(dict.fromkeys(map(str, a))) for a in (labels, groups, inputs))
    columns = min(COLUMNS, len(label_names))
    rows = math.ceil(len(label_names) / columns)
    height = len(input_names) * (0.16 + 0.14 * len(group_names))
    with rc_context(STYLE):
        figure = Figure(figsize=(max(1.2 + 2.3 * columns, 5.5), 0.8 + rows * (height + 0.6)))
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for panel, label in zip(axes.flat, label_names, strict=False):
            for n, group in enumerate(group_names):
                own = (labels == label) & (groups == group)
                at = np.array([input_names.index(str(name)) for name in inputs[own]])
                _draw_group(panel, at, importances[own], errors[own], n, len(group_names), group)
            panel.set_title(symbol(label), fontsize=11)
        _finish(figure, axes, len(label_names), input_names, float(np.nanmax(importances + errors)))
    return figure


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
            textcoords="offset points", va="center", fontsize=7,
        )  # fmt: skip


def _finish(figure: Figure, axes: np.ndarray, n_labels: int, input_names: list[str], largest: float) -> None:
    first = axes[0, 0]
    first.set_yticks(range(len(input_names)), [symbol(name) for name in input_names])
    first.invert_yaxis()
    first.set_xlim(0, 1.15 * largest)
    for panel in axes.flat[:n_labels]:
        panel.tick_params(axis="y", left=False, right=False)
    for spare in axes.flat[n_labels:]:
        spare.remove()
    for column in range(axes.shape[1]):
        lowest = max(row for row in range(axes.shape[0]) if row * axes.shape[1] + column < n_labels)
        axes[lowest, column].set_xlabel("importance [per cent]")
        axes[lowest, column].tick_params(labelbottom=True)
    handles, names = first.get_legend_handles_labels()
    if len(names) > 1:
        figure.legend(handles, [name.replace("-", MINUS) for name in names], loc="outside upper left", ncols=len(names))
