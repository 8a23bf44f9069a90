"""Calls of Dask that wait for another process for as long as it takes: here they wait no longer than is good."""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")
SECONDS_BETWEEN_CHECKS = 1.0


def patiently(call: Callable[[], Result], check: Callable[[], None]) -> Result:
    """Return the result of a call that waits for other processes, and check once a second whether to wait longer.

    Parameters
    ----------
    call
        Made in another thread, which is left behind if waiting ends before it does.
    check
        Raises if there is nothing to wait for any more.
    """
    thread, results = _begin(call)
    while thread.is_alive():
        thread.join(SECONDS_BETWEEN_CHECKS)
        if thread.is_alive():
            check()
    if isinstance(results[0], Exception):
        raise results[0]
    return results[0]


def no_longer_than(seconds: float, call: Callable[[], Any]) -> None:
    """Make a call that tidies up, and leave it behind after some time. What it raises does not matter."""
    _begin(call)[0].join(seconds)


def _begin(call: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    results: list[Any] = []

    def work() -> None:
        try:
            results.append(call())
        except Exception as exc:
            results.append(exc)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread, results
