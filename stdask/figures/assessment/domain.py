"""The domain of validity: for each pair of inputs, the bins that hold training stars."""

from itertools import combinations

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from stdask.figures.style import FAINT, FULL_WIDTH, SMALL, STYLE, PrintedFigure, symbol, unit_of, with_unit

REVERSED = ("TEFF", "LOGG")  # drawn as in a Kiel diagram: hot left, giants on top
VALID = ListedColormap(["#f4f2f8", "#8571ab"])


def draw_domain(names: tuple[str, ...], edges: np.ndarray, valid: np.ndarray, outside: np.ndarray) -> Figure:
    """Draw the valid bins of each pair of inputs as a corner plot, with the share of the catalogue outside.

    Parameters
    ----------
    names
        The inputs.
    edges : shape (n_inputs, n_bins + 1), in the units of the inputs
    valid : shape (n_pairs, n_bins, n_bins), bool
        Bins that hold enough training stars, first input of the pair first; pairs in the order of
        `itertools.combinations(names, 2)`. A lone input is paired with itself: shape (1, n_bins, n_bins).
    outside : shape (n_pairs,)
        Fraction of the catalogue's stars that lie in no valid bin of the pair, 0 to 1.

    Returns
    -------
    figure
        Source: Thomas et al. 2024, A&A 690, A54, sect. 2.2.
    """
    with rc_context(STYLE):
        if len(names) == 1:
            return _draw_one_input(names[0], edges[0], np.diagonal(valid[0]), float(outside[0]))
        size = len(names) - 1
        width = min(max(1.9 * size + 0.8, 4.0), FULL_WIDTH)
        figure = PrintedFigure((width, width + 0.3))
        axes = figure.subplots(size, size, squeeze=False, sharex="col", sharey="row")
        for panel in axes[np.triu_indices(size, 1)]:
            panel.remove()
        for n, (first, second) in enumerate(combinations(range(len(names)), 2)):
            panel = axes[second - 1, first]
            panel.pcolormesh(edges[first], edges[second], valid[n].T, cmap=VALID, vmin=0, vmax=1)
            _tell_outside(panel, float(outside[n]))
        _label_edges(axes, names)
        figure.align_labels()
        figure.legend(
            handles=[
                Patch(facecolor=VALID(1), label="holds training stars"),
                Patch(facecolor=VALID(0), edgecolor=FAINT, label="holds none: stars there are flagged"),
            ],
            loc="outside upper left",
        )
    return figure


def _draw_one_input(name: str, edges: np.ndarray, valid: np.ndarray, outside: float) -> Figure:
    figure = PrintedFigure((FULL_WIDTH, 1.3))
    axes = figure.subplots()
    axes.pcolormesh(edges, [0, 1], valid[None], cmap=VALID, vmin=0, vmax=1)
    axes.set_yticks([])
    axes.set_xlabel(with_unit(symbol(name), unit_of(name)))
    _tell_outside(axes, outside)
    return figure


def _tell_outside(axes: Axes, outside: float) -> None:
    share = "< 0.1" if 0 < outside < 0.001 else f"{100 * outside:.1f}"
    axes.set_title(f"{share} % outside", fontsize=SMALL, pad=3)


def _label_edges(axes: np.ndarray, names: tuple[str, ...]) -> None:
    for n, name in enumerate(names[:-1]):
        axes[-1, n].set_xlabel(with_unit(symbol(name), unit_of(name)))
        if name in REVERSED:
            axes[-1, n].invert_xaxis()
    for n, name in enumerate(names[1:]):
        axes[n, 0].set_ylabel(with_unit(symbol(name), unit_of(name)))
        if name in REVERSED:
            axes[n, 0].invert_yaxis()
    for panel in axes[np.tril_indices_from(axes)]:
        panel.locator_params(nbins=3)
        panel.tick_params(labelsize=SMALL)
