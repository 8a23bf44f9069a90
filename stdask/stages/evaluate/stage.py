"""Evaluate: how close the translations of test stars come to B, compared with simpler methods."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import progress_bar, say
from stdask.display.tables import print_coverage, print_scores, print_table
from stdask.figures.assessment.populations import draw_populations
from stdask.network.ensemble import debiased, translate
from stdask.pairing.training_set import training_set
from stdask.pairing.truth import true_labels
from stdask.runs.counts import EvaluateCounts
from stdask.runs.ensemble import open_ensemble
from stdask.runs.receipts import Receipt
from stdask.runs.stage import begin_stage
from stdask.schema.evaluation import EpochRow, EvaluationTables, OutsideRow
from stdask.stages.evaluate.benchmark import benchmark_in_short, evaluate_benchmark
from stdask.stages.evaluate.clusters import clusters_in_short, evaluate_clusters
from stdask.stages.evaluate.coverage import attenuation_rows, coverage_rows, in_short, probability_rows, slopes_in_short
from stdask.stages.evaluate.domain import count_catalogue
from stdask.stages.evaluate.figures import draw_figures
from stdask.stages.evaluate.importance import importance_rows
from stdask.stages.evaluate.population import compare_populations, notes_of_shifts, read_stars, shown
from stdask.stages.evaluate.scores import EvaluatedFamily, baselines, notes_of_harm, score_rows
from stdask.stages.evaluate.sky import write_sky_coverage
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import read_declared, write_figures, write_tables
from stdask.storage.files import sha256
from stdask.storage.tables import read_parquet


def run(run: Run, workers: Workers, truth: Path | None = None) -> Receipt:
    """Compare the translations of the test stars with B; write tables and figures, and print the accuracy.

    Where a simpler method is closer to B than the translation, that is printed and noted in the receipt.

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
    folder, a, b = paths.evaluation(run.output), run.definition_a, run.definition_b
    folders = [paths.catalogue(run.output, definition.name) for definition in (a, b)]
    pairs = read_parquet(paths.pairs(run.output, a.name, b.name))
    figures = write_sky_coverage(folder / "sky_coverage", folders, (a.title, b.title), pairs, workers)
    tables, evaluated, notes = _evaluate_families(run, pairs, truth)
    history = read_declared(paths.history(run.output), EpochRow)
    for own in evaluated:  # not above: only one bar can move at a time
        name = own.family.name
        tables.importance.extend(importance_rows(own.family, own.stars, run.config.evaluate, run.config.seed, workers))
        catalogue, domain = open_catalogue(folders[0]), own.family.input_domain
        counts = count_catalogue(catalogue, domain, f"domain of {name} inputs", workers)
        tables.domain.append(OutsideRow(name, float(counts.shares[-1])))
        figures += draw_figures(folder, own, counts, tables, history, (a.title, b.title), b.units)
    figures += _compare_populations(run, evaluated, pairs, tables, workers)
    notes += notes_of_shifts(tables.population)
    for part in _known_stars(run, workers, evaluated, pairs, tables):
        figures += part[0]
        notes += part[1]
    written = write_tables(folder, tables)
    n_test = {name: max(r.n for r in tables.accuracy if r.family == name) for name in _families_of(tables)}
    receipt = stage.finish([*figures, *written], EvaluateCounts(n_test=n_test, notes=tuple(notes)))
    _print_tables(tables, notes)
    return receipt


def _evaluate_families(
    run: Run, pairs: pa.Table, truth: Path | None
) -> tuple[EvaluationTables, list[EvaluatedFamily], list[str]]:
    """Return the tables of scores, slopes and coverage, and where the networks are not the closest to B."""
    tables, evaluated, notes = EvaluationTables(), [], []
    ensemble, seed = open_ensemble(paths.ensemble(run.output)), run.config.seed
    units, resampled = ensemble.target.units, (run.config.evaluate.n_bootstraps, seed)
    with progress_bar("evaluate", len(ensemble.families)) as bar:
        for family in ensemble.families:
            stars = training_set(pairs, family.name, run.config.train, seed)
            test = stars.subset(stars.is_test)
            bar.note(f"{family.name}: simpler methods")
            translation = translate(family, test.inputs, test.errors, test.star_keys, ensemble.draws)
            predictions = {"translated": translation.percentiles[2], **baselines(family, stars, seed)}
            if family.latent_plan:
                predictions["debiased"] = debiased(family, test.inputs)
            tables.accuracy.extend(score_rows(family, predictions, test.labels, units, *resampled))
            notes += notes_of_harm(family, predictions, test.labels, units, *resampled)
            tables.attenuation.extend(attenuation_rows(family, predictions, test.labels, "B", *resampled))
            tables.coverage.extend(coverage_rows(family, translation, test.inputs, test.labels, "B"))
            tables.pit.extend(probability_rows(family, translation, test.inputs, test.labels))
            if truth is not None:
                known = true_labels(truth, family.labels, test.ids)
                with_b = predictions | {"B itself": test.labels}
                tables.truth.extend(score_rows(family, with_b, known, units, *resampled))
                tables.attenuation.extend(attenuation_rows(family, with_b, known, "truth", *resampled))
                tables.coverage.extend(coverage_rows(family, translation, test.inputs, known, "truth"))
            evaluated.append(EvaluatedFamily(family, stars, predictions))
            bar.advance(1)
    return tables, evaluated, notes


def _families_of(tables: EvaluationTables) -> list[str]:
    return list(dict.fromkeys(row.family for row in tables.accuracy))


def _compare_populations(
    run: Run, evaluated: Sequence[EvaluatedFamily], pairs: pa.Table, tables: EvaluationTables, workers: Workers
) -> list[Path]:
    """Add to the tables how the stars to be translated differ from the pairs; return the figures of that."""
    if not evaluated:
        return []
    config, families = run.config, [own.family for own in evaluated]
    catalogue = open_catalogue(paths.catalogue(run.output, run.definition_a.name))
    stars = read_stars(catalogue, families, pairs, config.seed, workers)
    figures: list[Path] = []
    resampled = (config.evaluate.n_bootstraps, config.seed)
    for own in evaluated:
        units = run.definition_b.units
        found = compare_populations(own, families[0], stars, config.atlas.select, units, resampled)
        tables.distributions.extend(found.distributions)
        tables.population.extend(found.rows)
        figure = draw_populations(found.quantities, found.units, found.pairs, found.stars)
        figures += write_figures(paths.evaluation(run.output) / f"populations_{own.family.name}", figure)
    return figures


def _known_stars(
    run: Run, workers: Workers, evaluated: Sequence[EvaluatedFamily], pairs: pa.Table, tables: EvaluationTables
) -> Iterator[tuple[list[Path], list[str]]]:
    """Yield figures and notes of the clusters and of the benchmark stars, where the run file names any."""
    config = run.config.evaluate
    if config.clusters:
        yield evaluate_clusters(run, workers, config.clusters, evaluated, pairs, tables)
    if config.benchmark:
        yield evaluate_benchmark(run, workers, config.benchmark, evaluated, pairs, tables)


def _print_tables(tables: EvaluationTables, notes: Sequence[str]) -> None:
    print_scores("Test stars compared with B", [vars(row) for row in tables.accuracy])
    if tables.truth:
        print_scores("Test stars compared with the truth", [vars(row) for row in tables.truth])
    if covered := in_short(tables.coverage):
        print_coverage("Share of the test stars within their calibrated errors", [vars(row) for row in covered])
    if slopes := slopes_in_short(tables.attenuation):
        title = "Slopes: `calibration` of B or truth on the prediction, `attenuation` of the prediction on them"
        print_table(title, slopes, "label")
    if rows := shown(tables.population):
        title = "Mean error of the test stars, and how much that of the stars that B does not have differs by estimate"
        print_table(title, rows, "label")
    if tables.clusters:
        print_table("Members of clusters", clusters_in_short(tables.clusters), "cluster")
    if tables.benchmark:
        print_table(
            "Benchmark stars compared with their reference values", benchmark_in_short(tables.benchmark), "label"
        )
    for note in notes:
        say(f"  {note}", "yellow")
