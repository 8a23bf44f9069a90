"""What the commands share: their options, and how the command of a run starts."""

import contextlib
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stdask.config.addresses import is_address, require_utf8
from stdask.config.run import Run, with_workers
from stdask.config.toml import local_path
from stdask.errors import ConfigError
from stdask.runs.run_file import open_run

if TYPE_CHECKING:
    from stdask.cluster.workers import Workers


def path(text: str) -> Path:
    """Return a path that the user gave, with the home folder in place of `~`.

    Raises
    ------
    ConfigError
        If it is not UTF-8, or is relative to a working directory that is not or is gone, or to an unknown home folder.
    """
    given = local_path(text)
    try:
        require_utf8(Path.cwd() / given)
    except FileNotFoundError as exc:
        if not given.is_absolute():
            raise ConfigError(
                f"The working directory no longer exists, and {given} is relative to it. Change to another folder with "
                "`cd` and run the command there."
            ) from exc
    return require_utf8(given)


def place(text: str) -> str:
    """Return a path or an address that the user gave, for `locate`."""
    return text if is_address(text) else str(path(text))


def examples(*lines: str) -> str:
    """Return the last lines of a command's help, which are shown as they are."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  stdask {line}" for line in lines)])


RunPath = Annotated[
    Path, typer.Argument(metavar="RUN_FOLDER|RUN.toml", parser=path, help="Folder of the run, or its run file.")
]
RunFile = Annotated[Path, typer.Argument(metavar="RUN.toml", parser=path, help="Run file.")]
DataDir = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", parser=path, help="Folder of the survey files. [default: folder of the run file]"),
]
Output = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", parser=path, help="Folder of the run. [default: `output` of the run file]"),
]
WorkerCount = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", min=1, help="Number of worker processes. [default: [cluster] workers, or one a core]"
    ),
]
Profile = Annotated[
    Path | None,
    typer.Option(
        "--cluster", metavar="PROFILE.toml", parser=path, help="Cluster profile, used instead of [cluster] in the file."
    ),
]
AllowRemote = Annotated[
    bool,
    typer.Option("--allow-remote", help="Read survey files from other machines, where their addresses are given."),
]
Truth = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        parser=path,
        help="Table of the true labels of a mock survey A, to compare with. Of several surveys: once for each.",
    ),
]


def load(
    run_file: RunFile,
    data_dir: DataDir = None,
    output: Output = None,
    workers: WorkerCount = None,
    profile: Profile = None,
    allow_remote: AllowRemote = False,
) -> Run:
    """Return the run as the options ask for it."""
    return with_workers(open_run(run_file, data_dir, output, allow_remote), workers, profile)


@contextlib.contextmanager
def started(run: Run) -> Iterator["Workers"]:
    """Keep other commands out of the run folder, and record the progress there, while the block uses the workers."""
    from stdask.runs.session import session

    with session(run.output, run.config.cluster, further=[part.output for part in run.further]) as workers:
        yield workers


def on_a_run(work: Callable[..., Any]) -> Callable[..., None]:
    """Make a command of a function of a run, its workers and options of its own.

    The command has the options of `load` first, then those that the function has after the run and its workers.
    """
    own = list(signature(work).parameters.values())[2:]
    parameters = [*signature(load).parameters.values(), *own]

    @wraps(work)
    def command(**given: Any) -> None:
        options = {parameter.name: given.pop(parameter.name) for parameter in own}
        run = load(**given)
        with started(run) as workers:
            work(run, workers, **options)

    # typer reads both to find out what a command takes
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command
