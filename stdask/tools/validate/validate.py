"""Validate: what a trained run does with missing, wrong, repeated and unknown stars."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.errors import ConfigError
from stdask.figures.assessment.clusters import ClusterMean, draw_clusters
from stdask.runs.counts import CheckCounts
from stdask.runs.receipts import Receipt
from stdask.runs.registry import CHECKS, StageEntry
from stdask.runs.stage import begin_stage
from stdask.schema.validation import ClusterRow, ValidationTables
from stdask.stages.train.members import Shelves
from stdask.storage import paths
from stdask.storage.documents import read_tables, write_figures, write_tables
from stdask.storage.files import sha256
from stdask.tools.validate.stars import open_validation

SECTIONS = ("cluster", "label", "family")  # the first of these that a table has groups its printed rows
NAMES = {entry.name.removeprefix("validate_"): entry for entry in CHECKS.values() if entry.command == "validate"}


def run(
    run: Run, workers: Workers, truth: Path | None = None, members: Path | None = None, only: Sequence[str] = ()
) -> None:
    """Make all checks, or some, on the test stars of a run; write their tables and print them.

    A check that was made before is skipped unless something on which it depends has changed; its tables are printed.

    Parameters
    ----------
    run, workers
        A run that is trained, and its workers.
    truth
        Of a mock survey A: a Parquet table with `ID_A` and a column for each label of B; None for real data.
    members
        Table of the members of clusters: `cluster`, and `ID_A` or `ra` and `dec`.
    only
        Names of checks; all if empty.

    Raises
    ------
    ConfigError
        If there is no check of a name.
    CatalogueError
        If the run is not trained.
    """
    for name in only:
        if name not in NAMES:
            raise ConfigError(f"No check {name!r}. The checks are {', '.join(NAMES)}.")
    for name, entry in NAMES.items():
        if not only or name in only:
            _print(run.output, _make(entry, run, workers, truth, members))


def _make(entry: StageEntry, run: Run, workers: Workers, truth: Path | None, members: Path | None) -> Receipt:
    """Make one check, unless it is done."""
    given = {"truth": truth, "members": members}
    read = {name: sha256(path) for name in entry.optional if (path := given[name])}
    stage = begin_stage(run, entry.name, read)
    say(f"  {entry.summary}", "dim")
    if receipt := stage.done():
        return receipt
    stage.remove_old_outputs()
    module, function = entry.function.split(":")
    validation = open_validation(run, workers, truth, members, Shelves(stage))
    tables: ValidationTables = getattr(import_module(module), function)(validation)
    written = write_tables(paths.validation(run.output), tables)
    if tables.clusters:
        figure = draw_clusters(
            [_mean(row) for row in tables.clusters], (run.definition_a.title, run.definition_b.title)
        )
        written += write_figures(paths.validation(run.output) / "clusters", figure)
    return stage.finish(written, CheckCounts(n_rows={name: len(rows) for name, rows in vars(tables).items() if rows}))


def _mean(row: ClusterRow) -> ClusterMean:
    """Return what the figure shows of a row: differences, and their errors from how many of them they are large."""
    before, after = row.a_mean - row.b_mean, row.translated_mean - row.b_mean
    errors = [d / shift if shift else 0.0 for d, shift in ((before, row.a_shift), (after, row.translated_shift))]
    return ClusterMean(row.cluster, row.label, row.unit, row.n, before, errors[0], after, errors[1])


def _print(output: Path, receipt: Receipt) -> None:
    """Print the tables of a check, from the disk."""
    tables = read_tables(paths.validation(output), ValidationTables)
    for path in [output / name for name in receipt.outputs if name.endswith(".ecsv")]:
        rows = [vars(row) for row in getattr(tables, path.stem)]
        section = next(column for column in SECTIONS if column in rows[0])
        print_table(f"{path.stem}: {path}", rows, section)
