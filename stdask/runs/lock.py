"""A lock that allows one run at a time in a run folder, and that a killed run does not hold for ever.

The file system decides which run is first: `run.lock` is created exclusively. The holder is alive if its process is.
Where that process cannot be seen (another host, another container), its heartbeat decides: the time at which the file
was last touched, by the clock of the file system, because the clocks of hosts differ.

`filelock.SoftFileLease` (4.3) cannot replace this module. It takes over the lock of a killed run by exchanging two
file names (RENAME_EXCHANGE), which NFS refuses: the folder would stay locked for ever. An empty lock stays too.
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

from stdask.config.addresses import require_utf8
from stdask.display.console import say
from stdask.errors import BusyError, StorageError
from stdask.storage import paths
from stdask.storage.files import explaining

BEAT_SECONDS = 10.0
DEAD_SECONDS = 120.0  # An NFS client may see a touch 60 s late: its default acregmax.
SECONDS_UNTIL_SAID = 3.0
GIVEN_UP_AFTER = DEAD_SECONDS + 30.0  # The claim of a run that was killed is removed before.
GONE = -1.0  # start of a process that does not exist
BOOT_ID, PROCESSES = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")


@dataclass(frozen=True)
class Holder:
    """The run that holds a run folder, or held it when it was killed."""

    host: str
    machine: str  # This boot of the kernel and this set of processes: elsewhere, a process id means nothing.
    pid: int
    process_start: float  # It distinguishes the process from a later one with the same id.
    since: str
    command: str

    def __str__(self) -> str:
        """Return the run in words."""
        return f"{self.command} (process {self.pid} on {self.host}, since {self.since})"


@dataclass(frozen=True)
class Lock:
    """The lock of a run folder at the time it was read."""

    text: str
    holder: Holder | None  # None if it is not written yet, or cut off.
    alive: bool


@contextlib.contextmanager
def hold(output: Path) -> Iterator[None]:
    """Keep other runs out of a run folder while the block runs.

    Raises
    ------
    BusyError
        If another run that is alive uses the folder.
    StorageError
        If the disk is full or the folder cannot be written to.
    ConfigError
        If the path of the folder is not UTF-8.
    """
    path = paths.lock(require_utf8(output))
    text = json.dumps(asdict(_myself()))
    if output.exists() and not output.is_dir():
        raise StorageError(f"{output} is a file, but results need a folder. Choose another name.")
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
        heart.join(BEAT_SECONDS)  # A file server that is away may hold it up.
        os.close(descriptor)
        with contextlib.suppress(OSError):  # A lock that cannot be removed is that of a killed run from now on.
            _remove(path, text)


def read_lock(output: Path) -> Lock | None:
    """Return the lock of a run folder and whether its run is alive; None if there is no lock."""
    try:
        with paths.lock(output).open(encoding="utf-8", errors="replace") as file:  # Opening it refreshes NFS.
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
    """Create the lock, after removing that of a killed run, and return its file descriptor."""
    path = paths.lock(output)
    begun, said = time.monotonic(), False
    while True:
        waited = time.monotonic() - begun
        if waited > SECONDS_UNTIL_SAID and not said:
            said = True
            say(f"  waiting for {path}, which another run is about to take or was killed at", "dim")
        if waited > GIVEN_UP_AFTER:
            raise BusyError(
                f"{path} could not be created for {waited:.0f} s. If no other command uses that folder, remove {path} "
                f"and {path}.claim, and try again."
            )
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            if lock := read_lock(output):
                if lock.alive:
                    raise BusyError(_refusal(output, lock.holder)) from None
                _remove(path, lock.text)
            else:  # Its run has just ended, or it is a link that leads nowhere.
                time.sleep(0.05)
            continue
        try:
            os.write(descriptor, text.encode())
        except OSError:
            path.unlink()
            raise
        return descriptor


def _remove(path: Path, text: str) -> None:
    """Remove a lock if it still holds `text`.

    Two runs that find the same old lock must not both remove it, because the second would remove the new lock of the
    first. A run therefore creates a claim, reads the lock again and only then removes it.
    """
    claim = path.with_name(f"{path.name}.claim")
    try:
        os.close(os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        with contextlib.suppress(FileNotFoundError):
            if _now(path.parent) - claim.stat().st_mtime > DEAD_SECONDS:  # Its run was killed meanwhile.
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
    """Touch the lock regularly, by its file descriptor, so that the lock of another run is never kept alive."""
    while not ended.wait(BEAT_SECONDS):
        with contextlib.suppress(OSError):  # A file server may be away for a while.
            os.utime(descriptor)


def _now(folder: Path) -> float:
    """Return the time by the clock of a folder's file system, from a file that is created for that."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:  # The folder is read-only.
        return time.time()


def _refusal(output: Path, holder: Holder | None) -> str:
    other_folder = "or choose another folder with --output."
    if holder is None:
        return f"{output} is in use by a run that has just begun. Wait until it ends, {other_folder}"
    remedy = f"Wait until it ends, stop it with `kill {holder.pid}` on {holder.host}"
    if (holder.host, holder.machine) != (socket.gethostname(), _machine()):
        remedy += f" (if it was killed, start again in {DEAD_SECONDS / 60:.0f} minutes)"
    return f"{output} is in use by {holder}. {remedy}, {other_folder}"


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
    with contextlib.suppress(OSError):  # Only Linux has these files.
        return f"{BOOT_ID.read_text().strip()} {PROCESSES.readlink()}"
    return ""


def _start_of(pid: int) -> float | None:
    """Return when a process started, in units that do not depend on the clock.

    Returns
    -------
    start
        GONE if there is no such process, None if this user cannot see it.
    """
    if not psutil.pid_exists(pid):
        return GONE
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:  # It has ended, and its parent has not noticed yet.
            return GONE
        stat = Path(f"/proc/{pid}/stat")
        return float(stat.read_text().rpartition(")")[2].split()[19]) if stat.exists() else process.create_time()
    except (psutil.Error, OSError):  # Some systems hide the processes of other users.
        return None
