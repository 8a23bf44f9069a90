"""The profiles of the atlas: running medians along R and Z as tables and figures."""

from pathlib import Path

import numpy as np

from stdask.figures.profiles import Curve, ProfileRow, draw_profiles
from stdask.schema import products as schema_products
from stdask.science.galaxy.bins import ProfileBins
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.tasks import Statistics
from stdask.storage.documents import write_figures
from stdask.storage.products.maps import write_profile

AXES = {"radial": ("R", "Z"), "vertical": ("Z", "R")}  # along, across
SHOWN = {"MEDIAN": "medians", "P16": "low", "P84": "high"}  # ending of the column -> what it holds


def write_profiles(products: Products, kind: str) -> list[Path]:
    """Write one set of profiles as a table and as figures; return the files."""
    stem = products.folder / f"profile_{kind}"
    along, across = AXES[kind]
    table = stem.with_suffix(".ecsv")
    columns = schema_products.profile_columns(along, across, products.titles, products.units)
    meta = products.meta() | {"min_stars": products.bins.config.min_stars_profile}
    write_profile(table, columns, _rows(products, kind), meta)
    bins = products.bins.profiles[kind]
    slicing = "Height $|Z|$" if across == "Z" else "Radius $R$"
    files = [table]
    for ending, samples in products.pairs.items():
        rows = [
            ProfileRow(
                label,
                [_curves(bins, products.medians[label][kind][sample]) for sample in samples],
                products.units[label],
            )
            for label in products.labels
        ]
        titles = [products.titles[sample] for sample in samples]
        figure = draw_profiles(rows, titles, f"${along}$ [kpc]", slicing, products.bins.config.min_stars_profile)
        files += write_figures(stem.with_name(stem.name + ending), figure)
    return files


def _rows(products: Products, kind: str) -> dict[str, np.ndarray]:
    """Return the columns of a table with the bins that hold enough stars for the median of a label."""
    bins = products.bins.profiles[kind]
    windows, (along, across) = bins.windows, AXES[kind]
    parts: list[dict[str, np.ndarray]] = []
    for sample in products.samples:
        found = {label: products.medians[label][kind][sample] for label in products.labels}
        rows = np.flatnonzero(np.any([np.isfinite(own.medians) for own in found.values()], axis=0))
        slices, window = np.divmod(rows, windows.number)
        part = {
            "SAMPLE": np.full(len(rows), sample),
            "SIDE": np.array([bins.slices[n].side for n in slices], dtype="U5"),
            f"{across}_LOW": np.array([bins.slices[n].low for n in slices], dtype=float),
            f"{across}_HIGH": np.array([bins.slices[n].high for n in slices], dtype=float),
            f"{along}_LOW": windows.starts_kpc[window],
            f"{along}_CENTRE": windows.centres_kpc[window],
            f"{along}_HIGH": windows.ends_kpc[window],
        }
        for label, own in found.items():
            part |= {f"{label}_{name}": getattr(own, field)[rows] for name, field in SHOWN.items()}
            errors = products.errors_of(label, kind, sample)
            part |= {f"{label}_{name}": values[rows] for name, values in errors.items()}
            part[f"N_{label}"] = own.counts[rows]
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _curves(bins: ProfileBins, found: Statistics) -> list[Curve]:
    """Return the profiles that have a median anywhere."""
    medians, low, high = (values.reshape(bins.shape) for values in (found.medians, found.low, found.high))
    return [
        Curve(
            slice_kpc=(part.low, part.high),
            south=part.side == "south",
            positions_kpc=bins.windows.centres_kpc,
            medians=medians[number],
            low=low[number],
            high=high[number],
        )
        for number, part in enumerate(bins.slices)
        if np.isfinite(medians[number]).any()
    ]
