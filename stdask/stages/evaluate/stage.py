"""Evaluate: how well unseen stars land on the scale of B, beside what simpler methods reach."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import progress_bar, say
from stdask.display.numbers import decimals, measured
from stdask.display.tables import print_coverage, print_scores, print_table
from stdask.network.ensemble import Family, debiased, translate
from stdask.network.parts import from_parts
from stdask.pairing.training_set import TrainingSet, stack_columns, training_set
from stdask.pairing.truth import true_labels
from stdask.runs.counts import EvaluateCounts
from stdask.runs.draws import draws_of
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.science.assessment.baselines import SIMPLER, fit_baselines
from stdask.science.assessment.metrics import compare_mae, score
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.science.translation.validity import Domain
from stdask.stages.evaluate.coverage import attenuation_rows, coverage_rows, in_short, probability_rows, slopes_in_short
from stdask.stages.evaluate.figures import draw_figures
from stdask.stages.evaluate.importance import importance_rows
from stdask.stages.evaluate.sky import write_sky_coverage
from stdask.storage import paths
from stdask.storage.catalogue.hats import open_catalogue
from stdask.storage.documents import write_ecsv
from stdask.storage.ensembles import read_ensemble
from stdask.storage.files import sha256
from stdask.storage.tables import read_parquet

TABLES = ("accuracy", "truth", "attenuation", "coverage", "pit", "importance", "domain")


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
    stage = begin_stage(run, "evaluate", {"truth": sha256(truth)} if truth else None)
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
    if covered := in_short(tables.get("coverage", [])):
        print_coverage("How often the calibrated errors of test stars cover", covered)
    if slopes := slopes_in_short(tables.get("attenuation", [])):
        title = "Slopes: `calibration` of B or truth on the prediction, `attenuation` of the prediction on them"
        print_table(title, slopes, "label")
    for note in notes:
        say(f"  {note}", "yellow")
    n_test = {row["family"]: row["n"] for row in tables["accuracy"]}
    return stage.finish(written, EvaluateCounts(n_test=n_test, notes=tuple(notes)))


def _evaluate_families(
    run: Run, workers: Workers, truth: Path | None
) -> tuple[dict[str, list[dict[str, Any]]], list[Path], list[str]]:
    """Return the rows of all tables, the paths of the figures, and where the networks are beaten."""
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    figures = write_sky_coverage(run, workers, pairs)
    notes: list[str] = []
    families = [from_parts(*parts) for parts in read_ensemble(paths.ensemble(run.output)).values()]
    drawn = []
    with progress_bar("evaluate", len(families)) as bar:
        for family in families:
            stars = training_set(pairs, family.name, run.config.train, run.config.seed)
            test = stars.subset(stars.is_test)
            bar.note(f"{family.name}: simpler methods")
            translation = translate(family, test.inputs, test.errors, test.star_keys, draws_of(run.config))
            predictions = {"translated": translation.percentiles[2], **baselines(family, stars, run.config.seed)}
            if family.latent_plan:
                predictions["debiased"] = debiased(family, test.inputs)
            tables["accuracy"] += _scores(family, predictions, test.labels, run)
            notes += notes_of_harm(family, predictions, test.labels, run)
            tables["attenuation"] += attenuation_rows(family, predictions, test.labels, "B", run)
            tables["coverage"] += coverage_rows(family, translation, test.inputs, test.labels, "B")
            tables["pit"] += probability_rows(family, translation, test.inputs, test.labels)
            if truth is not None:
                known = true_labels(truth, family.labels, test.ids)
                with_b = predictions | {"B itself": test.labels}
                tables["truth"] += _scores(family, with_b, known, run)
                tables["attenuation"] += attenuation_rows(family, with_b, known, "truth", run)
                tables["coverage"] += coverage_rows(family, translation, test.inputs, known, "truth")
            drawn.append((family, stars, predictions))
            bar.advance(1)
    for family, stars, predictions in drawn:  # not above: only one bar can move at a time
        tables["importance"] += importance_rows(family, stars, run, workers)
        *outside, anywhere = _share_outside(workers, run, family)
        tables["domain"].append({"family": family.name, "outside": anywhere})
        test = stars.subset(stars.is_test)
        figures += draw_figures(run, family, test, predictions, np.array(outside), tables)
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


def _share_outside(workers: Workers, run: Run, family: Family) -> np.ndarray:
    """Return the share of A's stars outside the training stars' bins, in each pair of inputs, and in any of them."""
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    files = [catalogue.path(pixel) for pixel in catalogue.pixels]
    tasks = each(workers, count_outside, files, family.input_domain, description=f"domain of {family.name} inputs")
    return sum(counts for _, counts in tasks) / catalogue.n_rows


def count_outside(path: Path, domain: Domain) -> np.ndarray:
    """Count the stars of one partition outside each pair of inputs, and outside any of them; missing ones not."""
    inputs = stack_columns(read_parquet(path, list(domain.names)), list(domain.names))
    unknown = [np.isnan(inputs[:, [i, j]]).any(axis=1) for i, j in domain.pairs]
    outside = ~domain.contains(inputs) & ~np.stack(unknown, axis=-1)
    return np.append(outside.sum(axis=0), outside.any(axis=1).sum())
