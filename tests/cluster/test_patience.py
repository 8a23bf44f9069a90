"""Calls that wait for other processes: their results, their errors, and an end to waiting."""

import threading
import time

import pytest

from stdask.cluster import patience
from stdask.cluster.patience import no_longer_than, patiently
from stdask.errors import ClusterError


def test_a_call_that_ends_gives_its_result_or_its_error():
    assert patiently(lambda: 3, lambda: None) == 3
    with pytest.raises(ZeroDivisionError):
        patiently(lambda: 1 // 0, lambda: None)


def test_waiting_ends_when_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "SECONDS_BETWEEN_CHECKS", 0.01)
    never, checks = threading.Event(), []

    def check() -> None:
        checks.append(1)
        if len(checks) == 3:
            raise ClusterError("nobody is there")

    with pytest.raises(ClusterError, match="nobody is there"):
        patiently(never.wait, check)
    assert len(checks) == 3
    never.set()


def test_tidying_up_is_left_behind_after_its_time():
    never = threading.Event()
    begun = time.monotonic()
    no_longer_than(0.05, never.wait)
    no_longer_than(60, lambda: 1 // 0)  # What it raises does not matter.
    assert time.monotonic() - begun < 30
    never.set()
