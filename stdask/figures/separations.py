"""Separations of the pairs, compared with those expected of chance neighbours."""

import numpy as np
from matplotlib.figure import Figure

from stdask.figures.style import FAINT, FULL_WIDTH, SURVEY_A, TRANSLATED, PrintedFigure, own_style

BINS = 50
SHOWN = 99.9  # per cent of the pairs, where there is no radius


def draw_separations(
    separations: np.ndarray, ambiguous: np.ndarray, radius: float | None = None, n_chance: float = 0.0
) -> Figure:
    """Draw a histogram of the separations, and those of neighbours by chance: as many in each area of the sky.

    Parameters
    ----------
    separations : shape (n_pairs,), arcsec
    ambiguous : shape (n_pairs,), bool
        One of the two stars has a second candidate.
    radius : arcsec
        Within which pairs were looked for; None if they were matched by id.
    n_chance
        Pairs expected by chance within the radius.
    """
    limit = radius or max(float(np.percentile(separations, SHOWN)), 1e-3)
    edges = np.linspace(0, limit, BINS + 1)
    n_beyond = int(np.count_nonzero(separations > limit))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, 2.6))
        axes = figure.subplots()
        all_pairs = f"{separations.size:,} pairs"
        axes.stairs(_counts(separations, edges), edges, fill=True, color=SURVEY_A, alpha=0.35, label=all_pairs)
        if ambiguous.any():
            name = f"{np.count_nonzero(ambiguous):,} with a second candidate"
            axes.stairs(_counts(separations[ambiguous], edges), edges, color=TRANSLATED, label=name)
        if radius and n_chance > 0:
            # in a ring of radius r the area, and so the number, grows as r: in all n_chance
            expected = n_chance * np.diff((edges / radius) ** 2)
            axes.stairs(expected, edges, color=FAINT, linestyle="--", label=f"{n_chance:,.1f} expected by chance")
        axes.set(yscale="log", xlim=(0, limit), ylim=(0.5, None), xlabel="separation [arcsec]", ylabel="pairs a bin")
        beyond = f"{n_beyond:,} pairs lie farther apart" if n_beyond else None
        axes.legend(loc="upper right", title=beyond)
    return figure


def _counts(separations: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(separations, edges)[0]
