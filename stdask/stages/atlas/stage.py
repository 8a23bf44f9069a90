"""Atlas: maps, profiles and gradients of the Galaxy from B, from both surveys and from A, before and after."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.atlas import ABUNDANCES, METALLICITIES, AtlasConfig
from stdask.config.run import Run
from stdask.config.stages import MEAN
from stdask.display.console import say
from stdask.errors import ConfigError
from stdask.runs.counts import AtlasCounts, RowCounts
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.science.galaxy.bins import MAPS, PRODUCTS, PROFILES, TREND, GalacticBins
from stdask.science.galaxy.errors import jackknife_factor
from stdask.stages.atlas.comparisons.before_after import write_before_after
from stdask.stages.atlas.comparisons.consistency import surveys_of, write_consistency
from stdask.stages.atlas.comparisons.differences import write_asymmetry, write_seam
from stdask.stages.atlas.gradients import write_gradients
from stdask.stages.atlas.maps import write_maps
from stdask.stages.atlas.planes.diagrams import diagrams, write_diagrams
from stdask.stages.atlas.planes.parameters import training_keys, write_parameter_space
from stdask.stages.atlas.population import populations_of
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.profiles import write_profiles
from stdask.stages.atlas.samples import (
    A_ONLY,
    ALONE,
    HEIGHT,
    MAPPED,
    MERGED,
    RAW_ONLY,
    UNTRANSLATED,
    Selection,
    SurveyPair,
)
from stdask.stages.atlas.sources import CatalogueSource
from stdask.stages.atlas.tasks import NO_DISTANCE, RADII, Range, Statistics, pack_block, reduce_range
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue

KEYS_IN_RANGE = 3_000_000  # that a worker reduces at once: 24 MB for each part of a sample
DRAWING = Lock()  # Matplotlib's settings are those of a process: its threads draw in turn
Medians = dict[str, dict[str, dict[str, Statistics]]]  # quantity -> product -> sample


@dataclass(frozen=True)
class Atlas:
    """Everything known of the selected stars, and how many they are."""

    labels: tuple[str, ...]  # those that a selected star has
    medians: Medians
    counts: AtlasCounts


def run(run: Run, workers: Workers) -> Receipt:
    """Draw maps and profiles and fit gradients (Thomas et al. 2024, sect. 4.2 and 4.3, App. C and D).

    If no star can be drawn, the stage is done without products, and its receipt says why.

    Raises
    ------
    ConfigError
        If `[atlas]` names a label or a column that the merged catalogue does not have.
    """
    stage = begin_stage(run, "atlas")
    if receipt := stage.done():
        return receipt
    config, surveys = run.config, SurveyPair.of(run)
    catalogue = open_catalogue(paths.catalogue(run.output, paths.MERGED))
    units = {column.name: column.unit for column in catalogue.columns}
    selection = _select(run, surveys, catalogue)
    check_columns(selection)
    stage.remove_old_outputs()
    atlas = reduce_stars(workers, selection)
    if not atlas.counts.rows.n_out:
        return stage.finish([], atlas.counts)
    products = Products(
        folder=paths.products(run.output),
        selection=selection,
        medians=atlas.medians,
        labels=atlas.labels,
        units={name: surveys.units.get(name, units[name]) for name in atlas.labels},
        titles=titles_of(atlas, *surveys.titles),
        provenance={"survey_a": surveys.names[0], "survey_b": surveys.names[1], "stage_key": stage.key},
        populations=populations_of(run),
    )
    shown = diagrams(workers, catalogue, surveys, config.atlas)
    files, notes = write_products(products, workers)
    # not Teff or log g, unless they are mapped: they tell which stars a survey selects
    compared = {label: surveys.units[label] for label in surveys.counterparts if label in atlas.labels}
    matrix, apart = write_consistency(workers, products, surveys_of(run), compared)
    outputs = [*files, *matrix, *write_diagrams(shown, products.folder, surveys, config.atlas.select, stage.key)]
    if config.train.ensemble is None:  # else the training stars are not known
        training = training_keys(paths.pairs(run.output, *surveys.names), config.train.test_fraction, config.seed)
        outputs += write_parameter_space(workers, run.output, surveys, config.atlas.select, training)
    return stage.finish(outputs, replace(atlas.counts, notes=(*atlas.counts.notes, *shown.notes, *notes, *apart)))


def _select(run: Run, surveys: SurveyPair, catalogue: Catalogue) -> Selection:
    config, known = run.config, surveys.labels(MAPPED)
    return Selection(
        source=CatalogueSource(catalogue),
        bins=GalacticBins.of(config.atlas),
        labels=config.atlas.labels or tuple(label for label in MAPPED if label in known),
        alpha=alpha_of(config.atlas, known),
        survey_b=surveys.names[1],
        knows_pairs=True,
        n_members=config.train.n_members,
        member_factor=jackknife_factor(1 - config.train.validation_fraction),
        folder=paths.keys(run.output),
        seed=config.seed,
        of_means=config.merge.values == MEAN,
    )


def write_products(products: Products, workers: Workers) -> tuple[list[Path], list[str]]:
    """Write all maps, profiles, gradients and comparisons; return the files, and what the user should know of them."""
    seam, notes = write_seam(products)
    outputs = [*write_before_after(products), *write_gradients(products), *write_asymmetry(products), *seam]
    views = (*MAPS, *(PROFILES if products.labels else ()))
    kept = (*views, TREND)
    drawn = {quantity: {name: own[name] for name in kept if name in own} for quantity, own in products.medians.items()}
    shown = replace(products, medians=drawn)  # bootstraps stay here
    for _, files in each(workers, write_view, views, shown, description="atlas: maps and profiles"):
        outputs += files
    return outputs, notes


def write_view(view: str, products: Products) -> list[Path]:
    """Write one map or one set of profiles; return the files."""
    with DRAWING:
        return write_maps(products, view) if view in MAPS else write_profiles(products, view)


def titles_of(atlas: Atlas, a: str, b: str) -> dict[str, str]:
    """Return what the samples of two surveys, those that there are, are called in figures."""
    titles = {
        ALONE: f"{b} alone",
        MERGED: f"merged with {a}",
        UNTRANSLATED: f"merged with {a}, not translated",
        A_ONLY: f"{a} alone, translated",
        RAW_ONLY: f"{a} alone, as measured",
    }
    return {sample: title for sample, title in titles.items() if sample in atlas.medians[HEIGHT]["edge_on"]}


def alpha_of(config: AtlasConfig, known: Sequence[str]) -> tuple[str, ...]:
    """Return the metallicity and the abundance ratio that tell the two sequences apart, none if there are not both.

    Parameters
    ----------
    config
        Says whether one sequence alone is asked for.
    known
        Labels that the stars have; of two metallicities the one that comes first is taken.

    Raises
    ------
    ConfigError
        If one of them is not among the `known` labels, and needed.
    """
    found = [next((name for name in known if name in names), None) for names in (METALLICITIES, ABUNDANCES)]
    if None in found and config.alpha == "all":
        return ()
    if None in found:
        raise ConfigError(
            f"[atlas] alpha = {config.alpha!r} needs one of {', '.join(METALLICITIES)} and one of "
            f"{', '.join(ABUNDANCES)}. There are {', '.join(known) or 'none'}."
        )
    return tuple(name for name in found if name)


def check_columns(selection: Selection) -> None:
    """Raise ConfigError if a label or a selection is not among the numbers of the catalogue."""
    asked = {"labels": selection.labels, "select": tuple(selection.config.select)}
    asked |= {"weight": (selection.config.weight,)} if selection.config.weight else {}
    asked |= {"radius": (RADII[selection.config.radius],)}
    for what, names in asked.items():
        for name in names:
            if name not in selection.source.columns:
                raise ConfigError(
                    f"[atlas] {what}: the catalogue has no number {name!r}. "
                    f"It has {', '.join(sorted(selection.source.columns))}."
                )


def reduce_stars(workers: Workers, selection: Selection) -> Atlas:
    """Return the medians of every quantity in every product, and the counts of the stars."""
    shutil.rmtree(selection.folder, ignore_errors=True)  # of a killed run
    try:
        files, filled, counts = _pack(workers, selection)
        if not counts.rows.n_out:
            return Atlas((), {}, replace(counts, notes=(_explain_nothing(counts.rows),)))
        medians = _reduce(workers, selection, files, filled)
    finally:
        shutil.rmtree(selection.folder, ignore_errors=True)
    empty = [label for label in selection.labels if not medians[label]["edge_on"][MERGED].counts.any()]
    notes = [f"no selected star has {', '.join(empty)}: not drawn"] if empty else []
    notes += _unselected(counts.rows, selection.config)
    for note in notes:
        say(f"  {note}", "yellow")
    labels = tuple(label for label in selection.labels if label not in empty)
    return Atlas(labels, medians, replace(counts, notes=tuple(notes)))


def _unselected(rows: RowCounts, config: AtlasConfig) -> Iterator[str]:
    """Say which selection leaves most stars out because their value is not known."""
    for name in config.select:
        lacking = rows.set_aside.get(f"no {name}", 0)
        if lacking > rows.n_out:
            yield (
                f"only {rows.n_out:,} of {rows.n_in:,} stars are mapped: {lacking:,} have no {name}, by which [atlas] "
                "select chooses them. Set `select = {}` in the table [atlas] to map all of them"
            )


def _pack(workers: Workers, selection: Selection) -> tuple[list[Path], dict[str, np.ndarray], AtlasCounts]:
    """Return the files of keys, the numbers of stars by product and bin, and what became of all stars."""
    blocks = selection.source.blocks
    filled = {product: np.zeros(selection.bins.n_bins(product), dtype=np.int64) for product in PRODUCTS}
    aside: Counter[str] = Counter()
    surveys: Counter[str] = Counter()
    files = []
    sizes = [block.n_rows for block in blocks]
    for _, packed in each(
        workers, pack_block, blocks, selection, description="atlas: stars", sizes=sizes, unit="stars"
    ):
        files.append(packed.file)
        for product, (bins, numbers) in packed.filled.items():
            filled[product][bins] += numbers
        aside += packed.set_aside
        surveys += packed.by_survey
    rows = RowCounts(sum(sizes), surveys.total(), dict(sorted(aside.items())))
    counts = AtlasCounts(rows=rows, by_survey=dict(sorted(surveys.items())))
    return sorted(files), filled, counts


def _reduce(workers: Workers, selection: Selection, files: Sequence[Path], filled: Mapping[str, np.ndarray]) -> Medians:
    ranges = [
        Range(product, quantity, first, end)
        for quantity in selection.quantities
        for product in selection.products(quantity)
        for first, end in _cut(filled[product], 4 ** selection.bins.levels(product) if product in MAPS else 1)
    ]
    parts: dict[tuple[str, str], dict[int, dict[str, Statistics]]] = {}
    for item, samples in each(workers, reduce_range, ranges, selection, files, description="atlas: medians"):
        parts.setdefault((item.quantity, item.product), {})[item.first_bin] = samples
    medians: Medians = {quantity: {} for quantity in selection.quantities}
    for (quantity, product), found in parts.items():
        in_order = [samples for _, samples in sorted(found.items())]
        medians[quantity][product] = {
            sample: Statistics.join([samples[sample] for samples in in_order]) for sample in in_order[0]
        }
    return medians


def _cut(n_stars: np.ndarray, step: int) -> list[tuple[int, int]]:
    """Return ranges of whole groups of `step` bins, which hold at most `KEYS_IN_RANGE` stars each, or are one group."""
    total = np.concatenate([[0], np.cumsum(n_stars)])[::step]
    ranges, first = [], 0
    while first < len(total) - 1:
        end = max(int(np.searchsorted(total, total[first] + KEYS_IN_RANGE, side="right")) - 1, first + 1)
        ranges.append((first * step, end * step))
        first = end
    return ranges


def _explain_nothing(rows: RowCounts) -> str:
    """Return, and print, why there is no star to draw."""
    if rows.set_aside.get(NO_DISTANCE, 0) == rows.n_in:
        text = "no star has a distance: no maps"
    else:
        why = ", ".join(f"{n:,} {reason}" for reason, n in rows.set_aside.items())
        text = f"no star passes [atlas] select: no maps ({why})"
    say(f"  {text}", "yellow")
    return text
