"""Send what all tasks of a stage share once to every worker, including late and restarted workers."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, WorkerPlugin, get_worker
from distributed.protocol.pickle import dumps, loads
from distributed.worker import Worker

from stdask.cluster.patience import no_longer_than, patiently
from stdask.errors import ClusterError

PREFIX = "stdask-"
SECONDS_TO_FORGET = 20.0  # A worker that does not answer keeps what was sent.


class Broadcast(WorkerPlugin):
    """A function and the arguments that all its calls have in common.

    Parameters
    ----------
    function, shared
        What each task calls, and its arguments after the first.
    """

    def __init__(self, function: Callable[..., Any], shared: tuple[Any, ...]) -> None:
        # Dask sends everything as pickles. This one comes from the network only: stdask reads no pickle from disk.
        self._payload = dumps((function, shared))
        self.digest = hashlib.sha256(self._payload).hexdigest()
        self.name = PREFIX + self.digest

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask passes it
        """Unpack what arrived at this worker.

        Raises
        ------
        ClusterError
            If it differs from what the driver sent.
        """
        if hashlib.sha256(self._payload).hexdigest() != self.digest:
            raise ClusterError("Data from the driver arrived damaged at this worker. Run the same command again.")
        self._function, self._shared = loads(self._payload)

    def call(self, item: Any) -> Any:
        """Return the result of the function for an item."""
        return self._function(item, *self._shared)


@contextmanager
def broadcast(
    client: Client, function: Callable[..., Any], *shared: Any, check: Callable[[], None] = lambda: None
) -> Iterator[str]:
    """Send a function and its shared arguments to all workers, present and future, while the block runs.

    Parameters
    ----------
    client
        The Dask client.
    function, shared
        What each task calls, and its arguments after the first.
    check
        Called once a second while workers do not answer. Raises if none can be expected any more.

    Yields
    ------
    digest
        SHA-256 of what was sent. Tasks carry it, and a worker that holds something else refuses them.
    """
    plugin = Broadcast(function, shared)
    with suppress(OSError):  # A worker may be dying. Dask keeps the plugin before it sends it.
        patiently(lambda: client.register_plugin(plugin), check)
    try:
        yield plugin.digest
    finally:
        # The worker or the scheduler may be gone.
        no_longer_than(SECONDS_TO_FORGET, lambda: client.unregister_worker_plugin(plugin.name))


def call_broadcast(digest: str, item: Any) -> Any:
    """Call the function that was sent under `digest`, on a worker.

    Raises
    ------
    LookupError
        If this worker does not hold it. Another may.
    """
    plugin = get_worker().plugins.get(PREFIX + digest)
    if not isinstance(plugin, Broadcast) or plugin.digest != digest:
        raise LookupError("This worker does not hold what the driver sent to all workers.")
    return plugin.call(item)
