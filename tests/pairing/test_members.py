"""Members of clusters: those with high enough probabilities, and what is published of their clusters."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.config.stages import ClusterMembers
from stdask.errors import SurveyError
from stdask.pairing.members import read_members

COLUMNS = {"ra": [1.0, 2.0, 3.0, 4.0], "dec": [0.0] * 4}


def write(folder: Path, **columns: object) -> Path:
    pq.write_table(pa.table({**COLUMNS, **columns}), folder / "members.parquet")
    return folder / "members.parquet"


def members_of(path: Path, **keys: object) -> list[tuple[float, str]]:
    found = read_members(path, ClusterMembers.model_validate({"file": str(path), **keys}))
    return [*zip(found.table["ra"].to_pylist(), found.clusters.tolist(), strict=True)]


def test_a_list_without_probabilities_is_taken_whole_but_for_stars_without_a_cluster(tmp_path: Path):
    path = write(tmp_path, cluster=["NGC 104 ", "", None, "M 67"])
    assert members_of(path) == [(1.0, "NGC 104"), (4.0, "M 67")]


def test_all_probabilities_of_occam_count_if_none_is_named(tmp_path: Path):
    path = write(tmp_path, cluster=["a"] * 4, RV_PROB=[0.5, 0.5, 0.01, np.nan], PM_PROB=[0.5, 0.0, 0.5, 0.5])
    assert members_of(path) == [(1.0, "a")]


def test_probabilities_that_are_named_count_alone(tmp_path: Path):
    path = write(tmp_path, name=["a"] * 4, RV_PROB=[0.0] * 4, memberprob=[0.4, 0.6, 0.9, 0.5])
    keys = {"cluster": "name", "probabilities": ["memberprob"], "min_probability": 0.5}
    assert members_of(path, **keys) == [(2.0, "a"), (3.0, "a")]


def test_the_literature_of_a_cluster_is_the_median_of_its_rows(tmp_path: Path):
    path = write(tmp_path, cluster=["a", "a", "a", "b"], feh=[-0.7, -0.8, np.nan, np.nan])
    config = ClusterMembers(file=path, literature={"FE_H": "feh"})
    found = read_members(path, config).literature["FE_H"]
    assert found["a"] == pytest.approx(-0.75)
    assert np.isnan(found["b"])


def test_a_column_that_is_named_must_be_there(tmp_path: Path):
    path = write(tmp_path, cluster=["a"] * 4)
    with pytest.raises(SurveyError, match="no column 'P', which `probabilities` names"):
        members_of(path, probabilities=["P"])
    with pytest.raises(SurveyError, match="no column 'Cluster name', which `cluster` names"):
        members_of(path, cluster="Cluster name")


def test_a_table_without_a_member_is_refused(tmp_path: Path):
    path = write(tmp_path, cluster=["a", "b", "", "a"], p=[0.5, 0.4, 0.9, np.nan])
    with pytest.raises(
        SurveyError, match=r"none of the 3 rows with a cluster has p above 0\.6. Lower `min_probability`"
    ):
        members_of(path, probabilities=["p"], min_probability=0.6)
    path = write(tmp_path, cluster=["", None, "", ""])
    with pytest.raises(SurveyError, match=r"column 'cluster', which `cluster` names, is empty in all rows"):
        members_of(path)
