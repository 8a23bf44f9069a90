"""Cluster: what a batch job would be, what a node is like and what is wrong with it, and an end to what is left."""

import os
import platform
import shutil
import socket
import sys
import tempfile
import time
import uuid
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.table import Table
from threadpoolctl import threadpool_info

from stdask import __version__
from stdask.cluster.fleet import clean
from stdask.cluster.jobs import DIALECTS, ONE_THREAD, job_script
from stdask.cluster.machine import available_cores, own_folder, sgemm_flops
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.console import console, say
from stdask.errors import ClusterError
from stdask.runs.lock import read_lock
from stdask.storage import paths
from stdask.storage.files import write_text

ALIKE = ("dask", "distributed", "numpy", "numba", "pyarrow")  # on driver and workers, beside stdask and Python
CLOCKS_APART = 5.0  # seconds, beyond which times in logs mislead
SLOW_FLOPS = 10e9  # of single precision a second: less than a core of 2012 reaches
LITTLE_DISK = 1e9  # bytes of a worker's own folder
NETWORK_DISKS = ("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "fuse.sshfs", "ceph", "panfs")


def print_script(config: ClusterConfig, folder: Path) -> None:
    """Print the script of a worker's job, as it would be submitted.

    Raises
    ------
    ClusterError
        If the workers are no batch jobs.
    """
    if config.kind not in DIALECTS:
        raise ClusterError(f"[cluster] kind = {config.kind!r} submits no jobs. Give a profile with --cluster.")
    private = paths.cluster(folder)
    tls = ["--tls-key", str(private / "tls" / "key.pem")] if config.tls else []
    protocol = "tls" if config.tls else "tcp"
    logs = str(paths.logs(folder) / "START")
    with tempfile.TemporaryDirectory() as elsewhere:  # writing a script makes the folder of its logs
        script = job_script(config, f"{protocol}://THE-DRIVER:PORT", Path(elsewhere), tls)
    print(script.replace(elsewhere, logs), end="")


def check(config: ClusterConfig, folder: Path) -> None:
    """Start one worker, ask it what its node is like, and print that and what is wrong.

    Raises
    ------
    ClusterError
        If no worker comes, or a run would fail.
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
            found = workers.client.submit(look_around, token, pure=False).result(timeout=300)
    finally:
        token.unlink(missing_ok=True)
        token.with_suffix(".answer").unlink(missing_ok=True)
    found["clock"] -= time.time()
    problems = faults(found, _versions(), folder)
    _print(found, waited, problems)
    if problems:
        raise ClusterError(f"{len(problems)} things are wrong with these workers: see above.")


def stop_left(folder: Path) -> None:
    """Cancel the jobs that a dead run left in the queue.

    Raises
    ------
    ClusterError
        If the run is alive.
    """
    lock = read_lock(folder)
    if lock and lock.alive:
        raise ClusterError(f"The run in {folder} is alive: {lock.holder or 'just begun'}. Stop that first.")
    if not clean(folder):
        say("No job of this run is in the queue.")


def look_around(token: Path) -> dict[str, Any]:
    """Return what a worker sees of its node; answer beside the token, if it is there to be seen."""
    from stdask.network.gpu import visible_gpus

    sees = token.exists()
    writes = False
    if sees:
        try:
            write_text(token.with_suffix(".answer"), token.name)
            writes = True
        except OSError:
            pass
    own = own_folder()
    return {
        "host": socket.gethostname(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": available_cores(),
        "versions": _versions(),
        "threads": {name: os.environ.get(name) for name in ONE_THREAD},
        "blas": {pool["filepath"]: pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"},
        "sees the run folder": sees,
        "writes there": writes,
        "own disk": str(own),
        "own disk kind": _disk_kind(own),
        "own disk free": shutil.disk_usage(own).free,
        "gpus": visible_gpus(),
        "sgemm": sgemm_flops(),
        "clock": time.time(),
    }


def faults(node: dict[str, Any], versions: dict[str, str], folder: Path) -> list[str]:
    """Return what is wrong with a worker, in plain words with a remedy.

    Parameters
    ----------
    node
        What `look_around` saw; its `clock` is the difference from this machine's, in seconds.
    versions
        Of this process.
    folder
        Of the run.
    """
    different = [
        f"{name} {node['versions'][name]} there, {here} here"
        for name, here in versions.items()
        if node["versions"][name] != here
    ]
    many = ", ".join(name for name, value in node["threads"].items() if value != "1")
    sees = node["sees the run folder"]
    checks = {
        "Versions differ: " + "; ".join(different) + ". Let both start the same environment.": bool(different),
        f"It does not see {folder}. Put the run on a disk that all nodes share.": not sees,
        f"It may not write to {folder}. Check the mount and the permissions there.": sees and not node["writes there"],
        f"{many} is not 1 there, so that workers crowd each other out. Check [cluster] prologue.": bool(many),
        f"Its own disk {node['own disk']} is {node['own disk kind']}, over the network. "
        'Set [cluster] local_directory, e.g. "$TMPDIR".': node["own disk kind"] in NETWORK_DISKS,
        f"Its own disk {node['own disk']} has {node['own disk free'] / 1e9:.2g} GB left. "
        "Set [cluster] local_directory to a larger one.": node["own disk free"] < LITTLE_DISK,
        f"Its clock is {node['clock']:+.0f} s off this machine's: times in logs will mislead.": abs(node["clock"])
        > CLOCKS_APART,
        f"It multiplies matrices at {node['sgemm'] / 1e9:.1f} Gflop/s only: is its core shared with others? "
        "Check what the queue grants.": node["sgemm"] < SLOW_FLOPS,
    }
    return [text for text, wrong in checks.items() if wrong]


def _versions() -> dict[str, str]:
    return {"stdask": __version__, "python": sys.version.split()[0]} | {name: version(name) for name in ALIKE}


def _wait(workers: Workers) -> None:
    say("  waiting for the worker; Ctrl-C ends that and cancels its job", "dim")
    while not workers.client.scheduler_info(n_workers=-1)["workers"]:
        workers.check()
        time.sleep(0.5)


def _print(node: dict[str, Any], waited: float, problems: list[str]) -> None:
    table = Table("what", "found", title="A worker of this cluster", title_justify="left")
    table.add_row("from submission to answer", f"{waited:.0f} s")
    table.add_row("node", f"{node['host']}, {node['system']}")
    table.add_row("processor", f"{node['processor']}, {node['cores']} cores for this job")
    table.add_row("versions", ", ".join(f"{name} {number}" for name, number in node["versions"].items()))
    table.add_row("threads of BLAS", ", ".join(map(str, node["blas"].values())) or "none loaded")
    table.add_row("run folder", "seen and written to" if node["writes there"] else "NOT there")
    free = node["own disk free"] / 1e9
    table.add_row("own disk", f"{node['own disk']} ({node['own disk kind']}), {free:.0f} GB free")
    table.add_row("GPUs", ", ".join(node["gpus"]) or "none")
    table.add_row("matrix product, one thread", f"{node['sgemm'] / 1e9:.0f} Gflop/s (single precision)")
    console.print(table)
    for problem in problems:
        say(f"  {problem}", "bold red")
    if not problems:
        say("  Nothing is wrong with it.", "green")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def _disk_kind(folder: Path) -> str:
    """Return the type of the file system that holds a folder, empty where the system does not tell."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    here = [(len(point), kind) for point, kind in mounts if folder.resolve().is_relative_to(point)]
    return max(here)[1] if here else ""
