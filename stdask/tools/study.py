"""Study: how close to B a run's translation comes, beside simpler methods and other ways to train it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from astropy.table import Table

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.display.tables import print_scores
from stdask.network.ensemble import translate
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.runs.draws import draws_of
from stdask.runs.stage import digest_of
from stdask.science.assessment.baselines import SIMPLER, fit_baselines
from stdask.science.assessment.metrics import compare_mae, score
from stdask.science.keys.splits import fold_of_star
from stdask.science.translation.masking import Patterns
from stdask.science.translation.scaling import fit_scaling
from stdask.stages.train.family import member_jobs, own_inputs, uncalibrated
from stdask.stages.train.members import train_members
from stdask.stages.train.stage import catalogue_patterns
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.tables import read_parquet

TRANSLATED = "translated"  # as the run file says
RECIPES: dict[str, dict[str, Any]] = {  # what each changes in `[train]`, from the preset compact on
    "compact": {},
    "batch 32": {"batch_size": 32},
    "batch 256": {"batch_size": 256},
    "batch 1024": {"batch_size": 1024},
    "one learning rate": {"learning_rates": (1e-3,)},
    "no dropout": {"dropout": 0.0},
    "dropout 0.3": {"dropout": 0.3},
    "width 16": {"first_width": 16, "dropout_widths": (32, 1 << 30)},
    "width 64": {"first_width": 64},
    "depth 1": {"depth": 1},
    "depth 3": {"depth": 3},
    "z-scored": {"target": "zscore"},
    "paper": {"preset": "paper"},
    "paper, dropout of the text": {"preset": "paper", "dropout_widths": (1, 256)},
    "paper, z-scored, batch 4096": {"preset": "paper", "target": "zscore", "batch_size": 4096},
}
SHOWN = {
    "mae": "MAE",
    "behind": "MAE minus translated",
    "robust": "robust sigma",
    "val_loss": "validation loss",
}
SHAPE = ("first_width", "depth", "dropout", "dropout_widths")


def run(run: Run, workers: Workers, n_folds: int, recipes: Sequence[str]) -> None:
    """Train and test anew, print the table and write `study/study.ecsv`; the run's own ensemble is left alone.

    Recipes are to be chosen by the validation loss, which those with another `target` state in units of their own, and
    quoted by the errors on test stars. The networks alone are tested: nothing stands in for them.

    Parameters
    ----------
    run, workers
        A run that is paired, and its workers.
    n_folds
        1: the test stars of the run; else every usable pair tests in one of so many folds.
    recipes
        Of `RECIPES`, besides the settings of the run.
    """
    digest_of(run, "pair")
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    rows: list[dict[str, Any]] = []
    for name in schema.FAMILIES:
        if not run.config.train.labels(name):
            continue
        stars = training_set(pairs, name, run.config.train, run.config.seed)
        if len(stars) < run.config.train.min_pairs:
            say(f"  Only {len(stars)} usable pairs for the {name} networks: left out.", "yellow")
            continue
        patterns = catalogue_patterns(name, run, workers)
        folds = [stars] if n_folds == 1 else _folds(stars, n_folds, run.config.seed)
        rows += _study_family(name, folds, patterns, run, workers, recipes)
    path = paths.study(run.output) / "study.ecsv"
    write_ecsv(path, Table(rows=rows))
    print_scores("Stars left out of the training", rows, SHOWN)
    say(f"table  {path}")


def _folds(stars: TrainingSet, n_folds: int, seed: int) -> list[TrainingSet]:
    own = fold_of_star(stars.star_keys, n_folds, seed)
    return [replace(stars, is_test=own == number) for number in range(n_folds)]


def _study_family(
    name: str, folds: list[TrainingSet], patterns: Patterns, run: Run, workers: Workers, recipes: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row a label and method."""
    ways = {TRANSLATED: run} | {recipe: _with_recipe(run, RECIPES[recipe]) for recipe in recipes}
    residuals, losses = {}, {}
    for way, its_run in ways.items():
        residuals[way], loss = _networks(name, f"{name}, {way}", folds, patterns, its_run, workers)
        if its_run.config.train.target == run.config.train.target:  # else in other units
            losses[way] = loss
        workers.refresh()  # TensorFlow keeps memory of each of some dozen networks
    own = own_inputs(name, run.config.train)
    simple = [_simpler(fold, own, run.config.seed) for fold in folds]
    residuals |= {method: np.concatenate([fold[method] for fold in simple]) for method in SIMPLER}
    labels = [item.label for item in run.config.train.labels(name)]
    return [row for n, label in enumerate(labels) for row in _rows(name, label, n, residuals, losses, run)]


def _networks(
    name: str, title: str, folds: list[TrainingSet], patterns: Patterns, run: Run, workers: Workers
) -> tuple[np.ndarray, float]:
    """Return the residuals of the test stars, fold after fold, and the mean of the members' validation losses."""
    train = run.config.train
    known = [fold.subset(~fold.is_test) for fold in folds]
    scalings = [fit_scaling(own.inputs, own.labels, own_inputs(name, train), train.target) for own in known]
    jobs = [member_jobs(name, own, scaling, patterns, run) for own, scaling in zip(known, scalings, strict=True)]
    members = train_members(workers, title, [job for own in jobs for job in own])
    residuals = []
    for number, (fold, own, scaling) in enumerate(zip(folds, known, scalings, strict=True)):
        plans = [plan for plan, _ in members[number * train.n_members : (number + 1) * train.n_members]]
        test = fold.subset(fold.is_test)
        family = uncalibrated(name, own, scaling, plans, run)
        translation = translate(family, test.inputs, test.errors, test.star_keys, draws_of(run.config))
        residuals.append(translation.percentiles[2] - test.labels)
    losses = [min(epoch.val_loss for epoch in history) for _, history in members]
    return np.concatenate(residuals), float(np.mean(losses))


def _simpler(fold: TrainingSet, own: list[int], seed: int) -> dict[str, np.ndarray]:
    """Return method -> residuals of the test stars of a fold."""
    known, test = fold.subset(~fold.is_test), fold.subset(fold.is_test)
    predicted = fit_baselines(known.inputs, known.labels, own, test.inputs, seed)
    return {method: values - test.labels for method, values in predicted.items()}


def _rows(
    family: str, label: str, number: int, residuals: Mapping[str, np.ndarray], losses: Mapping[str, float], run: Run
) -> list[dict[str, Any]]:
    """Return the errors of each method for one label, and how far it is from the translation, star by star."""
    n_bootstraps, seed = run.config.evaluate.n_bootstraps, run.config.seed
    unit = schema.quantity(label, run.definition_b.labels[label].unit).unit
    own = residuals[TRANSLATED][:, number]
    rows = []
    for method, values in residuals.items():
        if np.isnan(values[:, number]).all():
            continue  # A has no such label
        paired = compare_mae(values[:, number], own, n_bootstraps, seed)
        row: dict[str, Any] = {"family": family, "label": label, "unit": unit, "method": method}
        row |= score(values[:, number], n_bootstraps, seed)
        row |= {"behind": paired.difference, "behind_err": paired.difference_err}
        rows.append(row | {"val_loss": losses.get(method, np.nan)})
    return rows


def _with_recipe(run: Run, changes: dict[str, Any]) -> Run:
    """Return the run with another way to train, starting from the preset and its own shape."""
    plain = TrainConfig.model_fields
    start = {key: plain[key].default for key in ("preset", "target", "batch_size", "learning_rates", *SHAPE)}
    train = run.config.train.model_copy(update={**start, **changes})
    return run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
