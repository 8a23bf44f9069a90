"""The command line. A command imports its stage when it is called, so that help and status are fast."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, NoReturn

import typer

from stdask import __version__
from stdask.cli.cluster import cluster_app
from stdask.cli.ensembles import ensembles_app
from stdask.cli.options import examples
from stdask.cli.stages import stages_app
from stdask.cli.survey import survey_app
from stdask.cli.tools import tools_app
from stdask.display.console import console
from stdask.display.library_log import as_a_command
from stdask.display.terminal import Stream, Terminal
from stdask.environment import own_process, start_plainly
from stdask.errors import IncompleteError, StdaskError, machine_error

INTERRUPTED = (128 + signal.SIGINT, 128 + signal.SIGTERM)  # exit codes, as shells have them
CLOSED_PIPE = 128 + signal.SIGPIPE  # exit code of a command whose output nobody reads to its end
LOST = (
    "Cannot write to the standard output: {reason}. What this command printed is not complete; the files that it wrote "
    "are. Make room for the output, or send it elsewhere."
)
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
    start_plainly()
    signal.signal(signal.SIGTERM, _stop)
    _open_streams()
    code, message = _result()
    if lost := _lost_output():
        closed = isinstance(lost, BrokenPipeError)  # As by `| head`, which needs no word.
        if not message and not closed:
            message = LOST.format(reason=_reason(lost))
        code = code or (CLOSED_PIPE if closed else 2)
    if message:
        Terminal(stderr=True).print(f"stdask: {message}", style="bold red", markup=False)
    sys.exit(code)


def _result() -> tuple[int, str]:
    """Run the command; return its exit code and what is to be said of its end, empty for nothing."""
    try:
        with own_process(), _patient_output(), as_a_command():
            app()
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(bool(exc.code))
        if code in INTERRUPTED:
            return code, RESUME
        if not isinstance(exc.__context__, BrokenPipeError):
            return code, ""
        # Typer takes each broken connection for an output that is closed.
        return (CLOSED_PIPE, "") if _lost_output() else (2, str(machine_error(exc.__context__)))
    except IncompleteError as exc:
        return 3, str(exc)
    except StdaskError as exc:
        return 2, str(exc)
    except Exception as exc:
        if message := _in_words(exc):
            return 2, message
        raise
    return 0, ""


def _in_words(error: Exception) -> str:
    """Return what an error of Python or of a library means, and what to do; empty for an error in the program."""
    if isinstance(error, TimeoutError) and error.errno is None:  # Often without words.
        return (
            f"Timed out: {str(error) or 'the workers did not answer'}. Run the same command again to resume, with "
            "fewer workers if this machine is overloaded."
        )
    if isinstance(error, OSError) and _lost_output():
        return LOST.format(reason=_reason(error))
    if fault := machine_error(error):
        return str(fault)
    if isinstance(error, OSError) and error.filename:  # No such folder, no permission: the message names the file.
        return f"{error}. Check the path, its permissions and the free space."
    if isinstance(error, OSError):
        return f"{_reason(error)}. Run the same command again to resume."
    return ""


def _reason(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error).rstrip(".") or type(error).__name__


def _open_streams() -> None:
    """Open what is closed of the streams of this process, and let them wait while nobody reads."""
    for number in range(3):
        try:
            os.set_blocking(number, True)
        except OSError:  # The next file would get the number, and with it what others print.
            os.open(os.devnull, os.O_RDWR)


@contextmanager
def _patient_output() -> Iterator[None]:
    """Let everything be printed, any character and to any stream; what is lost stands in `console.lost`."""
    streams = sys.stdout, sys.stderr  # None where they were closed from the start.
    sys.stdout = streams[0] and Stream(streams[0], console.lost)
    sys.stderr = streams[1] and Stream(streams[1], [])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def _lost_output() -> BaseException | None:
    """Return the error because of which output was lost, None if all was printed."""
    try:
        if sys.stdout:  # None where it was closed from the start.
            sys.stdout.flush()
    except (OSError, ValueError) as exc:
        console.lost.append(exc)
        with suppress(OSError, ValueError):  # Python prints a traceback if the last flush fails.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return console.lost[0] if console.lost else None


def _stop(number: int, frame: object) -> NoReturn:  # noqa: ARG001 - as signal calls it
    """End as on any error, so that workers are stopped and the folder is free: batch systems warn before they kill."""
    sys.exit(128 + number)


if __name__ == "__main__":  # `python -m stdask.cli.main` does the same as `stdask`
    main()
