"""Worker processes of this machine. Dask restarts one that dies; one that Dask gives up is replaced here."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any, Self

from distributed import Client, LocalCluster
from distributed.worker import Worker

from stdask.cluster.tls import temporary_security
from stdask.display.console import say

SECONDS_TO_COME_BACK = 30.0  # A worker starts in two to ten seconds on a busy machine.
SECONDS_TO_REST = 5.0  # A worker that does not answer is stopped all the same.


class LocalWorkers:
    """Workers of this machine. Use as a context: leaving it stops them.

    Parameters
    ----------
    n_workers, memory
        How many, and the memory of each, e.g. "2GiB".
    clock
        Returns the time in seconds.
    """

    def __init__(self, n_workers: int, memory: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._n_workers = n_workers
        self._memory = memory
        self._clock = clock
        self._gone: dict[object, float] = {}  # Name of a missing worker, and since when.

    def __enter__(self) -> Self:
        """Start them."""
        with _without_interrupts():
            self.cluster = LocalCluster(
                n_workers=0,
                threads_per_worker=1,
                memory_limit=self._memory,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                security=temporary_security(),  # Other users of this machine must not send it work.
                protocol="tls",
            )
        try:
            self.cluster.scale(self._n_workers)
            self.cluster.sync(_started, self.cluster)
        except BaseException:  # Ctrl-C is one.
            self.cluster.close()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop them, after their last heartbeat and after the scheduler has forgotten all results.

        Otherwise Dask prints a traceback for a heartbeat on its way, and a warning with the names of all results that
        are lost with a worker.
        """
        with suppress(Exception), Client(self.cluster) as client:  # Workers may be dying.
            client.run(_rest, on_error="ignore", callback_timeout=SECONDS_TO_REST)
        scheduler: Any = self.cluster.scheduler
        deadline = time.monotonic() + SECONDS_TO_REST
        while scheduler.tasks and time.monotonic() < deadline:
            time.sleep(0.01)
        self.cluster.close()

    def look(self) -> None:
        """Replace the workers that Dask has given up because they died too often or too early."""
        now = self._clock()
        scheduler: Any = self.cluster.scheduler
        here = {worker.name for worker in list(scheduler.workers.values())}
        self._gone = {name: self._gone.get(name, now) for name in self.cluster.worker_spec if name not in here}
        lost = [name for name, since in self._gone.items() if now - since > SECONDS_TO_COME_BACK]
        if lost:
            say(f"  {len(lost)} workers did not come back and are replaced", "yellow")
            self.cluster.sync(self.cluster.scale_down, lost)
            self.cluster.scale(self._n_workers)


async def _rest(dask_worker: Worker) -> None:
    """Send a worker's last heartbeat, after any that is on its way, and keep quiet about tasks that end with it."""
    logging.getLogger("distributed.worker.state_machine").setLevel(logging.ERROR)
    dask_worker.periodic_callbacks["heartbeat"].stop()
    await dask_worker.heartbeat()


async def _started(cluster: LocalCluster) -> None:
    """Wait for the workers. An interrupt ends the waiting but not their start, which Dask cannot close half-way."""

    async def start() -> None:
        await cluster

    await asyncio.shield(asyncio.ensure_future(start()))


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Keep Ctrl-C from the threads that the block starts, and from the processes that these start.

    A terminal sends it to all processes of a command, but only the main process acts on it: it stops the workers.
    """
    resource_tracker.ensure_running()  # Started later, by such a thread, it would let Ctrl-C in again.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
