"""Worker processes of this machine: each has a nanny that starts it again, and where a nanny fails, so does this."""

import time
from collections.abc import Callable
from typing import Any, Self

from distributed import LocalCluster
from distributed.security import Security

from stdask.display.console import say

SECONDS_TO_COME_BACK = 30.0  # a worker starts in two to ten seconds, on a busy machine


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
        self._gone: dict[object, float] = {}  # since when

    def __enter__(self) -> Self:
        """Start them."""
        self.cluster = LocalCluster(
            n_workers=self._n_workers,
            threads_per_worker=1,
            memory_limit=self._memory,
            dashboard_address="127.0.0.1:0",
            host="127.0.0.1",
            security=Security.temporary(),  # others on this machine could send it work of their own
            protocol="tls",
        )
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop them."""
        self.cluster.close()

    def look(self) -> None:
        """Replace the workers that were killed so often, or so early, that their nannies gave up."""
        now = self._clock()
        scheduler: Any = self.cluster.scheduler
        here = {worker.name for worker in list(scheduler.workers.values())}
        self._gone = {name: self._gone.get(name, now) for name in self.cluster.worker_spec if name not in here}
        lost = [name for name, since in self._gone.items() if now - since > SECONDS_TO_COME_BACK]
        if lost:
            say(f"  {len(lost)} workers did not come back, others take their place", "yellow")
            self.cluster.sync(self.cluster.scale_down, lost)
            self.cluster.scale(self._n_workers)
