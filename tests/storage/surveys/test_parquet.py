"""Parquet: lists by element, and files packed once more."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = [[1.0, 2.0, 3.0], None, [7.0, None, 9.0]]
    lists = {
        "fixed": pa.array(values, pa.list_(pa.float32(), 3)),
        "list": pa.array(values, pa.list_(pa.float32())),
        "large": pa.array(values, pa.large_list(pa.float32())),
        "ragged": pa.array([[1, 2], [], [3]], pa.list_(pa.int64())),
    }
    table = pa.table({**lists, "id": [1, 2, 3], "[Fe/H]": [0.5, 0.0, -1], "x[0]": [5, 6, 7], "s": [{"a": 1}] * 3})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    return tmp_path / "a.parquet"


@pytest.mark.parametrize("name", ["fixed", "list", "large"])
def test_an_element_of_lists_is_a_column_and_missing_where_it_or_its_list_is(name: str, path: Path):
    read = open_survey(path).read([f"{name}[1]", f"{name}[2]", "id"])
    assert np.array_equal(read[0].to_numpy(), [2, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(read[1].to_numpy(), [3, np.nan, 9], equal_nan=True)
    assert read[0].type == pa.float32()


def test_brackets_in_a_name_are_no_index(path: Path):
    read = open_survey(path).read(["[Fe/H]", "x[0]"]).to_pydict()
    assert read == {"[Fe/H]": [0.5, 0.0, -1.0], "x[0]": [5, 6, 7]}


def test_an_element_that_is_not_there_tells_how_many_there_are(path: Path):
    survey = open_survey(path)
    with pytest.raises(SurveyError, match=r"a\.parquet has no fixed\[3\]: .* 3 values a row, fixed\[0\] to fixed\[2\]"):
        survey.require(["fixed[3]"])
    with pytest.raises(SurveyError, match=r"a\.parquet: column 'fixed' holds 3 values a row"):
        survey.require(["fixed"])
    with pytest.raises(SurveyError, match=r"a\.parquet: column 'id' holds one value a row"):
        survey.require(["id[0]"])
    with pytest.raises(SurveyError, match=r"a\.parquet: column 'ragged' has rows with only 0 values"):
        survey.read(["ragged[0]"])
    with pytest.raises(SurveyError, match=r"a\.parquet: column 's' holds struct"):
        survey.read(["s"])


def test_a_copy_keeps_elements_and_names_with_dots(path: Path, tmp_path: Path):
    pq.write_table(pa.table({"T.A": [1, 2], "T": [3, 4], "v": pa.array([[1, 2]] * 2, pa.list_(pa.int16(), 2))}), path)
    open_survey(path).copy(["T.A", "T", "v[1]"], tmp_path / "copy")
    read = open_survey(tmp_path / "copy").read(["v[1]", "T", "T.A"]).to_pydict()
    assert read == {"v[1]": [2, 2], "T": [3, 4], "T.A": [1, 2]}


def test_a_parquet_file_that_was_packed_is_refused_with_the_remedy(path: Path):
    packed = path.with_suffix(".parquet.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(SurveyError, match=r"a\.parquet\.gz is a Parquet file that was packed.*Unpack it"):
        open_survey(packed)
