"""The command line: one command a stage, `run` for all of them, `demo` to see them at work."""

import signal
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from stdask import __version__
from stdask.cli.cluster import cluster_app
from stdask.cli.options import DataDir, Output, Profile, RunFile, Truth, WorkerCount, choose_cluster, load, with_workers
from stdask.cli.survey import survey_app
from stdask.cluster.jobs import DIALECTS
from stdask.cluster.workers import Workers
from stdask.config.atlas import is_atlas_file, load_atlas
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, load_run
from stdask.display.console import say
from stdask.errors import ConfigError, IncompleteError, StdaskError
from stdask.network.recipe import PRESETS
from stdask.runs.lock import hold
from stdask.runs.registry import stages_of
from stdask.stages.atlas import table as atlas_table
from stdask.tools import export, study, verify
from stdask.tools.bench import bench
from stdask.tools.demo import PAPER_SCALE, prepare, print_recovery, print_speed
from stdask.tools.run import run_all, run_stages
from stdask.tools.status import print_status
from stdask.tools.validate import validate

app = typer.Typer(
    name="stdask",
    help="Put one spectroscopic survey on another survey's scale, and map the Galaxy from the result.",
    epilog="Example: stdask run jobs/lamost_to_apogee.toml --data-dir ~/surveys",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.command("run", epilog="Example: stdask run jobs/lamost_to_apogee.toml --data-dir ~/surveys --output runs/first")
def run_command(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    truth: Truth = None,
) -> None:
    """Run all stages, from survey files to maps and report. What is done is skipped; what was cut off goes on."""
    run = load(run_file, data_dir, output, workers, profile)
    with_workers(run, run_all, truth)


@app.command("demo", epilog="Example: stdask demo --stars 100000 --output /tmp/demo")
def demo_command(
    stars: Annotated[int, typer.Option(min=2000, help="Stars in each of the two mock surveys.")] = 30_000,
    paper_scale: Annotated[
        bool, typer.Option("--paper-scale", help="588,571 and 733,901 stars, 13,664 in common, as in the paper.")
    ] = False,
    output: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("stdask-demo"),
    workers: WorkerCount = None,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another mock.")] = 7,
) -> None:
    """See everything at work: two mock surveys with known truth, translated, merged, mapped and compared."""
    sizes = PAPER_SCALE if paper_scale else (stars, stars, max(500, stars // 8))
    with hold(output):
        run, truth = prepare(output, *sizes, seed)
    if workers:
        run = load(output / "run.toml", None, None, workers)
    with_workers(run, run_all, truth)
    print_recovery(run)
    print_speed(run)


@app.command("ingest", epilog="Example: stdask ingest run.toml --data-dir ~/surveys")
def ingest_command(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
) -> None:
    """Survey files to HATS catalogues: cuts, units, dereddening; bad rows set aside with a reason."""
    with_workers(load(run_file, data_dir, output, workers, profile), stage_work("ingest"))


def stage_work(command: str) -> Callable[..., Any]:
    """Return what runs the stages of a command."""

    def work(run: Run, workers: Workers, truth: Path | None = None) -> None:
        run_stages(stages_of(command), run, workers, {"truth": truth})

    return work


def _add_stage(name: str) -> None:
    """Add the command of a stage that takes nothing but the run."""

    @app.command(name, help=stages_of(name)[0].summary, epilog=f"Example: stdask {name} run.toml --data-dir ~/surveys")
    def command(
        run_file: RunFile,
        data_dir: DataDir = None,
        output: Output = None,
        workers: WorkerCount = None,
        profile: Profile = None,
    ) -> None:
        with_workers(load(run_file, data_dir, output, workers, profile), stage_work(name))


_add_stage("pair")
_add_stage("train")


@app.command("evaluate", epilog="Example: stdask evaluate run.toml --truth truth_a.parquet")
def evaluate_command(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    truth: Truth = None,
) -> None:
    """Unseen stars against B: residuals, coverage, importance; beside raw A and simpler methods."""
    with_workers(load(run_file, data_dir, output, workers, profile), stage_work("evaluate"), truth)


@app.command(
    "validate",
    epilog="Example: stdask validate run.toml --members occam_members.parquet --only clusters --only missing",
)
def validate_command(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    truth: Truth = None,
    members: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Members of clusters: `cluster`, and `ID_A` or `ra` and `dec`."),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"One of {', '.join(validate.CHECKS)}. [default: all]")
    ] = None,
) -> None:
    """Hard questions to a trained run: missing and wrong inputs, velocities, clusters, the way back, repeats, draws."""
    with_workers(load(run_file, data_dir, output, workers, profile), validate.run, truth, members, tuple(only or ()))


_add_stage("translate")
_add_stage("merge")


@app.command(
    "atlas", epilog="Example: stdask atlas run.toml; stdask atlas mine.fits --output maps; stdask atlas mine.toml"
)
def atlas_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="RUN.toml|TABLE|ATLAS.toml", help="The run file; or a table of your own, or what it is."
        ),
    ],
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
) -> None:
    """Maps, profiles and gradients: of a run's merged catalogue, or of any table with positions and abundances."""
    if not is_atlas_file(file):
        with_workers(load(file, data_dir, output, workers, profile), stage_work("atlas"))
        return
    own = load_atlas(file, output)
    with hold(own.output), Workers(choose_cluster(own.cluster, workers, profile), own.output) as started:
        atlas_table.run_table(own, started)


_add_stage("report")


@app.command(
    "study", epilog="Example: stdask study jobs/lamost_to_apogee.toml --data-dir ~/surveys --folds 5 --recipes"
)
def study_command(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    folds: Annotated[int, typer.Option(min=1, help="1: the run's own test stars. More: every pair tests once.")] = 1,
    recipes: Annotated[bool, typer.Option("--recipes", help="Other ways to train the networks as well.")] = False,
    recipe: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"One of them: {', '.join(study.RECIPES)}.")
    ] = None,
) -> None:
    """Train anew and test: the translation beside raw A, all simpler methods and other recipes. Needs `pair`."""
    if unknown := set(recipe or ()) - set(study.RECIPES):
        raise ConfigError(f"No recipe {unknown.pop()!r}. There are {', '.join(study.RECIPES)}.")
    chosen = tuple(study.RECIPES) if recipes else tuple(recipe or ())
    with_workers(load(run_file, data_dir, output, workers, profile), study.run, folds, chosen)


@app.command(
    "bench",
    epilog="Example: stdask bench --json bench.json; stdask bench --plan run.toml --data-dir ~/surveys; "
    "stdask bench --ingest 1000000",
)
def bench_command(
    preset: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help=f"One of {', '.join(PRESETS)}. [default: all]")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is timed; medians are printed.")] = 5,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file as well.")] = None,
    plan: Annotated[
        Path | None, typer.Option(metavar="RUN.toml", help="Say what this run's translation will cost here instead.")
    ] = None,
    data_dir: DataDir = None,
    rows: Annotated[
        int | None,
        typer.Option(
            "--ingest",
            metavar="ROWS",
            min=1,
            help="Ingest a made-up table of so many rows in GALAH DR3's layout instead, in a folder here that is "
            "removed at the end; about 1 kB a row.",
        ),
    ] = None,
) -> None:
    """Measure how fast this machine translates, beside its matrix product and a Keras loop; or foretell a cost."""
    if plan is not None and (preset or json_file or rows):
        raise ConfigError("--plan foretells one run, as its file says: leave out --preset, --ingest and --json.")
    if rows is not None and preset:
        raise ConfigError("--ingest translates nothing: leave out --preset.")
    if plan is not None:
        bench.plan(load_run(plan, data_dir))
        return
    if rows is not None:
        bench.ingest_rate(rows, json_file)
        return
    if unknown := set(preset or ()) - set(PRESETS):
        raise ConfigError(f"No preset {unknown.pop()!r}. There are {', '.join(PRESETS)}.")
    bench.run(preset or list(PRESETS), repeats, json_file)


@app.command("status", epilog="Example: stdask status runs/first")
def status_command(
    path: Annotated[Path, typer.Argument(metavar="RUN_FOLDER|RUN.toml", help="Folder of the run, or its run file.")],
    data_dir: DataDir = None,
) -> None:
    """Say how far a run is, which stages are done, and what failed; starts nothing and changes nothing.

    With the run file, settings and survey files are compared with the last run: what `stdask run` would do.
    """
    print_status(path, data_dir)


@app.command("export", epilog="Example: stdask export runs/first/catalogues/merged merged.fits")
def export_command(
    catalogue: Annotated[Path, typer.Argument(help="Folder of a catalogue.")],
    fits: Annotated[Path, typer.Argument(metavar="FILE.fits", help="FITS table to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a catalogue as one FITS table, with units and descriptions."""
    export.export_fits(catalogue, fits, overwrite)


@app.command("verify", epilog="Example: stdask verify runs/first --workers 4")
def verify_command(
    path: Annotated[Path, typer.Argument(metavar="RUN_FOLDER|RUN.toml", help="Folder of the run, or its run file.")],
    workers: WorkerCount = None,
    profile: Profile = None,
) -> None:
    """Read everything again that a run has written; what is damaged, the next run makes again. Exit code 3 if any."""
    run = load_run(path) if path.is_file() else None
    output = run.output if run else path.resolve()
    cluster = choose_cluster(run.config.cluster if run else ClusterConfig(), workers, profile)
    alone = cluster.kind in DIALECTS  # jobs, of which a run folder has room for those of one command
    with hold(output) if alone else nullcontext(), Workers(cluster, output) as started:
        verify.run(output, started)


app.add_typer(cluster_app, name="cluster", no_args_is_help=True)
app.add_typer(survey_app, name="survey", no_args_is_help=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"stdask {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    """Run the command line; an error with a remedy is one line and exit code 2, without a traceback."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except IncompleteError as exc:
        _fail(str(exc), code=3)
    except StdaskError as exc:
        _fail(str(exc))
    except TimeoutError as exc:  # an OSError too, often without words
        _fail(
            f"Timed out: {str(exc) or 'the workers did not answer'}. Start again, with fewer workers if this machine "
            "is overloaded: what is done is kept."
        )
    except OSError as exc:  # no such folder, no permission, disk full: the message names the file
        _fail(f"{exc}. Check the path, its permissions and the free space.")


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as signal calls it
    """End as on any error, so that workers are stopped and the folder is free: batch systems warn before they kill."""
    sys.exit(128 + number)


def _fail(message: str, code: int = 2) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"stdask: {message}", style="bold red", markup=False)
    sys.exit(code)
