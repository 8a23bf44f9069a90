"""Learning curves of an ensemble: Thomas et al. 2024, fig. 3, for every member."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from stdask.figures.style import FAINT, FULL_WIDTH, INK, PAGE_HEIGHT, SURVEY_B, TRANSLATED, PrintedFigure, own_style

COLUMNS = 3
ROW = 1.75  # inches


def draw_learning_curves(
    members: np.ndarray,
    epochs: np.ndarray,
    learning_rates: np.ndarray,
    losses: np.ndarray,
    val_losses: np.ndarray,
) -> Figure:
    """Draw training and validation loss of each member of a family against the epoch, one panel a member.

    A dotted line marks each change of the learning rate, a circle the epoch whose weights were kept: the
    lowest validation loss.

    Parameters
    ----------
    members, epochs : shape (n_rows,), integer
        One row an epoch of a member; epochs count on through all learning rates.
    learning_rates : shape (n_rows,)
    losses, val_losses : shape (n_rows,)
        Mean absolute error of the scaled labels.

    Returns
    -------
    figure
        Source: Thomas et al. 2024, A&A 690, A54, fig. 3.
    """
    numbers = np.unique(members)
    columns = min(COLUMNS, len(numbers))
    rows = math.ceil(len(numbers) / columns)
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, min(0.8 + ROW * rows, PAGE_HEIGHT)))
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for panel, number in zip(axes.flat, numbers, strict=False):
            own = np.flatnonzero(members == number)
            own = own[np.argsort(epochs[own], kind="stable")]
            _draw_member(panel, epochs[own], learning_rates[own], losses[own], val_losses[own])
            panel.set_title(f"member {number}")
        _finish(figure, axes, len(numbers))
    return figure


def _draw_member(axes: Axes, epochs: np.ndarray, rates: np.ndarray, losses: np.ndarray, val_losses: np.ndarray) -> None:
    axes.plot(epochs, losses, color=SURVEY_B, linewidth=1.2, label="training")
    axes.plot(epochs, val_losses, color=TRANSLATED, linewidth=1.2, label="validation")
    best = int(np.nanargmin(val_losses))
    axes.plot(
        epochs[best],
        val_losses[best],
        "o",
        markersize=6,
        markerfacecolor="none",
        color=INK,
        label="weights kept",
    )
    starts = np.flatnonzero(np.diff(rates)) + 1
    order = r" $\to$ ".join(_power_of_ten(rate) for rate in rates[[0, *starts]])
    for start in starts:
        axes.axvline(epochs[start] - 0.5, color=FAINT, linestyle=":", label=f"learning rate {order}")


def _power_of_ten(rate: float) -> str:
    mantissa, exponent = f"{rate:.6e}".split("e")
    factor = "" if float(mantissa) == 1 else rf"{float(mantissa):g}\times"
    return f"${factor}10^{{{int(exponent)}}}$"


def _finish(figure: Figure, axes: np.ndarray, n_members: int) -> None:
    for spare in axes.flat[n_members:]:
        spare.remove()
    axes[0, 0].set_yscale("log")
    axes[0, 0].yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 6, 7, 8), numticks=50))
    axes[0, 0].yaxis.set_major_formatter("{x:g}")
    axes[0, 0].yaxis.set_minor_locator(NullLocator())
    for panel in axes[:, 0]:
        panel.set_ylabel("mean absolute error")
    for column in range(axes.shape[1]):
        lowest = max(row for row in range(axes.shape[0]) if row * axes.shape[1] + column < n_members)
        axes[lowest, column].set_xlabel("epoch")
        axes[lowest, column].tick_params(labelbottom=True)
    handles, names = axes[0, 0].get_legend_handles_labels()
    legend = dict(zip(names, handles, strict=True))
    figure.legend(list(legend.values()), list(legend), loc="outside upper left", ncols=len(legend))
