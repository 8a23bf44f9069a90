"""Packed files: whatever packs them, the bytes are the same, and one that is cut off is told."""

import bz2
import gzip
import io
import itertools
import lzma
import sys
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest

from stdask.storage.surveys.streams import PIECE, is_packed, open_stream, read_batches, skip

PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": lambda b: pa.compress(b, "zstd", True)}
CONTENT = np.random.default_rng(1).bytes(3 * PIECE)


@pytest.mark.parametrize("suffix", ["", *PACK])
def test_a_stream_gives_all_bytes_and_skips_some(suffix: str, tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(PACK[suffix](CONTENT) if suffix else CONTENT)
    assert is_packed(path) == bool(suffix)
    with open_stream(path) as stream:
        assert stream.read() == CONTENT
    with open_stream(path) as stream:
        assert stream.read(5) == CONTENT[:5]
        skip(stream, 2 * PIECE)
        assert stream.read(100) == CONTENT[5 + 2 * PIECE :][:100]
        skip(stream, 10 * PIECE)
        assert stream.read(1) == b""


@pytest.mark.parametrize("suffix", PACK)
def test_a_packed_file_that_is_cut_off_ends_in_an_error(suffix: str, tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(PACK[suffix](CONTENT)[: 2 * PIECE])
    with open_stream(path) as stream, pytest.raises(EOFError):
        stream.read()


@pytest.mark.parametrize("suffix", PACK)
def test_files_packed_apart_and_joined_are_one(suffix: str, tmp_path: Path):
    path = tmp_path / "a"
    path.write_bytes(PACK[suffix](b"one ") + PACK[suffix](b"two"))
    with open_stream(path) as stream:
        assert stream.read() == b"one two"


class Recorded(io.BytesIO):
    """A stream that keeps what was read from it. Each piece is then held by the list, and two by who counts."""

    def __init__(self, text: bytes) -> None:
        super().__init__(text)
        self.pieces: list[bytes] = []

    def read(self, size: int | None = -1) -> bytes:
        self.pieces.append(bytes(bytearray(super().read(size))))  # a copy: else it may be `text` itself
        return self.pieces[-1]


RAGGED = b"a,b\n1,2\n3\n"
OPEN_CSV = partial(pcsv.open_csv, read_options=pcsv.ReadOptions(use_threads=False))


@pytest.mark.parametrize(
    ("text", "n_batches"),
    [(b"a,b\n1,2\n", None), (b"a,b\n" + b"1,2\n" * PIECE, 1), (RAGGED, None), (b"", None)],
    ids=["to the end", "left early", "ragged", "empty"],
)
def test_arrow_holds_nothing_of_a_stream_that_was_read(text: bytes, n_batches: int | None):
    """Its threads drop a stream late in one of eight trials, and abort the process if it exits meanwhile."""
    for _ in range(100 if len(text) < PIECE else 5):
        stream = Recorded(text)
        holders = sys.getrefcount(stream)
        with closing(read_batches(stream, OPEN_CSV)) as batches, suppress(pa.ArrowInvalid):
            for _ in itertools.islice(batches, n_batches):
                pass
        assert sys.getrefcount(stream) == holders
        assert {sys.getrefcount(piece) for piece in stream.pieces if piece} == ({3} if text else set())


def test_a_table_without_rows_is_one_empty_batch():
    (batch,) = read_batches(io.BytesIO(b"a,b\n"), OPEN_CSV)
    assert batch.schema.names == ["a", "b"]
    assert batch.num_rows == 0
