"""Packed files: whatever packs them, the bytes are the same, and one that is cut off is told."""

import bz2
import gzip
import lzma
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.storage.surveys.streams import PIECE, is_packed, open_stream, skip

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
