"""Short messages from tasks to the driver, while they run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from distributed import Client, get_worker

Message = Mapping[str, Any]  # Dask sends it as msgpack: numbers, texts, lists and mappings of them.


def tell(topic: str, message: Message) -> None:
    """Send a message to all that listen to a topic. Call it in a task, on a worker."""
    get_worker().log_event(topic, message)


@contextmanager
def listening(client: Client, topic: str, hear: Callable[[Message], None]) -> Iterator[None]:
    """Call `hear` with each message of a topic while the block runs, in another thread."""

    def take(event: tuple[float, Message]) -> None:
        hear(event[1])

    client.subscribe_topic(topic, take)
    try:
        yield
    finally:
        if client.status == "running":
            client.unsubscribe_topic(topic)
