"""The bytes of a file as a stream, unpacked on the way: gzip, bzip2, xz or Zstandard."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
PIECE = 1 << 20  # bytes skipped at once


class _Zstandard(io.RawIOBase):
    """A stream that Arrow unpacks, with the interface of Python's own modules."""

    def __init__(self, path: Path) -> None:
        self._bytes = pa.input_stream(str(path), compression="zstd")

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


UNPACKERS: dict[bytes, Callable[[Path], object]] = {  # the first bytes of a packed file -> what unpacks it
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": lambda path: io.BufferedReader(_Zstandard(path), PIECE),
}


def is_packed(path: Path) -> bool:
    """Return whether a file is packed, by its first bytes."""
    return _unpacker(path) is not None


@contextmanager
def open_stream(path: Path) -> Iterator[BinaryIO]:
    """Give the bytes of a file from the first one on, unpacked.

    Raises
    ------
    EOFError
        While the stream is read, if a packed file is truncated.
    """
    unpacker = _unpacker(path)
    with cast("BinaryIO", unpacker(path)) if unpacker else path.open("rb") as stream:
        yield stream


def skip(stream: BinaryIO, n_bytes: int) -> None:
    """Go on by a number of bytes, or to the end of the stream if that comes before."""
    if stream.seekable():
        stream.seek(n_bytes, io.SEEK_CUR)
        return
    while n_bytes and (piece := stream.read(min(n_bytes, PIECE))):
        n_bytes -= len(piece)


def _unpacker(path: Path) -> Callable[[Path], object] | None:
    with path.open("rb") as file:
        head = file.read(max(map(len, UNPACKERS)))
    return next((unpack for magic, unpack in UNPACKERS.items() if head.startswith(magic)), None)
