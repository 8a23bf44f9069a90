"""Coverage of the errors: where B lies within the stated errors, and how often inside them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import binom

from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    PAGE_HEIGHT,
    SURVEY_A,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
)

BAND = (0.025, 0.975)  # quantiles: 95 % of right errors stay inside


def draw_coverage(labels: Sequence[str], counts: np.ndarray, calibrated: np.ndarray, drawn: np.ndarray) -> Figure:
    """Draw for each label the histogram of the probability integral of B, and covered against nominal shares.

    With right errors the histogram is flat and the curve is the diagonal, within the grey 95 % bands of chance. Too
    small errors raise the ends of the histogram and lower the curve, too large ones do the opposite; an offset
    tilts the histogram.

    Parameters
    ----------
    labels
        One row of panels each.
    counts : shape (n_labels, n_bins)
        Test stars in equal bins of the probability below B, from 0 to 1.
    calibrated, drawn : shape (n_labels, n_levels, 2)
        Nominal and covered share of the intervals of the calibrated error, and of the draws' percentiles.

    Returns
    -------
    figure
        Source: Gneiting, Balabdaoui & Raftery 2007, JRSS B 69, 243, sect. 3.1.
    """
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, min(0.7 + 1.7 * len(labels), PAGE_HEIGHT)))
        axes = figure.subplots(len(labels), 2, squeeze=False, sharex="col", width_ratios=(3, 2))
        for n, (panels, label) in enumerate(zip(axes, labels, strict=True)):
            _draw_histogram(panels[0], counts[n])
            _draw_curve(panels[1], calibrated[n], drawn[n], int(counts[n].sum()))
            panels[0].set_title(f"{symbol(label)}, {counts[n].sum():,} stars")
            panels[0].set_ylabel("stars")
            panels[1].set_ylabel("covered [per cent]")
        axes[-1, 0].set_xlabel("probability integral of B")
        axes[-1, 1].set_xlabel("nominal [per cent]")
        handles, names = axes[0, 1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return figure


def _draw_histogram(axes: Axes, counts: np.ndarray) -> None:
    edges, n_stars = np.linspace(0, 1, len(counts) + 1), int(counts.sum())
    low, high = binom.ppf(BAND, n_stars, 1 / len(counts))
    axes.axhspan(low, high, color=INK, alpha=0.16, linewidth=0)
    axes.axhline(n_stars / len(counts), color=FAINT, linewidth=0.8)
    axes.stairs(counts, edges, baseline=None, color=TRANSLATED, linewidth=1.6)
    axes.set(xlim=(0, 1), ylim=(0, 1.1 * max(counts.max(), high, 1)))


def _draw_curve(axes: Axes, calibrated: np.ndarray, drawn: np.ndarray, n_stars: int) -> None:
    levels = np.linspace(0, 1, 101)
    if n_stars:
        low, high = (binom.ppf(end, n_stars, levels) / n_stars for end in BAND)
        axes.fill_between(100 * levels, 100 * low, 100 * high, color=INK, alpha=0.16, linewidth=0)
    axes.plot([0, 100], [0, 100], color=FAINT, linewidth=0.8)
    axes.plot(*(100 * calibrated.T), color=TRANSLATED, linewidth=1.6, label="calibrated error")
    axes.plot(*(100 * drawn.T), "s", color=SURVEY_A, markersize=4, label="percentiles of the draws")
    axes.set(xlim=(0, 100), ylim=(0, 100), xticks=(0, 25, 50, 75, 100), yticks=(0, 25, 50, 75, 100))
