"""Status: what a run folder tells of its run."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.display.console import Figures
from stdask.errors import CatalogueError
from stdask.runs.counts import Counts, RowCounts
from stdask.runs.lock import Lock, hold
from stdask.runs.progress import Progress
from stdask.runs.recorder import recorded, stage_begins
from stdask.runs.registry import STAGES, stage_settings
from stdask.runs.results import RESULTS
from stdask.runs.stage import Stage, begin_stage, digest_of
from stdask.storage import paths
from stdask.storage.files import write_text
from stdask.tools.run import run_stages
from stdask.tools.status import Standing, print_status, standings
from tests.counted import made_up_counts

JOB = Path(__file__).parents[2] / "jobs" / "lamost_to_apogee.toml"
FIGURES = Figures("translate stars", 9000, "stars", 9, done=3000, tasks_done=3, failed=1)
LIVE, DEAD = Lock("", None, alive=True), Lock("", None, alive=False)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run whose pair, train and translate are done."""
    run = load_run(JOB, tmp_path, tmp_path / "run")
    make(run, "pair", {}, made_up_counts("pair", rows=RowCounts(12_000, 11_000, {"no match": 1000})))
    make(run, "train", {"pair": digest_of(run, "pair")})
    make(run, "translate", {"train": digest_of(run, "train")})
    return run


def make(run: Run, name: str, inputs: dict[str, str], counts: Counts | None = None, text: str = "rows") -> None:
    stage = Stage(run.output, name, inputs, stage_settings(run, name))
    path = run.output / f"{name}.txt"
    write_text(path, text)
    stage.finish([path], counts or made_up_counts(name))


def progress_of(stage: str, **changes: object) -> Progress:
    record = Progress("running", stage, "", FIGURES, datetime.now(UTC), "node7", 4242, "http://127.0.0.1:8787/status")
    return replace(record, **changes)


def stand(run: Run, stage: str, progress: Progress | None = None, lock: Lock | None = None) -> Standing:
    return {s.stage: s for s in standings(run.output, run, progress, lock)}[stage]


def state(run: Run, stage: str) -> tuple[str, str]:
    standing = stand(run, stage)
    return standing.state, standing.why


def with_patience(run: Run, patience: int) -> Run:
    train = run.config.train.model_copy(update={"patience": patience})
    return run.model_copy(update={"config": run.config.model_copy(update={"train": train})})


def test_a_check_that_was_made_is_listed_and_outdated_after_another_training(run: Run):
    names = [s.stage for s in standings(run.output, run, None, None)]
    assert "validate_draws" not in names
    assert "study" not in names
    stage = begin_stage(run, "validate_draws", options={"only": "a test"})
    stage.finish([], made_up_counts("validate_draws"))
    assert state(run, "validate_draws") == ("done", "")
    assert state(with_patience(run, 3), "validate_draws")[0] == "outdated"
    assert [s.stage for s in standings(run.output, run, None, None)][-1] == "validate_draws"
    make(run, "train", {"pair": digest_of(run, "pair")}, text="other networks")
    assert state(run, "validate_draws") == ("outdated", "changed: what it reads from train")


def test_stages_are_done_or_waiting(run: Run):
    states = {s.stage: s.state for s in standings(run.output, run, None, None)}
    assert {stage for stage, state in states.items() if state == "done"} == {"pair", "train", "translate"}
    assert set(states.values()) == {"done", "waiting"}
    assert list(states) == [
        "ingest_a",
        "ingest_b",
        "pair",
        "train",
        "evaluate",
        "translate",
        "merge",
        "atlas",
        "report",
    ]


def test_a_lost_file_a_new_setting_and_an_earlier_stage_made_anew_are_reasons_to_do_a_stage_again(run: Run):
    other = with_patience(run, 99)
    assert state(other, "train") == ("outdated", "changed: train.patience")
    assert state(other, "translate") == ("outdated", "after train, changed: train.patience")
    assert state(other, "pair") == ("done", "")
    (run.output / "train.txt").unlink()
    assert state(run, "train") == ("outdated", "train.txt is missing")
    make(run, "pair", {"ingest_a": "new"}, text="other rows")
    assert state(run, "train") == ("outdated", "changed: what it reads from pair")


def test_a_stage_is_outdated_if_its_results_have_changed_since_and_not_by_the_version(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stdask.runs.receipts.__version__", "99.0.0")
    assert state(run, "pair") == ("done", "")
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "pair": 99})
    assert state(run, "pair")[0] == "outdated"
    assert "changed: its results since stdask" in state(run, "pair")[1]
    assert state(run, "train")[1].startswith("after pair, changed: its results since stdask")


def test_a_stage_under_way_tells_how_far_it_is(run: Run):
    standing = stand(run, "merge", progress_of("merge"), LIVE)
    assert standing.state == "running"
    assert "3,000 of 9,000 stars, 3 of 9 tasks, 1 failed" in standing.why


@pytest.mark.parametrize("lock", [None, DEAD])
def test_a_stage_that_nobody_runs_any_more_was_cut_off(lock: Lock | None, run: Run):
    assert stand(run, "merge", progress_of("merge"), lock).state == "interrupted"


def test_a_stage_that_ended_with_an_error_was_stopped_and_says_why(run: Run):
    progress = progress_of("merge", state="stopped", error="Disk full\nand more")
    standing = stand(run, "merge", progress)
    assert standing.state == "stopped"
    assert "; Disk full;" in standing.why


def test_the_last_word_the_failures_and_the_rows_are_printed(run: Run, capsys: pytest.CaptureFixture[str]):
    updated = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    record = {"state": "stopped", "stage": "merge", "error": "11 failed", "figures": None, "updated": updated}
    paths.progress(run.output).write_text(json.dumps(record | {"host": "node7", "pid": 4242, "dashboard": ""}))
    failures = [{"task": f"Npix={n}", "rows": 5000, "error": "killed", "tries": 3} for n in range(11)]
    paths.failures(run.output, "merge").write_text(json.dumps(failures))
    capsys.readouterr()
    print_status(run.output)
    text = capsys.readouterr().out
    assert f"{run.output}: nobody runs it" in text
    assert "last update 10 min ago: merge; stopped; 11 failed" in text
    assert "merge: 11 tasks failed" in text
    assert "Npix=9 (5,000 rows, 3 tries): killed" in text
    assert "Npix=10" not in text
    assert "and 1 more in merge.failed.json" in text
    pair = next(line.split() for line in text.splitlines() if "12,000" in line)
    assert [word for word in pair if word.endswith("000")] == ["12,000", "11,000", "1,000"]


@pytest.mark.parametrize("content", ["{", "[1]", '[{"task": "Npix=1"}]', '{"task": 3}'])
def test_a_list_of_failures_that_no_stage_wrote_is_left_out(content: str, run: Run, capsys: pytest.CaptureFixture[str]):
    paths.failures(run.output, "merge").write_text(content)
    print_status(run.output)
    assert "tasks failed" not in capsys.readouterr().out


def test_the_folder_of_a_tables_atlas_has_that_stage_alone(tmp_path: Path):
    stage = Stage(tmp_path, "atlas", {}, {})
    stage.finish([], made_up_counts("atlas"))
    assert [standing.stage for standing in standings(tmp_path, None, None, None)] == ["atlas"]


def test_who_runs_it_is_told(run: Run, capsys: pytest.CaptureFixture[str]):
    workers = Workers(run.config.cluster)  # never started
    with hold(run.output), recorded(run.output, workers):
        stage_begins("merge")
        capsys.readouterr()
        print_status(run.output)
    text = capsys.readouterr().out
    assert f"{run.output}: run by " in text
    assert "s ago: merge; running" in text


@pytest.mark.parametrize("name", ["empty", "none"])
def test_a_folder_without_a_run_is_refused(name: str, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(CatalogueError, match=f"{name} holds no run yet. Name the folder"):
        print_status(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]  # and nothing is made


def test_a_run_file_that_was_never_run_has_all_stages_ahead(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    job = tmp_path / "job.toml"
    job.write_text(JOB.read_text().replace('output = "', f'output = "{tmp_path}/'))
    print_status(job)
    text = capsys.readouterr().out
    assert text.count("waiting") == len(STAGES) - 1  # one survey: no closure
    assert [path.name for path in tmp_path.iterdir()] == ["job.toml"]


def test_a_real_run_is_told_from_any_shell_without_tensorflow_or_a_change(
    data_dir: Path, tmp_path: Path, client: Workers
):
    run_file = tmp_path / "run.toml"
    folder = tmp_path / "run"
    run_file.write_text(JOB.read_text().replace('"runs/lamost_to_apogee"', f'"{folder}"'))
    run = load_run(run_file, data_dir)
    with recorded(run.output, client):
        (receipt,) = run_stages([STAGES["ingest_a"]], run, client)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    code = (
        "import sys; from stdask.cli.main import app; app(sys.argv[1:], standalone_mode=False);"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, "status", str(run_file)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == f"{folder}: nobody runs it"
    line = next(line.split() for line in told if "ingest_a" in line)
    assert line[1] == "done"
    assert f"{receipt.counts.rows.n_in:,}" in line
    assert told[-2].endswith("ago: ingest_a; done")
    assert told[-1] == "[]"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert "number of tasks" in paths.performance(folder, "ingest_a").read_text()


def test_a_survey_file_that_was_edited_renamed_or_removed_is_a_reason(tmp_path: Path):
    survey = tmp_path / "lamost_dr3_kgiants.fits"
    survey.write_text("stars")
    run = load_run(JOB, tmp_path, tmp_path / "run")
    table = run.output / "table.txt"
    write_text(table, "rows")
    stage = begin_stage(run, "ingest_a")
    stage.finish([table], made_up_counts("ingest_a"))
    assert state(run, "ingest_a") == ("done", "")
    survey.touch()  # a new time, the same content
    assert state(run, "ingest_a") == ("done", "")
    survey.write_text("other")  # of the same size
    assert state(run, "ingest_a") == ("outdated", f"{survey} has changed")
    survey.rename(tmp_path / "renamed.fits")
    assert state(run, "ingest_a") == ("outdated", f"{survey} is missing")
