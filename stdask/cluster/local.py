"""Worker processes of this machine. Dask restarts one that dies; one that Dask gives up is replaced here."""

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import Any, Self

from distributed import LocalCluster
from distributed.protocol.pickle import dumps
from distributed.worker import Worker

from stdask.cluster.faults.starting import Troubles, explaining_start, noting_troubles, require_machine
from stdask.cluster.tls import temporary_security
from stdask.display.console import say
from stdask.errors import ClusterError

SECONDS_TO_START = 300.0  # without a further worker; one starts in two to ten seconds on a busy machine
SECONDS_TO_COME_BACK = 30.0
SECONDS_WITHOUT = 180.0  # until a run without any worker ends
SECONDS_TO_REST = 20.0  # A worker that does not answer is stopped all the same.
SECONDS_TO_FORGET = 5.0
SECONDS_TO_CLOSE = 30.0
SECONDS_BETWEEN_LOOKS = 1.0


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
        self._none_since: float | None = None

    def __enter__(self) -> Self:
        """Start them.

        Raises
        ------
        ClusterError
            If the scheduler or a worker cannot start, with the cause.
        """
        require_machine()
        with noting_troubles() as troubles:
            with _without_interrupts(), explaining_start("The Dask scheduler of this machine could not start"):
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
                with explaining_start("A worker of this machine could not start"):
                    self._start(troubles)
            except BaseException:  # Ctrl-C is one.
                self._close()
                raise
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop them, after their last heartbeat and after the scheduler has forgotten all results.

        Otherwise Dask prints a traceback for a heartbeat on its way, and a warning with the names of all results that
        are lost with a worker.
        """
        scheduler: Any = self.cluster.scheduler
        with noting_troubles():  # Workers may be dying.
            with suppress(Exception):
                rest = {"op": "run", "function": dumps(_rest), "args": dumps(()), "kwargs": dumps({})}
                self.cluster.sync(scheduler.broadcast, msg=rest, on_error="ignore", callback_timeout=SECONDS_TO_REST)
            deadline = time.monotonic() + SECONDS_TO_FORGET
            while scheduler.tasks and time.monotonic() < deadline:
                time.sleep(0.01)
            self._close()

    def look(self) -> None:
        """Replace the workers that Dask has given up because they died too often or too early.

        Raises
        ------
        ClusterError
            If there has been no worker for minutes: those that are started die.
        """
        now = self._clock()
        scheduler: Any = self.cluster.scheduler
        here = {worker.name for worker in list(scheduler.workers.values())}
        self._gone = {name: self._gone.get(name, now) for name in self.cluster.worker_spec if name not in here}
        lost = [name for name, since in self._gone.items() if now - since > SECONDS_TO_COME_BACK]
        if lost:
            say(f"  {len(lost)} workers did not come back and are replaced", "yellow")
            self.cluster.sync(self.cluster.scale_down, lost)
            self.cluster.scale(self._n_workers)
        self._none_since = None if here else now if self._none_since is None else self._none_since
        if self._none_since is not None and now - self._none_since > SECONDS_WITHOUT:
            raise ClusterError(
                f"All workers of this machine have been gone for {(now - self._none_since) / 60:.0f} minutes: they die "
                "when they start. Start fewer with --workers or increase [cluster] memory, and run the command again."
            )

    def _start(self, troubles: Troubles) -> None:
        """Start the workers, until all are here, one fails or no further one has come for minutes."""
        scheduler: Any = self.cluster.scheduler
        loop: Any = self.cluster.loop
        self.cluster.scale(self._n_workers)
        # An interrupt ends the waiting but not the start, which Dask cannot close half-way.
        start = asyncio.run_coroutine_threadsafe(_started(self.cluster), loop.asyncio_loop)
        n_here, since = 0, time.monotonic()
        while n_here < self._n_workers:
            with suppress(TimeoutError):
                start.result(SECONDS_BETWEEN_LOOKS)
                time.sleep(0.01)  # All have answered, or failed.
            if troubles.errors:
                raise troubles.errors[0]
            if len(scheduler.workers) > n_here:
                n_here, since = len(scheduler.workers), time.monotonic()
            if time.monotonic() - since > SECONDS_TO_START:
                raise ClusterError(
                    f"{n_here} of {self._n_workers} workers of this machine started, and no further one within "
                    f"{SECONDS_TO_START / 60:.0f} minutes. Start fewer with --workers."
                )

    def _close(self) -> None:
        """Stop what is running. What cannot be stopped ends with this process."""
        with suppress(Exception):
            self.cluster.close(timeout=SECONDS_TO_CLOSE)


async def _rest(dask_worker: Worker) -> None:
    """Send no more heartbeats, wait for the one that is on its way, and keep quiet about what ends with the worker.

    A heartbeat that a closing worker cuts off is a traceback. On a busy machine it may be on its way for seconds, as
    it may have to open a connection first.
    """
    dask_worker.periodic_callbacks["heartbeat"].stop()
    on_their_way = [task for task in asyncio.all_tasks() if "PeriodicCallback" in repr(task.get_coro())]
    if on_their_way:
        await asyncio.wait(on_their_way, timeout=SECONDS_TO_REST)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)


async def _started(cluster: LocalCluster) -> None:
    """Wait for the workers."""
    await cluster


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
