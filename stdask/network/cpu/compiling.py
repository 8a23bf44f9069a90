"""Functions are compiled, whatever a session has set with NUMBA_DISABLE_JIT to debug functions of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from numba.core import config

_LOCK = threading.RLock()


@contextmanager
def compiling() -> Iterator[None]:
    """Let numba compile what is decorated, or called for the first time, while the block runs."""
    with _LOCK:
        of_session = config.DISABLE_JIT
        config.DISABLE_JIT = 0
        try:
            yield
        finally:
            config.DISABLE_JIT = of_session


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function that numba has decorated. The first call compiles it."""
    with nullcontext() if getattr(function, "signatures", None) else compiling():
        return function(*arguments)
