"""The bytes of a file as a stream, unpacked on the way: gzip, bzip2, xz or Zstandard."""

import bz2
import gzip
import io
import lzma
import weakref
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO, cast

import pyarrow as pa

from stdask.storage.surveys.places.remote import open_bytes

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
PIECE = 1 << 20  # bytes skipped at once
PATIENCE_S = 60  # for threads of Arrow, which end within milliseconds


class _Zstandard(io.RawIOBase):
    """A stream that Arrow unpacks, with the interface of Python's own modules."""

    def __init__(self, packed: BinaryIO) -> None:
        self._bytes = pa.input_stream(packed, compression="zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            piece = self._bytes.read(len(buffer))
        except OSError as exc:
            if "Truncated" in str(exc):
                raise EOFError(str(exc)) from exc
            raise
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._bytes.close()
        super().close()


UNPACKERS: dict[bytes, Callable[[BinaryIO], object]] = {  # the first bytes of a packed file -> what unpacks it
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda packed: io.BufferedReader(_Zstandard(packed), PIECE),
}
LONGEST = max(map(len, UNPACKERS))


def is_packed(path: Path) -> bool:
    """Return whether a file is packed, by its first bytes."""
    with open_bytes(path) as stored:
        return _unpacker(stored.read(LONGEST)) is not None


@contextmanager
def open_stream(path: Path) -> Iterator[BinaryIO]:
    """Give the bytes of a file from the first one on, unpacked.

    Raises
    ------
    EOFError
        While the stream is read, if a packed file is truncated.
    """
    with open_bytes(path) as stored:
        unpacker = _unpacker(stored.read(LONGEST))
        stored.seek(0)
        if unpacker is None:
            yield stored
            return
        with cast("BinaryIO", unpacker(stored)) as stream:
            yield stream


class _Lent:
    """A stream as Arrow sees it, which nobody else holds."""

    closed = False

    def __init__(self, read: Callable[[int], memoryview]) -> None:
        self.read = read


class _Loans:
    """What threads of Arrow hold of Python's objects: a stream, and the pieces that were read from it."""

    def __init__(self) -> None:
        self._held: dict[int, weakref.ref[Any]] = {}
        self._let_go: SimpleQueue[weakref.ref[Any]] = SimpleQueue()

    def lend(self, read: Callable[[int], bytes]) -> _Lent:
        """Return a stream for Arrow alone."""

        def read_piece(n_bytes: int) -> memoryview:
            piece = memoryview(read(n_bytes))
            self._watch(piece)
            while not self._let_go.empty():
                self._forget()
            return piece

        lent = _Lent(read_piece)
        self._watch(lent)
        return lent

    def wait(self) -> None:
        """Wait until Arrow has dropped everything."""
        with suppress(Empty):
            while self._held:
                self._forget()

    def _watch(self, lent: Any) -> None:
        # Nothing but C runs when Arrow drops it, so its thread leaves the interpreter before another one goes on.
        reference = weakref.ref(lent, self._let_go.put)
        self._held[id(reference)] = reference

    def _forget(self) -> None:
        del self._held[id(self._let_go.get(timeout=PATIENCE_S))]


def read_batches(stream: BinaryIO, open_reader: Callable[[Any], pa.RecordBatchReader]) -> Generator[pa.RecordBatch]:
    """Yield what a reader of Arrow makes of a stream, at least one batch, be it empty.

    Arrow reads ahead in a thread of its own, which may drop the stream, and the bytes that it read, after the reader
    is closed. To drop an object of Python it waits for the interpreter's lock, and if the interpreter exits meanwhile,
    the process is aborted. So this ends only when Arrow has dropped all of them.
    """
    loans = _Loans()
    lent = [loans.lend(stream.read)]
    reader = None
    try:
        reader = open_reader(lent.pop())
        batch = next(reader, None) or pa.RecordBatch.from_pylist([], reader.schema)
        while batch is not None:
            yield batch
            batch = next(reader, None)
    finally:
        del reader
        loans.wait()


def skip(stream: BinaryIO, n_bytes: int) -> None:
    """Go on by a number of bytes, or to the end of the stream if that comes before."""
    if stream.seekable():
        stream.seek(n_bytes, io.SEEK_CUR)
        return
    while n_bytes and (piece := stream.read(min(n_bytes, PIECE))):
        n_bytes -= len(piece)


def _unpacker(head: bytes) -> Callable[[BinaryIO], object] | None:
    return next((unpack for magic, unpack in UNPACKERS.items() if head.startswith(magic)), None)
