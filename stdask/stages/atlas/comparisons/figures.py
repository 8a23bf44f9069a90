"""The figures of comparisons ring by ring, from the rows of their tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stdask.figures.comparisons import ComparisonPanel, ComparisonRow, RingDifference, draw_comparisons
from stdask.figures.style import RADIUS_SYMBOLS
from stdask.stages.atlas.products import Products
from stdask.storage.documents import write_figures

Row = dict[str, Any]  # column of the table -> value
Shown = Mapping[str, str]  # sample of the table -> sample whose name and mark it has in the figure


def write_comparison_figure(
    products: Products,
    table: Path,
    rows: Sequence[Row],
    columns: Mapping[str, Shown],
    difference: str,
    nothing: str,
) -> list[Path]:
    """Write the figure of a table that compares two sets of stars ring by ring; return its files.

    Parameters
    ----------
    products
        Has the names of the samples and the edges of the rings.
    table, rows
        Path of the table, which the figure is called after, and its rows, at least one.
    columns
        Title of a column of panels -> what it shows.
    difference
        What is subtracted from what.
    nothing
        What a panel says that has nothing to show.
    """
    edges, radius = products.bins.config.ring_edges_kpc, RADIUS_SYMBOLS[products.bins.config.radius]
    known = [row for row in rows if np.isfinite(row["DIFFERENCE"])]
    shown = [
        ComparisonRow(
            label,
            products.units[label],
            [_panel([row for row in known if row["LABEL"] == label], own, edges, nothing) for own in columns.values()],
        )
        for label in dict.fromkeys(row["LABEL"] for row in rows)
    ]
    return write_figures(
        table.with_suffix(""), draw_comparisons(shown, list(columns), products.titles, difference, edges, radius)
    )


def _panel(rows: Sequence[Row], shown: Shown, edges: Sequence[float], nothing: str) -> ComparisonPanel:
    rings: dict[str, list[RingDifference]] = {}
    together: dict[str, RingDifference] = {}
    for name, sample in shown.items():
        for row in (row for row in rows if row["SAMPLE"] == name):
            difference = RingDifference(row["R_LOW"], row["R_HIGH"], row["DIFFERENCE"], row["ERR"])
            if (row["R_LOW"], row["R_HIGH"]) == (edges[0], edges[-1]) and len(edges) > 2:
                together[sample] = difference
            else:
                rings.setdefault(sample, []).append(difference)
    return ComparisonPanel(rings, together, nothing)
