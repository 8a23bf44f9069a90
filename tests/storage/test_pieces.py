"""Pieces: rows dealt to parts and read back."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.errors import CatalogueError
from stdask.storage.pieces import read_part, write_pieces


def test_each_part_reads_back_as_its_rows_in_order(tmp_path: Path):
    table = pa.table({"row": np.arange(6), "name": ["a", None, "c", "d", "e", "f"]})
    write_pieces(tmp_path / "a", table, np.array([3, 1, 3, 3, 0, 1]), n_parts=5)
    read = [read_part([tmp_path / "a"], part) for part in range(5)]
    assert [part["row"].to_pylist() for part in read] == [[4], [1, 5], [], [0, 2, 3], []]
    assert [part["name"].to_pylist() for part in read] == [["e"], [None, "f"], [], ["a", "c", "d"], []]
    assert all(part.schema == table.schema for part in read)


def test_a_part_of_several_files_is_read_in_their_order(tmp_path: Path):
    files = [tmp_path / "b", tmp_path / "a"]
    for start, path in zip((10, 20), files, strict=True):
        write_pieces(path, pa.table({"row": [start, start + 1], "x": [0.5, 1.5]}), np.array([1, 1]), n_parts=2)
    assert read_part(files, 1, ["row"]).to_pydict() == {"row": [10, 11, 20, 21]}
    assert read_part(files, 0).num_rows == 0


def test_no_rows_are_a_file_of_empty_parts(tmp_path: Path):
    write_pieces(tmp_path / "a", pa.table({"row": np.arange(0)}), np.array([], int), n_parts=2)
    assert read_part([tmp_path / "a"], 1).num_rows == 0


@pytest.mark.faults
@pytest.mark.parametrize("content", [None, b"", b"no pieces at all", "half"])
def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path, content: bytes | str | None):
    path = tmp_path / "a"
    write_pieces(path, pa.table({"row": np.arange(1000)}), np.zeros(1000, int), n_parts=1)
    whole = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(CatalogueError, match=f"Cannot read {path}: .* Remove it and start again"):
        read_part([path], 0)
