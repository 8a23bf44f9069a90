"""The profiles of the atlas: running medians along R and Z as tables and figures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from stdask.figures.profiles import Curve, ProfilePanel, ProfileRow, draw_profiles
from stdask.figures.style import RADIUS_SYMBOLS
from stdask.schema import products as schema_products
from stdask.science.galaxy.bins import ProfileBins
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import HIGH_ALPHA
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
    columns += schema_products.SHARES if products.has_sequences else ()
    meta = products.meta() | {"min_stars": products.bins.config.min_stars_profile}
    write_profile(table, columns, _rows(products, kind), meta)
    files = [table]
    for ending, samples in products.pairs.items():
        shown = (*products.labels, *([HIGH_ALPHA] if products.has_sequences else []))
        rows = [
            ProfileRow(label, _panels(products, label, kind, samples), products.units.get(label, "")) for label in shown
        ]
        titles = {sample: products.titles[sample] for sample in samples}
        radius = RADIUS_SYMBOLS[products.bins.config.radius]
        symbols = (radius, "|Z|") if along == "R" else ("Z", radius)
        figure = draw_profiles(rows, titles, *symbols, products.bins.config.min_stars_profile)
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
        if products.has_sequences:
            shares = products.medians[HIGH_ALPHA][kind][sample]
            part |= {"HIGH_ALPHA": shares.medians[rows], "N_HIGH_ALPHA": shares.counts[rows]}
            part |= {"HIGH_ALPHA_P16": shares.low[rows], "HIGH_ALPHA_P84": shares.high[rows]}
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _panels(products: Products, label: str, kind: str, samples: Sequence[str]) -> list[ProfilePanel]:
    """Return the curves of a label in each slice."""
    bins = products.bins.profiles[kind]
    found = {
        sample: (products.medians[label][kind][sample].medians, _errors(products, label, kind, sample))
        for sample in samples
    }
    return [
        ProfilePanel(slice_kpc, {sample: _curves(bins, slice_kpc, *found[sample]) for sample in samples})
        for slice_kpc in dict.fromkeys((part.low, part.high) for part in bins.slices)
    ]


def _errors(products: Products, label: str, kind: str, sample: str) -> np.ndarray:
    """Return the total errors of medians; those of shares are half of their 68 % interval."""
    if label == HIGH_ALPHA:
        found = products.medians[label][kind][sample]
        return (found.high - found.low) / 2
    return products.errors_of(label, kind, sample)["TOTAL"]


def _curves(bins: ProfileBins, slice_kpc: tuple[float, float], medians: np.ndarray, errors: np.ndarray) -> list[Curve]:
    """Return the profiles of a slice, of both sides of the midplane, that have a median anywhere."""
    medians, errors = medians.reshape(bins.shape), errors.reshape(bins.shape)
    return [
        Curve(part.side == "south", bins.windows.centres_kpc, medians[number], errors[number])
        for number, part in enumerate(bins.slices)
        if (part.low, part.high) == slice_kpc and np.isfinite(medians[number]).any()
    ]
