"""Run the stages of a run in their order; finished stages are skipped."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from stdask import __version__
from stdask.cluster.workers import Workers
from stdask.config.run import Run, with_workers
from stdask.config.toml import local_path
from stdask.display.console import say
from stdask.errors import ConfigError, StdaskError, SurveyError
from stdask.pairing.known_tables import check_known_stars
from stdask.runs.card.card import write_card
from stdask.runs.folder import RunFolder
from stdask.runs.ledger import accept_ledgers, remove_ledgers
from stdask.runs.receipts import Receipt, accept_results
from stdask.runs.recorder import recorded
from stdask.runs.registry import COMMANDS, STAGES, STAGES_OF_ALL, StageEntry, entry_of, stages_of
from stdask.runs.run_file import open_run
from stdask.runs.session import session
from stdask.schema import CLUSTER_COLUMNS, FAMILIES
from stdask.stages.ingest.joins.tables import fit_definition, open_tables
from stdask.storage import paths
from stdask.storage.files import write_text
from stdask.storage.surveys.files import open_survey


def run(
    run_file: Path | str,
    data_dir: Path | str | None = None,
    output: Path | str | None = None,
    *,
    workers: int | None = None,
    cluster: Path | str | None = None,
    truth: Path | str | Sequence[Path | str] = (),
    redo: Sequence[str] = (),
    accept_version: bool = False,
    allow_remote: bool = False,
) -> RunFolder:
    """Run all stages of a run, as the command `stdask run` does; finished stages are skipped.

    Parameters
    ----------
    run_file
        The run file.
    data_dir
        Folder of the survey files. Default: the folder of the run file.
    output
        Folder of the results. Default: `output` of the run file.
    workers, cluster
        Number of workers, and a cluster profile. Default: `[cluster]` of the run file, or one process a core.
    truth
        Table of the true labels of a mock survey A, to compare with. Of several surveys: a table for each, in their
        order.
    redo
        Names of stages that are repeated although they are done.
    accept_version
        Keep stages that another version of stdask has finished, although this one gives other results.
    allow_remote
        The run file may name survey files by addresses (`https://`, `s3://`).

    Returns
    -------
    results
        Tables, catalogues and figures of the run.

    Raises
    ------
    StdaskError
        As the command: a sentence that says what is wrong, where, and what to do.

    Examples
    --------
    >>> import stdask
    >>> results = stdask.run("run.toml", data_dir="surveys", output="runs/first")  # doctest: +SKIP
    """
    data, results = (local_path(folder) if folder else None for folder in (data_dir, output))
    asked = open_run(local_path(run_file), data, results, allow_remote)
    asked = with_workers(asked, workers, local_path(cluster) if cluster else None)
    truths = [local_path(path) for path in ((truth,) if isinstance(truth, (str, Path)) else truth)]
    with session(asked.output, asked.config.cluster, further=[part.output for part in asked.further]) as own_workers:
        if accept_version:
            accept_results_of(asked)
        run_all(asked, own_workers, truths, redo)
    return RunFolder(asked.output)


def run_all(run: Run, workers: Workers, truths: Sequence[Path] = (), redo: Sequence[str] = ()) -> None:
    """Run every stage of a run, from survey files to the report.

    Parameters
    ----------
    run, workers
        The run and its workers.
    truths
        For a mock: the tables of true labels that evaluate compares with, one for each translated survey, or none.
    redo
        Names of stages, or of their commands, that are repeated although they are done.

    Raises
    ------
    ConfigError
        If there is no stage of a name in `redo`, or this run does not have it.
    """
    check_files(run, truths=truths)
    for word in redo:
        require_stages(run, word)
    for part in run.parts:
        forget(part.output, redo)
    run_commands(run, workers, COMMANDS, truths)
    for part in run.parts:
        names = {"a": part.definition_a.name, "b": part.definition_b.name}
        for entry in stages_of(part).values():
            say(f"{entry.title:<9}  {part.output / entry.outputs[0].format(**names)}")
    say(f"Open {paths.report(run.output)} in a browser.", "bold")


def run_commands(run: Run, workers: Workers, commands: Collection[str], truths: Sequence[Path] = ()) -> None:
    """Run the stages of some commands: survey by survey, then those of all surveys together.

    Parameters
    ----------
    run, workers
        The run and its workers.
    commands
        Names of commands.
    truths
        As for `run_all`.
    """
    arguments = [{"truth": truth} for truth in truth_of_each(run, truths)]
    own = [[entry for entry in stages_of(part).values() if entry.command in commands] for part in run.parts]
    together = [name for name in STAGES if run.further and name in (*STAGES_OF_ALL, "report")]
    for number, part in enumerate(run.parts):
        if entries := [entry for entry in own[number] if number or entry.name not in together]:
            with at_survey(run, number, workers):
                run_stages(entries, part, workers, arguments[number])
    if entries := [entry for entry in own[0] if entry.name in together]:
        say("all surveys together", "bold")
        run_stages(entries, run, workers, arguments[0])


@contextmanager
def at_survey(run: Run, number: int, workers: Workers) -> Iterator[Run]:
    """Say at which of several surveys a command is, and record its progress in the folder of that survey's run.

    Parameters
    ----------
    run
        The run.
    number
        Of the survey in `run.parts`.
    workers
        Of the command.
    """
    part = run.parts[number]
    if not run.further:
        yield part
        return
    say(f"survey {part.definition_a.name}, {number + 1} of {len(run.parts)}", "bold")
    try:
        with recorded(part.output, workers) if part.first else nullcontext():
            yield part
    except StdaskError as exc:
        exc.add_note(f"[surveys.a{number + 1}]")
        raise


def run_stages(
    entries: Sequence[StageEntry], run: Run, workers: Workers, arguments: Mapping[str, Any] | None = None
) -> list[Receipt[Any]]:
    """Run some stages; return their receipts.

    Parameters
    ----------
    entries
        The stages, from the registry.
    run, workers
        The run and its workers.
    arguments
        Further arguments that a stage may take, by name.
    """
    _write_copy(run)
    receipts = []
    for entry in entries:
        module, function = entry.function.split(":")
        further = {name: (arguments or {}).get(name) for name in entry.optional}
        receipts.append(getattr(import_module(module), function)(run, workers, **entry.fixed, **further))
        if entry.changes_card:
            write_card(run)
    return receipts


def require_stages(run: Run, word: str) -> None:
    """Raise if no survey of a run has the stages of a name or command.

    Raises
    ------
    ConfigError
        Saying why not.
    """
    names = [entry.name for entry in STAGES.values() if word in (entry.name, entry.command)]
    if not any(name in stages_of(part) for part in run.parts for name in names):
        for name in names:
            entry_of(run, name)  # raises


def truth_of_each(run: Run, truths: Sequence[Path]) -> Sequence[Path | None]:
    """Return the table of true labels of each translated survey, None where there is none.

    Raises
    ------
    ConfigError
        If there are tables, but not as many as surveys.
    """
    if truths and len(truths) != len(run.parts):
        raise ConfigError(
            f"{len(truths)} tables of true labels are given for {len(run.parts)} translated surveys. Give --truth once "
            "for each of them, in their order."
        )
    return truths or [None] * len(run.parts)


def _write_copy(run: Run) -> None:
    """Write the run file with all defaults, and the definitions, into the run folder."""
    unused = {name for name in ("further", "first") if not getattr(run, name)}
    content = run.model_dump_json(indent=1, exclude=unused)
    write_text(run.output / paths.RUN_COPY, f'{{"stdask": "{__version__}", "run": {content}}}\n')


def forget(output: Path, stages: Sequence[str]) -> None:
    """Remove the receipts and ledgers of stages, so that they are repeated.

    Parameters
    ----------
    output
        The run folder.
    stages
        Names of stages or of their commands.

    Raises
    ------
    ConfigError
        If there is no stage of a name.
    """
    for word in stages:
        entries = [entry for entry in STAGES.values() if word in (entry.name, entry.command)]
        if not entries:
            raise ConfigError(f"No stage {word!r}. The stages are {', '.join(STAGES)}.")
        for entry in entries:
            paths.receipt(output, entry.name).unlink(missing_ok=True)
            remove_ledgers(output, entry.name)


def accept_results_of(run: Run) -> None:
    """Keep the stages that another version has finished, or begun, although this one gives other results."""
    for part in run.parts:
        accept_stages(part.output, stages_of(part))


def accept_stages(output: Path, stages: Iterable[str]) -> None:
    """Keep some stages in a folder that another version has finished, or begun."""
    for stage in stages:
        accept_ledgers(output, stage)
        if receipt := accept_results(output, stage):
            say(f"{stage}: the results of stdask {receipt.version} are accepted", "yellow")


def check_files(run: Run, first: str = COMMANDS[0], truths: Sequence[Path] = ()) -> None:
    """Open every file that stages will read, so that a wrong path is reported before any work is done.

    Parameters
    ----------
    run
        The run.
    first
        Command of the first stage that is to run: what only earlier ones read may be gone.
    truths
        Tables of the true labels, if evaluate is to compare with them: one for each translated survey.

    Raises
    ------
    ConfigError
        If `[[merge.also]]` names a folder that holds no run, or the number of truths is not that of the surveys.
    CatalogueError, SurveyError
        If a file is missing or unreadable, or lacks a column, or a table of `[evaluate]` names no stars.
    """
    later = COMMANDS[COMMANDS.index(first) :]
    for number, truth in enumerate(truth_of_each(run, truths)):
        try:
            _check_part(run.parts[number], later, truth)
        except StdaskError as exc:
            if run.further:
                exc.add_note(f"[surveys.a{number + 1}]")
            raise
    if "merge" in later:
        _check_merge(run)


def _check_part(run: Run, later: Sequence[str], truth: Path | None) -> None:
    """Open what is read for one survey by some commands."""
    if "ingest" in later:
        for side in "ab":
            _check_survey(run, side)
    lists = run.config.pair.exclude if run.config.pair and "pair" in later else ()
    for stars in (*lists, *(run.config.merge.exclude if "merge" in later else ())):
        open_survey(run.data_dir / stars.file).require([stars.column])
    if "evaluate" in later:
        check_known_stars(run)
    if truth and "evaluate" in later:
        labels = [item.label for family in FAMILIES for item in run.config.train.labels(family)]
        open_survey(truth).require(["ID_A", *labels])


def _check_survey(run: Run, side: str) -> None:
    definition = run.definition(side)
    fit_definition(definition, open_tables(definition, run.survey_files(side)), run.used_columns(side))
    if definition.ebv_map and not (path := run.data_dir / definition.ebv_map).is_file():
        raise SurveyError(f"No map of E(B-V) at {path}. Correct `ebv_map`, or name its folder with --data-dir.")


def _check_merge(run: Run) -> None:
    if run.config.merge.globular_clusters:
        open_survey(run.data_dir / run.config.merge.globular_clusters).require(CLUSTER_COLUMNS)
    for item in run.config.merge.also:  # which may still be under way
        if not (item.run / paths.RUN_COPY).is_file():
            raise ConfigError(
                f"[[merge.also]] run = {str(item.run)!r}: there is no run of stdask. Correct the path, or start that "
                "run first."
            )
