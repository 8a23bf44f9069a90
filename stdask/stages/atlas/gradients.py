"""The gradients of the atlas: slopes and breaks, north against south, and the seam between the surveys."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from stdask.figures.gradients import SlopeCurve, draw_gradients
from stdask.schema import Column
from stdask.schema import products as schema_products
from stdask.science.galaxy.bins import CELLS, STEPS
from stdask.science.galaxy.gradients import Slope, fit_slopes
from stdask.science.galaxy.paired_bins import BinSample, Difference, paired_difference
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, FLARE, HEIGHT, MERGED, RAW_ONLY, UNTRANSLATED
from stdask.stages.atlas.tasks import Statistics
from stdask.storage.documents import write_figures
from stdask.storage.products.maps import write_profile

KINDS = {"radial_steps": "radial", "vertical_steps": "vertical", "azimuth_steps": "azimuthal", FLARE: "flare"}
Row = dict[str, Any]  # column of the table -> value


def write_gradients(products: Products) -> list[Path]:
    """Write the slopes of all labels and of the height of the stars as a table and a figure; return the files."""
    rows = [row for steps in STEPS for row in _slopes_of(products, steps)]
    if not rows:
        return []
    table = products.folder / "gradients.ecsv"
    write_profile(table, schema_products.GRADIENTS, _columns(rows), products.meta())
    if not products.labels:  # heights alone
        return [table]
    shown = [
        SlopeCurve(**{name: row[name.upper()] for name in SlopeCurve._fields}) for row in rows if row["KIND"] != "flare"
    ]
    figure = draw_gradients(shown, products.titles, {label: products.unit(label) for label in products.labels})
    return [table, *write_figures(table.with_suffix(""), figure)]


def write_asymmetry(products: Products) -> list[Path]:
    """Write north minus south at the same R, |Z| and selection, by ring of R; return the files."""
    cells = products.bins.cells
    rows = []
    for label in products.labels:
        for sample, found in products.medians[label][CELLS].items():
            if sample in products.samples:
                north, south = (_sample(found).take(side) for side in np.arange(2 * cells.n_cells).reshape(2, -1))
                rows += _by_ring(products, label, sample, north, south)
    return _write_differences(products, "asymmetry", schema_products.ASYMMETRY, rows)


def write_seam(products: Products) -> list[Path]:
    """Write A minus B where both have stars, before and after translation, by ring of R; return the files."""
    rows = []
    for label in products.labels:
        found = products.medians[label][CELLS]
        for sample, of_a in ((UNTRANSLATED, RAW_ONLY), (MERGED, A_ONLY)):
            if of_a in found:
                rows += _by_ring(products, label, sample, _sample(found[of_a]), _sample(found[ALONE]))
    return _write_differences(products, "seam", schema_products.SEAM, rows)


def _slopes_of(products: Products, steps: str) -> Iterable[Row]:
    bins = products.bins.profiles[steps]
    for quantity in (HEIGHT,) if steps == FLARE else products.labels:
        unit = "kpc" if quantity == HEIGHT else products.unit(quantity)
        for sample, found in products.medians[quantity][steps].items():
            for number, part in enumerate(bins.slices):
                own = slice(number * bins.windows.number, (number + 1) * bins.windows.number)
                x = bins.windows.centres_kpc
                slope = fit_slopes(x, found.medians[own], found.counts[own], found.bootstraps[:, own])
                if slope:
                    yield {
                        "SAMPLE": sample,
                        "LABEL": quantity,
                        "UNIT": f"{unit}/kpc" if unit else "1/kpc",
                        "KIND": KINDS[steps],
                        "SIDE": part.side,
                        "LOW": part.low,
                        "HIGH": part.high,
                        "N_BINS": slope.n_points,
                        "N": int(found.counts[own].sum()),
                        **_numbers(slope),
                        **_spread(x, found, own, with_break=bool(np.isfinite(slope.line.breaks[0]))),
                    }


def _numbers(slope: Slope) -> dict[str, float]:
    names = {"BREAK": "breaks", "INNER": "inner", "OUTER": "outer"}
    values = {name: float(getattr(slope.line, field)[0]) for name, field in names.items()}
    return values | {f"{name}_ERR": float(getattr(slope.errors, field)) for name, field in names.items()}


def _spread(x: np.ndarray, found: Statistics, own: slice, with_break: bool) -> dict[str, float]:
    """Return how far the slopes of single networks, and those of stars moved within their errors, scatter.

    All of them break, or none, as does the line of the medians: else they would not be of the same thing.
    """
    spread = {}
    for name, medians in (("TRANSLATION", found.members), ("NOISE", found.noisy)):
        counts, bootstraps = found.counts[own], found.bootstraps[:, own]
        fits = [fit_slopes(x, row, counts, bootstraps, with_break) for row in medians[:, own]]
        for part, field in (("INNER", "inner"), ("OUTER", "outer")):
            values = [getattr(fit.line, field)[0] for fit in fits if fit]
            spread[f"{part}_{name}"] = float(np.std(values, ddof=1)) if len(values) > 1 else np.nan
    return spread


def _sample(found: Statistics) -> BinSample:
    return BinSample(found.counts, found.medians, found.bootstraps)


def _by_ring(products: Products, label: str, sample: str, first: BinSample, second: BinSample) -> list[Row]:
    """Return a row a ring of R, and one for all of them."""
    edges = products.bins.config.ring_edges_kpc
    rings = np.resize(products.bins.cells.rings(edges), len(first.counts))
    everywhere = [(edges[0], edges[-1], rings >= 0)]
    parts = [(low, high, rings == number) for number, (low, high) in enumerate(pairwise(edges))]
    rows = []
    for low, high, inside in (*parts, *everywhere):
        found = paired_difference(first.take(inside), second.take(inside))
        if found.n_bins:
            about = {"SAMPLE": sample, "LABEL": label, "UNIT": products.unit(label), "R_LOW": low, "R_HIGH": high}
            rows.append(about | _difference(found))
    return rows


def _difference(found: Difference) -> dict[str, float | int]:
    names = ("DIFFERENCE", "ERR", "N_CELLS", "N_FIRST", "N_SECOND", "P_VALUE")
    return dict(zip(names, found, strict=True))


def _write_differences(products: Products, name: str, columns: tuple[Column, ...], rows: list[Row]) -> list[Path]:
    if not rows:
        return []
    path = products.folder / f"{name}.ecsv"
    write_profile(path, columns, _columns(rows), products.meta() | {"min_stars": products.bins.config.min_stars_cell})
    return [path]


def _columns(rows: list[Row]) -> dict[str, np.ndarray]:
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}
