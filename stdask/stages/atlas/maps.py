"""The maps of the atlas: FITS images and a HEALPix table, the same as tables of bins, and figures."""

from pathlib import Path
from typing import NamedTuple

import healpy as hp
import numpy as np
import pyarrow as pa

from stdask.schema import Column
from stdask.schema.products import MAP_NEW, MAP_STARS, SHARES, excess_columns, map_columns
from stdask.science.galaxy.bins import SKY
from stdask.science.galaxy.excess import SMOOTHING_KPC, smooth_excess
from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.stages.atlas.figures.maps import write_map_figures
from stdask.stages.atlas.products import Products, translation_errors
from stdask.stages.atlas.samples import ALONE, BEFORE, HEIGHT, HIGH_ALPHA, MERGED, RAW
from stdask.stages.atlas.tasks import Statistics
from stdask.storage import paths
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.products.maps import Axis, MapPlane, write_map_images, write_sky_maps
from stdask.storage.tables import to_column, to_table, write_parquet

AXES = {
    "edge_on": (Axis("R_GC", "R with the sign of X"), Axis("Z_GC", "height above the midplane")),
    "face_on": (Axis("X_GC", "the Sun at negative X"), Axis("Y_GC", "towards the Sun's rotation")),
}


class Layer(NamedTuple):
    """One number a pixel."""

    name: str
    unit: str
    description: str
    values: np.ndarray  # shape (n_pixels,)

    @classmethod
    def of(cls, column: Column, values: np.ndarray) -> "Layer":
        """Return the values of a column."""
        return cls(column.name, column.unit, column.description, values)


def write_maps(products: Products, view: str) -> list[Path]:
    """Write one view as FITS, as a table of its filled pixels and as figures; return the files."""
    stem = paths.map_stem(products.folder, view)
    layers = {sample: _layers(products, view, sample) for sample in products.samples}
    file, table = stem.with_suffix(".fits"), stem.with_suffix(".parquet")
    if view == SKY:
        planes = {name: [MapPlane(*layer) for layer in own] for name, own in layers.items()}
        write_sky_maps(file, products.bins.config.sky_order, planes, _cards(products, view))
    else:
        grid = products.bins.grids[view]
        planes = {name: [MapPlane(*y[:3], y.values.reshape(grid.shape)) for y in own] for name, own in layers.items()}
        write_map_images(file, grid, AXES[view], planes, _cards(products, view))
    filled = _table(products, view, layers)
    write_parquet(table, filled, header=votable_metadata(map(to_column, filled.schema)))
    images = {sample: {layer.name: layer.values for layer in own} for sample, own in layers.items()}
    return [file, table, *write_map_figures(products, view, images, stem)]


def _layers(products: Products, view: str, sample: str) -> list[Layer]:
    heights = _pixels(products, view, sample, HEIGHT)
    layers = list(map(Layer.of, MAP_STARS, (heights.counts, heights.medians)))
    for label in products.labels:
        columns, unit = map_columns(label, products.unit(label)), products.unit(label)
        values = _medians(products, view, sample, label)
        if view != SKY:
            columns += excess_columns(label, unit)
            values |= _excess(products, view, sample, label, heights.medians)
        layers += [Layer.of(column, values[column.name]) for column in columns]
    if products.has_sequences:
        shares = _pixels(products, view, sample, HIGH_ALPHA)
        layers += map(Layer.of, SHARES, (shares.medians, shares.counts, shares.low, shares.high))
    return layers


def _medians(products: Products, view: str, sample: str, label: str) -> dict[str, np.ndarray]:
    """Return what a map shows of a label, by the name of the column."""
    found = _pixels(products, view, sample, label)
    unknown = np.full(len(found.counts), np.nan, dtype=np.float32)
    measured = f"{label}_ERR" in products.medians and sample not in BEFORE.values()
    translated = f"{label}_{RAW}" in products.selection.source.columns
    untranslated = BEFORE.get(sample, "") if translated else ""
    before = _pixels(products, view, untranslated, label) if untranslated in products.medians[label][view] else None
    adaptive, low, high = found.cells
    return {
        f"{label}_MEDIAN": found.medians,
        f"N_{label}": found.counts,
        f"{label}_ADAPTIVE": adaptive,
        f"{label}_ADAPTIVE_ERR": (high - low) / 2,
        f"N_{label}_ADAPTIVE": found.cell_counts,
        f"{label}_CHANGE": found.medians - before.medians if before else unknown,
        f"{label}_MAD": found.deviations,
        f"{label}_P16": found.low,
        f"{label}_P84": found.high,
        f"{label}_ERROR": _pixels(products, view, sample, f"{label}_ERR").medians if measured else unknown,
        f"{label}_TRANSLATION": translation_errors(found),
    }


def _excess(products: Products, view: str, sample: str, label: str, heights: np.ndarray) -> dict[str, np.ndarray]:
    """Return how far the medians of pixels lie above the radial trend at their height, by the name of the column."""
    found = _pixels(products, view, sample, label)
    grid = products.bins.grids[view]
    trend, errors = products.trend(label, sample).at(products.bins.pixel_radii(view), heights)
    excess = found.medians - trend
    sigma, least = SMOOTHING_KPC / grid.width_kpc, products.bins.config.min_stars_profile
    smooth = smooth_excess(excess.reshape(grid.shape), found.counts.reshape(grid.shape), sigma, least)
    return {
        f"{label}_EXCESS": excess.astype(np.float32),
        f"{label}_EXCESS_ERR": np.hypot((found.high - found.low) / 2, errors).astype(np.float32),
        f"{label}_EXCESS_SMOOTH": smooth.ravel(),
    }


def _pixels(products: Products, view: str, sample: str, quantity: str) -> Statistics:
    """Return what is known of a quantity in every pixel of a map, row by row."""
    return products.medians[quantity][view][sample].take(products.bins.pixel_bins(view))


def _cards(products: Products, view: str) -> dict[str, str | float | int]:
    config = products.bins.config
    cards: dict[str, str | float | int] = {
        name.upper().replace("_", "")[:8]: v for name, v in products.provenance.items()
    }
    cards |= {
        "RADIUS": config.radius,
        "WEIGHT": config.weight or "none",
        "MINSTARS": config.min_stars_pixel,
        "SUN_X": SUN_X_KPC,
        "SUN_Z": SUN_Z_KPC,
    }
    cards |= {f"SELECT{number}": text for number, text in enumerate(products.selected, start=1)}
    return cards | ({"MAXABSZ": config.face_on_height_kpc} if view == "face_on" else {})


def _table(products: Products, view: str, layers: dict[str, list[Layer]]) -> pa.Table:
    """Return a row a sample and filled pixel: where it lies and all that is known of it."""
    alone = next(iter(layers[ALONE])).values if ALONE in layers else None
    parts = []
    for sample, own in layers.items():
        values = {layer.name: layer.values for layer in own}
        filled = np.flatnonzero(values["COUNT"])
        new = np.zeros(len(filled), dtype=bool)
        if alone is not None and sample == MERGED:
            new = (alone[filled] == 0) & (values["COUNT"][filled] >= products.bins.config.min_stars_pixel)
        part = {"SAMPLE": np.full(len(filled), sample, dtype=object), **_places(products, view, filled)}
        parts.append(part | {name: column[filled] for name, column in values.items()} | {"NEW": new})
    columns = [
        Column("SAMPLE", "string", description="; ".join(f"{k}: {v}" for k, v in products.titles.items())),
        *_place_columns(view),
        *(Column(y.name, "int64" if y.values.dtype.kind == "i" else "float32", y.unit, "", y.description) for y in own),
        MAP_NEW,
    ]
    return to_table(columns, {c.name: np.concatenate([part[c.name] for part in parts]) for c in columns})


def _places(products: Products, view: str, pixels: np.ndarray) -> dict[str, np.ndarray]:
    if view == SKY:
        ra, dec = hp.pix2ang(1 << products.bins.config.sky_order, pixels, nest=True, lonlat=True)
        return {"PIXEL": pixels, "RA": ra, "DEC": dec}
    grid = products.bins.grids[view]
    rows, columns = np.divmod(pixels, grid.shape[1])
    return {axis.name: own[i] for axis, own, i in zip(AXES[view], grid.centres_kpc, (columns, rows), strict=True)}


def _place_columns(view: str) -> list[Column]:
    if view == SKY:
        return [
            Column("PIXEL", "int64", description="nested HEALPix pixel"),
            *(Column(name, "float64", "deg", description=f"middle of the pixel, {name}") for name in ("RA", "DEC")),
        ]
    return [
        Column(axis.name, "float64", "kpc", description=f"middle of the pixel: {axis.description}")
        for axis in AXES[view]
    ]
