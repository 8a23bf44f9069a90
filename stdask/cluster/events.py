"""Short messages from tasks to the driver, while they run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from distributed import Client, get_worker

Message = Mapping[str, Any]  # what Dask sends as JSON


def tell(topic: str, message: Message) -> None:
    """Send a message to whoever listens to a topic; called in a task, on a worker."""
    get_worker().log_event(topic, message)


@contextmanager
def listening(client: Client, topic: str, hear: Callable[[Message], None]) -> Iterator[None]:
    """Call `hear` with each message of a topic while the block runs, in a thread of its own."""

    def take(event: tuple[float, Message]) -> None:
        hear(event[1])

    client.subscribe_topic(topic, take)
    try:
        yield
    finally:
        if client.status == "running":
            client.unsubscribe_topic(topic)
