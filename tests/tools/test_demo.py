"""The demo: its surveys are made once, and its truth speaks of the labels that are translated."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stdask.tools.demo import prepare

STARS = {"n_a": 2000, "n_b": 2000, "n_common": 100}


def times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def test_every_label_has_a_truth_for_every_star(folder: Path):
    run, truth = prepare(folder, **STARS, seed=1)
    table = pq.read_table(truth)
    labels = [item.label for family in ("intrinsic", "extrinsic") for item in run.config.train.labels(family)]
    assert {"ID_A", *labels} <= set(table.column_names)
    assert (
        table.column("ID_A").to_pylist() == pq.read_table(run.survey_files("a")["main"].path)["sobject_id"].to_pylist()
    )
    assert (run.output, run.config.seed) == (folder.resolve(), 1)


def test_the_same_mock_is_not_made_again_and_another_is(folder: Path):
    prepare(folder, **STARS, seed=1)
    before = times(folder)
    prepare(folder, **STARS, seed=1)
    assert times(folder) == before
    run, _ = prepare(folder, **STARS, seed=2)
    assert run.config.seed == 2
    assert all(new != before[name] for name, new in times(folder).items())
