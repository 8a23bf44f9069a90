"""Distances of the merged catalogue: a survey's own first, its partner's where it has none."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.stages.merge.distances import lend_distances
from stdask.storage.tables import to_numpy, write_parquet

NAN = np.nan


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    table = pa.table(
        {
            "STAR_KEY_B": pa.array([40, 20, 30], pa.uint64()),
            "A_DISTANCE": pa.array([4.0, 2.0, NAN], pa.float32()),
            "A_DISTANCE_ERR": pa.array([0.4, 0.2, NAN], pa.float32()),
        }
    )
    write_parquet(tmp_path / "pairs.parquet", table)
    return tmp_path / "pairs.parquet"


def stars(distances: list[float] | None) -> pa.Table:
    table = pa.table({"STAR_KEY": pa.array([10, 20, 30, 40], pa.uint64())})
    if distances is None:
        return table
    errors = pa.array([d / 100 for d in distances], pa.float32())
    return table.append_column("DISTANCE", pa.array(distances, pa.float32())).append_column("DISTANCE_ERR", errors)


def test_a_star_without_a_distance_takes_its_partners_and_says_whose_it_is(pairs: Path):
    lent = lend_distances(stars([1.0, NAN, NAN, 5.0]), "b", [("a", pairs)])
    np.testing.assert_array_equal(to_numpy(lent, "DISTANCE"), np.float32([1.0, 2.0, NAN, 5.0]))  # its own stays
    np.testing.assert_array_equal(to_numpy(lent, "DISTANCE_ERR"), np.float32([0.01, 0.2, NAN, 0.05]))
    assert list(to_numpy(lent, "DISTANCE_FROM")) == ["b", "a", "", "b"]


def test_a_survey_without_any_distances_can_borrow_all_of_them(pairs: Path):
    lent = lend_distances(stars(None), "b", [("a", pairs)])
    np.testing.assert_array_equal(to_numpy(lent, "DISTANCE"), np.float32([NAN, 2.0, NAN, 4.0]))
    assert list(to_numpy(lent, "DISTANCE_FROM")) == ["", "a", "", "a"]


def test_nothing_is_lent_where_there_is_no_lender():
    lent = lend_distances(stars([1.0, NAN, NAN, 5.0]), "a", [])
    assert list(to_numpy(lent, "DISTANCE_FROM")) == ["a", "", "", "a"]


def test_of_two_surveys_that_could_lend_the_first_does(pairs: Path):
    other = pairs.with_name("other.parquet")
    columns = {"STAR_KEY_B": [20, 30], "A_DISTANCE": [7.0, 3.0], "A_DISTANCE_ERR": [0.7, 0.3]}
    kinds = (pa.uint64(), pa.float32(), pa.float32())
    write_parquet(other, pa.table(columns).cast(pa.schema(list(zip(columns, kinds, strict=True)))))
    lent = lend_distances(stars([1.0, NAN, NAN, 5.0]), "b", [("a", pairs), ("c", other)])
    np.testing.assert_array_equal(to_numpy(lent, "DISTANCE"), np.float32([1.0, 2.0, 3.0, 5.0]))
    np.testing.assert_array_equal(to_numpy(lent, "DISTANCE_ERR"), np.float32([0.01, 0.2, 0.3, 0.05]))
    assert list(to_numpy(lent, "DISTANCE_FROM")) == ["b", "a", "c", "b"]
