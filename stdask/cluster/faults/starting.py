"""What a machine must have so that workers can start on it, and why a start failed: one sentence each."""

import errno
import gc
import logging
import multiprocessing
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stdask.config.addresses import require_utf8
from stdask.errors import ClusterError

ROOM = 1 << 20  # Bytes that must fit into the folder for temporary files: sockets and notes of workers.
LOOPBACK_SECONDS = 3.0
# Loggers in which Dask reports a start that fails, mostly several times, with tracebacks.
REPORTING = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")
FEW = {errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE}


def require_machine() -> None:
    """Check what every worker process of this machine needs.

    Raises
    ------
    ClusterError
        If the working directory is gone, there is no room for temporary files, or shared memory or the loopback network
        cannot be used.
    """
    _require_working_directory()
    _require_room()
    _require_shared_memory()
    _require_loopback()


@contextmanager
def explaining_start(what: str) -> Iterator[None]:
    """Say in one sentence why something of Dask could not start.

    Parameters
    ----------
    what
        The beginning of that sentence, e.g. "The Dask scheduler could not start".

    Raises
    ------
    ClusterError
        With the cause and what to do.
    """
    try:
        yield
    except ClusterError:
        raise
    except Exception as exc:
        root = root_of(exc)
        words = " ".join((str(root) or type(root).__name__).split()).rstrip(".")
        raise ClusterError(f"{what}: {words}. {_remedy(root)}") from exc


class Troubles(logging.Handler):
    """The errors that Dask reports while the block of `noting_troubles` runs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the exception of a record."""
        if record.exc_info and record.exc_info[1]:
            self.errors.append(record.exc_info[1])


@contextmanager
def noting_troubles() -> Iterator[Troubles]:
    """Keep what Dask reports while the block runs, in place of printing it."""
    troubles = Troubles()
    loggers = [logging.getLogger(name) for name in REPORTING]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [troubles], False
    try:
        yield troubles
    finally:
        if troubles.errors:
            gc.collect()  # Errors of tasks that nobody waited for are reported when these are removed.
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def root_of(error: BaseException) -> BaseException:
    """Return the error that caused another."""
    while (below := error.__cause__ or (None if error.__suppress_context__ else error.__context__)) is not None:
        error = below
    return error


def _require_working_directory() -> None:
    try:
        os.getcwd()  # noqa: PTH109 - Path.cwd() is the same with another name
    except OSError as exc:
        raise ClusterError(
            f"The working directory cannot be used ({exc.strerror}), and worker processes start in it. Change to "
            "another folder with `cd` and run the same command again."
        ) from exc


def _require_room() -> None:
    try:
        folder = tempfile.gettempdir()
    except OSError as exc:
        raise ClusterError(
            f"No folder for temporary files can be written to ({exc.strerror}). Set the variable TMPDIR to one."
        ) from exc
    require_utf8(Path(folder))
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM))
    except OSError as exc:
        if exc.errno == errno.EFBIG:
            raise ClusterError(
                f"A file of {ROOM / 1e6:.0f} MB cannot be written ({exc.strerror}): the size of files is limited. "
                "Raise the limit with `ulimit -f unlimited`."
            ) from exc
        free = f", {shutil.disk_usage(folder).free / 1e6:.1f} MB free" if exc.errno == errno.ENOSPC else ""
        raise ClusterError(
            f"Workers cannot write their temporary files to {folder} ({exc.strerror}{free}). Make room there, or set "
            "the variable TMPDIR to another folder."
        ) from exc


def _require_shared_memory() -> None:
    try:
        multiprocessing.get_context("spawn").Lock()  # Each worker process is started with locks like this one.
    except OSError as exc:
        raise ClusterError(
            f"The shared memory of this machine cannot be used ({exc.strerror}), and worker processes start with it. "
            "Make /dev/shm writable, and make room there."
        ) from exc


def _require_loopback() -> None:
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), LOOPBACK_SECONDS).close()
    except OSError as exc:
        raise ClusterError(
            f"This machine cannot connect to itself at 127.0.0.1 ({exc}), which its worker processes need. Bring up "
            "the loopback network, e.g. with `ip link set lo up`, or start the container with a network."
        ) from exc


def _remedy(root: BaseException) -> str:
    number = root.errno if isinstance(root, OSError) else None
    if isinstance(root, MemoryError) or number in FEW:
        return "Start fewer workers with --workers, or raise the limits of memory, processes and files (`ulimit -a`)."
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "Make room in the folder of TMPDIR and in /dev/shm."
    if "interface" in str(root) or "IPv4" in str(root):
        return "Set [cluster] interface to one of this machine that the nodes reach, or leave it out."
    if isinstance(root, socket.gaierror):
        return "The name of this machine has no address: set [cluster] interface."
    return "Try `--workers 1`; if that fails too, the reason is in this machine's limits and disks (`ulimit -a`, `df`)."
