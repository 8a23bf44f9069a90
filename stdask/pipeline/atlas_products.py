"""What atlas writes: the maps as FITS cubes, the profiles as tables, both as figures."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from stdask import schema
from stdask.config import Run
from stdask.figures.maps import MapRow, draw_maps
from stdask.figures.profiles import Curve, ProfileRow, draw_profiles
from stdask.science.binning import BinMedians
from stdask.science.galactic_bins import GalacticBins, ProfileBins
from stdask.science.galactocentric import SUN_X_KPC, SUN_Z_KPC
from stdask.science.profiles import RunningMedians
from stdask.storage import paths
from stdask.storage.documents import write_figure
from stdask.storage.products import Axis, Plane, write_map_cubes, write_profile

HEIGHT = "HEIGHT"  # |Z|, which every star on the maps has: its counts are those of the stars
SAMPLES = ("ALONE", "MERGED")  # extensions of the cubes, SAMPLE of the profiles
MAP_AXES = {
    "edge_on": (Axis("R_GC", "R with the sign of X"), Axis("Z_GC", "height above the midplane")),
    "face_on": (Axis("X_GC", "the Sun at negative X"), Axis("Y_GC", "towards the Sun's rotation")),
}
PROFILE_AXES = {"radial": ("R", "Z"), "vertical": ("Z", "R")}  # along, across
Found = TypeVar("Found", BinMedians, RunningMedians)


class Pair(NamedTuple, Generic[Found]):
    """The same medians from B alone and from the merged catalogue."""

    alone: Found
    merged: Found


@dataclass(frozen=True)
class Medians:
    """The medians of one quantity in every map and in every set of profiles."""

    maps: Mapping[str, Pair[BinMedians]]
    profiles: Mapping[str, Pair[RunningMedians]]


@dataclass(frozen=True)
class Products:
    """Everything that the maps and profiles of one run are made of."""

    run: Run
    bins: GalacticBins
    medians: Mapping[str, Medians]  # by quantity: HEIGHT and the labels
    labels: tuple[str, ...]  # those that a selected star has
    key: str  # of the stage

    @property
    def units(self) -> dict[str, str]:
        """Unit of each label in the definition of B."""
        return {label: self.run.definition_b.labels[label].unit for label in self.labels}

    @property
    def titles(self) -> tuple[str, str]:
        """What the two samples are called in figures."""
        return f"{self.run.definition_b.title} alone", f"merged with {self.run.definition_a.title}"


def write_maps(products: Products, view: str) -> list[Path]:
    """Write one view as FITS cubes and as a figure; return the files."""
    grid = products.bins.grids[view]
    counts = [found.counts.reshape(grid.shape) for found in products.medians[HEIGHT].maps[view]]
    quantities = ((HEIGHT,) if view == "face_on" else ()) + products.labels
    folder = paths.products(products.run.output)
    cube, figure = folder / f"map_{view}.fits", folder / f"map_{view}.png"
    cubes = {
        sample: [Plane("COUNT", "", "stars", counts[n]), *_planes(products, view, quantities, n)]
        for n, sample in enumerate(SAMPLES)
    }
    write_map_cubes(cube, grid, MAP_AXES[view], cubes, _map_provenance(products, view))
    alone, merged = (np.where(count > 0, count, np.nan) for count in counts)
    rows = [MapRow("COUNT", alone, merged)]
    for name in quantities:
        alone, merged = (found.medians.reshape(grid.shape) for found in products.medians[name].maps[view])
        rows.append(MapRow(name, alone, merged, products.units.get(name, "")))
    write_figure(figure, draw_maps(grid, rows, (counts[0], counts[1]), products.titles, edge_on=view == "edge_on"))
    return [cube, figure]


def write_profiles(products: Products, kind: str) -> list[Path]:
    """Write one set of profiles as a table and as a figure; return the files."""
    folder = paths.products(products.run.output)
    table, figure = folder / f"profile_{kind}.ecsv", folder / f"profile_{kind}.png"
    along, across = PROFILE_AXES[kind]
    columns = schema.profile_columns(along, across, products.units)
    write_profile(table, columns, _profile_rows(products, kind), _profile_provenance(products))
    bins = products.bins.profiles[kind]
    rows = []
    for label in products.labels:
        alone, merged = (_curves(bins, found) for found in products.medians[label].profiles[kind])
        rows.append(ProfileRow(label, alone, merged, products.units[label]))
    slicing = "Height $|Z|$" if across == "Z" else "Radius $R$"
    drawing = draw_profiles(rows, products.titles, f"${along}$ [kpc]", slicing, products.bins.config.min_stars_profile)
    write_figure(figure, drawing)
    return [table, figure]


def _planes(products: Products, view: str, quantities: tuple[str, ...], sample: int) -> list[Plane]:
    shape = products.bins.grids[view].shape
    planes = []
    for name in quantities:
        found = products.medians[name].maps[view][sample]
        image = found.medians.reshape(shape)
        if name == HEIGHT:
            planes.append(Plane(name, "kpc", "median |Z|", image))
            continue
        unit = schema.quantity(name, products.units[name]).unit
        planes.append(Plane(name, unit, f"median {name}", image))
        planes.append(Plane(f"N_{name}", "", f"stars with {name}", found.counts.reshape(shape)))
    return planes


def _map_provenance(products: Products, view: str) -> dict[str, str | float | int]:
    config = products.bins.config
    cards: dict[str, str | float | int] = {
        "SURVEYA": products.run.definition_a.name,
        "SURVEYB": products.run.definition_b.name,
        "STAGEKEY": products.key,
        "MINSTARS": config.min_stars_pixel,
        "SUN_X": SUN_X_KPC,
        "SUN_Z": SUN_Z_KPC,
    }
    for number, text in enumerate(_selection(products), start=1):
        cards[f"SELECT{number}"] = text
    if view == "face_on":
        cards["MAXABSZ"] = config.face_on_height_kpc
    return cards


def _profile_provenance(products: Products) -> dict[str, object]:
    config = products.bins.config
    return {
        "survey_a": products.run.definition_a.name,
        "survey_b": products.run.definition_b.name,
        "stage_key": products.key,
        "seed": products.run.config.seed,
        "select": _selection(products),
        "min_stars": config.min_stars_profile,
        "n_bootstraps": config.n_bootstraps,
        "sun_x_kpc": SUN_X_KPC,
        "sun_z_kpc": SUN_Z_KPC,
    }


def _selection(products: Products) -> list[str]:
    return [f"{low:g} < {name} < {high:g}" for name, (low, high) in products.bins.config.select.items()]


def _profile_rows(products: Products, kind: str) -> dict[str, np.ndarray]:
    """Return the columns of a table with the bins that hold enough stars for the median of a label."""
    bins = products.bins.profiles[kind]
    windows, (along, across) = bins.windows, PROFILE_AXES[kind]
    parts: list[dict[str, np.ndarray]] = []
    for number, sample in enumerate(SAMPLES):
        found = {label: products.medians[label].profiles[kind][number] for label in products.labels}
        rows = np.flatnonzero(np.any([np.isfinite(medians.medians) for medians in found.values()], axis=0))
        slices, window = np.divmod(rows, windows.number)
        part = {
            "SAMPLE": np.full(len(rows), sample),
            "SIDE": np.array([bins.slices[n].side for n in slices], dtype="U5"),
            f"{across}_LOW": np.array([bins.slices[n].low_kpc for n in slices], dtype=float),
            f"{across}_HIGH": np.array([bins.slices[n].high_kpc for n in slices], dtype=float),
            f"{along}_LOW": windows.starts_kpc[window],
            f"{along}_CENTRE": windows.centres_kpc[window],
            f"{along}_HIGH": windows.ends_kpc[window],
        }
        for label, medians in found.items():
            part[f"N_{label}"] = medians.counts[rows]
            part[f"{label}_MEDIAN"] = medians.medians[rows]
            part[f"{label}_P16"], part[f"{label}_P84"] = medians.low[rows], medians.high[rows]
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _curves(bins: ProfileBins, found: RunningMedians) -> list[Curve]:
    """Return the profiles that have a median anywhere."""
    shape = len(bins.slices), bins.windows.number
    medians, low, high = (values.reshape(shape) for values in found[1:])
    return [
        Curve(
            slice_kpc=(part.low_kpc, part.high_kpc),
            south=part.side == "south",
            positions_kpc=bins.windows.centres_kpc,
            medians=medians[number],
            low=low[number],
            high=high[number],
        )
        for number, part in enumerate(bins.slices)
        if np.isfinite(medians[number]).any()
    ]
