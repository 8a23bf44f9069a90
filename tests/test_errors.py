"""Errors: where something happened stands before what happened, also after the way from a worker to the driver."""

import errno
import inspect
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from distributed.comm.core import CommClosedError

from stdask import errors
from stdask.cluster import tasks
from stdask.config.run import load_run
from stdask.errors import IncompleteError, MachineError, StdaskError, SurveyError, machine_error
from stdask.storage.bundles import unpack_bundle
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import read_bytes, read_ecsv
from stdask.storage.files import replacing
from stdask.storage.images import page_image
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import explained
from stdask.storage.tables import read_parquet

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StdaskError)]


def test_the_places_stand_before_the_message_the_outermost_first():
    error = StdaskError("row 7 has no id.")
    error.add_note("stars.fits")
    error.add_note("Run file run.toml")
    assert str(error) == "Run file run.toml: stars.fits: row 7 has no id."


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_a_worker_arrives_as_it_was(kind: type[StdaskError]):
    error = kind("it failed.")
    error.add_note("Npix=17")
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is kind
    assert str(arrived) == "Npix=17: it failed."


def test_failed_tasks_are_kept_with_their_error():
    failed = [{"task": "Npix=17", "rows": 5, "tries": 3, "error": "no disk"}]
    error = pickle.loads(pickle.dumps(IncompleteError("1 of 2 tasks failed.", failed)))
    assert (str(error), error.failed) == ("1 of 2 tasks failed.", failed)


def test_every_error_stands_in_the_list_at_the_top_of_the_module():
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in errors.__doc__] == []


def too_large() -> None:
    np.empty(2**50)


# Exceptions as the system and libraries raise them, with words that the remedy must have.
OF_THE_MACHINE: dict[str, tuple[BaseException, str]] = {
    "no memory": (MemoryError(), "[cluster] memory"),
    "no memory for Arrow": (pa.ArrowMemoryError("malloc of size 1073741824 failed"), "fewer workers"),
    "no memory for a child": (OSError(errno.ENOMEM, "Cannot allocate memory"), "memory"),
    "no memory in C++": (RuntimeError("std::bad_alloc"), "memory"),
    "no memory for a library": (ImportError("_libsvm.so: failed to map segment from shared object"), "memory"),
    "open files": (OSError(errno.EMFILE, "Too many open files", "a.fits"), "ulimit -n"),
    "open files in HDF5": (OSError("Unable to open file (errno = 24, error message = 'Too many open files')"), "-n"),
    "threads": (RuntimeError("can't start new thread"), "ulimit -u"),
    "threads of Arrow": (pa.ArrowInvalid("Failed to launch worker thread: Resource temporarily unavailable"), "-u"),
    "processes": (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), "ulimit -u"),
    "a bad disk": (OSError(errno.EIO, "Input/output error", "a.fits"), "administrator"),
    "a file server": (OSError(errno.ESTALE, "Stale file handle", "a.fits"), "administrator"),
    "a file server that is gone": (
        OSError(errno.ENOTCONN, "Transport endpoint is not connected", "a"),
        "administrator",
    ),
    "a full temporary folder": (OSError(errno.ENOSPC, "No space left on device", "/tmp/x"), "TMPDIR"),
    "a worker": (CommClosedError("ConnectionPool closing."), "network"),
    "a connection": (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), "network"),
    "no way": (OSError(errno.EHOSTUNREACH, "No route to host"), "network"),
}
BLAMES_A_FILE = re.compile("[Ff]etch|permissions|Check the|Remove it|Write the file")


def wrapped(error: BaseException) -> BaseException:
    """Return an exception of a library that hides the cause."""
    try:
        raise ValueError("cannot decode the block") from error
    except ValueError as exc:
        return exc


@pytest.mark.parametrize("change", [lambda error: error, wrapped], ids=["itself", "as a cause"])
@pytest.mark.parametrize(("error", "remedy"), OF_THE_MACHINE.values(), ids=OF_THE_MACHINE)
def test_what_fails_in_the_machine_is_not_put_down_to_a_file(error, remedy: str, change):
    with pytest.raises(MachineError) as caught, explained(Path("stars.fits")):
        raise change(error)
    assert remedy in str(caught.value)
    assert "stars.fits" in str(caught.value)
    assert not BLAMES_A_FILE.search(str(caught.value))


def test_numpy_says_in_its_own_words_that_memory_is_out():
    with pytest.raises(MemoryError) as caught:
        too_large()
    text = re.sub(r"\S+ [PE]iB", "30.0 MiB", str(caught.value))  # What this machine might have had.
    with pytest.raises(MachineError, match="Out of memory while reading"), explained(Path("stars.fits")):
        raise MemoryError(text)


@pytest.mark.parametrize("ask", [too_large, lambda: pa.allocate_buffer(2**62)], ids=["numpy", "Arrow"])
def test_a_file_whose_damaged_length_asks_for_absurd_memory_is_to_blame(ask: Callable[[], object]):
    with pytest.raises(SurveyError, match=r"Cannot read stars\.fits.*fetch it again"), explained(Path("stars.fits")):
        ask()


@pytest.mark.parametrize(
    "error",
    [ValueError("bad header"), OSError(errno.EACCES, "Permission denied", "a.fits"), EOFError(), OSError("not gzip")],
)
def test_what_fails_in_a_file_is_put_down_to_it(error: Exception):
    assert machine_error(error) is None
    with pytest.raises(SurveyError), explained(Path("stars.fits")):
        raise error


def test_the_network_may_be_left_to_the_caller():
    assert machine_error(ConnectionResetError(), network=False) is None
    assert machine_error(MemoryError(), network=False)


READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a survey": ("a.fits", open_survey),
    "a run file": ("run.toml", load_run),
    "a table": ("a.parquet", read_parquet),
    "a table of text": ("a.ecsv", read_ecsv),
    "bytes": ("a.json", read_bytes),
    "a figure": ("a.png", page_image),
    "a packed ensemble": ("a.zip", lambda path: unpack_bundle(path, path.parent / "ensemble")),
    "a catalogue": ("hats.properties", lambda path: open_catalogue(path.parent)),
}


@pytest.mark.parametrize(("name", "read"), READERS.values(), ids=READERS)
def test_a_reader_without_files_to_spare_says_so(name: str, read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / name
    path.write_bytes(b"anything")

    def none_left(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    for place in (
        "pathlib.Path.open",
        "builtins.open",
        "io.open",
        "io.FileIO",
        "pathlib.Path.read_bytes",
        "pathlib.Path.read_text",
    ):
        monkeypatch.setattr(place, none_left)
    monkeypatch.setattr("pyarrow.parquet.ParquetFile", none_left)
    with pytest.raises(MachineError, match="ulimit -n"):
        read(path)


def test_a_disk_that_has_room_is_not_the_one_that_is_full(tmp_path: Path):
    """A library may fill the temporary folder while a file is written somewhere else."""
    with pytest.raises(StdaskError, match=r"MB free there, [\d,.]+ MB in "), replacing(tmp_path / "a.fits"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_task_without_memory_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "tell", lambda *_: None)
    monkeypatch.setattr(tasks, "get_worker", lambda: type("Worker", (), {"address": "tcp://1"}))

    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(tasks, "call_broadcast", fails)
    outcome = tasks.attempt("Npix=17", 1, "digest")
    assert "[cluster] memory" in outcome.error
    assert outcome.fatal is None  # Another worker may have more.
