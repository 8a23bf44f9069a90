"""One run at a time in a run folder, by a lock that no dead run leaves behind for good.

The file system decides who is first: `run.lock` is created exclusively. Whether its holder still lives is told by
its process where that can be seen, and elsewhere (another host, another container) by its heartbeat: the time of
the file's last touch, by the file system's own clock, for the clocks of hosts differ.
"""

import contextlib
import json
import os
import shlex
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from stdask.errors import BusyError
from stdask.storage import paths
from stdask.storage.files import explaining

BEAT_SECONDS = 10.0
DEAD_SECONDS = 120.0  # an NFS client may see a touch 60 s late: its default acregmax
GONE = -1.0
BOOT_ID, PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Holder:
    """The run that holds a run folder, or held it when it died."""

    host: str
    machine: str  # this boot of this kernel and this set of processes, where known: elsewhere a pid says nothing
    pid: int
    process_start: float  # tells the process from a later one of the same number
    since: str
    command: str

    def __str__(self) -> str:
        """Return who it is, in words."""
        return f"{self.command} (process {self.pid} on {self.host}, since {self.since})"


@dataclass(frozen=True)
class Lock:
    """The lock of a run folder as it was read."""

    text: str
    holder: Holder | None  # None: not written yet, or cut off
    alive: bool


@contextlib.contextmanager
def hold(output: Path) -> Iterator[None]:
    """Keep other runs out of a run folder while the block runs.

    Raises
    ------
    BusyError
        If another live run uses the folder.
    StorageError
        If the disk is full or nothing may be written there.
    """
    path = paths.lock(output)
    text = json.dumps(asdict(_myself()))
    with explaining(path):
        output.mkdir(parents=True, exist_ok=True)
        descriptor = _take(output, text)
    ended = threading.Event()
    heart = threading.Thread(target=_beat, args=(descriptor, ended), daemon=True)
    heart.start()
    try:
        yield
    finally:
        ended.set()
        heart.join()
        os.close(descriptor)
        with contextlib.suppress(OSError):  # where it cannot be removed it is the lock of a dead run
            _remove(path, text)


def read_lock(output: Path) -> Lock | None:
    """Return the lock of a run folder and whether its run lives; None if there is none."""
    try:
        with paths.lock(output).open(encoding="utf-8", errors="replace") as file:  # opening it also asks NFS anew
            touched = os.fstat(file.fileno()).st_mtime
            text = file.read()
    except FileNotFoundError:
        return None
    try:
        holder = Holder(**json.loads(text))
    except (ValueError, TypeError):
        holder = None
    if holder and (holder.host, holder.machine) == (socket.gethostname(), _machine()):
        start = _start_of(holder.pid)
        if start is not None:
            return Lock(text, holder, start == holder.process_start)
    return Lock(text, holder, _now(output) - touched < DEAD_SECONDS)


def _take(output: Path, text: str) -> int:
    """Create the lock, after removing that of a dead run; return its descriptor."""
    path = paths.lock(output)
    while True:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if lock := read_lock(output):
                if lock.alive:
                    raise BusyError(_refusal(output, lock.holder)) from None
                _remove(path, lock.text)
            continue
        try:
            os.write(descriptor, text.encode())
        except OSError:
            path.unlink()
            raise
        return descriptor


def _remove(path: Path, text: str) -> None:
    """Remove a lock if it is still the one that says `text`.

    Two that saw the same dead lock must not both remove it, for the second would remove the lock of the first:
    whoever removes holds a claim meanwhile, and looks again.
    """
    claim = path.with_name(f"{path.name}.claim")
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        with contextlib.suppress(FileNotFoundError):
            if _now(path.parent) - claim.stat().st_mtime > DEAD_SECONDS:  # killed in the millisecond it takes
                claim.unlink()
        time.sleep(0.05)
        return
    try:
        with contextlib.suppress(FileNotFoundError):
            if path.read_text(encoding="utf-8", errors="replace") == text:
                path.unlink()
    finally:
        claim.unlink()


def _beat(descriptor: int, ended: threading.Event) -> None:
    """Touch the lock now and then; by its descriptor, so that another's lock is never kept alive."""
    while not ended.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):  # a file server that is away for a while
            os.utime(descriptor)


def _now(folder: Path) -> float:
    """Return the time by the clock of a folder's file system: that of a file written just now."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:  # a folder that can only be read
        return time.time()


def _refusal(output: Path, holder: Holder | None) -> str:
    where = "or choose another folder with --output."
    if holder is None:
        return f"{output} is in use by a run that has just begun. Wait until it ends, {where}"
    remedy = f"Wait until it ends, stop it with `kill {holder.pid}` on {holder.host}"
    if (holder.host, holder.machine) != (socket.gethostname(), _machine()):
        remedy += f" (if it is dead, start again in {DEAD_SECONDS / 60:.0f} minutes)"
    return f"{output} is in use by {holder}. {remedy}, {where}"


def _myself() -> Holder:
    pid = os.getpid()
    return Holder(
        host=socket.gethostname(),
        machine=_machine(),
        pid=pid,
        process_start=_start_of(pid) or GONE,
        since=datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
        command=shlex.join(["stdask", *sys.argv[1:]]),
    )


def _machine() -> str:
    with contextlib.suppress(OSError):  # Linux has both
        return f"{BOOT_ID.read_text().strip()} {PROCESSES.readlink()}"
    return ""


def _start_of(pid: int) -> float | None:
    """Return when a process started, in units that no change of the clock moves.

    Returns
    -------
    start
        GONE if there is no such process, None if it cannot be looked into.
    """
    if not psutil.pid_exists(pid):
        return GONE
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # dead, though its parent has not asked: in a container nobody may
            return GONE
        stat = Path(f"/proc/{pid}/stat")
        return float(stat.read_text().rpartition(")")[2].split()[19]) if stat.exists() else process.create_time()
    except (psutil.Error, OSError):  # another user's, where /proc hides those
        return None
