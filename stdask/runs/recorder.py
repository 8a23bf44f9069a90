"""The recorder of a command: keeps `progress.json` of the run folder up to date, and Dask's page of each stage."""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from stdask.cluster.performance import save_performance
from stdask.cluster.workers import Workers
from stdask.display.console import Figures, listener
from stdask.errors import IncompleteError, MachineError, StorageError
from stdask.runs.progress import DONE, RUNNING, STOPPED, Progress
from stdask.storage import paths
from stdask.storage.files import write_text

SECONDS_BETWEEN = 1.0  # between two records of a bar


class Recorder:
    """Keeps the record of one command and Dask's performance page of each stage.

    A folder that cannot be written to does not stop the run.

    Parameters
    ----------
    output
        The run folder.
    workers
        Of the command.
    """

    def __init__(self, output: Path, workers: Workers) -> None:
        self._output = output
        self.workers = workers
        self._lock = threading.Lock()  # bars update their figures from a thread
        self._state = ""  # nothing recorded yet
        self._closed = False
        self._stage = ""
        self._figures: Figures | None = None
        self._begun = time.time()
        self._written = 0.0

    def begin(self, stage: str) -> None:
        """Record that a stage begins."""
        with self._lock:
            self._stage, self._figures, self._begun = stage, None, time.time()
            with _if_possible():
                paths.failures(self._output, stage).unlink(missing_ok=True)
            self._write(RUNNING)

    def show(self, figures: Figures) -> None:
        """Record the figures of a bar, at most once a second."""
        with self._lock:
            if self._closed:
                return  # a late update of a bar
            self._figures = figures
            if time.monotonic() - self._written >= SECONDS_BETWEEN:
                self._write(RUNNING)

    def end(self) -> None:
        """Record that the stage is done, and keep Dask's page of it."""
        self._keep_page()
        with self._lock:
            self._write(DONE)

    def close(self, error: BaseException | None) -> None:
        """Record how the command ended and which tasks failed; a command that began no stage leaves no record."""
        with self._lock:
            self._closed = True
            if not self._state:
                return
            stage_was_cut_off = self._stage and self._state == RUNNING
            self._write(STOPPED if error else DONE, _in_words(error))
        if stage_was_cut_off and isinstance(error, IncompleteError):
            with _if_possible():
                write_text(
                    paths.failures(self._output, self._stage),
                    json.dumps([asdict(task) for task in error.failed], indent=1),
                )
        if stage_was_cut_off and isinstance(error, Exception):  # an interrupt should not have to wait for the page
            self._keep_page()

    def _keep_page(self) -> None:
        page = paths.performance(self._output, self._stage)
        save_performance(self.workers, page, f"stdask {self._stage}", self._begun)

    def _write(self, state: str, error: str = "") -> None:
        self._state, self._written = state, time.monotonic()
        dashboard = ""
        with contextlib.suppress(Exception):  # the scheduler may stop while it answers
            dashboard = self.workers.dashboard
        record = Progress(
            state, self._stage, error, self._figures, datetime.now(UTC), socket.gethostname(), os.getpid(), dashboard
        )
        content = asdict(record) | {"updated": record.updated.isoformat(timespec="seconds")}
        with _if_possible():
            write_text(paths.progress(self._output), json.dumps(content, indent=1))


def _in_words(error: BaseException | None) -> str:
    if error is None:
        return ""
    if not isinstance(error, Exception):  # Ctrl-C, or a batch system that ends its job
        return "interrupted"
    return str(error) or type(error).__name__


def _if_possible() -> contextlib.AbstractContextManager[None]:
    """Ignore a disk that is full or read-only: a run does not stop because its progress cannot be recorded."""
    return contextlib.suppress(OSError, StorageError, MachineError)


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recorded(output: Path, workers: Workers) -> Iterator[None]:
    """Record the stages and bars of this block in the run folder."""
    recorder = Recorder(output, workers)
    tokens = _recorder.set(recorder), listener.set(recorder.show)
    try:
        yield
    except BaseException as exc:
        recorder.close(exc)
        raise
    else:
        recorder.close(None)
    finally:
        _recorder.reset(tokens[0])
        listener.reset(tokens[1])


def stage_begins(stage: str) -> None:
    """Record that a stage begins, if this command is recorded."""
    if recorder := _recorder.get():
        recorder.begin(stage)


def recorded_workers() -> Workers | None:
    """Return the workers of the command that is recorded."""
    recorder = _recorder.get()
    return recorder.workers if recorder else None


def stage_ends() -> None:
    """Record that the stage is done, if this command is recorded."""
    if recorder := _recorder.get():
        recorder.end()
