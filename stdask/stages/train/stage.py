"""Train: the ensembles, once, on the stars that both surveys have. Each member is one task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run, RunConfig
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.errors import PairingError
from stdask.pairing.training_set import TrainingSet, stack_columns, training_set
from stdask.runs.counts import DomainBins, FamilyStars, TrainCounts
from stdask.runs.ensemble import save_ensemble
from stdask.runs.receipts import Receipt, by_file_name, read_receipt
from stdask.runs.registry import TRAINING_STAGES
from stdask.runs.stage import Stage, begin_stage
from stdask.science.translation.masking import Patterns, count_patterns, join_patterns
from stdask.stages.train.family import train_family
from stdask.stages.train.members import Shelves
from stdask.stages.train.weights import CATALOGUE, Others, sample_others, ways_of
from stdask.storage import paths
from stdask.storage.bundles import unpack_bundle
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.documents import write_declared
from stdask.storage.tables import read_parquet, to_numpy


def run(run: Run, workers: Workers) -> Receipt:
    """Train the intrinsic and, where there are enough pairs, the extrinsic ensemble, or take over a trained one.

    Raises
    ------
    PairingError
        If too few pairs are usable for the intrinsic networks.
    """
    config = run.config
    stage = begin_stage(run, "train")
    if receipt := stage.done():
        return receipt
    if config.train.ensemble:
        return _take_over(stage, run.data_dir / config.train.ensemble)
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    families, notes, history, counts = [], [], [], {}
    domains: dict[str, DomainBins] = {}
    for name in schema.FAMILIES:
        if not config.train.labels(name):
            continue
        stars = training_set(pairs, name, config.train, config.seed)
        if why := too_few(name, stars, config.train):
            notes.append(_left_out(name, why, config.train))
            continue
        patterns = catalogue_patterns(catalogue, name, config.train.inputs(name), workers)
        others = stars_in_no_pair(catalogue, name, pairs, config, workers)
        trained = train_family(name, stars, patterns, config, workers, Shelves(stage), others)
        families.append(trained.family)
        history += trained.history
        notes += _incomplete(name, stars, config.train) + trained.notes
        domains |= trained.domains
        counts[name] = FamilyStars(len(stars), int(stars.is_test.sum()))
    written = save_ensemble(run, families, _provenance(stage))
    write_declared(paths.history(run.output), history)
    found = TrainCounts(families=counts, domains=domains, notes=tuple(notes))
    receipt = stage.finish([*written, paths.history(run.output)], found)
    for name, bins in domains.items():
        say(f"  bins of the domain of {name}: {bins}")
    for note in notes:
        say(f"  {note}", "yellow")
    workers.refresh()  # TensorFlow takes 0.8 GB of each worker, and no later stage needs it
    return receipt


def _take_over(stage: Stage, bundle: Path) -> Receipt:
    """Make a packed ensemble that of the run; remove what was written about networks trained here before."""
    folder = paths.ensemble(stage.output)
    stage.remove_old_outputs()
    for name in TRAINING_STAGES:
        if receipt := read_receipt(stage.output, name):
            for file in receipt.outputs:
                (stage.output / file).unlink(missing_ok=True)
            paths.receipt(stage.output, name).unlink()
    note = f"The networks were not trained in this run: they are those of {bundle.name}."
    say(f"  {note}")
    return stage.finish(unpack_bundle(bundle, folder), TrainCounts(families={}, notes=(note,)))


def catalogue_patterns(catalogue: Catalogue, name: str, inputs: Sequence[str], workers: Workers) -> Patterns:
    """Return which inputs of a family the stars of catalogue A lack, and how many stars lack them."""
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    tasks = each(workers, missing_in, files, list(inputs), description=f"missing {name} inputs")
    return join_patterns([patterns for _, patterns in tasks])


def stars_in_no_pair(
    catalogue: Catalogue, name: str, pairs: pa.Table, config: RunConfig, workers: Workers
) -> Others | None:
    """Return stars of catalogue A that are in no pair, if the weights of a family depend on them."""
    if CATALOGUE not in ways_of(config.train.weights):
        return None
    in_pairs = to_numpy(pairs, schema.STAR_KEY.name)
    return sample_others(catalogue, config.train.inputs(name), in_pairs, config.seed, workers)


def missing_in(path: Path, inputs: list[str]) -> Patterns:
    """Return the patterns of missing inputs of one partition."""
    return count_patterns(stack_columns(read_parquet(path, inputs), inputs))


def _provenance(stage: Stage) -> dict[str, Any]:
    """Return what the networks were trained on, and with which settings."""
    surveys = {name: read_receipt(stage.output, name) for name in ("ingest_a", "ingest_b")}
    return {
        "key": stage.key,
        "inputs": stage.inputs,
        "survey_files": {name: by_file_name(receipt.inputs) for name, receipt in surveys.items() if receipt},
        "settings": {name: stage.settings[name] for name in ("train", "domain")},
    }


def too_few(family: str, stars: TrainingSet, train: TrainConfig) -> str:
    """Return why a family cannot be trained: too few pairs, or too few that have one of its labels; empty if it can.

    Parameters
    ----------
    family
        Name of the family.
    stars, train
        Its usable pairs, and `[train]`.
    """
    n_stars, which = len(stars), ""
    if n_stars >= train.min_pairs:
        n_stars = int(stars.n_with_label.min())
        which = f" with {train.labels(family)[int(stars.n_with_label.argmin())].label}"
    if n_stars >= train.min_pairs:
        return ""
    needed = f"{train.min_pairs} are needed ([train] min_pairs)"
    return f"{n_stars} usable pairs{which} for the {family} networks, {needed}"


def _left_out(family: str, why: str, train: TrainConfig) -> str:
    """Return what to tell the user of a family that is not trained.

    Raises
    ------
    PairingError
        For the intrinsic family, without which there is no translation.
    """
    if family == "intrinsic":
        raise PairingError(f"Too few stars in common: {why}. See the cuts in the pair stage's receipt.")
    labels = ", ".join(item.label for item in train.labels(family))
    return f"Only {why}: {labels} is left untranslated."


def _incomplete(family: str, stars: TrainingSet, train: TrainConfig) -> list[str]:
    """Return a line for each label that B lacks for a part of the pairs."""
    labels = zip(train.labels(family), stars.n_with_label.tolist(), strict=True)
    return [f"{item.label}: {n:,} of {len(stars):,} pairs have it in B" for item, n in labels if n < len(stars)]
