"""What all stages share: skipping, redoing, counting rows."""

from pathlib import Path

import pytest

from stdask.config.run import Run, load_run
from stdask.errors import CatalogueError
from stdask.runs.counts import RowCounts
from stdask.runs.receipts import FileRecord, Receipt, describe_outputs, write_damaged, write_receipt
from stdask.runs.registry import STAGES, stage_settings
from stdask.runs.stage import Stage, begin_stage, digest_of
from stdask.storage import paths
from tests.counted import made_up_counts

COUNTS = made_up_counts("merge")
JOB = Path(__file__).parents[2] / "jobs" / "lamost_to_apogee.toml"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return load_run(JOB, tmp_path, tmp_path / "run")


def stage_of(run: Run, inputs: dict[str, str]) -> Stage:
    return Stage(run.output, "merge", inputs, stage_settings(run, "merge"))


def finished(run: Run) -> Stage:
    stage = stage_of(run, {"pair": "abc"})
    path = run.output / "products" / "table.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("rows")
    stage.finish([path], COUNTS)
    return stage


def with_half_light_radii(run: Run, number: float) -> Run:
    merge = run.config.merge.model_copy(update={"half_light_radii": number})
    return run.model_copy(update={"config": run.config.model_copy(update={"merge": merge})})


def with_more_draws(run: Run) -> Run:
    translate = run.config.translate.model_copy(update={"n_draws": 200})
    return run.model_copy(update={"config": run.config.model_copy(update={"translate": translate})})


def test_a_finished_stage_is_done_until_something_it_depends_on_changes(run: Run):
    finished(run)
    assert stage_of(run, {"pair": "abc"}).done() is not None
    assert stage_of(run, {"pair": "other"}).reason == "changed: what it reads from pair"
    assert stage_of(with_half_light_radii(run, 3.0), {"pair": "abc"}).reason == "changed: merge.half_light_radii"
    assert stage_of(with_more_draws(run), {"pair": "abc"}).done() is not None  # merge does not draw
    assert Stage(run.output, "atlas", {"pair": "abc"}, stage_settings(run, "atlas")).done() is None


def test_a_stage_whose_output_was_removed_or_changed_in_size_is_run_again(run: Run):
    finished(run)
    path = run.output / "products" / "table.txt"
    path.write_text("other rows")
    assert "changed" in stage_of(run, {"pair": "abc"}).reason
    path.unlink()
    assert "missing" in stage_of(run, {"pair": "abc"}).reason


def test_lost_or_doubled_rows_are_refused_and_leave_no_receipt(run: Run):
    stage = stage_of(run, {"pair": "abc"})
    with pytest.raises(CatalogueError, match="read 3 rows but accounts for 2"):
        stage.finish([], made_up_counts("merge", rows=RowCounts(3, 1, {"no distance": 1})))
    assert stage_of(run, {"pair": "abc"}).done() is None
    RowCounts(3, 1, {"a": 1, "b": 1}).check("merge")


def test_rows_are_told_with_the_reasons_that_occurred():
    rows = RowCounts(1000, 990, {"no position": 10, "no id": 0})
    assert str(rows) == "rows 1,000 in = 990 out + 10 set aside (no position: 10)"


def test_a_stage_whose_input_was_never_made_names_the_command_to_run(run: Run):
    with pytest.raises(CatalogueError, match="Run `stdask ingest` first"):
        digest_of(run, "ingest_a")


def test_a_stage_that_begins_leaves_no_receipt_of_the_last_time(run: Run):
    """So that files half rewritten are never taken for the finished ones of the old settings."""
    finished(run)
    assert stage_of(run, {"pair": "other"}).done() is None
    assert stage_of(run, {"pair": "abc"}).reason == "not run yet"


def test_only_files_that_the_stage_itself_wrote_are_removed(run: Run):
    finished(run)
    foreign = run.output / "products" / "my_notes.txt"
    foreign.write_text("mine")
    stage_of(run, {"pair": "other"}).remove_old_outputs()
    assert foreign.exists()
    assert not (run.output / "products" / "table.txt").exists()


def test_a_stage_run_with_other_settings_than_the_run_file_has_now_is_no_input(run: Run):
    finished(run)
    assert digest_of(run, "merge")
    with pytest.raises(CatalogueError, match=r"repeated \(changed: merge.half_light_radii\). Run `stdask merge` first"):
        digest_of(with_half_light_radii(run, 3.0), "merge")


def test_what_workers_told_of_their_files_stands_in_the_receipt(run: Run):
    path = run.output / "products" / "table.txt"
    path.parent.mkdir(parents=True)
    path.write_text("rows")
    told = FileRecord(4, "as the worker told")
    receipt = stage_of(run, {"pair": "abc"}).finish([path], COUNTS, {path: told})
    assert receipt.outputs == {"products/table.txt": told}
    assert stage_of(run, {"pair": "abc"}).done() is not None


def test_a_file_that_is_shorter_than_its_worker_told_leaves_no_receipt(run: Run):
    path = run.output / "products" / "table.txt"
    path.parent.mkdir(parents=True)
    path.write_text("row")
    with pytest.raises(CatalogueError, match="has 3 bytes, but a worker wrote 4"):
        stage_of(run, {"pair": "abc"}).finish([path], COUNTS, {path: FileRecord(4, "")})
    assert stage_of(run, {"pair": "abc"}).reason == "not run yet"


def test_a_stage_with_a_damaged_output_is_run_again_and_then_done(run: Run):
    finished(run)
    write_damaged(run.output, {"products/table.txt": "its checksum differs"})
    assert stage_of(run, {"pair": "abc"}).reason == "products/table.txt is damaged"
    finished(run)
    assert stage_of(run, {"pair": "abc"}).done() is not None


def test_a_stage_is_no_input_while_what_it_was_made_from_has_changed_since(run: Run):
    finished(run)  # merge, made from a pair stage "abc"
    made = run.output / "pairs.txt"
    made.write_text("other pairs")
    outputs = describe_outputs(run.output, [made])
    write_receipt(run.output, Receipt("pair", "key", {}, stage_settings(run, "pair"), outputs, made_up_counts("pair")))
    with pytest.raises(CatalogueError, match=r"'merge' stage must be repeated \(changed: what it reads from pair\)"):
        digest_of(run, "merge")


def test_a_stage_is_no_input_while_a_file_of_it_is_damaged(run: Run):
    finished(run)
    write_damaged(run.output, {"products/table.txt": "is not what was written"})
    with pytest.raises(CatalogueError, match=r"products/table.txt is damaged\). Run `stdask merge` first"):
        digest_of(run, "merge")


def test_a_table_of_what_was_set_aside_is_no_input_of_later_stages(run: Run):
    path = run.output / "pairs" / "rejected.parquet"
    path.parent.mkdir(parents=True)
    digests = []
    for text in ("one star", "two stars"):
        path.write_text(text)
        digests.append(Receipt("pair", "key", {}, {}, describe_outputs(run.output, [path]), COUNTS).digest)
    assert digests[0] == digests[1]


def test_the_first_stage_that_must_be_repeated_is_named_when_a_catalogue_is_gone(run: Run):
    written: dict[str, Receipt] = {}
    for name in ("ingest_a", "ingest_b", "pair"):
        made = run.output / f"{name}.txt"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(name)
        inputs = {own: written[own].digest for own in STAGES[name].inputs}
        outputs = describe_outputs(run.output, [made])
        written[name] = Receipt(name, "key", inputs, stage_settings(run, name), outputs, made_up_counts(name))
        write_receipt(run.output, written[name])
    assert digest_of(run, "pair")
    (run.output / "ingest_a.txt").unlink()
    with pytest.raises(
        CatalogueError, match=r"'ingest_a' .* repeated \(ingest_a.txt is missing\). Run `stdask ingest`"
    ):
        begin_stage(run, "train")  # which reads the pairs, and they read the catalogue
    paths.receipt(run.output, "pair").unlink()
    paths.receipt(run.output, "ingest_a").unlink()
    with pytest.raises(CatalogueError, match=r"has no finished 'ingest_a' stage. Run `stdask ingest` first"):
        begin_stage(run, "train")
