"""TensorFlow and Keras only here; running a plan on the processor needs numpy and numba."""

import contextlib
import os
from collections.abc import Iterator

# read by TensorFlow and Keras when they are first imported, in whichever module that is
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["KERAS_BACKEND"] = "tensorflow"


@contextlib.contextmanager
def quiet_start() -> Iterator[None]:
    """Silence the standard error of this process while TensorFlow starts.

    Its C++ code greets every worker with ten lines that no log level stops; Python's exceptions still come through.
    """
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a file descriptor is what is needed
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
