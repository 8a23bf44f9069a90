"""Start the workers of `[cluster]`: on this machine, as batch jobs, or at an address."""

import getpass
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Self

from distributed import Client

from stdask.cluster.configuration import ONE_THREAD, own_configuration
from stdask.cluster.faults.address import Pulse, connect
from stdask.cluster.fleet import Fleet
from stdask.cluster.local import LocalWorkers
from stdask.cluster.machine import available_cores
from stdask.cluster.patience import patiently
from stdask.config.cluster import ClusterConfig
from stdask.display.console import say
from stdask.environment import own_environment
from stdask.errors import ClusterError

CONNECT_SECONDS = 10.0  # A scheduler that has just been started answers within that time.
SECONDS_TO_TELL = 20.0  # of a scheduler that is asked for its workers
LAPTOP_PORT = 8787  # Dask's own default for the dashboard
NANNY = "distributed.nanny"
# Loggers that report what an interrupt cuts off.
INTERRUPTED = (NANNY, "distributed.scheduler", "distributed.core", "distributed.worker", "asyncio")
CALLBACKS = "tornado.application"  # logger of what fails in Dask's event loop


class Workers:
    """The workers of a run. They start when the first task needs them, as a finished run needs none.

    Use as a context: leaving it stops what was started. A scheduler at an address keeps running.

    Parameters
    ----------
    config
        `[cluster]`.
    folder
        The run folder, for the logs of batch jobs.
    connect_seconds
        How long to wait for a scheduler at an address.
    in_process
        Start no workers: tasks run in this process, one after the other. It saves the seconds that workers take to
        start, for work that takes less.
    """

    def __init__(
        self,
        config: ClusterConfig,
        folder: Path | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        in_process: bool = False,
    ) -> None:
        self.in_process = in_process
        self._config = config
        self._folder = folder
        self._connect_seconds = connect_seconds
        self._open = ExitStack()
        self._client: Client | None = None
        self._fleet: Fleet | None = None
        self._local: LocalWorkers | None = None
        self._pulse: Pulse | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, kind: type[BaseException] | None = None, *exception: object) -> None:
        """Stop what was started."""
        interrupted = kind is not None and not issubclass(kind, Exception)
        with _quiet(logging.CRITICAL, *INTERRUPTED) if interrupted else _quiet(logging.ERROR, NANNY):
            self._open.close()
        self._client = self._fleet = self._local = self._pulse = None

    def refresh(self) -> None:
        """Restart every worker process, to free the memory that a library keeps."""
        if self._config.kind == "address":
            return  # Others may use these workers.
        if self._config.kind == "local":  # New ones start when the next task needs them.
            self.__exit__()
            return
        nannies = [worker["nanny"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values()]
        if all(nannies):  # A worker without a nanny would not come back.
            # The job of a worker that does not answer ends and is replaced.
            with _quiet(logging.ERROR, NANNY), suppress(OSError):
                self.client.restart(wait_for_workers=False)

    @property
    def client(self) -> Client:
        """The Dask client.

        Raises
        ------
        ClusterError
            If the workers cannot be started, with the scheduler's own words.
        """
        if self._client is None:
            logging.getLogger(CALLBACKS).addFilter(_is_no_early_interrupt)
            self._client = self._start()
            # From now on, the scheduler keeps what `performance` draws.
            patiently(lambda: self._client.get_task_stream(start=0, stop=0), self.check)  # type: ignore[union-attr]
            say(f"{self._config.kind} workers, dashboard {self.dashboard}", "dim")
            if self._config.kind != "address":
                say(f"  from another machine: {_tunnel(self._dashboard_port)}", "dim")
        return self._client

    @property
    def started(self) -> Client | None:
        """The Dask client, None before the workers are started."""
        return self._client

    @property
    def dashboard(self) -> str:
        """The address of Dask's dashboard on the driver's machine, empty before the workers are started."""
        if self._client is None:
            return ""
        if self._config.kind == "address":
            return self._client.dashboard_link
        return f"http://127.0.0.1:{self._dashboard_port}/status"

    @property
    def _dashboard_port(self) -> int:
        return self.client.scheduler_info(n_workers=0)["services"]["dashboard"]

    def describe(self) -> str:
        """Return in words how many workers there are. Starts none."""
        if self._client is None:
            return ""
        n = len(self.addresses())
        return self._fleet.describe(n) if self._fleet else f"{n} workers"

    def addresses(self) -> list[str]:
        """Return the addresses of the workers, none if the scheduler does not answer."""
        client = self.client
        with suppress(TimeoutError, OSError):
            found = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=SECONDS_TO_TELL)  # type: ignore[union-attr]
            return list(found["workers"])
        return []

    def check(self) -> None:
        """Replace lost workers of this machine, and raise if no workers can be expected any more.

        Raises
        ------
        ClusterError
            If too many jobs in a row failed, the connection to the scheduler is lost, or there has been no worker or no
            answer for too long.
        """
        if self._local:
            self._local.look()
        if self._pulse:
            self._pulse.check()
        if self._fleet and self._fleet.error:
            raise self._fleet.error
        if self._client and self._client.status not in ("running", "connecting"):
            raise ClusterError(
                f"The connection to the Dask scheduler is lost ({self._client.status}). "
                "Run the same command again to resume."
            )

    def distrust(self, address: str, why: str) -> None:
        """Replace the job of a worker that fails at every task; the next one may start on another node."""
        if self._fleet:
            self._fleet.dismiss(address, why)

    def _start(self) -> Client:
        config = self._config
        self._open.enter_context(own_configuration(config.kind))
        if config.kind == "address":
            client = self._open.enter_context(connect(str(config.address), self._connect_seconds))
            self._pulse = Pulse(client, str(config.address))
            return client
        self._open.enter_context(own_environment(ONE_THREAD))
        if config.kind == "local":
            n_workers = config.workers or available_cores()
            self._local = self._open.enter_context(LocalWorkers(n_workers, config.memory))
            return self._open.enter_context(Client(self._local.cluster))
        if self._folder is None:
            raise ClusterError(
                f'[cluster] kind = {config.kind!r} needs a run folder, and this command has none. Use kind = "local".'
            )
        self._fleet = self._open.enter_context(Fleet(config, self._folder))
        return self._open.enter_context(Client(self._fleet.cluster))


@contextmanager
def _quiet(level: int, *names: str) -> Iterator[None]:
    """Keep Dask from reporting the end of workers that are meant to end."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(level)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _is_no_early_interrupt(record: logging.LogRecord) -> bool:
    """Drop the traceback of an interrupt in the moment before `distributed.utils.sync` has made its future."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, NameError) and error.name == "future")


def _tunnel(port: int) -> str:
    """Return the command that brings the dashboard to another machine, and the address to open there."""
    return (
        f"ssh -N -L {LAPTOP_PORT}:127.0.0.1:{port} {_user()}@{socket.gethostname()}, "
        f"then open http://localhost:{LAPTOP_PORT}/status"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # Some containers have a user id without a name.
        return "you"
