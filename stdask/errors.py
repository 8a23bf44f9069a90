"""Every error a user can cause or meet.

StdaskError                exit code 2: says what, where, what to do
├── BusyError              a run folder that another live run uses
├── ConfigError            run.toml or the command line
├── SurveyError            a survey definition, or a survey file that does not fit it
├── ExpressionError        an expression of columns, as in --where
├── CatalogueError         a catalogue, pair table or product on disk
├── PairingError           the surveys share too few stars
├── EnsembleError          an ensemble that does not fit the catalogue or is damaged
├── StorageError           a disk that is full or may not be written
├── RemoteError            a file on another machine that cannot be read at the moment
├── ClusterError           workers that cannot be had
├── MachineError           memory, threads, open files, a disk or a network that fails: no fault of a file or setting
└── IncompleteError        exit code 3: some partitions failed, the others are done
"""

import errno
import os
import re
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class FailedTask:
    """A task that failed on every try, as it stands in the list of failures of a stage."""

    task: str
    rows: int
    tries: int
    error: str  # of the last try


class StdaskError(Exception):
    """An error with a remedy: shown as one line, without a traceback."""

    def __str__(self) -> str:
        """Return the message, preceded by where it happened (the notes added on the way up)."""
        return ": ".join([*reversed(getattr(self, "__notes__", [])), super().__str__()])


class BusyError(StdaskError):
    """Another live run uses the run folder."""


class ConfigError(StdaskError):
    """The run file or the command line asks for something that does not exist or cannot be."""


class SurveyError(StdaskError):
    """A survey file does not fit its definition, or the definition is not valid."""


class ExpressionError(StdaskError):
    """An expression of columns cannot be read, or does not fit the columns."""


class CatalogueError(StdaskError):
    """A catalogue, pair table or product on disk is missing, damaged or of the wrong kind."""


class PairingError(StdaskError):
    """The two surveys share too few usable stars."""


class EnsembleError(StdaskError):
    """An ensemble is damaged, or was trained for other inputs."""


class StorageError(StdaskError):
    """A disk is full, or may not be written to."""


class RemoteError(StdaskError):
    """A file on another machine cannot be read at the moment: a later try may succeed."""


class ClusterError(StdaskError):
    """The workers of `[cluster]` could not be started or reached."""


class MachineError(StdaskError):
    """The machine lacks memory, threads or open files, or a disk or a network failed. A later try may succeed."""


class IncompleteError(StdaskError):
    """Some tasks of a stage failed on every try. The others are done, and the next run repeats only the failed ones.

    Parameters
    ----------
    message
        The error in words.
    failed
        The tasks that failed.
    """

    def __init__(self, message: str, failed: Sequence[FailedTask] = ()) -> None:
        super().__init__(message)
        self.failed = failed


@dataclass(frozen=True)
class _Fault:
    """A fault of the machine: how it shows in an exception, and what the user can do."""

    what: str
    remedy: str
    numbers: frozenset[int]
    words: re.Pattern[str]  # Of libraries that wrap the system's error in a text of their own.
    kinds: tuple[type[BaseException], ...] = ()


def _numbers(names: str) -> frozenset[int]:
    """Return the system's numbers of errors, as far as this system knows them."""
    return frozenset(getattr(errno, f"E{name}") for name in names.split() if hasattr(errno, f"E{name}"))


FAULTS = (
    _Fault(
        "Out of memory",
        "Use fewer workers, close other programs, or ask for more memory: `--mem` of a batch job, [cluster] memory of "
        "the workers.",
        _numbers("NOMEM"),
        re.compile(
            r"[Cc]annot allocate memory|failed to map segment|malloc of size|bad_alloc|[Oo]ut of memory"
            r"|Unable to allocate"
        ),
        (MemoryError,),
    ),
    _Fault(
        "Too many open files",
        "Raise the limit in the shell that starts stdask, e.g. `ulimit -n 4096`, or use fewer workers.",
        _numbers("MFILE NFILE"),
        re.compile(r"Too many open files"),
    ),
    _Fault(
        "No further thread or process can be started",
        "Use fewer workers, end other programs, or raise the limit: `ulimit -u`, or the limit of processes of the "
        "container or the batch job.",
        _numbers("AGAIN"),
        re.compile(r"Resource temporarily unavailable|can't (start|create) new thread|pthread_create"),
    ),
    _Fault(
        "A disk is full",
        "Make room on the disk of the output, in the temporary folder (TMPDIR) and in /dev/shm, and run the same "
        "command again to resume.",
        _numbers("NOSPC DQUOT"),
        re.compile(r"No space left on device|Disk quota exceeded"),
    ),
    _Fault(
        "A disk or its file server failed",
        "Run the same command again to resume. If it fails again, tell the administrator, or copy the files to another "
        "disk.",
        _numbers("IO STALE REMOTEIO NODEV NXIO UCLEAN NOLCK"),
        re.compile(r"Input/output error|Stale file handle|Remote I/O error|No locks available"),
    ),
    _Fault(
        "The network, or the process at its other end, failed",
        "Run the same command again to resume. If it fails again, look for a worker that ran out of memory, and at the "
        "network.",
        _numbers("PIPE CONNREFUSED CONNRESET CONNABORTED NETUNREACH NETDOWN NETRESET HOSTUNREACH HOSTDOWN")
        | _numbers("ADDRNOTAVAIL ADDRINUSE NOTCONN TIMEDOUT"),
        re.compile(r"Connection (reset|refused|aborted)|Broken pipe|Network is unreachable|No route to host"),
        (ConnectionError, socket.gaierror),
    ),
)
MEMORY, DISK, NETWORK = FAULTS[0], *FAULTS[-2:]
ASKED = re.compile(r"(?:size|allocate) (\d[\d.]*)(?: ([KMGTPEZ]iB))?")  # of Arrow and numpy
UNITS = {unit: 1024.0**power for power, unit in enumerate(["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"], start=1)}
ABSURD = 4  # times the memory of this machine: nobody asks for so much but a damaged file that states a length
OF_DASK = ("CommClosedError", "FatalCommClosedError")  # They are OSErrors without a number.


def machine_error(error: BaseException, doing: str = "", network: bool = True) -> MachineError | None:
    """Return what an exception says of the machine; None if its cause is elsewhere, as in a file.

    Parameters
    ----------
    error
        Any exception, or one that was raised because of it.
    doing
        What was done, e.g. "reading stars.fits".
    network
        Whether the network is a part of the machine.
    """
    if isinstance(error, StdaskError):
        return None
    for cause in _causes(error):
        fault = next((fault for fault in FAULTS if _shows(fault, cause)), None)
        if fault is MEMORY and _is_absurd(str(cause)):
            return None
        if fault is NETWORK and getattr(cause, "filename", None):
            fault = DISK  # The files lie on another machine.
        if fault and (network or fault is not NETWORK):
            reason = " ".join(str(cause).split()).rstrip(".")
            told = f" ({reason})" if reason and reason != fault.what else ""
            return MachineError(f"{fault.what}{f' while {doing}' if doing else ''}{told}. {fault.remedy}")
    return None


def raise_machine_error(error: BaseException, doing: str = "", network: bool = True) -> None:
    """Raise what an exception says of the machine, if anything, so that no file or setting is blamed for it.

    Parameters
    ----------
    error, doing, network
        As `machine_error` takes them.

    Raises
    ------
    MachineError
        If the cause lies in the machine.
    """
    if found := machine_error(error, doing, network):
        raise found from error


def _shows(fault: _Fault, error: BaseException) -> bool:
    if isinstance(error, fault.kinds) or (fault is NETWORK and type(error).__name__ in OF_DASK):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in fault.numbers
    return bool(fault.words.search(str(error)))


def _is_absurd(text: str) -> bool:
    """Tell whether more memory was asked for than any file of this machine can need."""
    if not (asked := ASKED.search(text)):
        return False
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return float(asked[1].rstrip(".")) * UNITS.get(asked[2], 1.0) > ABSURD * memory


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and those it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
