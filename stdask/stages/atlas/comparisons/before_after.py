"""A as measured, A translated, and B in the same cells of the Galaxy, as a table and a figure."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from stdask.figures.before_after import BeforeAfterRow, RingPoint, WithError, draw_before_after
from stdask.figures.style import RADIUS_SYMBOLS
from stdask.schema import products as schema_products
from stdask.science.galaxy.bins import CELLS
from stdask.science.galaxy.paired_bins import paired_difference, shared_means
from stdask.stages.atlas.comparisons.differences import UNKNOWN, Row, of_bins, rings_of, write_comparison
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, B_INDEPENDENT, RAW_ONLY
from stdask.stages.atlas.tasks import Statistics
from stdask.storage.documents import write_figures

ALL, INDEPENDENT = "ALL", "INDEPENDENT"  # which stars of B
QUANTITIES = {"B": "of_b", "RAW": "raw", "TRANSLATED": "translated", "BEFORE": "before", "AFTER": "after"}


def write_before_after(products: Products) -> list[Path]:
    """Write what the translation does to the medians of A where B has stars too; return the files."""
    compared = {label: [*_rows_of(products, label)] for label in products.labels if _has_a(products, label)}
    if not compared:
        return []
    rows = [row for own in compared.values() for row in own]
    files = [write_comparison(products, "before_after", schema_products.BEFORE_AFTER, rows)] if rows else []
    shown = [BeforeAfterRow(label, products.units[label], _points(own)) for label, own in compared.items()]
    edges = products.bins.config.ring_edges_kpc
    radius = RADIUS_SYMBOLS[products.bins.config.radius]
    figure = draw_before_after(shown, products.titles, (edges[0], edges[-1]), radius)
    return [*files, *write_figures(products.folder / "before_after", figure)]


def _has_a(products: Products, label: str) -> bool:
    found = products.medians[label][CELLS]
    return A_ONLY in found and bool(found[A_ONLY].counts.any())


def _rows_of(products: Products, label: str) -> Iterator[Row]:
    """Yield a row for each ring in which both surveys have stars, of all stars of B and of the independent ones."""
    found = products.medians[label][CELLS]
    raw = found.get(RAW_ONLY)
    measured = raw if raw and np.isfinite(raw.medians).any() else None
    independent = found.get(B_INDEPENDENT)
    edges = products.bins.config.ring_edges_kpc
    kinds = {ALL: found[ALONE]} | ({INDEPENDENT: independent} if independent else {})
    for stars, of_b in kinds.items():
        for ring, inside in rings_of(products, len(of_b.counts)):
            if ring == (edges[0], edges[-1]) and len(edges) > 2:
                continue  # all rings together: a mean over the Galaxy says nothing of a gradient
            cells = np.flatnonzero(inside)
            own, shared = _compare(found[A_ONLY].take(cells), measured and measured.take(cells), of_b.take(cells))
            if own:
                n_in_pairs = UNKNOWN
                if independent:
                    n_in_pairs = int((of_b.counts - independent.counts)[cells[shared]].sum())
                about = {"STARS": stars, "LABEL": label, "UNIT": products.unit(label)}
                yield about | {"R_LOW": ring[0], "R_HIGH": ring[1]} | own | {"N_IN_PAIRS": n_in_pairs}


def _compare(translated: Statistics, raw: Statistics | None, of_b: Statistics) -> tuple[Row, np.ndarray]:
    """Return means and differences in the cells that all have, none if there are none, and which cells these are."""
    sets = [of_bins(translated), *([of_bins(raw)] if raw else []), of_bins(of_b)]
    means = shared_means(sets)
    shared = means.weights > 0
    if not shared.any():
        return {}, shared
    cells = [own.take(shared) for own in sets]
    members = [
        paired_difference(cells[0]._replace(medians=own), cells[-1]).value for own in translated.members[:, shared]
    ]
    translation = np.std(members, ddof=1) if len(members) > 1 else 0.0
    after = paired_difference(cells[0], cells[-1])
    row: Row = {
        "B": means.values[-1],
        "B_ERR": means.errors[-1],
        "RAW": np.nan,
        "RAW_ERR": np.nan,
        "TRANSLATED": means.values[0],
        "TRANSLATED_ERR": np.hypot(means.errors[0], translation),
        "BEFORE": np.nan,
        "BEFORE_ERR": np.nan,
        "AFTER": after.value,
        "AFTER_ERR": np.hypot(after.error, translation),
        "N_CELLS": after.n_bins,
        "N_A": after.n_first,
        "N_B": after.n_second,
    }
    if raw:
        before = paired_difference(cells[1], cells[-1])
        row |= {"RAW": means.values[1], "RAW_ERR": means.errors[1], "BEFORE": before.value, "BEFORE_ERR": before.error}
    return row, shared


def _points(rows: list[Row]) -> list[RingPoint]:
    """Return what the figure shows in each ring: independent stars of B where there are some, else all of them."""
    best = {(row["R_LOW"], row["R_HIGH"]): row for row in rows if row["STARS"] == ALL}
    best |= {(row["R_LOW"], row["R_HIGH"]): row for row in rows if row["STARS"] == INDEPENDENT}
    return [
        RingPoint(
            low,
            high,
            row["STARS"] == INDEPENDENT or row["N_IN_PAIRS"] <= 0,
            **{field: WithError(row[name], row[f"{name}_ERR"]) for name, field in QUANTITIES.items()},
        )
        for (low, high), row in sorted(best.items())
    ]
