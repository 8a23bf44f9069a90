"""The command line. A command imports its stage when it is called, so that help and status are fast."""

import signal
import sys
from typing import Annotated, NoReturn

import typer

from stdask import __version__
from stdask.cli.cluster import cluster_app
from stdask.cli.ensembles import ensembles_app
from stdask.cli.options import examples
from stdask.cli.stages import stages_app
from stdask.cli.survey import survey_app
from stdask.cli.tools import tools_app
from stdask.errors import IncompleteError, StdaskError

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes, as shells have them
RESUME = "Stopped. Run the same command again to resume: finished stages and partitions are kept."

app = typer.Typer(
    name="stdask",
    help="Put one spectroscopic survey on another survey's scale, and map the Galaxy from the result.",
    epilog=examples("demo", "run jobs/lamost_to_apogee.toml --data-dir ~/surveys"),
    no_args_is_help=True,
    rich_markup_mode=None,  # help texts are shown as they are written, [brackets] included
    pretty_exceptions_enable=False,
)
app.add_typer(stages_app)
app.add_typer(tools_app)
app.add_typer(ensembles_app)
app.add_typer(cluster_app, name="cluster", no_args_is_help=True)
app.add_typer(survey_app, name="survey", no_args_is_help=True)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"stdask {__version__}")
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
    except SystemExit as exc:
        if exc.code in INTERRUPTED:
            _fail(RESUME, exc.code)
        raise
    except IncompleteError as exc:
        _fail(str(exc), code=3)
    except StdaskError as exc:
        _fail(str(exc))
    except TimeoutError as exc:  # an OSError too, often without words
        _fail(
            f"Timed out: {str(exc) or 'the workers did not answer'}. Run the same command again to resume, with fewer "
            "workers if this machine is overloaded."
        )
    except OSError as exc:  # no such folder, no permission, disk full: the message names the file
        _fail(f"{exc}. Check the path, its permissions and the free space.")


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as signal calls it
    """End as on any error, so that workers are stopped and the folder is free: batch systems warn before they kill."""
    sys.exit(128 + number)


def _fail(message: str, code: int = 2) -> NoReturn:
    from rich.console import Console

    Console(stderr=True, highlight=False, soft_wrap=True).print(f"stdask: {message}", style="bold red", markup=False)
    sys.exit(code)
