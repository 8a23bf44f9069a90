"""Evaluate: benchmark stars, as A measures them, as they are translated, and in B, against their reference values."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import BenchmarkStars
from stdask.display.numbers import measured
from stdask.figures.assessment.benchmark import BenchmarkPanel, draw_benchmark
from stdask.pairing.known_tables import read_benchmark
from stdask.pairing.members import text_of
from stdask.runs.ensemble import draws_of
from stdask.schema.evaluation import EvaluationTables
from stdask.schema.known_stars import EVERY, OF_B, RAW, TRANSLATED, BenchmarkRow, BenchmarkStarRow
from stdask.science.assessment.groups import group_mean
from stdask.stages.evaluate.known_stars import ComparedStars, compare_stars, find_in_both, networks_factor
from stdask.stages.evaluate.scores import EvaluatedFamily
from stdask.storage import paths
from stdask.storage.documents import Drawing, write_figures
from stdask.storage.tables import to_numpy

SUSPECT = 3.0  # errors: a mean difference from the reference that is larger is noted


def evaluate_benchmark(
    run: Run,
    workers: Workers,
    config: BenchmarkStars,
    evaluated: Sequence[EvaluatedFamily],
    pairs: pa.Table,
    tables: EvaluationTables,
) -> tuple[list[Path], list[str]]:
    """Add the benchmark stars to the tables; write their figure, and return it and the notes.

    Parameters
    ----------
    run, workers, config
        The run, its workers, and `[evaluate] benchmark`.
    evaluated, pairs
        All families of networks, and the table that pair wrote.
    tables
        Of evaluate.

    Raises
    ------
    CatalogueError, SurveyError
        If the table of benchmark stars cannot be used.
    """
    table = read_benchmark(run.data_dir / config.file, config)
    found = find_in_both(run, workers, table, config, pairs, [own.family for own in evaluated])
    names, units = names_of(table, config, found.ids), run.definition_b.units
    for own in evaluated:
        stars = compare_stars(found, own, draws_of(run.config))
        reference = reference_of(table, config, stars.labels)
        tables.benchmark.extend(benchmark_rows(stars, reference, units, networks_factor(run)))
        tables.benchmark_stars.extend(star_rows(stars, reference, names, units))
    written: list[Path] = []
    if tables.benchmark:
        figure = draw_benchmark_of(tables.benchmark_stars, (run.definition_a.title, run.definition_b.title))
        written = write_figures(paths.evaluation(run.output) / "benchmark", figure)
    return written, notes_of_benchmark(tables.benchmark)


def reference_of(table: pa.Table, benchmark: BenchmarkStars, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the reference values of some labels and their errors, each (n_stars, n_labels); NaN where unknown."""
    columns = [[of.get(label) for label in labels] for of in (benchmark.labels, benchmark.errors)]
    unknown = np.full(table.num_rows, np.nan)
    values, errors = (
        np.stack([to_numpy(table, name) if name else unknown for name in names], axis=-1) for names in columns
    )
    return values, errors


def names_of(table: pa.Table, benchmark: BenchmarkStars, ids: np.ndarray) -> np.ndarray:
    """Return the name of each star, or its id where it has none, (n_stars,), str."""
    if benchmark.name is None:
        return ids
    names = text_of(table, benchmark.name)
    return np.where(names == "", ids, names)


def benchmark_rows(
    stars: ComparedStars, reference: tuple[np.ndarray, np.ndarray], units: Mapping[str, str], factor: float
) -> Iterator[BenchmarkRow]:
    """Yield how far the values of each kind lie from the reference.

    Parameters
    ----------
    stars, reference
        Row by row the same stars: their values, and as from `reference_of`.
    units
        Label -> unit.
    factor
        Error of a mean over the standard deviation of the means of the networks.
    """
    known, errors = reference
    for number, label in enumerate(stars.labels):
        for kind, values in stars.values.items():
            for group, chosen in stars.groups(kind).items():
                differences = np.where(chosen, values[:, number] - known[:, number], np.nan)
                here = np.isfinite(differences)
                if not here.any():
                    continue
                networks = stars.networks_of(kind, number) - known[:, number]
                found = group_mean(differences, networks, factor)
                total = np.hypot(stars.errors[kind][here, number], np.nan_to_num(errors[here, number]))
                expected = float(np.nanmedian(total)) if np.isfinite(total).any() else np.nan
                what = (label, units[label], group, kind, found.n, int(stars.trained[here].sum()))
                yield BenchmarkRow(*what, *found[1:], expected)


def star_rows(
    stars: ComparedStars, reference: tuple[np.ndarray, np.ndarray], names: np.ndarray, units: Mapping[str, str]
) -> Iterator[BenchmarkStarRow]:
    """Yield a row for each star in A or B and label that has a reference value; parameters as for `benchmark_rows`."""
    for number, label in enumerate(stars.labels):
        for star in np.flatnonzero((stars.in_a | stars.in_b) & np.isfinite(reference[0][:, number])):
            usable = ("yes" if stars.usable[star] else "no") if stars.in_a[star] else "not in A"
            trained = "yes" if stars.trained[star] else "no"
            measurements = [
                of[kind][star, number] for kind in (RAW, TRANSLATED, OF_B) for of in (stars.values, stars.errors)
            ]
            numbers = [own[star, number] for own in reference] + measurements
            yield BenchmarkStarRow(str(names[star]), label, units[label], usable, trained, *map(float, numbers))


def draw_benchmark_of(rows: Sequence[BenchmarkStarRow], titles: tuple[str, str]) -> Drawing:
    """Return the figure of the benchmark stars."""
    panels = []
    for label in dict.fromkeys(row.label for row in rows):
        own = [row for row in rows if row.label == label]
        reference, error = (np.array([getattr(row, name) for row in own]) for name in ("reference", "reference_err"))
        columns = {RAW: "raw", TRANSLATED: "translated", OF_B: "b"}
        values = {kind: np.array([getattr(row, name) for row in own]) for kind, name in columns.items()}
        errors = {kind: np.array([getattr(row, f"{name}_err") for row in own]) for kind, name in columns.items()}
        trained = np.array([row.trained == "yes" for row in own])
        panels.append(BenchmarkPanel(label, own[0].unit, reference, error, values, errors, trained))
    return draw_benchmark(panels, titles)


def notes_of_benchmark(rows: Sequence[BenchmarkRow]) -> list[str]:
    """Return what the user should know: no star, training stars among them, and differences from the reference."""
    if not rows:
        return ["No benchmark star is in A or B with a reference value ([evaluate] benchmark)"]
    of_translation = [row for row in rows if (row.values, row.stars) == (TRANSLATED, EVERY)]
    notes = []
    if n_trained := max((row.n_trained for row in of_translation), default=0):
        notes.append(f"networks were trained on {n_trained} of the benchmark stars in A (benchmark_stars.ecsv)")
    for row in of_translation:
        if abs(row.bias) > SUSPECT * row.bias_err:
            difference = f"{measured(row.bias, row.bias_err, signed=True)} {row.unit}".rstrip()
            notes.append(
                f"{row.label}: translated benchmark stars differ from their reference values by {difference} on "
                "average (benchmark.ecsv)"
            )
    return notes


def benchmark_in_short(rows: Sequence[BenchmarkRow]) -> list[dict[str, str | int | float]]:
    """Return what is printed of the benchmark stars: the differences of all of them."""
    return [
        {
            "label": f"{row.label} ({row.unit})" if row.unit else row.label,
            "values": row.values,
            "stars": row.n,
            "trained": row.n_trained,
            "bias": row.bias,
            "bias_err": row.bias_err,
            "std": row.std,
            "std_err": row.std_err,
            "expected": row.expected,
        }
        for row in rows
        if row.stars == EVERY
    ]
