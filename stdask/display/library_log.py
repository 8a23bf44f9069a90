"""What libraries print while a command works in a run folder: in a log there, not among the lines of the command.

It works on the process's stderr itself, so it takes the lines of compiled code (TensorFlow, CUDA) and of local worker
processes too. Only the command line does this: in a notebook stderr belongs to the user.
"""

import atexit
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from stdask.storage import paths

STDERR = 2
_of_a_command: ContextVar[bool] = ContextVar("of_a_command", default=False)
_redirected: ContextVar[bool] = ContextVar("redirected", default=False)


@contextmanager
def as_a_command() -> Iterator[None]:
    """Let the sessions of this block keep logs of libraries, and print no warnings of libraries outside of them."""
    token = _of_a_command.set(True)
    printed = warnings.showwarning
    if not sys.warnoptions:  # Otherwise -W or PYTHONWARNINGS asks for them.
        warnings.showwarning = _show_in_log
    try:
        yield
    finally:
        warnings.showwarning = printed
        _of_a_command.reset(token)


@contextmanager
def library_log(output: Path) -> Iterator[None]:
    """Send what is printed on stderr in this block, and at the end of the process, to a log of the run folder.

    Where no log can be written, it is printed as usual. A log of nothing is removed.
    """
    path = paths.library_log(output)
    log = _open(path) if _of_a_command.get() else None
    if log is None:
        yield
        return
    screen = os.dup(STDERR)
    token = _redirected.set(True)
    _send(log)
    atexit.register(_send_to, path)  # Threads of Dask may end after the work.
    try:
        yield
    finally:
        _send(screen)  # For the error of the command.
        _redirected.reset(token)
        os.close(log)
        os.close(screen)
        with suppress(OSError):
            if not path.stat().st_size:
                path.unlink()
                path.parent.rmdir()  # Only if it is empty.


def _open(path: Path) -> int | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    except OSError:
        return None


def _send(target: int) -> None:
    """Let stderr be another file from now on."""
    with suppress(OSError, ValueError, AttributeError):  # It may be None, or closed.
        sys.stderr.flush()
    os.dup2(target, STDERR)


def _send_to(path: Path) -> None:
    with suppress(OSError):
        _send(os.open(path if path.exists() else os.devnull, os.O_WRONLY | os.O_APPEND))


def _show_in_log(message: Any, category: Any, filename: str, lineno: int, *_: Any, **__: Any) -> None:
    if _redirected.get():
        with suppress(OSError):
            os.write(STDERR, warnings.formatwarning(message, category, filename, lineno).encode("utf-8", "replace"))
