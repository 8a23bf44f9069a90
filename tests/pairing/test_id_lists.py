"""Lists of ids: whole numbers or text, the missing ones left out."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.errors import SurveyError
from stdask.pairing.id_lists import read_ids

LARGEST = 2**63 - 1  # no float64 holds it


@pytest.mark.parametrize("ids", [[3, None, LARGEST], ["2M0001", None, "2M0002"]])
def test_ids_come_back_exact_in_their_order_without_the_missing_ones(ids: list, tmp_path: Path):
    pq.write_table(pa.table({"star": ids}), tmp_path / "list.parquet")
    assert read_ids(tmp_path / "list.parquet", "star").to_pylist() == [ids[0], ids[2]]


def test_fractions_are_no_ids_and_the_message_says_what_to_do(tmp_path: Path):
    path = tmp_path / "list.parquet"
    pq.write_table(pa.table({"star": [1.0, 2.0]}), path)
    with pytest.raises(SurveyError, match=r"list\.parquet: column 'star' is double, .*Name another column"):
        read_ids(path, "star")
    with pytest.raises(SurveyError, match="no column 'id'"):
        read_ids(path, "id")
