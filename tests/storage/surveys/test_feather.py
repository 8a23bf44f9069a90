"""Feather: the same values as Arrow wrote, by slices, with units, packed or not."""

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey

IDS = [2**62 + 1 + 2 * n for n in range(100)]


@pytest.fixture
def stars() -> pa.Table:
    matrix = pa.FixedSizeListArray.from_arrays(pa.array([float(n) for n in range(400)]), 4)
    columns = {"id": pa.array(IDS), "name": pa.array([None, *(f"star {n}" for n in range(1, 100))])}
    fields = [pa.field("id", pa.int64()), pa.field("name", pa.string())]
    fields.append(pa.field("covar", matrix.type, metadata={"unit": "K"}))
    return pa.table([*columns.values(), matrix], schema=pa.schema(fields))


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_values_are_read_by_slices(compression: str, stars: pa.Table, tmp_path: Path):
    feather.write_feather(stars, tmp_path / "a.feather", compression=compression, chunksize=30)
    survey = open_survey(tmp_path / "a.feather")
    assert survey.by_slices
    assert survey.n_rows == 100
    assert survey.read(["id"], 25, 65)["id"].to_pylist() == IDS[25:65]
    assert survey.read(["name", "covar[3]"], 98).to_pydict() == {"name": ["star 98", "star 99"], "covar[3]": [395, 399]}
    assert survey.read(["id"], 40, 40).num_rows == 0
    assert survey.unit("covar[0]") == "K"


def test_a_feather_file_that_was_packed_is_refused(stars: pa.Table, tmp_path: Path):
    import gzip

    feather.write_feather(stars, tmp_path / "a.feather")
    (tmp_path / "a.feather.gz").write_bytes(gzip.compress((tmp_path / "a.feather").read_bytes()))
    with pytest.raises(SurveyError, match=r"Feather file that was packed once more.*Unpack it"):
        open_survey(tmp_path / "a.feather.gz")


def test_no_rows_at_all_are_told(stars: pa.Table, tmp_path: Path):
    feather.write_feather(stars[:0], tmp_path / "a.feather")
    with pytest.raises(SurveyError, match="has no rows"):
        open_survey(tmp_path / "a.feather")
