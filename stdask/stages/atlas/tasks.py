"""The tasks of the stage `atlas`: stars become sorted keys on disk, the keys of a range of bins become medians.

1. pack      each block of stars: the keys of all products, and how many stars lie in each bin
2. reduce    each range of bins of a product: medians of every sample, with their errors

So no process ever holds the stars of more than a block, or the keys of more than a range.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import ndtri

from stdask import schema
from stdask.config.atlas import AtlasConfig
from stdask.science.galaxy.binning import bin_bands, bin_deviations, bin_medians, merge_keys, ordered_bits, pack_keys
from stdask.science.galaxy.bins import CELLS, MAPS, PRODUCTS, STEPS, Stars
from stdask.science.galaxy.profiles import BAND, running_medians
from stdask.science.keys.random_keys import uniforms
from stdask.stages.atlas.samples import (
    A_ONLY,
    HEIGHT,
    MERGED,
    OF_A,
    OF_B,
    OF_B_ALONE,
    RAW,
    Selection,
    key_name,
    noisy_part,
)
from stdask.stages.atlas.sources import Block
from stdask.storage.products.key_files import read_keys, write_keys
from stdask.storage.tables import to_numpy

X, Y, Z, RADIUS = (column.name for column in schema.GALACTOCENTRIC[:4])
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
    low: np.ndarray  # 16th percentile of the bootstrapped medians
    high: np.ndarray  # 84th
    deviations: np.ndarray  # median absolute deviation, of maps
    members: np.ndarray  # (n_members, n_bins): medians with the values of one network
    noisy: np.ndarray  # (n_noisy, n_bins): medians of all stars moved within their errors
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
    config = selection.config
    table = selection.source.read(block, _columns(selection))
    reasons = _reasons(table, selection)
    table = table.filter(pa.array(reasons == ""))
    stars = _stars(table, config)
    of_b = np.full(table.num_rows, True)
    if selection.survey_b:
        of_b = pc.equal(table.column(schema.SURVEY.name), selection.survey_b).to_numpy(zero_copy_only=False)
    places = {product: selection.bins.members(product, stars) for product in PRODUCTS}
    keys = {}
    for quantity in selection.quantities:
        for part, products in _wanted(quantity, selection).items():
            bits = ordered_bits(_values(table, quantity, part, of_b, selection))
            for product in products:
                members, bins = places[product]
                keys[key_name(product, quantity, part)] = pack_keys(bins, bits[members])
    path = selection.folder / f"{block.number}.arrow"
    write_keys(path, keys)
    surveys = table.column(schema.SURVEY.name).to_pylist() if selection.survey_b else ["stars"] * table.num_rows
    filled = {name: np.unique(bins[bins >= 0], return_counts=True) for name, (_, bins) in places.items()}
    return PackedBlock(path, filled, Counter(reasons[reasons != ""].tolist()), Counter(surveys))


def reduce_range(item: Range, selection: Selection, files: Sequence[Path]) -> dict[str, Statistics]:
    """Return the statistics of some bins, by sample."""
    product, quantity, first, end = item
    parts = selection.parts(quantity, product)
    names = {key_name(product, quantity, part): part for part in parts}
    found = {names[name]: keys for name, keys in read_keys(files, names, first, end).items()}
    samples = {}
    for sample, wanted in selection.samples(quantity, product).items():
        keys = merge_keys([found[part] for part in wanted])
        members, noisy = [], []
        if sample in (MERGED, A_ONLY):
            with_b = [found[OF_B]] if sample == MERGED else []
            members = [merge_keys([*with_b, found[part]]) for part in selection.members(quantity)]
        if not {RAW, OF_B_ALONE} & set(wanted):  # the errors of untranslated values are not known
            noisy = [
                merge_keys([found[noisy_part(part, name)] for part in wanted])
                for name in selection.noisy(quantity, product)
            ]
        samples[sample] = _statistics(item, keys, (members, noisy), selection)
    return samples


def _statistics(
    item: Range, keys: np.ndarray, others: tuple[list[np.ndarray], list[np.ndarray]], selection: Selection
) -> Statistics:
    config, n_bins = selection.config, item.end_bin - item.first_bin
    empty = np.empty((0, n_bins), dtype=np.float32)
    minimum = _min_stars(item.product, config)
    deviations, bootstraps = np.full(n_bins, np.nan, dtype=np.float32), empty
    if item.product in MAPS:
        counts, medians = bin_medians(keys, n_bins, minimum)
        low, high = bin_bands(keys, medians, [p / 100 for p in BAND])
        deviations = bin_deviations(keys, medians)
    else:
        found, drawn = running_medians(keys, n_bins, minimum, config.n_bootstraps, selection.seed, item.first_bin)
        counts, medians, low, high = found
        bootstraps = drawn if item.product in (*STEPS, CELLS) else empty
    members, noisy = (
        np.array([bin_medians(own, n_bins, minimum).medians for own in kind]) if kind else empty for kind in others
    )
    return Statistics(counts, medians, low, high, deviations, members, noisy, bootstraps)


def _min_stars(product: str, config: AtlasConfig) -> int:
    if product in MAPS:
        return config.min_stars_pixel
    return config.min_stars_cell if product == CELLS else config.min_stars_profile


def _wanted(quantity: str, selection: Selection) -> dict[str, list[str]]:
    """Return the parts of a quantity, and the products that need each."""
    wanted: dict[str, list[str]] = {}
    for product in selection.products(quantity):
        for part in selection.parts(quantity, product):
            wanted.setdefault(part, []).append(product)
    return wanted


def _columns(selection: Selection) -> list[str]:
    """Return the columns that the source has and the atlas needs."""
    config, known = selection.config, selection.source.columns
    wanted = {"ra", "dec", X, Y, Z, RADIUS, *config.select}
    for label in selection.labels:
        wanted |= {label, f"{label}_RAW", f"{label}_ERR", *(f"{label}_{part}" for part in selection.members(label))}
    if config.alpha != "all":
        wanted |= set(selection.alpha)
    others = [schema.SURVEY.name, schema.STAR_KEY.name] if selection.survey_b else [schema.STAR_KEY.name]
    if selection.knows_pairs:
        others.append(schema.IN_PAIRS.name)
    return [*sorted(wanted & known), *others]


def _stars(table: pa.Table, config: AtlasConfig) -> Stars:
    ra, dec, x, y, z, radii = (to_numpy(table, name) for name in ("ra", "dec", X, Y, Z, RADIUS))
    return Stars(ra, dec, x, y, z, radii, tuple(to_numpy(table, name) for name in config.select))


def _values(table: pa.Table, quantity: str, part: str, of_b: np.ndarray, selection: Selection) -> np.ndarray:
    """Return the values of a part, shape (n_stars,); NaN for stars that are not of it."""
    if quantity == HEIGHT:
        return np.where(of_b == (part == OF_B), np.abs(to_numpy(table, Z)), np.nan)
    if part == OF_B_ALONE:
        in_pairs = to_numpy(table, schema.IN_PAIRS.name)
        return np.where(of_b & ~in_pairs, to_numpy(table, quantity), np.nan)
    if part in (OF_B, OF_A):
        return np.where(of_b == (part == OF_B), to_numpy(table, quantity), np.nan)
    if "NOISY" in part:
        survey, realisation = part.split("_", 1)
        errors = np.nan_to_num(to_numpy(table, f"{quantity}_ERR"))
        uniform = uniforms(to_numpy(table, schema.STAR_KEY.name), selection.seed, f"atlas {quantity} {realisation}")
        moved = to_numpy(table, quantity) + errors * ndtri(uniform)
        return np.where(of_b == (survey == OF_B), moved, np.nan)
    return np.where(of_b, np.nan, to_numpy(table, f"{quantity}_{part}"))


def _reasons(table: pa.Table, selection: Selection) -> np.ndarray:
    """Return why each star is not drawn, empty for none: the first of the cuts that it fails."""
    config = selection.config
    cuts = {NO_DISTANCE: ~np.isfinite(to_numpy(table, X))}
    for name, (low, high) in config.select.items():
        values = to_numpy(table, name)
        cuts[f"no {name}"] = np.isnan(values)
        cuts[f"{name} not between {low:g} and {high:g}"] = ~((values > low) & (values < high))
    too_high = np.abs(to_numpy(table, Z)) >= config.max_height_kpc
    cuts[BEYOND] = too_high | (to_numpy(table, RADIUS) >= config.max_radius_kpc)
    if config.alpha != "all":
        metallicity, abundance = (to_numpy(table, name) for name in selection.alpha)
        above = abundance - (config.alpha_line[0] + config.alpha_line[1] * metallicity)
        cuts[f"no {' or '.join(selection.alpha)}"] = np.isnan(above)
        cuts[f"not of the {config.alpha}-alpha sequence"] = above <= 0 if config.alpha == "high" else above > 0
    return np.select(list(cuts.values()), list(cuts), default="")
