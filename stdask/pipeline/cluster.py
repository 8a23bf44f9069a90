"""Start the workers of `[cluster]`: on this machine, through a batch scheduler, or at an address."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import dask
from distributed import Client, LocalCluster

from stdask.config import ClusterConfig
from stdask.errors import ClusterError
from stdask.pipeline.console import say

# one thread a worker process: numpy and TensorFlow read these when they are imported
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
SETTINGS = {
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    "distributed.scheduler.allowed-failures": 10,  # a task is not to blame for the jobs it lost
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.multiprocessing-method": "spawn",  # a fork after TensorFlow has started hangs
}
JOB_CLUSTERS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "sge": "SGECluster",
    "htcondor": "HTCondorCluster",
}
SUBMIT_COMMANDS = {"slurm": "sbatch", "pbs": "qsub", "lsf": "bsub", "sge": "qsub", "htcondor": "condor_submit"}


class Workers:
    """The workers of a run, started when the first task needs them: a run that is done needs none.

    Use as a context: leaving it stops what was started, and leaves a scheduler that was there before alone.

    Parameters
    ----------
    config
        `[cluster]`.
    connect_seconds
        How long to wait for a scheduler at an address.
    """

    def __init__(self, config: ClusterConfig, connect_seconds: float = 20) -> None:
        self._config = config
        self._connect_seconds = connect_seconds
        self._open = ExitStack()
        self._client: Client | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop what was started."""
        with _quiet_nannies():
            self._open.close()
        self._client = None

    def refresh(self) -> None:
        """Start every worker process anew, to be rid of what a library keeps in memory."""
        if self._config.kind == "address":
            return  # others may be using it
        if self._config.kind == "local":  # new ones start when the next task needs them
            with _quiet_nannies():
                self._open.close()
            self._client = None
            return
        nannies = [worker["nanny"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values()]
        if all(nannies):  # a worker without one would not come back
            with _quiet_nannies():
                self.client.restart()

    @property
    def client(self) -> Client:
        """The Dask client.

        Raises
        ------
        ClusterError
            If the workers cannot be had, with the scheduler's own words.
        """
        if self._client is None:
            self._client = self._start()
            say(f"{self._config.kind} workers, dashboard {self._client.dashboard_link}", "dim")
        return self._client

    def _start(self) -> Client:
        config = self._config
        self._open.enter_context(dask.config.set(SETTINGS))
        if config.kind == "address":
            return self._open.enter_context(_connect(str(config.address), self._connect_seconds))
        cluster = _local(config) if config.kind == "local" else _jobs(config)
        self._open.enter_context(cluster)
        return self._open.enter_context(Client(cluster))


@contextmanager
def _quiet_nannies() -> Iterator[None]:
    """Keep nannies from reporting that workers end, where they are meant to."""
    logger = logging.getLogger("distributed.nanny")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _connect(address: str, seconds: float) -> Client:
    try:
        return Client(address, timeout=seconds)
    except (OSError, ValueError) as exc:
        raise ClusterError(f"No Dask scheduler answers at {address} ({exc}). Check [cluster] address.") from exc


def _local(config: ClusterConfig) -> LocalCluster:
    return LocalCluster(
        n_workers=config.workers or available_cores(),
        threads_per_worker=1,
        memory_limit=config.memory,
        dashboard_address="127.0.0.1:0",
        host="127.0.0.1",
    )


def _jobs(config: ClusterConfig) -> Any:
    import dask_jobqueue  # here: importing it writes a file into the user's ~/.config/dask

    command = SUBMIT_COMMANDS[config.kind]
    if shutil.which(command) is None:
        raise ClusterError(
            f"No {command} on this machine, which [cluster] kind = {config.kind!r} needs. "
            'Start stdask on a login node, or set kind = "local".'
        )
    exports = [f"export {name}={value}" for name, value in ONE_THREAD.items()]
    options: dict[str, Any] = {"walltime": config.walltime}
    options["job_script_prologue"] = [*exports, *options.get("job_script_prologue", [])]
    if config.queue:
        options["queue"] = config.queue
    if config.account:
        options["account"] = config.account
    if config.kind == "htcondor":
        options.pop("walltime")
    try:
        cluster_class = getattr(dask_jobqueue, JOB_CLUSTERS[config.kind])
        cluster = cluster_class(cores=1, processes=1, memory=config.memory, **options)
        cluster.scale(config.workers or 1)
    except (OSError, ValueError, TypeError, RuntimeError) as exc:
        raise ClusterError(f"The {config.kind} cluster did not start: {exc}. Check [cluster].") from exc
    return cluster


def available_cores() -> int:
    """Return the number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
