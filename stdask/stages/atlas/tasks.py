"""The tasks of the stage `atlas`: stars become sorted keys on disk, the keys of a range of bins become medians.

1. pack      each block of stars: the keys of all products, and how many stars lie in each bin
2. reduce    each range of bins of a product: medians of every sample, with their errors

So no process ever holds the stars of more than a block, or the keys of more than a range.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.config.atlas import AtlasConfig
from stdask.science.galaxy.adaptive import cell_medians
from stdask.science.galaxy.binned import BinnedStars
from stdask.science.galaxy.binning import ordered_bits, pack_keys
from stdask.science.galaxy.bins import CELLS, MAPS, PRODUCTS, STEPS, Stars
from stdask.science.galaxy.errors import drawn_apart
from stdask.science.galaxy.profiles import TAIL
from stdask.science.galaxy.weighted import WeightedKeys, pack_weighted
from stdask.stages.atlas.noise import DISTANCE, DISTANCE_ERR, PLACES, Columns, moved_stars
from stdask.stages.atlas.samples import (
    A_ONLY,
    HEIGHT,
    HIGH_ALPHA,
    MERGED,
    OF_A,
    OF_B,
    OF_B_ALONE,
    OWN_OF_B,
    RAW,
    Selection,
    key_name,
    noisy_part,
)
from stdask.stages.atlas.sources import Block
from stdask.storage.products.key_files import read_keys, write_keys
from stdask.storage.tables import to_numpy

X, Y, Z, RADIUS = (column.name for column in schema.GALACTOCENTRIC[:4])
RADII = {"R": RADIUS, "R_GUIDE": schema.ORBITS[1].name}  # [atlas] radius -> column
NO_DISTANCE = "no distance"
BEYOND = "beyond the maps"


class Range(NamedTuple):
    """Some bins of a product of one quantity."""

    product: str
    quantity: str
    first_bin: int
    end_bin: int


@dataclass(frozen=True)
class Statistics:
    """What is known of one quantity in bins; each of shape (..., n_bins), of no length where it does not apply."""

    counts: np.ndarray  # int64
    medians: np.ndarray  # float32, NaN where there are too few stars
    low: np.ndarray  # lower 68 % confidence limit
    high: np.ndarray  # upper limit
    deviations: np.ndarray  # median absolute deviation, of maps
    cell_counts: np.ndarray  # int64, of maps of labels: stars in the smallest cell around that has enough of them
    cells: np.ndarray  # (3, n_bins): its median and 68 % limits
    members: np.ndarray  # (n_members, n_bins): medians by single networks, drawn apart to scatter by their error
    noisy: np.ndarray  # (n_noisy, n_bins): medians of all stars moved once more within their errors
    bootstraps: np.ndarray  # (n_bootstraps, n_bins), of bins that share no stars

    def take(self, bins: slice | np.ndarray) -> "Statistics":
        """Return those of some bins."""
        return Statistics(*(getattr(self, f.name)[..., bins] for f in fields(self)))

    @classmethod
    def join(cls, parts: Sequence["Statistics"]) -> "Statistics":
        """Return the statistics of bins that follow one another."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts], axis=-1) for f in fields(cls)))


class PackedBlock(NamedTuple):
    """The keys of a block of stars on disk, and how many stars it has."""

    file: Path
    filled: Mapping[str, tuple[np.ndarray, np.ndarray]]  # product -> bins that hold stars, and their numbers
    set_aside: Counter[str]  # reason -> stars that are not drawn
    by_survey: Counter[str]  # survey -> stars that are drawn


def pack_block(block: Block, selection: Selection) -> PackedBlock:
    """Write the keys of the selected stars of a block, and count its stars."""
    table = selection.source.read(block, columns_of(selection))
    surveys = np.array(table.column(schema.SURVEY.name).to_pylist() if selection.survey_b else ["stars"] * len(table))
    of_b = surveys == (selection.survey_b or "stars")
    columns: Columns = {name: to_numpy(table, name) for name in table.column_names if name != schema.SURVEY.name}
    columns = {**columns, **_sequences(columns, selection)}
    reasons = reasons_of(columns, selection)
    drawn = reasons == ""
    places, keys = _pack(columns, of_b, drawn, selection, _measured)
    for number in range(selection.n_noisy):
        moved = moved_stars(columns, number, selection.seed)
        _, noisy = _pack(moved, of_b, reasons_of(moved, selection) == "", selection, partial(_noisy, number=number))
        keys |= noisy
    path = selection.folder / f"{block.number}.arrow"
    write_keys(path, keys)
    filled = {name: np.unique(bins[bins >= 0], return_counts=True) for name, (_, bins) in places.items()}
    return PackedBlock(path, filled, Counter(reasons[~drawn].tolist()), Counter(surveys[drawn].tolist()))


def _pack(
    columns: Columns,
    of_b: np.ndarray,
    drawn: np.ndarray,
    selection: Selection,
    parts_of: Callable[[Selection, str, str], Mapping[str, str]],
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], dict[str, np.ndarray | WeightedKeys]]:
    """Return the bins of the stars that are drawn, by product, and the keys of their values.

    `parts_of` returns the parts of a quantity in a product: name of the part -> what it is made of.
    """
    columns, of_b = {name: values[drawn] for name, values in columns.items()}, of_b[drawn]
    wanted: dict[tuple[str, str, str], list[str]] = {}  # quantity, part, what it is made of -> products
    for quantity in selection.quantities:
        for product in selection.products(quantity):
            for part, content in parts_of(selection, quantity, product).items():
                wanted.setdefault((quantity, part, content), []).append(product)
    stars = stars_of(columns, selection.config)
    needed = {product for products in wanted.values() for product in products}
    places = {product: selection.bins.members(product, stars) for product in PRODUCTS if product in needed}
    weights = columns[selection.config.weight] if selection.config.weight else None
    keys: dict[str, np.ndarray | WeightedKeys] = {}
    for (quantity, part, content), products in wanted.items():
        bits = ordered_bits(_values(columns, quantity, content, of_b))
        for product in products:
            members, bins = places[product]
            keys[key_name(product, quantity, part)] = (
                pack_keys(bins, bits[members])
                if weights is None
                else pack_weighted(bins, bits[members], weights[members])
            )
    return places, keys


def _measured(selection: Selection, quantity: str, product: str) -> Mapping[str, str]:
    return {part: part for part in selection.parts(quantity, product)}


def _noisy(selection: Selection, quantity: str, product: str, number: int) -> Mapping[str, str]:
    surveys = selection.noisy(quantity, product)
    return {noisy_part(number, survey): survey for survey in surveys}


def reduce_range(item: Range, selection: Selection, files: Sequence[Path]) -> dict[str, Statistics]:
    """Return the statistics of some bins, by sample."""
    product, quantity, first, end = item
    noisy = selection.noisy(quantity, product)
    parts = [
        *selection.parts(quantity, product),
        *(noisy_part(number, survey) for number in range(selection.n_noisy) for survey in noisy),
    ]
    names = {key_name(product, quantity, part): part for part in parts}
    weighted = bool(selection.config.weight)
    found = {names[name]: stars for name, stars in read_keys(files, names, first, end, weighted).items()}
    samples = {}
    for sample, wanted in selection.samples(quantity, product).items():
        of_members: list[BinnedStars] = []
        if sample in (MERGED, A_ONLY):
            with_b = [found[OF_B]] if sample == MERGED else []
            members = selection.members(quantity, product)
            of_members = [BinnedStars.merge([*with_b, found[part]], end - first) for part in members]
        moved = range(selection.n_noisy if set(wanted) <= set(noisy) else 0)
        of_noisy = [BinnedStars.merge([found[noisy_part(n, part)] for part in wanted], end - first) for n in moved]
        stars = BinnedStars.merge([found[part] for part in wanted], end - first)
        samples[sample] = _statistics(item, stars, of_members, of_noisy, selection)
    return samples


def _statistics(
    item: Range, stars: BinnedStars, members: list[BinnedStars], noisy: list[BinnedStars], selection: Selection
) -> Statistics:
    config, n_bins = selection.config, stars.n_bins
    empty = np.empty((0, n_bins), dtype=np.float32)
    cell_counts, cells = np.zeros(n_bins, dtype=np.int64), empty
    minimum = _min_stars(item.product, config)
    deviations, bootstraps = np.full(n_bins, np.nan, dtype=np.float32), empty
    if item.quantity == HIGH_ALPHA:
        counts, medians, low, high = stars.shares(minimum, TAIL)
    else:
        counts, medians = stars.medians(minimum)
        low, high = stars.bands(medians, TAIL)
    if item.product in MAPS and item.quantity != HIGH_ALPHA:
        deviations = stars.deviations(medians)
        if item.quantity in selection.labels:
            cell_counts, *of_cells = cell_medians(stars, minimum, selection.bins.levels(item.product), TAIL)
            cells = np.array(of_cells)
    if item.product in (*STEPS, CELLS):
        bootstraps = stars.bootstraps(medians, config.n_bootstraps, selection.seed, item.first_bin)
    of_members = np.array([own.medians(minimum).medians for own in members]) if members else empty
    # a bin that noise leaves with fewer stars still says something of it
    of_noisy = np.array([own.medians().medians for own in noisy]) if noisy else empty
    of_noisy = np.where(np.isfinite(medians), of_noisy, np.float32(np.nan))
    apart = drawn_apart(of_members, selection.member_factor)
    return Statistics(counts, medians, low, high, deviations, cell_counts, cells, apart, of_noisy, bootstraps)


def _min_stars(product: str, config: AtlasConfig) -> int:
    if product in MAPS:
        return config.min_stars_pixel
    return config.min_stars_cell if product == CELLS else config.min_stars_profile


def columns_of(selection: Selection) -> list[str]:
    """Return the columns that the source has and the atlas needs."""
    config, known = selection.config, selection.source.columns
    measured = {*selection.labels, *config.select, *(selection.alpha if config.alpha != "all" else ())}
    wanted = {
        "ra",
        "dec",
        *PLACES,
        RADII[config.radius],
        DISTANCE,
        DISTANCE_ERR,
        *measured,
        *(f"{name}_ERR" for name in measured),
    }
    if config.weight:
        wanted.add(config.weight)
    if HIGH_ALPHA in selection.quantities:
        wanted |= {name for part in (OF_B, RAW) for name in selection.sequence_columns(part)}
    for label in selection.labels:
        wanted |= {f"{label}_{part}" for product in MAPS for part in (RAW, *selection.members(label, product))}
    others = [schema.SURVEY.name, schema.STAR_KEY.name] if selection.survey_b else [schema.STAR_KEY.name]
    if selection.knows_pairs:
        others.append(schema.IN_PAIRS.name)
    return [*sorted(wanted & known), *others]


def stars_of(columns: Columns, config: AtlasConfig) -> Stars:
    """Return where stars are; with guiding radii, where they would be on the circular orbit, at their azimuth."""
    ra, dec, x, y, z, radii = (columns[name] for name in ("ra", "dec", X, Y, Z, RADII[config.radius]))
    if config.radius != "R":
        x, y = (own * (radii / columns[RADIUS]) for own in (x, y))
    return Stars(ra, dec, x, y, z, radii, tuple(columns[name] for name in config.select))


def _values(columns: Columns, quantity: str, part: str, of_b: np.ndarray) -> np.ndarray:
    """Return the values of a part, shape (n_stars,); NaN for stars that are not of it."""
    if part == OF_B_ALONE:
        return np.where(of_b & ~columns[schema.IN_PAIRS.name], columns[quantity], np.nan)
    if part in (OF_B, OF_A):
        values = np.abs(columns[Z]) if quantity == HEIGHT else columns[quantity]
        return np.where(of_b == (part == OF_B), values, np.nan)
    name = f"{quantity}_{RAW if part == OWN_OF_B else part}"
    own = columns.get(name, columns[quantity])  # what is not translated stays as it is
    return np.where(of_b == (part == OWN_OF_B), own, np.nan)


def _sequences(columns: Columns, selection: Selection) -> dict[str, np.ndarray]:
    """Return 1 for stars of the high-alpha sequence, 0 for the others, NaN where it is not known."""
    found = {}
    for name, part in ((HIGH_ALPHA, OF_B), (f"{HIGH_ALPHA}_{RAW}", RAW)):
        own = selection.sequence_columns(part)
        known = HIGH_ALPHA in selection.quantities and set(own) <= set(columns)
        above = _above_line(columns, own, selection.config) if known else np.full(len(columns[X]), np.nan)
        found[name] = np.where(np.isfinite(above), above > 0, np.nan)
    return found


def _above_line(columns: Columns, names: Sequence[str], config: AtlasConfig) -> np.ndarray:
    """Return how far stars lie above `[atlas] alpha_line` in the plane of a metallicity and an abundance ratio."""
    metallicity, abundance = (columns[name] for name in names)
    return abundance - (config.alpha_line[0] + config.alpha_line[1] * metallicity)


def reasons_of(columns: Columns, selection: Selection) -> np.ndarray:
    """Return why each star is not drawn, empty for none: the first of the cuts that it fails."""
    config = selection.config
    radii = columns[RADII[config.radius]]
    cuts = {NO_DISTANCE: ~np.isfinite(columns[X]), f"no {config.radius}": np.isnan(radii)}
    for name, (low, high) in config.select.items():
        values = columns[name]
        cuts[f"no {name}"] = np.isnan(values)
        cuts[f"{name} not between {low:g} and {high:g}"] = ~((values > low) & (values < high))
    if config.weight:
        weights = columns[config.weight]
        cuts[f"no {config.weight}"] = np.isnan(weights)
        cuts[f"{config.weight} not above 0"] = ~((weights > 0) & np.isfinite(weights))
    too_high = np.abs(columns[Z]) >= config.max_height_kpc
    cuts[BEYOND] = too_high | (radii >= config.max_radius_kpc)
    if config.alpha != "all":
        above = _above_line(columns, selection.alpha, config)
        cuts[f"no {' or '.join(selection.alpha)}"] = np.isnan(above)
        cuts[f"not of the {config.alpha}-alpha sequence"] = above <= 0 if config.alpha == "high" else above > 0
    return np.select(list(cuts.values()), list(cuts), default="")
