"""Evaluate: how well unseen stars land on the scale of B, beside what simpler methods reach."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from stdask import schema
from stdask.config import Run
from stdask.errors import CatalogueError
from stdask.network.ensemble import Family, Translation, from_parts, predict, sigma_parts, translate
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import print_scores, progress_bar, say
from stdask.pipeline.evaluate_figures import draw_figures
from stdask.pipeline.report_format import decimals, measured
from stdask.pipeline.settings import draws_of
from stdask.pipeline.stage import Stage, digest_of
from stdask.pipeline.tasks import each
from stdask.pipeline.training_set import TrainingSet, stack_columns, training_set
from stdask.science.baselines import fit_baselines
from stdask.science.importance import relative_importance, shapley_values
from stdask.science.metrics import compare_mae, coverage, coverage_of_errors, score
from stdask.science.scaling import NO_COUNTERPART
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
SIMPLER = {  # methods, as the subject of a sentence
    "raw": "A as it is",
    "offset": "a constant offset",
    "ridge1": "a linear ridge regression",
    "ridge2": "a quadratic ridge regression",
    "ridge3": "a cubic ridge regression",
    "trees": "a sum of gradient-boosted trees",
    "gp": "a Gaussian process",
}


def run(run: Run, workers: Workers, truth: Path | None = None) -> Receipt:
    """Compare the test stars' translations with B, draw why, and print the table.

    Where a simpler method is closer to B than the networks, that is printed and noted in the receipt.

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
    tables, written, notes = _evaluate_families(run, workers, truth)
    folder = paths.evaluation(run.output)
    for name, rows in tables.items():
        if rows:
            write_ecsv(folder / f"{name}.ecsv", Table(rows=rows))
            written.append(folder / f"{name}.ecsv")
    print_scores("Test stars against B", tables["accuracy"])
    if truth is not None:
        print_scores("Test stars against the truth", tables["truth"])
    for note in notes:
        say(f"  {note}", "yellow")
    test_stars = {row["family"]: row["n"] for row in tables["accuracy"]}
    return stage.finish(written, {"test stars": test_stars, "notes": notes})


def _evaluate_families(
    run: Run, workers: Workers, truth: Path | None
) -> tuple[dict[str, list[dict[str, Any]]], list[Path], list[str]]:
    """Return the rows of all tables, the paths of the figures, and where the networks are beaten."""
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in ("accuracy", "truth", "coverage", "importance")}
    figures: list[Path] = []
    notes: list[str] = []
    families = [from_parts(*parts) for parts in read_ensemble(paths.ensemble(run.output)).values()]
    drawn = []
    with progress_bar("evaluate", 2 * len(families)) as bar:
        for family in families:
            stars = training_set(pairs, family.name, run.config.train, run.config.seed)
            test = stars.subset(stars.is_test)
            bar.note(f"{family.name}: simpler methods")
            translation = translate(family, test.inputs, test.errors, test.star_keys, draws_of(run))
            predictions = {"translated": translation.percentiles[2], **baselines(family, stars, run.config.seed)}
            tables["accuracy"] += _scores(family, predictions, test.labels, run)
            notes += notes_of_harm(family, predictions, test.labels, run)
            tables["coverage"] += _coverage(family, translation, test.inputs, test.labels, "B")
            if truth is not None:
                known = _true_labels(truth, family, test)
                tables["truth"] += _scores(family, predictions | {"B itself": test.labels}, known, run)
                tables["coverage"] += _coverage(family, translation, test.inputs, known, "truth")
            bar.advance(1, f"{family.name}: importance of the inputs")
            tables["importance"] += _importance(family, stars, run)
            drawn.append((family, test, predictions))
            bar.advance(1)
    for family, test, predictions in drawn:  # not above: only one bar can move at a time
        outside = _share_outside(workers, run, family)
        figures += draw_figures(run, family, test, predictions, outside, tables["importance"])
    return tables, figures, notes


def baselines(family: Family, stars: TrainingSet, seed: int) -> dict[str, np.ndarray]:
    """Return what users would try instead, on the test stars: method -> (n_test, n_labels).

    Fitted on all stars that are not test stars; the methods are those of `SIMPLER`.
    """
    test, known = stars.subset(stars.is_test), stars.subset(~stars.is_test)
    own = [family.inputs.index(name) if name else NO_COUNTERPART for name in family.counterparts]
    return fit_baselines(known.inputs, known.labels, own, test.inputs, seed)


def notes_of_harm(family: Family, predictions: dict[str, np.ndarray], expected: np.ndarray, run: Run) -> list[str]:
    """Return a line for each label where the best simpler method is closer to B by more than the error of that.

    Parameters
    ----------
    family, run
        The networks, and their run.
    predictions
        Method -> shape (n_test, n_labels): `translated`, and the methods of `SIMPLER`.
    expected : shape (n_test, n_labels)
        B.
    """
    notes = []
    for number, label in enumerate(family.labels):
        residuals = {method: predicted[:, number] - expected[:, number] for method, predicted in predictions.items()}
        maes = {method: np.abs(residuals[method]).mean() for method in SIMPLER}
        best = min((method for method in maes if np.isfinite(maes[method])), key=maes.__getitem__)
        evaluate = run.config.evaluate
        result = compare_mae(residuals["translated"], residuals[best], evaluate.n_bootstraps, run.config.seed)
        if result.difference > result.difference_err:
            places = decimals(result.difference_err)
            unit = schema.quantity(label, run.definition_b.labels[label].unit).unit
            notes.append(
                f"{label}: {SIMPLER[best]} is closer to B than the networks, MAE {result.other_mae:.{places}f} against "
                f"{result.mae:.{places}f} {unit} (difference {measured(result.difference, result.difference_err)})"
            )
    return notes


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


def _coverage(
    family: Family, translation: Translation, inputs: np.ndarray, expected: np.ndarray, of: str
) -> list[dict[str, Any]]:
    """Return how often B, or the truth, lies within the calibrated errors and the draws' percentiles."""
    sigma = sigma_parts(family, inputs, translation).total
    residuals = translation.percentiles[2] - expected
    rows = []
    for number, label in enumerate(family.labels):
        percentiles = dict(zip(schema.PERCENTILES, translation.percentiles[:, :, number], strict=True))
        for interval, covered_shares in (
            ("calibrated error", coverage_of_errors(residuals[:, number], sigma[:, number])),
            ("draws", coverage(percentiles, expected[:, number])),
        ):
            rows += [
                {"family": family.name, "label": label, "of": of, "interval": interval}
                | {"nominal": nominal, "covered": covered, "n": n_stars}
                for nominal, covered, n_stars in covered_shares
            ]
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
