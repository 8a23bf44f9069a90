"""Messages of tasks: heard while somebody listens to their topic, and never after."""

import time
from collections.abc import Callable

from stdask.cluster.events import Message, listening, tell
from stdask.cluster.workers import Workers


def tells(topic: str, n_messages: int) -> None:
    for number in range(n_messages):
        tell(topic, {"number": number, "of": [n_messages], "name": "Npix=17"})


def wait_for(true: Callable[[], bool]) -> None:
    """Wait for what a thread hears within milliseconds, and at most ten seconds on a machine that is overloaded."""
    end = time.perf_counter() + 10
    while not true():
        assert time.perf_counter() < end
        time.sleep(0.01)


def test_messages_arrive_whole_and_in_order_from_their_topic_alone(client: Workers):
    heard: list[Message] = []
    with listening(client.client, "progress", heard.append):
        client.client.submit(tells, "other", 2, pure=False).result()
        client.client.submit(tells, "progress", 3, pure=False).result()
        wait_for(lambda: len(heard) == 3)
    expected = [{"number": number, "of": [3], "name": "Npix=17"} for number in range(3)]
    assert [{name: message[name] for name in expected[0]} for message in heard] == expected  # Dask adds the worker


def test_nobody_hears_what_is_told_after_the_block(client: Workers):
    early: list[Message] = []
    late: list[Message] = []
    with listening(client.client, "stage", early.append):
        client.client.submit(tells, "stage", 1, pure=False).result()
        wait_for(lambda: len(early) == 1)
    with listening(client.client, "next", late.append):
        client.client.submit(tells, "stage", 1, pure=False).result()
        client.client.submit(tells, "next", 1, pure=False).result()
        wait_for(lambda: len(late) == 1)  # Messages keep their order, so that of "stage" has passed.
    assert len(early) == 1
