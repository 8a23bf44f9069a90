"""The commands around a run: try stdask, look at a run, test it, measure this machine, export a catalogue."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stdask.cli.options import (
    AllowRemote,
    DataDir,
    Profile,
    RunPath,
    Truth,
    WorkerCount,
    examples,
    load,
    on_a_run,
    path,
    started,
)
from stdask.config.cluster import ClusterConfig, choose_cluster
from stdask.config.run import Run, load_run
from stdask.errors import ConfigError

if TYPE_CHECKING:
    from stdask.cluster.workers import Workers

tools_app = typer.Typer()


@tools_app.command("demo", epilog=examples("demo", "demo --stars 100000 --output /tmp/demo"))
def demo_command(
    stars: Annotated[int, typer.Option(metavar="N", min=2000, help="Stars in each of the two mock surveys.")] = 30_000,
    paper_scale: Annotated[
        bool,
        typer.Option("--paper-scale", help="Surveys as large as those of the paper: 588,571 and 733,901 stars."),
    ] = False,
    output: Annotated[Path, typer.Option(metavar="FOLDER", parser=path, help="Folder of the demo.")] = Path(
        "stdask-demo"
    ),
    workers: WorkerCount = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Seed of the mock surveys and of the run.")] = 7,
) -> None:
    """Try everything on two mock surveys with known truth.

    Makes the surveys, translates A to the scale of B, merges and maps them, and compares the result with the truth.
    """
    from stdask.runs.lock import hold
    from stdask.tools import demo
    from stdask.tools.run import run_all

    sizes = demo.PAPER_SCALE if paper_scale else (stars, stars, max(500, stars // 8))
    with hold(output):
        run, truth = demo.prepare(output, *sizes, seed)
    if workers:
        run = load(output / "run.toml", workers=workers)
    with started(run) as own_workers:
        run_all(run, own_workers, [truth])
    demo.print_recovery(run.output)
    demo.print_speed(run.output, run.config.train)


@tools_app.command("status", epilog=examples("status runs/first", "status run.toml"))
def status_command(
    run_path: RunPath,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", parser=path, help="Folder of the survey files. [default: that of the last run]"),
    ] = None,
    allow_remote: AllowRemote = False,
) -> None:
    """Show which stages of a run are done, and what failed.

    Starts nothing and changes nothing. With a run file this is the dry run of `stdask run`: the settings and survey
    files are compared with those of the last run, and stages that would be repeated are listed with the reason.
    """
    from stdask.tools.status import print_status

    print_status(run_path, data_dir, allow_remote)


@tools_app.command("verify", epilog=examples("verify runs/first", "verify run.toml --workers 4"))
def verify_command(run_path: RunPath, workers: WorkerCount = None, profile: Profile = None) -> None:
    """Read all files of a run again, and list damaged ones.

    The next `stdask run` rebuilds files that are damaged or missing. The exit code is 3 if there are any.
    """
    from stdask.cluster.jobs import DIALECTS
    from stdask.cluster.workers import Workers
    from stdask.runs.lock import hold
    from stdask.runs.run_file import known_run
    from stdask.tools import verify

    run = load_run(run_path) if run_path.is_file() else None
    output = run.output if run else run_path.resolve()
    known = run or known_run(output)
    cluster = choose_cluster(run.config.cluster if run else ClusterConfig(), workers, profile)
    alone = cluster.kind in DIALECTS  # batch jobs: a run folder has room for those of one command
    with hold(output) if alone else nullcontext(), Workers(cluster, output) as own_workers:
        verify.run(output, own_workers, [part.output for part in known.further] if known else [])


@tools_app.command(
    "validate",
    epilog=examples("validate run.toml", "validate run.toml --members members.parquet --only clusters"),
)
@on_a_run
def validate_command(
    run: Run,
    workers: "Workers",
    truth: Truth = None,
    members: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=path,
            help="Table of the members of star clusters: `cluster`, and `ID_A` or `ra` and `dec`. Default: that of "
            "`[evaluate] clusters`.",
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Only this check, of missing, domain, velocities, clusters, roundtrip, triangle, repeats and draws. "
            "Several are possible.",
        ),
    ] = None,
) -> None:
    """Check a trained run for known weaknesses.

    Checks what becomes of missing and shifted inputs, velocities, star clusters, stars translated there and back,
    repeated observations, and how many draws are enough.
    """
    from stdask.tools.run import at_survey, truth_of_each
    from stdask.tools.validate import validate

    for number, own in enumerate(truth_of_each(run, truth or ())):
        with at_survey(run, number, workers) as part:
            validate.run(part, workers, own, members, tuple(only or ()))


@tools_app.command(
    "study", epilog=examples("study run.toml --folds 5", "study run.toml --recipe paper --recipe 'no dropout'")
)
@on_a_run
def study_command(
    run: Run,
    workers: "Workers",
    folds: Annotated[
        int,
        typer.Option(metavar="N", min=1, help="Parts of a cross-validation. 1: the test stars of the run alone."),
    ] = 1,
    recipes: Annotated[bool, typer.Option("--recipes", help="Compare all recipes.")] = False,
    recipe: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare this recipe. Several are possible; a wrong name lists all."),
    ] = None,
) -> None:
    """Compare the networks with simpler methods and recipes.

    Networks are trained again, and tested on stars left out of the training. A recipe is another way to train them.
    Run `stdask pair` first. The networks of the run are not changed.
    """
    from stdask.tools import study
    from stdask.tools.run import at_survey

    if unknown := set(recipe or ()) - set(study.RECIPES):
        raise ConfigError(f"No recipe {unknown.pop()!r}. Recipes: {', '.join(study.RECIPES)}.")
    for number in range(len(run.parts)):
        with at_survey(run, number, workers) as part:
            study.run(part, workers, folds, tuple(study.RECIPES) if recipes else tuple(recipe or ()))


Presets = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this preset: paper or compact.")]
Repeats = Annotated[int, typer.Option(metavar="N", min=1, help="Number of measurements; their medians are printed.")]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", parser=path, help="Also write the numbers to this file.")
]
Plan = Annotated[
    Path | None,
    typer.Option(
        metavar="RUN.toml",
        parser=path,
        help="Measure nothing; estimate time, memory and disk of this run's translation here.",
    ),
]
IngestRows = Annotated[
    int | None,
    typer.Option(
        "--ingest",
        metavar="ROWS",
        min=1,
        help="Measure ingest instead, with a mock table of this length (1 kB a row, in a temporary folder here).",
    ),
]


@tools_app.command(
    "bench",
    epilog=examples("bench --json bench.json", "bench --plan run.toml --data-dir ~/surveys", "bench --ingest 1000000"),
)
def bench_command(
    preset: Presets = None,
    repeats: Repeats = 5,
    json_file: JsonFile = None,
    plan: Plan = None,
    data_dir: DataDir = None,
    rows: IngestRows = None,
    joined: Annotated[
        bool, typer.Option("--joined", help="With --ingest: as tables that are joined, and as one wide table.")
    ] = False,
) -> None:
    """Measure how fast this machine translates.

    The speed is compared with that of the machine's matrix product and of a Keras loop. --plan estimates the cost of a
    run, and --ingest measures the conversion of a survey file, instead.
    """
    from stdask.network.presets import PRESETS
    from stdask.runs.run_file import open_run
    from stdask.tools.bench import bench

    if plan is not None and (preset or json_file or rows):
        raise ConfigError("--plan estimates one run, as its file says: leave out --preset, --ingest and --json.")
    if rows is not None and preset:
        raise ConfigError("--ingest translates nothing: leave out --preset.")
    if joined and rows is None:
        raise ConfigError("--joined needs --ingest, with the number of rows of each table.")
    if unknown := set(preset or ()) - set(PRESETS):
        raise ConfigError(f"No preset {unknown.pop()!r}. Presets: {', '.join(PRESETS)}.")
    if plan is not None:
        for part in open_run(plan, data_dir).parts:
            bench.plan(part)
    elif rows is not None:
        bench.ingest_rate(rows, joined, json_file)
    else:
        bench.run(preset or list(PRESETS), repeats, json_file)


@tools_app.command(
    "export",
    epilog=examples(
        "export runs/first/catalogues/merged merged.fits",
        "export catalogues/merged giants.parquet --where 'LOGG < 3.5'",
        "export catalogues/a_on_b a1.vot --published --columns ra,dec",
        "export catalogues/a_on_b cds/table.dat --cds --published",
    ),
)
def export_command(
    catalogue: Annotated[Path, typer.Argument(metavar="FOLDER", parser=path, help="Folder of a catalogue.")],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            parser=path,
            help="File to write: .fits, .fits.gz, .parquet, .vot, .ecsv or .csv.",
        ),
    ],
    columns: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B,C", help="Write these columns, in this order. Several times is possible."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Write the columns of Table A.1 of Thomas et al. 2024.")
    ] = False,
    where: Annotated[
        str | None,
        typer.Option(metavar="EXPRESSION", help="Write the stars that fulfil this condition on the columns."),
    ] = None,
    cds: Annotated[
        bool,
        typer.Option("--cds", help="Write a table for the CDS (VizieR), FILE.dat, and the file ReadMe next to it."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write a catalogue as one file.

    The ending of FILE decides the format. All but CSV keep the units and descriptions of the columns. A missing value
    fulfils no condition.
    """
    from stdask.tools.export import export

    export(catalogue, file, columns or (), published, where, cds, overwrite)
