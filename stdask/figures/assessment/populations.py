"""The stars to be translated compared with the pairs: one panel a column of A."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    PAGE_HEIGHT,
    SURVEY_A,
    SURVEY_B,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
    with_unit,
)
from stdask.schema.evaluation import ATLAS, CATALOGUE

FEWEST_BINS, MOST_BINS = 8, 40
SHOWN = (0.5, 99.5)  # per cent of the stars of each population
COLUMNS = 4  # panels side by side
NAMES = {CATALOGUE: "stars that B does not have", ATLAS: "those of them that the atlas maps"}
COLOURS = {CATALOGUE: SURVEY_A, ATLAS: TRANSLATED}


def draw_populations(
    quantities: Sequence[str], units: Sequence[str], pairs: np.ndarray, stars: Mapping[str, np.ndarray]
) -> Figure:
    """Draw the distributions of the pairs and of other stars, each with the same area; no panel for a constant.

    Parameters
    ----------
    quantities, units
        Columns of A, e.g. TEFF or TEFF_ERR, and their units.
    pairs : shape (n_pairs, n_quantities)
    stars
        `CATALOGUE` or `ATLAS` -> shape (n_stars, n_quantities).
    """
    shown = [n for n in range(len(quantities)) if _varies([pairs[:, n], *(own[:, n] for own in stars.values())])]
    n_columns = min(COLUMNS, len(shown)) or 1
    n_rows = -(-len(shown) // n_columns) or 1
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, min(1.45 * n_rows + 0.6, PAGE_HEIGHT)))
        axes = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
        for panel in axes[len(shown) :]:
            panel.remove()
        for number, panel in zip(shown, axes, strict=False):
            samples = {name: own[:, number] for name, own in stars.items()}
            edges = _edges([pairs[:, number], *samples.values()])
            share = _shares(pairs[:, number], edges)
            panel.stairs(share, edges, fill=True, color=SURVEY_B, alpha=0.35, label="pairs")
            for name, own in samples.items():
                panel.stairs(_shares(own, edges), edges, color=COLOURS[name], linewidth=1.2, label=NAMES[name])
            panel.set(xlim=(edges[0], edges[-1]), ylim=(0, None), yticks=[])
            panel.set_xlabel(with_unit(_symbol(quantities[number]), units[number]))
            panel.locator_params(axis="x", nbins=4)
            panel.spines[["top", "right", "left"]].set_color(FAINT)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels))
    return figure


def _symbol(quantity: str) -> str:
    """Return how a column is written on an axis: an error by the symbol of its quantity."""
    names = {"EBV": "E(B\N{MINUS SIGN}V)", "DISTANCE": "distance"}
    if quantity.endswith("_ERR"):
        return f"error of {_symbol(quantity.removesuffix('_ERR'))}"
    return names.get(quantity, quantity.removesuffix("_MAG") if quantity.endswith("_MAG") else symbol(quantity))


def _varies(samples: Sequence[np.ndarray]) -> bool:
    values = np.concatenate(samples)
    return bool(np.isfinite(values).any() and np.nanmax(values) > np.nanmin(values))


def _edges(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Return the edges of a panel: about as many bins as the smallest population fills."""
    known = [own[np.isfinite(own)] for own in samples]
    fewest = min(own.size for own in known if own.size)
    limits = [np.percentile(own, SHOWN) for own in known if own.size]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    n_bins = int(np.clip(np.sqrt(fewest), FEWEST_BINS, MOST_BINS))
    return np.linspace(low, high if high > low else low + 1.0, n_bins + 1)


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the share of the stars in each bin; those beyond the panel count in none."""
    known = values[np.isfinite(values)]
    return np.histogram(known, edges)[0] / max(1, known.size)
