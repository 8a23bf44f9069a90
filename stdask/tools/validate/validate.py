"""Validate: what a trained run does with missing, wrong, repeated and unknown stars."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import ClusterMembers
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.errors import ConfigError
from stdask.figures.assessment.clusters import ClusterMean, draw_clusters
from stdask.pairing.members import read_members
from stdask.runs.counts import CheckCounts
from stdask.runs.receipts import Receipt
from stdask.runs.registry import CHECKS, StageEntry
from stdask.runs.stage import begin_stage
from stdask.runs.surveys.finished import translated_surveys
from stdask.schema.validation import ClusterRow, ValidationTables
from stdask.stages.train.members import Shelves
from stdask.storage import paths
from stdask.storage.documents import read_tables, write_figures, write_tables
from stdask.storage.surveys.files import checksum, open_survey
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
        Table of the members of clusters: `cluster`, and `ID_A` or `ra` and `dec`. Default: that of `[evaluate]
        clusters`.
    only
        Names of checks; all if empty.

    Raises
    ------
    ConfigError
        If there is no check of a name.
    CatalogueError
        If the run is not trained.
    SurveyError
        If the table of members cannot be used.
    """
    for name in only:
        if name not in NAMES:
            raise ConfigError(f"No check {name!r}. The checks are {', '.join(NAMES)}.")
    asked = {name: entry for name, entry in NAMES.items() if not only or name in only}
    if "clusters" in asked and (clusters := members_of(run, members)):
        read_members(run.data_dir / clusters.file, clusters)  # Its faults are told before any check works.
    for entry in asked.values():
        _print(run.output, _make(entry, run, workers, truth, members))


def _make(entry: StageEntry, run: Run, workers: Workers, truth: Path | None, members: Path | None) -> Receipt:
    """Make one check, unless it is done."""
    clusters = members_of(run, members)
    given = {"truth": truth, "members": run.data_dir / clusters.file if clusters else None}
    read = {name: checksum(path) for name in entry.optional if (path := given[name])}
    for other in translated_surveys(run) if entry.reads_others else ():
        read |= other.inputs
    of_run = clusters if "members" in read and members is None else None  # a table of a command has no settings
    stage = begin_stage(run, entry.name, read, {"clusters": of_run.model_dump(mode="json")} if of_run else None)
    say(f"  {entry.summary}", "dim")
    if receipt := stage.done():
        return receipt
    stage.remove_old_outputs()
    module, function = entry.function.split(":")
    validation = open_validation(run, workers, truth, clusters, Shelves(stage))
    tables: ValidationTables = getattr(import_module(module), function)(validation)
    written = write_tables(paths.validation(run.output), tables)
    if tables.clusters:
        figure = draw_clusters(
            [_mean(row) for row in tables.clusters], (run.definition_a.title, run.definition_b.title)
        )
        written += write_figures(paths.validation(run.output) / "clusters", figure)
    return stage.finish(written, CheckCounts(n_rows={name: len(rows) for name, rows in vars(tables).items() if rows}))


def members_of(run: Run, members: Path | None) -> ClusterMembers | None:
    """Return the table of members that a command names, or that of the run file; None if there is neither."""
    if members is None:
        return run.config.evaluate.clusters
    has_ids = open_survey(members).has("ID_A")
    return ClusterMembers(file=members.absolute(), id_a="ID_A" if has_ids else None)


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
