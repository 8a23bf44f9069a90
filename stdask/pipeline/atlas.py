"""Atlas: maps and profiles of the Galaxy from B alone and from the merged catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config import AtlasConfig, Run
from stdask.errors import ConfigError
from stdask.pipeline.atlas_products import HEIGHT, Medians, Pair, Products, write_maps, write_profiles
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import say
from stdask.pipeline.merge import NAME as MERGED
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.science.binning import bin_medians, merge_keys, pack_keys
from stdask.science.galactic_bins import MAPS, PROFILES, GalacticBins, Positions
from stdask.science.healpix import Pixel
from stdask.science.profiles import running_medians
from stdask.storage import paths
from stdask.storage.hats import Catalogue, open_catalogue
from stdask.storage.receipts import Receipt
from stdask.storage.tables import to_numpy

MAPPED = ("FE_H", "M_H", "MG_FE", "ALPHA_FE")  # where B measures them
X, Y, Z, RADIUS = (column.name for column in schema.GALACTOCENTRIC[:4])
NO_DISTANCE = "no distance"
BEYOND = "beyond the maps"
Keys = dict[tuple[str, bool], np.ndarray]  # (product, star of B) -> sorted keys


@dataclass(frozen=True)
class Selection:
    """What all tasks share: which stars, which bins, and which survey is B."""

    bins: GalacticBins
    survey_b: str

    @property
    def config(self) -> AtlasConfig:
        """The settings of the stage."""
        return self.bins.config


def run(run: Run, workers: Workers) -> Receipt:
    """Draw the maps and profiles (Thomas et al. 2024, sect. 4.2 and 4.3, App. D).

    Without a star to draw, the stage is done all the same: its receipt says why there are no products.

    Raises
    ------
    ConfigError
        If `[atlas]` names a label or a column that the merged catalogue does not have.
    """
    config = run.config.atlas
    stage = Stage(run, "atlas", {"merge": digest_of(run, "merge")})
    if receipt := stage.done():
        return receipt
    catalogue = open_catalogue(paths.catalogue(run.output, MERGED))
    labels = _labels(run)
    _check_select(config, catalogue)
    selection = Selection(GalacticBins.of(config), run.definition_b.name)
    heights, counts = _reduce(workers, catalogue, HEIGHT, selection, run.config.seed)
    stage.remove_old_outputs()
    if not counts["out"]:
        return stage.finish([], counts | {"notes": [_explain_nothing(counts)]})
    medians = {HEIGHT: heights}
    for label in labels:
        medians[label], _ = _reduce(workers, catalogue, label, selection, run.config.seed)
    empty = [label for label in labels if not medians[label].maps["edge_on"].merged.counts.any()]
    if empty:
        counts["notes"] = [f"no selected star has {', '.join(empty)}: not drawn"]
        say(f"  {counts['notes'][0]}", "yellow")
    products = Products(run, selection.bins, medians, tuple(label for label in labels if label not in empty), stage.key)
    outputs = [path for view in MAPS for path in write_maps(products, view)]
    outputs += [path for kind in PROFILES if products.labels for path in write_profiles(products, kind)]
    return stage.finish(outputs, counts)


def _labels(run: Run) -> list[str]:
    """Return the labels to map: those named, or the metallicities and abundance ratios that B measures."""
    return list(run.config.atlas.labels) or [label for label in MAPPED if label in run.definition_b.labels]


def _check_select(config: AtlasConfig, catalogue: Catalogue) -> None:
    names = [column.name for column in catalogue.columns if column.dtype.startswith(("float", "double"))]
    for name in config.select:
        if name not in names:
            raise ConfigError(
                f"[atlas] select: the merged catalogue has no number {name!r} to select by. It has {', '.join(names)}."
            )


def _reduce(
    workers: Workers, catalogue: Catalogue, quantity: str, selection: Selection, seed: int
) -> tuple[Medians, dict[str, Any]]:
    """Return the medians of one quantity in all products, and how many stars were selected."""
    parts: dict[tuple[str, bool], list[np.ndarray]] = {
        (product, of_b): [] for product in (*MAPS, *PROFILES) for of_b in (True, False)
    }
    aside: dict[str, int] = {}
    from_survey: dict[str, int] = {}
    for _, (keys, reasons, surveys) in each(
        workers,
        _pack_partition,
        catalogue.pixels,
        catalogue,
        quantity,
        selection,
        description=f"atlas: {quantity}",
        sizes=list(catalogue.rows.values()),
    ):
        for name, part in keys.items():
            parts[name].append(part)
        for total, more in ((aside, reasons), (from_survey, surveys)):
            for name, number in more.items():
                total[name] = total.get(name, 0) + number
    counts = {
        "in": catalogue.n_rows,
        "out": sum(from_survey.values()),
        "set aside": dict(sorted(aside.items())),
        "from": dict(sorted(from_survey.items())),
    }
    return _medians(parts, selection, seed), counts


def _pack_partition(
    pixel: Pixel, catalogue: Catalogue, quantity: str, selection: Selection
) -> tuple[Keys, dict[str, int], dict[str, int]]:
    """Return the keys of one partition's selected stars, and the numbers of stars by reason and by survey."""
    config = selection.config
    wanted = {X, Y, Z, RADIUS, schema.SURVEY.name, *config.select} | ({quantity} - {HEIGHT})
    table = catalogue.read_pixel(pixel, sorted(wanted))
    reasons = _reasons(table, config)
    table = table.filter(pa.array(reasons == ""))
    positions = Positions(*(to_numpy(table, name) for name in (X, Y, Z, RADIUS)))
    values = np.abs(positions.z_kpc) if quantity == HEIGHT else to_numpy(table, quantity)
    of_b = pc.equal(table.column(schema.SURVEY.name), selection.survey_b).to_numpy(zero_copy_only=False)
    keys: Keys = {}
    for product in MAPS if quantity == HEIGHT else (*MAPS, *PROFILES):
        stars, bins = selection.bins.members(product, positions)
        for side in (True, False):
            own = of_b[stars] == side
            keys[product, side] = pack_keys(bins[own], values[stars[own]])
    surveys = table.column(schema.SURVEY.name).value_counts().to_pylist()
    found, numbers = np.unique(reasons[reasons != ""], return_counts=True)
    return (
        keys,
        dict(zip(found.tolist(), numbers.tolist(), strict=True)),
        {entry["values"]: entry["counts"] for entry in surveys},
    )


def _reasons(table: pa.Table, config: AtlasConfig) -> np.ndarray:
    """Return why each star is not drawn, empty for none: the first of the cuts that it fails."""
    cuts = {NO_DISTANCE: ~np.isfinite(to_numpy(table, X))}
    for name, (low, high) in config.select.items():
        values = to_numpy(table, name)
        cuts[f"no {name}"] = np.isnan(values)
        cuts[f"{name} not between {low:g} and {high:g}"] = ~((values > low) & (values < high))
    too_high = np.abs(to_numpy(table, Z)) >= config.max_height_kpc
    cuts[BEYOND] = too_high | (to_numpy(table, RADIUS) >= config.max_radius_kpc)
    return np.select(list(cuts.values()), list(cuts), default="")


def _medians(parts: Mapping[tuple[str, bool], Sequence[np.ndarray]], selection: Selection, seed: int) -> Medians:
    config = selection.config
    maps, profiles = {}, {}
    for product in (*MAPS, *PROFILES):
        alone = merge_keys(parts[product, True])
        samples = (alone, merge_keys([alone, *parts[product, False]]))
        n_bins = selection.bins.n_bins(product)
        if product in MAPS:
            maps[product] = Pair(*(bin_medians(keys, n_bins, config.min_stars_pixel) for keys in samples))
        else:
            profiles[product] = Pair(
                *(
                    running_medians(keys, n_bins, config.min_stars_profile, config.n_bootstraps, seed)
                    for keys in samples
                )
            )
    return Medians(maps, profiles)


def _explain_nothing(counts: Mapping[str, Any]) -> str:
    """Return, and print, why there is no star to draw."""
    aside = counts["set aside"]
    if aside.get(NO_DISTANCE, 0) == counts["in"]:
        text = "no star has a distance: no maps"
    else:
        text = "no star passes [atlas] select: no maps"
    say(f"  {text}", "yellow")
    return text
