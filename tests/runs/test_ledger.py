"""A ledger keeps the tasks that still hold, and says why the others do not."""

from pathlib import Path
from typing import NamedTuple

import pytest

from stdask.config.run import Run, load_run
from stdask.runs.ledger import Ledger, accept_ledgers
from stdask.runs.receipts import write_damaged
from stdask.runs.results import RESULTS, part_of
from stdask.runs.stage import Stage
from stdask.storage import paths

JOB = Path(__file__).parents[2] / "jobs" / "lamost_to_apogee.toml"
TASKS = ("Norder=0/Npix=0", "Norder=0/Npix=1", "Norder=1/Npix=9")
PARTS = {task: {"input": f"hash of {task}", "settings": "s"} for task in TASKS}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return load_run(JOB, tmp_path, tmp_path / "run")


class Record(NamedTuple):
    """What is worth knowing of a task."""

    rows: int


def ledger_of(run: Run) -> Ledger[Record]:
    return Ledger(Stage(run.output, "merge", {"pair": "abc"}, {}), Record)


def file_of(run: Run, task: str) -> Path:
    return run.output / "catalogues" / f"{task}.parquet"


def finish(run: Run, ledger: Ledger[Record], *tasks: str) -> None:
    """Write a task's file of five bytes, then its line."""
    for task in tasks:
        path = file_of(run, task)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stars")
        ledger.add(task, PARTS[task], Record(TASKS.index(task)), [path])


@pytest.fixture
def finished(run: Run) -> Run:
    ledger = ledger_of(run)
    assert ledger.kept(PARTS) == {}
    finish(run, ledger, *TASKS)
    return run


def test_finished_tasks_are_kept_with_what_is_known_of_them(finished: Run):
    assert ledger_of(finished).kept(PARTS) == {task: Record(n) for n, task in enumerate(TASKS)}


def test_tasks_never_finished_are_to_be_done(run: Run, capsys: pytest.CaptureFixture):
    ledger = ledger_of(run)
    ledger.kept(PARTS)
    finish(run, ledger, TASKS[1])
    assert list(ledger_of(run).kept(PARTS)) == [TASKS[1]]
    assert capsys.readouterr().out.endswith("  partitions: 1 of 3 kept, 2 to do\n")


def test_a_changed_part_undoes_its_own_task_alone_and_is_named(finished: Run, capsys: pytest.CaptureFixture):
    changed = PARTS | {TASKS[0]: PARTS[TASKS[0]] | {"input": "another"}}
    assert list(ledger_of(finished).kept(changed)) == list(TASKS[1:])
    assert "2 of 3 kept, 1 to do (1 repeated, changed: input)" in capsys.readouterr().out


def test_a_part_more_or_less_is_a_change(finished: Run):
    assert ledger_of(finished).kept({task: parts | {"more": "2"} for task, parts in PARTS.items()}) == {}


def test_a_part_that_went_is_a_change(finished: Run):
    assert ledger_of(finished).kept({task: {"settings": "s"} for task in TASKS}) == {}


@pytest.mark.parametrize("damage", ["missing", "changed", "damaged"])
def test_a_file_that_is_not_whole_undoes_its_task(finished: Run, damage: str, capsys: pytest.CaptureFixture):
    victim = file_of(finished, TASKS[2])
    if damage == "missing":
        victim.unlink()
    elif damage == "changed":
        victim.write_text("star")
    else:
        write_damaged(finished.output, {str(victim.relative_to(finished.output)): "checksum"})
    assert list(ledger_of(finished).kept(PARTS)) == list(TASKS[:2])
    verb = "is" if damage != "changed" else "was"
    assert f"(1 repeated, a file {verb} {damage})" in capsys.readouterr().out


@pytest.mark.parametrize("n_lost", [1, 2, 20, 60])
def test_a_line_cut_off_by_a_crash_loses_its_task_and_spoils_no_later_one(run: Run, n_lost: int):
    ledger = ledger_of(run)
    ledger.kept(PARTS)
    finish(run, ledger, *TASKS[:2])
    path = paths.ledger(run.output, "merge", "partitions")
    path.write_bytes(path.read_bytes().rstrip(b"\n")[:-n_lost])  # the crash
    finish(run, ledger, TASKS[2])
    assert list(ledger_of(run).kept(PARTS)) == [TASKS[0], TASKS[2]]


@pytest.mark.parametrize("junk", [b"\x00" * 512, b"\xff\xfe", b"[1, 2]\n", b'{"pixel": [3, 17]}\n', b"7\n"])
def test_what_is_no_entry_is_passed_over(finished: Run, junk: bytes):
    path = paths.ledger(finished.output, "merge", "partitions")
    path.write_bytes(junk + path.read_bytes())
    assert list(ledger_of(finished).kept(PARTS)) == list(TASKS)


def test_what_no_longer_holds_is_struck_off_before_its_file_is_written_anew(finished: Run):
    """Else a run cut off under new settings, and then run under the old, would keep the files of the new."""
    ledger_of(finished).kept({task: parts | {"settings": "new"} for task, parts in PARTS.items()})
    assert ledger_of(finished).kept(PARTS) == {}


def test_a_ledger_does_not_grow_over_the_runs(finished: Run):
    path = paths.ledger(finished.output, "merge", "partitions")
    size = path.stat().st_size
    for _ in range(3):
        for task in TASKS:
            file_of(finished, task).unlink()
        ledger = ledger_of(finished)
        ledger.kept(PARTS)
        finish(finished, ledger, *TASKS)
    assert path.stat().st_size == size


def test_tasks_of_two_kinds_are_apart(finished: Run):
    other = Ledger(Stage(finished.output, "merge", {"pair": "abc"}, {}), Record, "cells")
    assert other.kept(PARTS) == {}
    assert list(ledger_of(finished).kept(PARTS)) == list(TASKS)


def test_tasks_of_a_version_before_the_numbers_are_kept_if_its_results_are_number_1(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "merge": 1})
    ledger = ledger_of(run)
    ledger.kept(PARTS)
    finish(run, ledger, *TASKS)
    path = paths.ledger(run.output, "merge", "partitions")
    numbered = {task: parts | part_of("merge") for task, parts in PARTS.items()}
    for version, kept in (("0.10.0", len(TASKS)), ("0.9.0", 0)):
        path.write_text(path.read_text().replace('"settings": "s"', f'"settings": "s", "version": "{version}"'))
        assert len(ledger_of(run).kept(numbered)) == kept
        finish(run, ledger_of(run), *TASKS)


def test_accepted_tasks_are_kept_whatever_the_number_of_their_results(run: Run, monkeypatch: pytest.MonkeyPatch):
    ledger, before = ledger_of(run), {task: parts | part_of("merge") for task, parts in PARTS.items()}
    ledger.kept(before)
    path = file_of(run, TASKS[0])
    path.parent.mkdir(parents=True)
    path.write_text("stars")
    ledger.add(TASKS[0], before[TASKS[0]], Record(0), [path])
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "merge": 99})
    now = {task: parts | part_of("merge") for task, parts in PARTS.items()}
    with paths.ledger(run.output, "merge", "partitions").open("a") as file:
        file.write('{"task": "cut o')  # by a crash
    accept_ledgers(run.output, "merge")
    assert ledger_of(run).kept(now) == {TASKS[0]: Record(0)}
