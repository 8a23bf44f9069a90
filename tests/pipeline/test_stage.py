"""What all stages share: skipping, redoing, counting rows."""

from pathlib import Path

import pytest

from stdask.config import Run, load_run
from stdask.errors import CatalogueError
from stdask.pipeline.stage import Stage, check_rows, describe_rows, digest_of

JOB = Path(__file__).parents[2] / "jobs" / "lamost_to_apogee.toml"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return load_run(JOB, tmp_path, tmp_path / "run")


def finished(run: Run, config: dict | None = None) -> Stage:
    stage = Stage(run, "merge", inputs={"pair": "abc"}, config=config or {})
    path = run.output / "products" / "table.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("rows")
    stage.finish([path], {"in": 3, "out": 2, "set aside": {"no distance": 1}})
    return stage


def test_a_finished_stage_is_done_until_something_it_depends_on_changes(run: Run):
    finished(run)
    assert Stage(run, "merge", {"pair": "abc"}, {}).done() is not None
    assert Stage(run, "merge", {"pair": "other"}, {}).done() is None
    assert Stage(run, "merge", {"pair": "abc"}, {"bin": 1}).done() is None
    assert Stage(run, "atlas", {"pair": "abc"}, {}).done() is None


def test_a_stage_whose_output_was_removed_or_changed_in_size_is_run_again(run: Run):
    finished(run)
    path = run.output / "products" / "table.txt"
    path.write_text("other rows")
    assert "changed" in Stage(run, "merge", {"pair": "abc"}, {}).reason
    path.unlink()
    assert "missing" in Stage(run, "merge", {"pair": "abc"}, {}).reason


def test_lost_or_doubled_rows_are_refused_and_leave_no_receipt(run: Run):
    stage = Stage(run, "merge", {"pair": "abc"}, {})
    with pytest.raises(CatalogueError, match="read 3 rows but accounts for 2"):
        stage.finish([], {"in": 3, "out": 1, "set aside": {"no distance": 1}})
    assert Stage(run, "merge", {"pair": "abc"}, {}).done() is None
    check_rows("merge", {"in": 3, "out": 1, "set aside": {"a": 1, "b": 1}})


def test_rows_are_told_with_the_reasons_that_occurred():
    counts = {"in": 1000, "out": 990, "set aside": {"no position": 10, "no id": 0}}
    assert describe_rows(counts) == "rows 1,000 in = 990 out + 10 set aside (no position: 10)"


def test_a_stage_whose_input_was_never_made_names_the_command_to_run(run: Run):
    with pytest.raises(CatalogueError, match="Run `stdask ingest` first"):
        digest_of(run, "ingest_a")
