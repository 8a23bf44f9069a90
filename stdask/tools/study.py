"""Study: how close the translation of a run comes to B, compared with simpler methods and other training recipes."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run, RunConfig
from stdask.config.training import TrainConfig
from stdask.display.console import say
from stdask.display.tables import print_scores
from stdask.network.ensemble import Draws, Family, translate
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.runs.counts import CheckCounts
from stdask.runs.ensemble import draws_of
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.schema.evaluation import StudyRow
from stdask.science.assessment.baselines import SIMPLER, fit_baselines
from stdask.science.assessment.metrics import compare_mae, score
from stdask.science.keys.splits import fold_of_star
from stdask.science.translation.masking import Patterns
from stdask.science.translation.scaling import fit_scaling
from stdask.stages.train.family import member_jobs, own_inputs, uncalibrated
from stdask.stages.train.gaussian_process import blend_family, fit_processes, process_jobs
from stdask.stages.train.members import Shelves, train_members
from stdask.stages.train.stage import catalogue_patterns, too_few
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import read_declared, write_declared
from stdask.storage.tables import read_parquet

TRANSLATED = "translated"  # method: the networks of the run file and, where they help, Gaussian processes
NETWORKS = "networks"  # method: the networks of the run file alone, where there are Gaussian processes
ALL_LABELS = "all labels"  # label: the mean over labels of errors in units of the translation's
RECIPES: dict[str, dict[str, Any]] = {  # changes in `[train]`, starting from the preset compact
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


def run(run: Run, workers: Workers, n_folds: int, recipes: Sequence[str]) -> Receipt:
    """Train and test again, write `study/study.ecsv` and print it; the ensemble of the run is not changed.

    Recipes should be chosen by their validation loss (with another `target` it has other units), and their accuracy
    is that of the test stars. Fallbacks are not tested, and recipes are tested without Gaussian processes. A study
    that was made before is skipped unless something on which it depends has changed; networks that earlier studies
    trained are reused.

    Parameters
    ----------
    run, workers
        A run that is paired, and its workers.
    n_folds
        1: the test stars of the run. More: every usable pair is a test star in one of this number of folds.
    recipes
        Of `RECIPES`, in addition to the settings of the run.
    """
    stage = begin_stage(run, "study", options={"folds": n_folds, "recipes": list(recipes)})
    path = paths.study(run.output) / "study.ecsv"
    receipt = stage.done()
    if not receipt:
        rows = _study(run, workers, n_folds, recipes, Shelves(stage))
        write_declared(path, rows)
        receipt = stage.finish([path], CheckCounts(n_rows={"study": len(rows)}))
    print_scores("Stars left out of the training", [vars(row) for row in read_declared(path, StudyRow)], SHOWN)
    say(f"table  {path}")
    return receipt


def _study(run: Run, workers: Workers, n_folds: int, recipes: Sequence[str], shelves: Shelves) -> list[StudyRow]:
    """Return one row a label and method, of all families with enough pairs."""
    config, rows = run.config, []
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    for name in schema.FAMILIES:
        if not config.train.labels(name):
            continue
        stars = training_set(pairs, name, config.train, config.seed)
        if why := too_few(name, stars, config.train):
            say(f"  Only {why}: left out.", "yellow")
            continue
        patterns = catalogue_patterns(catalogue, name, config.train.inputs(name), workers)
        folds = [stars] if n_folds == 1 else _folds(stars, n_folds, config.seed)
        residuals, losses = _residuals(name, folds, patterns, config, workers, recipes, shelves)
        for number, item in enumerate(config.train.labels(name)):
            own = {method: values[:, number] for method, values in residuals.items()}
            names = (name, item.label, run.definition_b.units[item.label])
            rows += _rows(names, own, losses, config.evaluate.n_bootstraps, config.seed)
        rows += _all_labels(name, residuals, losses, config.evaluate.n_bootstraps, config.seed)
    return rows


def _folds(stars: TrainingSet, n_folds: int, seed: int) -> list[TrainingSet]:
    own = fold_of_star(stars.star_keys, n_folds, seed)
    return [replace(stars, is_test=own == number) for number in range(n_folds)]


def _residuals(
    name: str,
    folds: list[TrainingSet],
    patterns: Patterns,
    config: RunConfig,
    workers: Workers,
    recipes: Sequence[str],
    shelves: Shelves,
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Return method -> residuals of the test stars, (n_test, n_labels), and recipe -> validation loss."""
    ways = {TRANSLATED: config.train} | {recipe: _with_recipe(config.train, RECIPES[recipe]) for recipe in recipes}
    residuals: dict[str, np.ndarray] = {}
    losses = {}
    for way, train in ways.items():
        own = config.model_copy(update={"train": train})
        own_residuals, loss = _networks(name, way, folds, patterns, own, workers, shelves)
        residuals |= own_residuals
        if train.target == config.train.target:  # else the loss has other units
            losses[way] = loss
        workers.refresh()  # TensorFlow keeps memory of each of some dozen networks
    counterparts = own_inputs(name, config.train)
    simple = [_simpler(fold, counterparts, config.seed) for fold in folds]
    return residuals | {method: np.concatenate([fold[method] for fold in simple]) for method in SIMPLER}, losses


def _networks(
    name: str,
    way: str,
    folds: list[TrainingSet],
    patterns: Patterns,
    config: RunConfig,
    workers: Workers,
    shelves: Shelves,
) -> tuple[dict[str, np.ndarray], float]:
    """Return method -> residuals of the test stars, fold after fold, and the mean of the members' validation losses."""
    train, seed = config.train, config.seed
    known = [fold.subset(~fold.is_test) for fold in folds]
    scalings = [fit_scaling(own.inputs, own.labels, own_inputs(name, train), train.target) for own in known]
    jobs = [
        job
        for own, scaling in zip(known, scalings, strict=True)
        for job in member_jobs(name, own, scaling, patterns, train, seed)
    ]
    members = train_members(workers, f"{name}, {way}", jobs, shelves.of(f"{name}_{way}"))
    fits = process_jobs(jobs, train)
    processes = fit_processes(workers, f"{name}, {way}, Gaussian processes", fits)
    timers = {way: _Timer(draws_of(config))} | ({NETWORKS: _Timer(draws_of(config))} if fits else {})
    for number, (fold, own, scaling) in enumerate(zip(folds, known, scalings, strict=True)):
        mine = slice(number * train.n_members, (number + 1) * train.n_members)
        test = fold.subset(fold.is_test)
        family = uncalibrated(name, own, scaling, [plan for plan, _ in members[mine]], train, config.domain, seed)
        if fits:
            timers[NETWORKS].test(family, test)
        timers[way].test(blend_family(family, fits[mine], processes[mine], own, train, seed), test)
    if fits:
        say(f"  {name}: {timers[way].speed} stars a second and core; the networks alone {timers[NETWORKS].speed}")
    losses = [min(epoch.val_loss for epoch in history) for _, history in members]
    return {method: np.concatenate(timer.residuals) for method, timer in timers.items()}, float(np.mean(losses))


class _Timer:
    """Translates test stars, and notes the time.

    Parameters
    ----------
    draws
        Of the translation.
    """

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._seconds = 0.0
        self.residuals: list[np.ndarray] = []

    def test(self, family: Family, stars: TrainingSet) -> None:
        """Add the residuals of some stars."""
        few = slice(0, 1)  # compiles what is not compiled yet
        translate(family, stars.inputs[few], stars.errors[few], stars.star_keys[few], self._draws)
        start = time.thread_time()
        translation = translate(family, stars.inputs, stars.errors, stars.star_keys, self._draws)
        self._seconds += time.thread_time() - start
        self.residuals.append(translation.percentiles[2] - stars.labels)

    @property
    def speed(self) -> str:
        """Stars a second of one core, so far."""
        return f"{sum(map(len, self.residuals)) / self._seconds:,.0f}"


def _simpler(fold: TrainingSet, own: list[int], seed: int) -> dict[str, np.ndarray]:
    """Return method -> residuals of the test stars of a fold."""
    known, test = fold.subset(~fold.is_test), fold.subset(fold.is_test)
    predicted = fit_baselines(known.inputs, known.labels, own, test.inputs, seed)
    return {method: values - test.labels for method, values in predicted.items()}


def _rows(
    names: tuple[str, str, str],
    residuals: Mapping[str, np.ndarray],
    losses: Mapping[str, float],
    n_bootstraps: int,
    seed: int,
) -> list[StudyRow]:
    """Return the errors of each method for one label, and how far it is from the translation, star by star.

    Parameters
    ----------
    names
        Family, label and unit.
    residuals
        Method -> shape (n_test,); a method whose residuals are NaN has no row, as A lacks the label.
    losses
        Recipe -> validation loss.
    n_bootstraps, seed
        Resamplings of the stars, and their seed.
    """
    family, label, unit = names
    rows = []
    for method, values in residuals.items():
        if not np.isnan(values).all():
            scores = score(values, n_bootstraps, seed)
            paired = compare_mae(values, residuals[TRANSLATED], n_bootstraps, seed)
            behind = (paired.difference, paired.difference_err)
            rows.append(StudyRow(family, label, unit, method, *scores, *behind, losses.get(method, np.nan)))
    return rows


def _all_labels(
    family: str, residuals: Mapping[str, np.ndarray], losses: Mapping[str, float], n_bootstraps: int, seed: int
) -> list[StudyRow]:
    """Return one row a method: the mean over labels of its mean absolute error in units of the translation's.

    Methods that do not give all labels have no row.

    Parameters
    ----------
    family
        Its name.
    residuals
        Method -> shape (n_test, n_labels); NaN where B has no label.
    losses
        Recipe -> validation loss.
    n_bootstraps, seed
        Resamplings of the stars, all labels of a star together, and their seed.
    """
    translated = np.abs(residuals[TRANSLATED])
    n_stars, n_labels = translated.shape
    units = np.nanmean(translated, axis=0)
    nothing = score(np.empty(0), n_bootstraps, seed)
    rows = []
    for method, values in residuals.items():
        if n_labels > 1 and not np.isnan(values).all(axis=0).any():
            mean = score(_mean_over_labels(np.abs(values) / units), n_bootstraps, seed)
            behind = score(_mean_over_labels((np.abs(values) - translated) / units), n_bootstraps, seed)
            scores = nothing._replace(n=n_stars, mae=mean.bias, mae_err=mean.bias_err)
            loss = losses.get(method, np.nan)
            rows.append(StudyRow(family, ALL_LABELS, "", method, *scores, behind.bias, behind.bias_err, loss))
    return rows


def _mean_over_labels(values: np.ndarray) -> np.ndarray:
    """Return one value a star: their mean and its error are those of the mean over labels of each label's mean.

    Parameters
    ----------
    values : shape (n_stars, n_labels)
        NaN where B has no label: such a star adds nothing to what the label contributes.
    """
    means, shares = np.nanmean(values, axis=0), np.isfinite(values).mean(axis=0)
    return (means + np.nan_to_num(values - means) / shares).mean(axis=1)


def _with_recipe(train: TrainConfig, changes: Mapping[str, Any]) -> TrainConfig:
    """Return `[train]` with another recipe, starting from the preset and its own shape."""
    plain = TrainConfig.model_fields
    start = {key: plain[key].default for key in ("preset", "target", "batch_size", "learning_rates", *SHAPE)}
    return train.model_copy(update={**start, "gaussian_process": "none", **changes})
