"""Evaluate: how well unseen stars land on the scale of B, beside what simpler methods reach."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from stdask import schema
from stdask.config import Run
from stdask.errors import CatalogueError
from stdask.network.ensemble import Family, Translation, from_parts, predict, translate
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import print_scores
from stdask.pipeline.evaluate_figures import draw_figures
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.pipeline.training_set import TrainingSet, stack_columns, training_set
from stdask.pipeline.translate import draws_of
from stdask.science.baselines import fit_ridge
from stdask.science.importance import relative_importance, shapley_values
from stdask.science.metrics import METRICS, coverage, score
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.ensembles import read_ensemble
from stdask.storage.files import sha256
from stdask.storage.hats import open_catalogue
from stdask.storage.receipts import Receipt
from stdask.storage.tables import read_parquet, to_numpy

METALLICITIES = ("M_H", "FE_H")  # the first that is a label groups the stars
GROUPS = {"[Fe/H] < -1": (-np.inf, -1.0), "[Fe/H] > -0.4": (-0.4, np.inf)}  # paper, appendix B
MIN_GROUP = 10  # stars, for an importance of a group
SCORES = tuple(name for metric in METRICS for name in (metric, f"{metric}_err"))


def run(run: Run, workers: Workers, truth: Path | None = None) -> Receipt:
    """Compare the test stars' translations with B, draw why, and print the table.

    Parameters
    ----------
    run, workers
        The run and its workers.
    truth
        Of a mock survey A: a Parquet table with `ID_A` and a column for each label of B; None for real data.
    """
    inputs = {"pair": digest_of(run, "pair"), "train": digest_of(run, "train"), "ingest_a": digest_of(run, "ingest_a")}
    if truth is not None:
        inputs["truth"] = sha256(truth)
    stage = Stage(
        run,
        "evaluate",
        inputs=inputs,
    )
    if receipt := stage.done():
        return receipt
    stage.remove_old_outputs()
    tables, written = _evaluate_families(run, workers, truth)
    folder = paths.evaluation(run.output)
    for name, rows in tables.items():
        if rows:
            write_ecsv(folder / f"{name}.ecsv", Table(rows=rows))
            written.append(folder / f"{name}.ecsv")
    print_scores("Test stars against B", tables["accuracy"])
    if truth is not None:
        print_scores("Test stars against the truth", tables["truth"])
    return stage.finish(written, {"test stars": {row["family"]: row["n"] for row in tables["accuracy"]}})


def _evaluate_families(
    run: Run, workers: Workers, truth: Path | None
) -> tuple[dict[str, list[dict[str, Any]]], list[Path]]:
    """Return the rows of all tables, and the paths of the figures."""
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("accuracy", "truth", "coverage", "importance")}
    figures: list[Path] = []
    for parts in read_ensemble(paths.ensemble(run.output)).values():
        family = from_parts(*parts)
        stars = training_set(pairs, family.name, run.config.train, run.config.seed)
        test = stars.subset(stars.is_test)
        translation = translate(family, test.inputs, test.errors, test.star_keys, draws_of(run))
        predictions = {"translated": translation.percentiles[2], **baselines(family, stars)}
        tables["accuracy"] += _scores(family, predictions, test.labels, run)
        tables["coverage"] += _coverage(family, translation, test)
        tables["importance"] += _importance(family, stars, run)
        if truth is not None:
            known = _true_labels(truth, family, test)
            tables["truth"] += _scores(family, predictions | {"B itself": test.labels}, known, run)
        outside = _share_outside(workers, run, family)
        figures += draw_figures(run, family, test, predictions, outside, tables["importance"])
    return tables, figures


def baselines(family: Family, stars: TrainingSet) -> dict[str, np.ndarray]:
    """Return what users would try instead, on the test stars: method -> (n_test, n_labels).

    `raw` is A as it is, NaN for a label without counterpart; `ridge2` a quadratic ridge regression, fitted on
    all stars that are not test stars.
    """
    test, known = stars.subset(stars.is_test), stars.subset(~stars.is_test)
    raw = np.full(test.labels.shape, np.nan)
    for number, counterpart in enumerate(family.counterparts):
        if counterpart:
            raw[:, number] = test.inputs[:, family.inputs.index(counterpart)]
    return {"raw": raw, "ridge2": fit_ridge(known.inputs, known.labels, test.inputs, degree=2)}


def _scores(family: Family, predictions: dict[str, np.ndarray], expected: np.ndarray, run: Run) -> list[dict[str, Any]]:
    rows = []
    for number, label in enumerate(family.labels):
        unit = schema.quantity(label, run.definition_b.labels[label].unit).unit
        for method, predicted in predictions.items():
            residuals = predicted[:, number] - expected[:, number]
            if np.isfinite(residuals).any():
                scores = score(residuals, run.config.evaluate.n_bootstraps, run.config.seed)
                rows.append({"family": family.name, "label": label, "unit": unit, "method": method, **scores})
    return rows


def _coverage(family: Family, translation: Translation, test: TrainingSet) -> list[dict[str, Any]]:
    rows = []
    for number, label in enumerate(family.labels):
        percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, :, number], strict=True))
        for nominal, covered, n_stars in coverage(percentiles, test.labels[:, number]):
            rows.append({"family": family.name, "label": label, "nominal": nominal, "covered": covered, "n": n_stars})
    return rows


def _importance(family: Family, stars: TrainingSet, run: Run) -> list[dict[str, Any]]:
    """Explain test stars against a background of the others (Thomas et al. 2024, sect. 3.3.2 and appendix B)."""
    rng = np.random.default_rng(run.config.seed)
    known, test = stars.subset(~stars.is_test), stars.subset(stars.is_test)
    n_stars = run.config.evaluate.importance_stars
    background = rng.permutation(known.inputs)[:n_stars]
    rows = []
    for group, members in _groups(family, test).items():
        explained = rng.permutation(test.inputs[members])[:n_stars]
        values = shapley_values(lambda x: predict(family, x), explained, background)
        share = relative_importance(values)
        resampled = rng.integers(0, len(values), (200, len(values)))
        errors = np.std([relative_importance(values[chosen]) for chosen in resampled], axis=0)
        for number, label in enumerate(family.labels):
            for i, name in enumerate(family.inputs):
                row = {"family": family.name, "label": label, "group": group, "input": name}
                rows.append(row | {"importance": share[i, number], "importance_err": errors[i, number]})
    return rows


def _groups(family: Family, test: TrainingSet) -> dict[str, np.ndarray]:
    groups = {"all": np.ones(len(test), dtype=bool)}
    label = next((name for name in METALLICITIES if name in family.labels), None)
    if label:
        metallicities = test.labels[:, family.labels.index(label)]
        for group, (low, high) in GROUPS.items():
            members = (metallicities > low) & (metallicities < high)
            if members.sum() >= MIN_GROUP:
                groups[group] = members
    return groups


def _share_outside(workers: Workers, run: Run, family: Family) -> np.ndarray:
    """Return the share of A's stars outside the training stars' bins, for each pair of inputs."""
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    tasks = each(workers, count_outside, files, family, description=f"domain of {family.name} inputs")
    return sum(counts for _, counts in tasks) / catalogue.n_rows


def count_outside(path: Path, family: Family) -> np.ndarray:
    """Count the stars of one partition outside each pair of inputs, shape (n_pairs,); missing ones not."""
    inputs = stack_columns(read_parquet(path, list(family.inputs)), list(family.inputs))
    unknown = [np.isnan(inputs[:, [i, j]]).any(axis=1) for i, j in family.input_domain.pairs]
    return (~family.input_domain.contains(inputs) & ~np.stack(unknown, axis=-1)).sum(axis=0)


def _true_labels(path: Path, family: Family, test: TrainingSet) -> np.ndarray:
    """Return the true labels of the test stars, (n_test, n_labels).

    Raises
    ------
    CatalogueError
        If a test star is not in the truth table.
    """
    table = read_parquet(path, ["ID_A", *family.labels])
    ids = to_numpy(table, "ID_A").astype(str)
    order = np.argsort(ids)
    found = np.searchsorted(ids[order], test.ids.astype(str))
    rows = order[np.minimum(found, len(ids) - 1)]
    if lost := int((ids[rows] != test.ids.astype(str)).sum()):
        raise CatalogueError(f"{lost} test stars are not in the truth table {path}. Is it the truth of this survey A?")
    return stack_columns(table, list(family.labels))[rows]
