"""What a batch job would be, what a node is like and what is wrong with it, and the end of jobs that were left."""

import os
import platform
import shutil
import socket
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from threadpoolctl import threadpool_info

from stdask import __version__
from stdask.cluster.configuration import ONE_THREAD
from stdask.cluster.fleet import clean
from stdask.cluster.jobs import DIALECTS, job_script
from stdask.cluster.machine import available_cores, own_folder, sgemm_flops
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.console import duration, say
from stdask.display.tables import print_table
from stdask.errors import ClusterError, MachineError, StorageError
from stdask.runs.lock import read_lock
from stdask.storage import paths
from stdask.storage.files import write_text

LIBRARIES = ("dask", "distributed", "numpy", "numba", "pyarrow")  # Driver and workers need the same versions of them.
SECONDS_TO_START = 3600.0  # of the one job, in a queue
SECONDS_BETWEEN_WORDS = 60.0
CLOCKS_APART = 5.0  # Times in logs mislead if clocks differ by more seconds.
SLOW_FLOPS = 10e9  # Operations a second in single precision: less than a core of 2012 reaches.
LITTLE_DISK = 1e9  # Bytes of a worker's own folder.
NETWORK_DISKS = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "fuse.sshfs", "ceph", "panfs")


@dataclass(frozen=True)
class Node:
    """What a worker sees of the machine that it runs on."""

    host: str
    system: str
    processor: str
    cores: int  # of this job
    versions: dict[str, str]
    threads: dict[str, str | None]  # the variables that limit threads, as they are set
    blas_threads: list[int]  # one number for each BLAS library
    sees_run: bool
    writes_run: bool
    disk: str  # the worker's own folder
    disk_kind: str  # its file system, empty if unknown
    disk_free: int  # bytes
    gpus: list[str]
    sgemm: float  # operations a second
    clock: float  # seconds since 1970; in the driver, seconds ahead of its own clock


def print_script(config: ClusterConfig, folder: Path) -> None:
    """Print the job script of a worker as a run would submit it.

    Raises
    ------
    ClusterError
        If `[cluster]` starts no batch jobs.
    """
    if config.kind not in DIALECTS:
        raise ClusterError(
            f"[cluster] kind = {config.kind!r} submits no jobs. Give the profile of your site with --cluster."
        )
    private = paths.cluster(folder)
    tls = ["--tls-key", str(private / "tls" / "key.pem")] if config.tls else []
    protocol = "tls" if config.tls else "tcp"
    logs = str(paths.logs(folder) / "START")
    with tempfile.TemporaryDirectory() as elsewhere:  # Writing a script makes the folder of its logs.
        script = job_script(config, f"{protocol}://THE-DRIVER:PORT", Path(elsewhere), tls)
    print(script.replace(elsewhere, logs), end="")


def check(config: ClusterConfig, folder: Path) -> None:
    """Start one worker, and print what its node is like and what is wrong with it.

    Raises
    ------
    ClusterError
        If no worker starts, or a run would fail on it.
    """
    config = config.model_copy(update={"workers": 1})
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / f"check-{uuid.uuid4().hex}"
    write_text(token, token.name)
    start = time.monotonic()
    try:
        with Workers(config, folder) as workers:
            _wait(workers)
            waited = time.monotonic() - start
            node = workers.client.submit(look_around, token, pure=False).result(timeout=300)
    finally:
        token.unlink(missing_ok=True)
        token.with_suffix(".answer").unlink(missing_ok=True)
    node = replace(node, clock=node.clock - time.time())
    problems = faults(node, _versions(), folder)
    _print(node, waited, problems)
    if problems:
        raise ClusterError(f"A run would fail or be slow on this worker, for {len(problems)} reasons: see above.")


def stop_left(folder: Path) -> None:
    """Cancel the jobs that a killed run left in the queue.

    Raises
    ------
    ClusterError
        If the run is alive.
    """
    lock = read_lock(folder)
    if lock and lock.alive:
        raise ClusterError(f"{folder} is in use by {lock.holder or 'a run that has just begun'}. Stop that run first.")
    if not clean(folder):
        say("No job of this run is in the queue.")


def look_around(token: Path) -> Node:
    """Return what a worker sees of its node, and answer with a file next to the token if it sees that."""
    from stdask.network.gpu import visible_gpus

    sees = token.exists()
    writes = False
    if sees:
        try:
            write_text(token.with_suffix(".answer"), token.name)
            writes = True
        except (OSError, StorageError, MachineError):
            pass
    own = own_folder()
    return Node(
        host=socket.gethostname(),
        system=platform.platform(),
        processor=_processor(),
        cores=available_cores(),
        versions=_versions(),
        threads={name: os.environ.get(name) for name in ONE_THREAD},
        blas_threads=[pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"],
        sees_run=sees,
        writes_run=writes,
        disk=str(own),
        disk_kind=_disk_kind(own),
        disk_free=shutil.disk_usage(own).free,
        gpus=visible_gpus(),
        sgemm=sgemm_flops(),
        clock=time.time(),
    )


def faults(node: Node, versions: Mapping[str, str], folder: Path) -> list[str]:
    """Return what is wrong with a worker, each with what to do.

    Parameters
    ----------
    node
        What the worker saw; its `clock` in seconds ahead of this machine's.
    versions
        The versions of this process.
    folder
        The run folder.
    """
    different = [
        f"{name} {node.versions[name]} there, {here} here"
        for name, here in versions.items()
        if node.versions[name] != here
    ]
    many = ", ".join(name for name, value in node.threads.items() if value != "1")
    checks = {
        f"Versions differ: {'; '.join(different)}. Start both from the same environment.": bool(different),
        f"The worker does not see {folder}. Put the run on a disk that all nodes share.": not node.sees_run,
        f"The worker cannot write to {folder}. Check the mount and the permissions there.": node.sees_run
        and not node.writes_run,
        f"{many} is not 1 there, so that workers compete for cores. Check [cluster] prologue.": bool(many),
        f"The worker's own folder {node.disk} is on a network disk ({node.disk_kind}). "
        'Set [cluster] local_directory, e.g. "$TMPDIR".': node.disk_kind in NETWORK_DISKS,
        f"The worker's own folder {node.disk} has {node.disk_free / 1e9:.2g} GB left. "
        "Set [cluster] local_directory to a larger disk.": node.disk_free < LITTLE_DISK,
        f"The clock of the node is {node.clock:+.0f} s off this machine's, so that times in logs mislead. "
        "Ask the administrators to synchronise it.": abs(node.clock) > CLOCKS_APART,
        f"The node multiplies matrices at only {node.sgemm / 1e9:.1f} Gflop/s; others may share its core. "
        "Check what the queue grants.": node.sgemm < SLOW_FLOPS,
    }
    return [text for text, wrong in checks.items() if wrong]


def _versions() -> dict[str, str]:
    return {"stdask": __version__, "python": sys.version.split()[0]} | {name: version(name) for name in LIBRARIES}


def _wait(workers: Workers) -> None:
    say("  waiting for the worker; press Ctrl-C to stop and cancel its job", "dim")
    begun = said = time.monotonic()
    workers.client  # noqa: B018 - asking for it submits the job
    while not workers.addresses():
        workers.check()
        time.sleep(0.5)
        now = time.monotonic()
        if now - begun > SECONDS_TO_START:
            raise ClusterError(
                f"No worker has started within {duration(now - begun)}: the queue is full, or the job asks for too "
                "much. Change [cluster] queue, memory or walltime in the profile."
            )
        if now - said > SECONDS_BETWEEN_WORDS:
            said = now
            say(f"  {workers.describe()}, after {duration(now - begun)}", "dim")


def _print(node: Node, waited: float, problems: list[str]) -> None:
    folder = "seen and written to" if node.writes_run else "seen, but NOT writable" if node.sees_run else "NOT seen"
    found = {
        "from submission to answer": f"{waited:.0f} s",
        "node": f"{node.host}, {node.system}",
        "processor": f"{node.processor}, {node.cores} cores for this job",
        "versions": ", ".join(f"{name} {number}" for name, number in node.versions.items()),
        "BLAS threads": ", ".join(map(str, node.blas_threads)) or "no BLAS loaded",
        "run folder": folder,
        "own disk": f"{node.disk} ({node.disk_kind}), {node.disk_free / 1e9:.0f} GB free",
        "GPUs": ", ".join(node.gpus) or "none",
        "matrix product, one thread": f"{node.sgemm / 1e9:.0f} Gflop/s (single precision)",
    }
    print_table("A worker of this cluster", [{"what": what, "found": text} for what, text in found.items()])
    for problem in problems:
        say(f"  {problem}", "bold red")
    if not problems:
        say("  Nothing is wrong with this worker.", "green")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _disk_kind(folder: Path) -> str:
    """Return the type of the file system that holds a folder, empty if the system does not tell."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    here = [(len(point), kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(here)[1] if here else ""
