"""TensorFlow and Keras only here; running a plan on the processor needs numpy and numba."""

import contextlib
import os
from collections.abc import Iterator

from stdask.environment import own_environment


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Import TensorFlow and Keras with stdask's settings, and silence the standard error of this process meanwhile.

    Both read variables and files of the user when they are first imported, in whichever module that is. The C++ code
    of TensorFlow greets every worker with ten lines that no log level stops; Python's exceptions still come through.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a file descriptor is what is needed
            os.dup2(nowhere.fileno(), 2)
        with own_environment():
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
