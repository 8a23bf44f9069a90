"""The options that many commands share, and what they ask for."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig, load_profile
from stdask.config.run import Run, load_run
from stdask.runs.lock import hold
from stdask.runs.progress import recorded

RunFile = Annotated[
    Path, typer.Argument(metavar="RUN.toml", help="The run file: what is translated, how, and where to.")
]
DataDir = Annotated[Path | None, typer.Option(help="Folder of the survey files. [default: the run file's own]")]
Output = Annotated[Path | None, typer.Option(help="Folder of the run, instead of the run file's `output`.")]
WorkerCount = Annotated[int | None, typer.Option(min=1, help="Worker processes, instead of `workers` in run.toml.")]
Profile = Annotated[
    Path | None,
    typer.Option("--cluster", metavar="PROFILE.toml", help="`[cluster]` of this site, instead of the run file's own."),
]
Truth = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="True labels of a mock survey A, to compare with as well."),
]


def load(
    path: Path, data_dir: Path | None, output: Path | None, workers: int | None, profile: Path | None = None
) -> Run:
    """Return the run as the options ask for it."""
    run = load_run(path, data_dir, output)
    cluster = choose_cluster(run.config.cluster, workers, profile)
    return run.model_copy(update={"config": run.config.model_copy(update={"cluster": cluster})})


def choose_cluster(own: ClusterConfig, workers: int | None, profile: Path | None) -> ClusterConfig:
    """Return where the workers are started: as the options ask for it."""
    cluster = load_profile(profile) if profile else own
    return cluster if workers is None else cluster.model_copy(update={"workers": workers})


def with_workers(run: Run, work: Callable[..., Any], *arguments: Any) -> None:
    """Do the work of a run, its folder held and its workers started."""
    with hold(run.output), Workers(run.config.cluster, run.output) as workers, recorded(run.output, workers):
        work(run, workers, *arguments)
