"""The bytes of files on other machines: ranges of them with retries, or whole where a server gives no ranges.

Addresses are paths of universal_pathlib; fsspec speaks with the servers.
"""

import io
import os
import shutil
import tempfile
import time
import urllib.error
import urllib.request
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

from stdask.config.addresses import SECONDS_OF_SILENCE, is_remote
from stdask.errors import RemoteError, StdaskError, SurveyError, raise_machine_error
from stdask.storage.files import hash_of, sha256

PAUSES = (1.0, 3.0, 10.0)  # seconds before each further try
PIECE = 1 << 22  # bytes asked for at once where a whole file is read
AHEAD = 1 << 18  # and where only a header is
TAGS = ("ETag", "Last-Modified", "LastModified")  # what servers say of the version of a file
HTTP = ("http", "https")
R = TypeVar("R")


class RemoteBytes(io.RawIOBase):
    """The bytes of a file on another machine; each read asks for a range of them."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that any part can be read."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read the bytes that come next."""
        stop = min(self._place + len(buffer), self._size)
        if stop <= self._place:
            return 0
        piece = patiently(self._path, lambda: self._range(self._place, stop))
        buffer[: len(piece)] = piece
        self._place = stop
        return len(piece)

    def _range(self, start: int, stop: int) -> bytes:
        piece: bytes = _files(self._path).cat_file(_name(self._path), start=start, end=stop)
        if len(piece) != stop - start:
            raise ConnectionError(f"{len(piece)} bytes of {stop - start} came")
        return piece


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, on this machine or another one.

    Raises
    ------
    SurveyError
        If there is nothing at an address.
    RemoteError
        If the server cannot be reached, or breaks off, on each of several tries.
    """
    if not is_remote(path):
        return path.open("rb")
    size = information(path).get("size")
    if size is not None and _gives_ranges(path):
        return cast("BinaryIO", io.BufferedReader(RemoteBytes(path, size), AHEAD))
    return _copy(path).path.open("rb")


@contextmanager
def fetched(path: Path, folder: Path) -> Iterator[Path]:
    """Yield a copy of a remote file in a folder, removed afterwards; a file on this machine itself.

    Raises
    ------
    SurveyError, RemoteError
        As `open_bytes`.
    """
    if not is_remote(path):
        yield path
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(prefix=".fetched_", suffix=f"_{path.name}", dir=folder) as copy:
        with open_bytes(path) as source:
            shutil.copyfileobj(source, copy, PIECE)
        copy.flush()
        yield Path(copy.name)


def information(path: Path) -> Mapping[str, Any]:
    """Return what a server says of a file: its size, and when it was changed.

    Raises
    ------
    SurveyError, RemoteError
        As `open_bytes`.
    """
    # fsspec itself asks in two ways, so a silent server has kept silent twice then.
    return cast("Mapping[str, Any]", patiently(path, lambda: _files(path).info(_name(path)), most_silences=1))


def exists(path: Path) -> bool:
    """Tell whether there is a file, on this machine or another one.

    Raises
    ------
    RemoteError
        As `open_bytes`.
    """
    if not is_remote(path):
        return path.is_file()
    try:
        information(path)
    except SurveyError:
        return False
    return True


def identity(path: Path) -> str:
    """Return a hash that tells whether a remote file is still the same.

    It is that of its address, size and version, as the server states them; of its bytes if the server states none.
    """
    found = information(path)
    tags = [str(found[tag]) for tag in TAGS if found.get(tag)]
    if tags:
        return hash_of([str(path), found.get("size"), *tags])
    with tempfile.TemporaryDirectory() as folder, fetched(path, Path(folder)) as copy:
        return sha256(copy)


def patiently(path: Path, work: Callable[[], R], most_silences: int = 2) -> R:
    """Do what needs the network, several times if it fails.

    Parameters
    ----------
    path, work
        The file, and what is done with it.
    most_silences
        How often a server may let the time run out.

    Raises
    ------
    SurveyError
        If there is nothing at the address.
    RemoteError
        If the last try fails, too.
    """
    n_silences = 0
    for pause in (*PAUSES, None):
        try:
            return work()
        except StdaskError:
            raise
        except Exception as exc:  # libraries of each protocol have errors of their own
            cause = exc.__cause__ if isinstance(exc, FileNotFoundError) and exc.__cause__ else exc
            status = getattr(cause, "status", None)
            if isinstance(cause, FileNotFoundError) or status in (404, 410):
                raise SurveyError(f"There is nothing at {path}. Check the address.") from exc
            if status in (401, 403) or isinstance(cause, PermissionError):
                raise SurveyError(f"{path} may not be read ({cause}). Check the address and your permission.") from exc
            raise_machine_error(exc, f"reading {path}", network=False)
            n_silences += isinstance(cause, TimeoutError)
            if pause is None or n_silences >= most_silences:
                raise RemoteError(
                    f"Cannot read {path}: {_words(cause)}. Check the address and the network, and "
                    "run the same command again."
                ) from exc
            time.sleep(pause)
    raise AssertionError  # the last try returns or raises


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"the server has been silent for {SECONDS_OF_SILENCE} s"
    return str(error) or type(error).__name__


@lru_cache(maxsize=4096)
def _gives_ranges(path: Path) -> bool:
    """Tell whether a server sends a part of a file, if it is asked for that."""
    if _files(path).protocol not in (HTTP, *HTTP):
        return True

    def ask() -> bool:
        request = urllib.request.Request(str(path), headers={"Range": "bytes=0-0"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS_OF_SILENCE) as answer:
                return bool(answer.status == 206)
        except urllib.error.HTTPError as exc:
            exc.close()
            if exc.code == 416:  # the file is empty
                return False
            raise

    return patiently(path, ask)


@lru_cache(maxsize=1)
def _copy(path: Path) -> "_Copy":
    copy = _Copy(path)
    patiently(path, lambda: _files(path).get_file(_name(path), str(copy.path)))
    return copy


class _Copy:
    """A whole file, fetched; it is removed when another one is fetched, or at the end of the process."""

    def __init__(self, path: Path) -> None:
        number, name = tempfile.mkstemp(prefix="stdask_", suffix=f"_{path.name}")
        os.close(number)
        self.path = Path(name)
        weakref.finalize(self, self.path.unlink, missing_ok=True)


def _files(path: Path) -> Any:
    return path.fs  # type: ignore[attr-defined]


def _name(path: Path) -> str:
    return path.path  # type: ignore[attr-defined]
