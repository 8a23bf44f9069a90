"""The commands of a run: `run` for all stages, and one command a stage, from the registry of stages."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stdask.cli.options import (
    AllowRemote,
    DataDir,
    Output,
    Profile,
    Truth,
    WorkerCount,
    examples,
    load,
    on_a_run,
    place,
    started,
)
from stdask.config.atlas import is_atlas_file, load_atlas
from stdask.config.cluster import choose_cluster
from stdask.config.run import Run
from stdask.display.console import say
from stdask.runs.registry import CLOSURE, COMMANDS, STAGES

if TYPE_CHECKING:
    from stdask.cluster.workers import Workers

stages_app = typer.Typer()
Redo = Annotated[bool, typer.Option("--redo", help="Repeat the stage even if it is finished.")]
AcceptVersion = Annotated[
    bool,
    typer.Option(
        "--accept-version",
        help="Keep stages that another version of stdask finished, although their results have changed since.",
    ),
]


@stages_app.command(
    "run",
    epilog=examples(
        "run jobs/lamost_to_apogee.toml --data-dir ~/surveys",
        "run run.toml --cluster deploy/slurm.toml --workers 64",
        "run run.toml --redo train --redo atlas",
    ),
)
@on_a_run
def run_command(
    run: Run,
    workers: "Workers",
    truth: Truth = None,
    redo: Annotated[
        list[str] | None,
        typer.Option(metavar="STAGE", help="Repeat this stage even if it is finished. Several are possible."),
    ] = None,
    accept_version: AcceptVersion = False,
) -> None:
    """Run all stages: from survey files to maps and a report.

    Finished stages are skipped. Run the same command again to resume a run that was stopped. `stdask status RUN.toml`
    is the dry run: it shows which stages would run, and why.
    """
    from stdask.tools.run import accept_results_of, run_all

    if accept_version:
        accept_results_of(run)
    run_all(run, workers, truth or (), redo or ())


def _run_stage(
    command: str, run: Run, workers: "Workers", redo: bool, accept_version: bool, truths: Sequence[Path] = ()
) -> None:
    from stdask.tools.run import accept_results_of, check_files, forget, require_stages, run_commands

    if accept_version:
        accept_results_of(run)
    if command == CLOSURE and not run.others:
        say("closure: this run translates one survey, so there is nothing to compare")
        return
    check_files(run, command, truths)
    require_stages(run, command)
    if redo:
        for part in run.parts:
            forget(part.output, [command])
    run_commands(run, workers, [command], truths)


def _stage_command(name: str) -> Callable[..., None]:
    """Return the command of a stage that takes nothing but the run."""

    @on_a_run
    def command(run: Run, workers: "Workers", redo: Redo = False, accept_version: AcceptVersion = False) -> None:
        _run_stage(name, run, workers, redo, accept_version)

    return command


@on_a_run
def evaluate_command(
    run: Run, workers: "Workers", truth: Truth = None, redo: Redo = False, accept_version: AcceptVersion = False
) -> None:
    """Run the stage, and compare with the truth where it is known."""
    _run_stage("evaluate", run, workers, redo, accept_version, truth or ())


def atlas_command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="RUN.toml|TABLE|ATLAS.toml",
            parser=place,
            help="Run file; or a table of your own: a file, a folder of files, a HATS catalogue; or an atlas file that "
            "describes one.",
        ),
    ],
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    allow_remote: AllowRemote = False,
    redo: Redo = False,
    accept_version: AcceptVersion = False,
) -> None:
    """Run the stage, or draw the maps of any table."""
    if not is_atlas_file(file):
        run = load(Path(file), data_dir, output, workers, profile, allow_remote)
        with started(run) as of_run:
            _run_stage("atlas", run, of_run, redo, accept_version)
        return
    from stdask.runs.session import session
    from stdask.tools.atlas import atlas_of_table
    from stdask.tools.run import accept_stages, forget

    own = load_atlas(file, output)
    cluster = choose_cluster(own.cluster, workers, profile)
    with session(own.output, cluster) as of_table:
        if redo:
            forget(own.output, ["atlas"])
        if accept_version:
            accept_stages(own.output, ["atlas", "report"])
        atlas_of_table(own, of_table, allow_remote)


# commands with options of their own, and what else there is to show
OWN: dict[str, Callable[..., Any]] = {"evaluate": evaluate_command, "atlas": atlas_command}
EXAMPLES = {
    "ingest": ("ingest run.toml --data-dir ~/surveys",),
    "evaluate": ("evaluate run.toml", "evaluate run.toml --truth truth_a.parquet"),
    "translate": ("translate run.toml --cluster deploy/slurm.toml --workers 64",),
    "atlas": ("atlas run.toml", "atlas mine.fits --output maps", "atlas catalogues/merged", "atlas mine.toml"),
}
for name in COMMANDS:
    summary = next(entry.summary for entry in STAGES.values() if entry.command == name)
    lines = EXAMPLES.get(name, (f"{name} run.toml",))
    stages_app.command(name, help=summary, epilog=examples(*lines))(OWN.get(name) or _stage_command(name))
