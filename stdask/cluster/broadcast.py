"""What all tasks of a stage share, sent once to every worker: late and restarted workers get it too."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, WorkerPlugin, get_worker
from distributed.protocol.pickle import dumps, loads
from distributed.worker import Worker

from stdask.errors import ClusterError

PREFIX = "stdask-"


class Broadcast(WorkerPlugin):
    """A function and the arguments that all its calls have in common.

    Parameters
    ----------
    function, shared
        What each task calls, and its arguments behind the first.
    """

    def __init__(self, function: Callable[..., Any], shared: tuple[Any, ...]) -> None:
        # packed as Dask packs whatever it sends, and unpacked from the wire alone: nothing of it is ever on a disk
        self._payload = dumps((function, shared))
        self.digest = hashlib.sha256(self._payload).hexdigest()
        self.name = PREFIX + self.digest

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask calls it so
        """Unpack what came over the wire, if it came whole.

        Raises
        ------
        ClusterError
            If it is not what the driver sent.
        """
        if hashlib.sha256(self._payload).hexdigest() != self.digest:
            raise ClusterError("What the driver sent arrived damaged at this worker.")
        self._function, self._shared = loads(self._payload)

    def call(self, item: Any) -> Any:
        """Return what the function makes of an item."""
        return self._function(item, *self._shared)


@contextmanager
def broadcast(client: Client, function: Callable[..., Any], *shared: Any) -> Iterator[str]:
    """Send a function and its shared arguments to all workers, now and later, while the block runs.

    Yields
    ------
    digest
        SHA-256 of what was sent: tasks carry it, and a worker that holds something else refuses them.
    """
    plugin = Broadcast(function, shared)
    with suppress(OSError):  # of a worker that is dying: Dask keeps the plugin first, and tells the workers then
        client.register_plugin(plugin)
    try:
        yield plugin.digest
    finally:
        with suppress(Exception):  # a worker or the scheduler is gone: then there is nothing to forget
            client.unregister_worker_plugin(plugin.name)


def call_broadcast(digest: str, item: Any) -> Any:
    """Call, on a worker, the function that was sent under `digest`.

    Raises
    ------
    LookupError
        If the worker does not hold it: another may.
    """
    plugin = get_worker().plugins.get(PREFIX + digest)
    if not isinstance(plugin, Broadcast) or plugin.digest != digest:
        raise LookupError("This worker does not hold what the run sent to all of them.")
    return plugin.call(item)
