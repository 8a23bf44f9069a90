"""Start the workers of `[cluster]`: on this machine, as batch jobs, or at an address."""

import getpass
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import dask
from distributed import Client

from stdask.cluster.fleet import Fleet
from stdask.cluster.jobs import ONE_THREAD
from stdask.cluster.local import LocalWorkers
from stdask.cluster.machine import available_cores
from stdask.config.cluster import ClusterConfig
from stdask.display.console import say
from stdask.errors import ClusterError

SETTINGS = {
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    "distributed.scheduler.allowed-failures": 10,  # a task is not to blame for the jobs it lost
    "distributed.scheduler.worker-ttl": "120s",  # of silence: then its node is lost
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.multiprocessing-method": "spawn",  # a fork after TensorFlow has started hangs
}


class Workers:
    """The workers of a run, started when the first task needs them: a run that is done needs none.

    Use as a context: leaving it stops what was started, and leaves a scheduler that was there before alone.

    Parameters
    ----------
    config
        `[cluster]`.
    folder
        The run's, for the logs of batch jobs.
    connect_seconds
        How long to wait for a scheduler at an address.
    """

    def __init__(self, config: ClusterConfig, folder: Path | None = None, connect_seconds: float = 20) -> None:
        self._config = config
        self._folder = folder
        self._connect_seconds = connect_seconds
        self._open = ExitStack()
        self._client: Client | None = None
        self._fleet: Fleet | None = None
        self._local: LocalWorkers | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop what was started."""
        with _quiet_nannies():
            self._open.close()
        self._client = self._fleet = self._local = None

    def refresh(self) -> None:
        """Start every worker process anew, to be rid of what a library keeps in memory."""
        if self._config.kind == "address":
            return  # others may be using it
        if self._config.kind == "local":  # new ones start when the next task needs them
            self.__exit__()
            return
        nannies = [worker["nanny"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values()]
        if all(nannies):  # a worker without one would not come back
            with _quiet_nannies(), suppress(OSError):  # one that does not answer: its job ends, another takes its place
                self.client.restart(wait_for_workers=False)

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
            self._client.get_task_stream(start=0, stop=0)  # from now on the scheduler keeps what `performance` draws
            say(f"{self._config.kind} workers, dashboard {_how_to_look(self._client.dashboard_link)}", "dim")
        return self._client

    @property
    def started(self) -> Client | None:
        """The Dask client if there is one yet: asking for it starts nothing."""
        return self._client

    @property
    def dashboard(self) -> str:
        """The address of Dask's dashboard, empty before the workers are started."""
        return self._client.dashboard_link if self._client else ""

    def describe(self) -> str:
        """Return how many workers there are, in words; starts none."""
        if self._client is None:
            return ""
        n = len(self._client.scheduler_info(n_workers=-1)["workers"])
        return self._fleet.describe(n) if self._fleet else f"{n} workers"

    def check(self) -> None:
        """Look after the workers; raise if none can be hoped for any more.

        Raises
        ------
        ClusterError
            If jobs failed too often in a row, or the connection to the scheduler is lost.
        """
        if self._local:
            self._local.look()
        if self._fleet and self._fleet.error:
            raise self._fleet.error
        if self._client and self._client.status not in ("running", "connecting"):
            raise ClusterError(f"The connection to the Dask scheduler is lost ({self._client.status}). Start again.")

    def distrust(self, address: str, why: str) -> None:
        """Give up a worker that fails at everything: its job is replaced by another, on another node perhaps."""
        if self._fleet:
            self._fleet.dismiss(address, why)

    def _start(self) -> Client:
        config = self._config
        self._open.enter_context(dask.config.set(SETTINGS))
        if config.kind == "address":
            return self._open.enter_context(_connect(str(config.address), self._connect_seconds))
        if config.kind == "local":
            n_workers = config.workers or available_cores()
            self._local = self._open.enter_context(LocalWorkers(n_workers, config.memory))
            return self._open.enter_context(Client(self._local.cluster))
        if self._folder is None:
            raise ClusterError(f'[cluster] kind = {config.kind!r} needs a run folder. Use kind = "local" here.')
        self._fleet = self._open.enter_context(Fleet(config, self._folder))
        return self._open.enter_context(Client(self._fleet.cluster))


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


def _how_to_look(link: str) -> str:
    """Return the dashboard's address, and how to reach it from another machine where it listens on this one only."""
    place = urlsplit(link)
    if place.hostname != "127.0.0.1":
        return link
    return f"{link} (from elsewhere: ssh -N -L {place.port}:127.0.0.1:{place.port} {_user()}@{socket.gethostname()})"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return "you"
