"""The record of a run's progress."""

import errno
import json
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.console import Figures, progress_bar
from stdask.errors import CatalogueError, FailedTask, IncompleteError
from stdask.runs import recorder
from stdask.runs.progress import read_progress
from stdask.runs.recorder import recorded, stage_begins, stage_ends
from stdask.storage import paths

NONE = Workers(ClusterConfig())  # never started


# Dask corrects the clocks of workers by an estimate, which is off by a fraction of a second where they are busy
CLOCKS_AGREE = 1.0


def double(number: int) -> int:
    return 2 * number


def double_on(client: Workers, n_tasks: int) -> None:
    time.sleep(CLOCKS_AGREE)
    client.client.gather(client.client.map(double, range(n_tasks), pure=False))


def begin_and_fail(work: Callable[[], object], error: BaseException) -> None:
    stage_begins("merge")
    work()
    raise error


def test_stages_and_bars_are_recorded_as_they_go(tmp_path: Path):
    with recorded(tmp_path, NONE):
        stage_begins("translate")
        begun = json.loads((tmp_path / "progress.json").read_text())
        assert (begun["state"], begun["stage"], begun["figures"]) == ("running", "translate", None)
        assert (begun["host"], begun["pid"], begun["dashboard"]) == (socket.gethostname(), os.getpid(), "")
        assert datetime.now(UTC) - datetime.fromisoformat(begun["updated"]) < timedelta(minutes=1)
        with progress_bar("translate", 300, tasks=3, unit="stars", watch=lambda: "2 workers") as bar:
            bar.advance(100, note="Npix=17")
            end = time.perf_counter() + 10  # a record a second; ten where the machine is overloaded
            while not (read := read_progress(tmp_path)) or not read.figures or not read.figures.done:
                assert time.perf_counter() < end
                time.sleep(0.05)
            figures = json.loads((tmp_path / "progress.json").read_text())["figures"]
        stage_ends()
        assert json.loads((tmp_path / "progress.json").read_text())["state"] == "done"
    assert figures["rate"] > 0
    assert figures["seconds_left"] > 0
    known = ("description", "done", "total", "unit", "tasks_done", "tasks", "failed", "workers", "note")
    assert [figures[name] for name in known] == ["translate", 100, 300, "stars", 1, 3, 0, "2 workers", "Npix=17"]
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]  # no temporary file


def test_bars_are_recorded_at_most_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written: list[Path] = []
    monkeypatch.setattr(recorder, "write_text", lambda path, _: written.append(path))
    own = recorder.Recorder(tmp_path, NONE)
    begun = time.monotonic()
    while time.monotonic() < begun + 1.5:
        own.show(Figures("scan", 10))
    assert len(written) == 2


def test_an_error_is_recorded_and_goes_on_its_way(tmp_path: Path):
    with pytest.raises(CatalogueError), recorded(tmp_path, NONE):
        begin_and_fail(lambda: None, CatalogueError("no such file"))
    read = read_progress(tmp_path)
    assert read is not None
    assert (read.state, read.stage, read.error) == ("stopped", "merge", "no such file")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), SystemExit(143)])
def test_an_interrupt_is_recorded_in_words(interrupt: BaseException, tmp_path: Path):
    with pytest.raises(type(interrupt)), recorded(tmp_path, NONE):
        begin_and_fail(lambda: None, interrupt)
    read = read_progress(tmp_path)
    assert read
    assert (read.state, read.error) == ("stopped", "interrupted")


def test_a_command_that_began_nothing_touches_no_record(tmp_path: Path):
    """One that is refused because another run holds the folder must not speak for it."""
    with pytest.raises(CatalogueError), recorded(tmp_path / "run", NONE):
        raise CatalogueError("refused")
    with recorded(tmp_path / "run", NONE):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path):
    (tmp_path / "run").write_text("a file where a folder should be")
    with recorded(tmp_path / "run", NONE):
        stage_begins("merge")
        with progress_bar("merge", 1) as bar:
            bar.advance(1)
        stage_ends()
    assert read_progress(tmp_path / "run") is None


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.EIO])
def test_a_full_disk_and_other_faults_of_the_machine_stop_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("stdask.storage.files.os.fsync", full)
    with recorded(tmp_path, NONE):
        stage_begins("merge")
        stage_ends()
    assert list(tmp_path.iterdir()) == []


def test_the_tasks_that_failed_are_kept_until_their_stage_begins_again(tmp_path: Path):
    failed = [{"task": "Npix=17", "rows": 5000, "tries": 3, "error": "killed"}]
    with pytest.raises(IncompleteError), recorded(tmp_path, NONE):
        begin_and_fail(
            lambda: None, IncompleteError("merge: 1 of 9 tasks failed", [FailedTask(**one) for one in failed])
        )
    path = tmp_path / "receipts" / "merge.failed.json"
    assert json.loads(path.read_text()) == failed
    with recorded(tmp_path, NONE):
        stage_begins("atlas")
        stage_ends()
        assert path.exists()
        stage_begins("merge")
        assert not path.exists()


def test_outside_of_a_command_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recorder, "SECONDS_BETWEEN", 0.0)
    with recorded(tmp_path, NONE):
        stage_begins("merge")
        stage_ends()
    before = (tmp_path / "progress.json").read_text()
    stage_begins("atlas")
    with progress_bar("atlas", 1):
        pass
    stage_ends()
    assert (tmp_path / "progress.json").read_text() == before


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": "done"}', '{"figures": {"colour": 1}}', "\x00\xff"])
def test_what_is_no_record_is_none(text: str, tmp_path: Path):
    assert read_progress(tmp_path) is None
    paths.progress(tmp_path).write_text(text, encoding="latin-1")
    assert read_progress(tmp_path) is None


def test_each_stage_keeps_dasks_page_of_its_own_tasks(client: Workers, tmp_path: Path):
    double_on(client, 1)
    time.sleep(CLOCKS_AGREE)
    with recorded(tmp_path, client):
        stage_begins("ingest_a")
        double_on(client, 3)
        stage_ends()
        time.sleep(CLOCKS_AGREE)
        stage_begins("pair")  # uses no workers
        stage_ends()
    with pytest.raises(CatalogueError), recorded(tmp_path, client):  # its workers are worth a look all the more
        begin_and_fail(lambda: double_on(client, 2), CatalogueError("no such file"))
    pages = {path.name: path.read_text() for path in (tmp_path / "report" / "dask").iterdir()}
    assert set(pages) == {"ingest_a.html", "merge.html"}
    assert "number of tasks: 3" in pages["ingest_a.html"]
    assert "number of tasks: 2" in pages["merge.html"]


def test_a_stage_that_needs_no_workers_starts_none(tmp_path: Path):
    with Workers(ClusterConfig()) as workers, recorded(tmp_path, workers):
        stage_begins("atlas")
        stage_ends()
        assert workers.started is None
