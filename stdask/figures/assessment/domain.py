"""The domain of validity: for each pair of inputs, the bins that hold training stars, and the catalogue over them."""

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.ndimage import gaussian_filter

from stdask.figures.style import FAINT, FULL_WIDTH, INK, SMALL, PrintedFigure, own_style, symbol, unit_of, with_unit

REVERSED = ("TEFF", "LOGG")  # drawn as in a Kiel diagram: hot left, giants on top
VALID = ListedColormap(["#f4f2f8", "#b9abd3"])  # pale, so that the lines of the catalogue are seen on it
ENCLOSED = {0.99: 0.6, 0.68: 1.1}  # share of the catalogue inside a line -> width of the line
SMOOTHED = 1.0  # bins: one sigma
Binned = tuple[np.ndarray, np.ndarray]  # edges of shape (n_inputs, n_bins + 1), bins of shape (n_pairs, n_bins, n_bins)


def draw_domain(names: tuple[str, ...], domain: Binned, catalogue: Binned, outside: np.ndarray, title: str) -> Figure:
    """Draw the valid bins of each pair of inputs as a corner plot, and the catalogue over them.

    Parameters
    ----------
    names
        The inputs.
    domain
        Edges in the units of the inputs, and whether a bin holds enough training stars, first input of the pair first;
        pairs in the order of `itertools.combinations(names, 2)`. A lone input is paired with itself.
    catalogue
        Edges of other bins, and how many stars of the catalogue lie in each.
    outside : shape (n_pairs,)
        Fraction of the catalogue's stars that lie in no valid bin of the pair, 0 to 1.
    title
        What the catalogue is called.

    Returns
    -------
    figure
        Source: Thomas et al. 2024, A&A 690, A54, sect. 2.2.
    """
    with own_style():
        if len(names) == 1:
            return _draw_one_input(names[0], domain, catalogue, float(outside[0]), title)
        size = len(names) - 1
        width = min(max(1.9 * size + 0.8, 4.0), FULL_WIDTH)
        figure = PrintedFigure((width, width + 0.3))
        axes = figure.subplots(size, size, squeeze=False, sharex="col", sharey="row")
        for panel in axes[np.triu_indices(size, 1)]:
            panel.remove()
        for n, (first, second) in enumerate(combinations(range(len(names)), 2)):
            panel = axes[second - 1, first]
            panel.pcolormesh(domain[0][first], domain[0][second], domain[1][n].T, cmap=VALID, vmin=0, vmax=1)
            _draw_catalogue(panel, catalogue[0][[first, second]], catalogue[1][n])
            _tell_outside(panel, float(outside[n]))
        _label_edges(axes, names)
        figure.align_labels()
        figure.legend(
            handles=[
                Patch(facecolor=VALID(1), label="holds training stars"),
                Patch(facecolor=VALID(0), edgecolor=FAINT, label="holds none: stars there are flagged"),
                Line2D([], [], color=INK, label=f"{title}: 68 % and 99 % of the stars inside"),
            ],
            loc="outside upper left",
        )
    return figure


def _draw_catalogue(panel: Axes, edges: np.ndarray, counts: np.ndarray) -> None:
    """Draw lines that enclose given shares of the stars; the panel shows all that they enclose."""
    density = gaussian_filter(counts.astype(float), SMOOTHED)
    if not counts.any():
        return
    middles = (edges[:, 1:] + edges[:, :-1]) / 2
    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()  # contours would show all bins
    for share, width in ENCLOSED.items():
        level = enclosing_level(density, share)
        panel.contour(*middles, density.T, levels=[level], colors=INK, linewidths=width)
    columns, rows = np.nonzero(density >= enclosing_level(density, max(ENCLOSED)))
    x, y = edges[0, [columns.min(), columns.max() + 1]], edges[1, [rows.min(), rows.max() + 1]]
    panel.set(xlim=(min(left, x[0]), max(right, x[1])), ylim=(min(bottom, y[0]), max(top, y[1])))


def enclosing_level(density: np.ndarray, share: float) -> float:
    """Return the density on the line that encloses a share of the stars where they are densest."""
    falling = np.sort(density, axis=None)[::-1]
    enclosed = np.cumsum(falling) / falling.sum()
    return float(falling[np.searchsorted(enclosed, share)])


def _draw_one_input(name: str, domain: Binned, catalogue: Binned, outside: float, title: str) -> Figure:
    figure = PrintedFigure((FULL_WIDTH, 1.6))
    axes = figure.subplots()
    axes.pcolormesh(domain[0][0], [0, 1], np.diagonal(domain[1][0])[None], cmap=VALID, vmin=0, vmax=1)
    counts = np.diagonal(catalogue[1][0])
    axes.stairs(0.9 * counts / max(counts.max(), 1), catalogue[0][0], color=INK, label=f"stars of {title}")
    axes.set(yticks=[], ylim=(0, 1), xlabel=with_unit(symbol(name), unit_of(name)))
    axes.legend(loc="upper right", fontsize=SMALL)
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
