"""Pieces: rows dealt to parts and read back."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.storage.pieces import read_piece, write_pieces


def test_each_part_reads_back_as_its_rows_in_order(tmp_path: Path):
    numbers = np.array([7, 2, 7, 7, 0, 2])
    table = pa.table({"row": np.arange(6)})
    parts = write_pieces(tmp_path / "a.parquet", table, numbers)
    assert parts == [0, 2, 7]
    read = [read_piece(tmp_path / "a.parquet", group)["row"].to_pylist() for group in range(3)]
    assert read == [[4], [1, 5], [0, 2, 3]]
    assert read_piece(tmp_path / "a.parquet")["row"].to_pylist() == [4, 1, 5, 0, 2, 3]


def test_no_rows_are_a_file_without_parts(tmp_path: Path):
    assert write_pieces(tmp_path / "a.parquet", pa.table({"row": np.arange(0)}), np.array([], int)) == []
    assert read_piece(tmp_path / "a.parquet").num_rows == 0
