"""One run at a time in a run folder, and no killed run blocks it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stdask.errors import BusyError, StorageError
from stdask.runs import lock as lock_module
from stdask.runs.lock import BEAT_SECONDS, DEAD_SECONDS, hold, read_lock
from stdask.storage import paths

HOLD = (
    "import sys, time; from pathlib import Path; from stdask.runs.lock import hold\n"
    "with hold(Path(sys.argv[1])):\n"
    "    print('held', flush=True); time.sleep(60)"
)


@contextlib.contextmanager
def holding(output: Path):
    """Let another process hold the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, output], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def lock_of(output: Path, age_seconds: float, **changes: object) -> Path:
    """Write a lock as another process would have; it was touched `age_seconds` ago."""
    with hold(output):
        content = json.loads(paths.lock(output).read_text())
    path = paths.lock(output)
    path.write_text(json.dumps(content | changes))
    then = time.time() - age_seconds
    os.utime(path, (then, then))
    return path


def test_the_folder_is_held_while_the_block_runs_and_free_afterwards(tmp_path: Path):
    output = tmp_path / "runs" / "first"
    with hold(output):
        lock = read_lock(output)
        assert lock.alive
        assert lock.holder.pid == os.getpid()
    assert read_lock(output) is None
    assert list(output.iterdir()) == []


@pytest.mark.parametrize("trouble", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_block_that_fails_frees_the_folder(trouble: type[BaseException], tmp_path: Path):
    with pytest.raises(trouble), hold(tmp_path):
        raise trouble
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_said(tmp_path: Path):
    (tmp_path / "run").touch()
    with pytest.raises(StorageError, match=r"run is a file, but results need a folder"), hold(tmp_path / "run"):
        pass


def test_a_second_run_is_refused_with_who_where_since_when_and_what_to_do(tmp_path: Path):
    with holding(tmp_path) as other:
        content = json.loads(paths.lock(tmp_path).read_text())
        with pytest.raises(BusyError) as refused, hold(tmp_path):
            pass
        assert paths.lock(tmp_path).exists()  # the first goes on unharmed
    said = str(refused.value)
    for part in (str(tmp_path), f"process {other.pid} on {content['host']}", content["since"], f"kill {other.pid}"):
        assert part in said
    assert "--output" in said
    assert "\n" not in said


@pytest.mark.faults
def test_a_killed_run_gives_way_at_once(tmp_path: Path):
    with holding(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        while other.poll() is None:
            time.sleep(0.01)
        assert not read_lock(tmp_path).alive
        with hold(tmp_path):
            assert read_lock(tmp_path).holder.pid == os.getpid()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.faults
def test_a_killed_run_that_its_parent_has_not_asked_for_gives_way_too(tmp_path: Path):
    with holding(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # dead, and still in the list of processes
        assert not read_lock(tmp_path).alive


def test_another_process_of_the_same_number_is_not_the_run(tmp_path: Path):
    # this very process has the pid, but began at another time
    lock_of(tmp_path, age_seconds=0, process_start=1.0)
    with hold(tmp_path):
        assert read_lock(tmp_path).holder.process_start != 1.0


@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"machine": "another boot, or another container"}])
def test_of_another_machine_the_heartbeat_decides(elsewhere: dict, tmp_path: Path):
    lock_of(tmp_path, age_seconds=DEAD_SECONDS - 10, **elsewhere, pid=1 << 30)
    with pytest.raises(BusyError, match="if it was killed, start again in 2 minutes"), hold(tmp_path):
        pass
    lock_of_dead = paths.lock(tmp_path)
    then = time.time() - DEAD_SECONDS - 10
    os.utime(lock_of_dead, (then, then))
    with hold(tmp_path):
        assert read_lock(tmp_path).holder.pid == os.getpid()


def test_the_age_of_a_heartbeat_is_measured_by_the_clock_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lock_of(tmp_path, age_seconds=10, host="another")
    monkeypatch.setattr(time, "time", lambda: 4e9)  # a host whose clock is decades ahead
    assert read_lock(tmp_path).alive


def test_in_a_read_only_folder_the_clock_of_this_machine_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def closed(**_: object) -> None:
        raise PermissionError

    lock_of(tmp_path, age_seconds=DEAD_SECONDS - 60, host="another")
    monkeypatch.setattr(lock_module.tempfile, "TemporaryFile", closed)
    assert read_lock(tmp_path).alive
    os.utime(paths.lock(tmp_path), (0, 0))
    assert not read_lock(tmp_path).alive


def test_a_process_of_another_user_that_cannot_be_seen_is_judged_by_its_heartbeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def hidden(pid: int) -> None:
        raise lock_module.psutil.NoSuchProcess(pid)  # /proc mounted with hidepid=2, as on many login nodes

    lock_of(tmp_path, age_seconds=10, pid=1, process_start=5.0)  # process 1 exists
    monkeypatch.setattr(lock_module.psutil, "Process", hidden)
    assert read_lock(tmp_path).alive
    os.utime(paths.lock(tmp_path), (0, 0))
    assert not read_lock(tmp_path).alive


def test_the_holder_touches_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert 3 * BEAT_SECONDS < DEAD_SECONDS  # two late beats are no death
    monkeypatch.setattr(lock_module, "BEAT_SECONDS", 0.02)
    with hold(tmp_path):
        os.utime(paths.lock(tmp_path), (0, 0))
        deadline = time.monotonic() + 10
        while paths.lock(tmp_path).stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_an_empty_lock_is_that_of_a_run_that_has_just_begun_until_it_is_old(tmp_path: Path):
    path = paths.lock(tmp_path)
    path.write_text("")
    with pytest.raises(BusyError, match="has just begun"), hold(tmp_path):
        pass
    os.utime(path, (0, 0))
    with hold(tmp_path):
        pass


def test_a_run_taken_for_dead_does_not_remove_the_lock_of_its_successor(tmp_path: Path):
    with hold(tmp_path):
        path = paths.lock(tmp_path)
        path.unlink()
        path.write_text("of another")
    assert path.read_text() == "of another"


def test_a_run_that_saw_the_dead_lock_late_does_not_remove_that_of_a_faster_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def look_and_be_overtaken(output: Path) -> lock_module.Lock | None:
        lock = read_lock(output)
        if lock and not lock.alive:
            paths.lock(output).write_text("of the faster one")
        return lock

    path = lock_of(tmp_path, age_seconds=0, pid=1 << 30)
    monkeypatch.setattr(lock_module, "read_lock", look_and_be_overtaken)
    with pytest.raises(BusyError), hold(tmp_path):
        pass
    assert path.read_text() == "of the faster one"


@pytest.mark.faults
def test_of_many_that_take_over_a_dead_run_at_once_one_wins(tmp_path: Path):
    code = (
        "import sys, time; from pathlib import Path; from stdask.errors import BusyError\n"
        "from stdask.runs.lock import hold\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "try:\n"
        "    with hold(Path(sys.argv[1])):\n"
        "        print('won', flush=True); sys.stdin.readline()\n"
        "except BusyError: print('lost', flush=True)"
    )
    command = [sys.executable, "-c", code, tmp_path]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    starters = [subprocess.Popen(command, **pipes) for _ in range(6)]
    assert {starter.stdout.readline() for starter in starters} == {"ready\n"}
    lock_of(tmp_path, age_seconds=0, pid=1 << 30)
    for starter in starters:
        starter.stdin.write("\n")
        starter.stdin.flush()
    outcomes = [starter.stdout.readline() for starter in starters]
    for starter in starters:
        starter.communicate("\n")
    assert sorted(outcomes) == ["lost\n"] * 5 + ["won\n"]
    assert list(tmp_path.iterdir()) == []


def test_a_taker_killed_while_it_removed_a_dead_lock_does_not_block_for_good(tmp_path: Path):
    lock_of(tmp_path, age_seconds=0, pid=1 << 30)
    claim = tmp_path / "run.lock.claim"
    claim.write_text("")
    os.utime(claim, (0, 0))
    with hold(tmp_path):
        assert not claim.exists()


def test_a_lock_that_can_be_neither_read_nor_made_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    paths.lock(tmp_path).symlink_to("nowhere")  # It exists, and there is nothing to read.
    monkeypatch.setattr(lock_module, "SECONDS_UNTIL_SAID", 0.1)
    monkeypatch.setattr(lock_module, "GIVEN_UP_AFTER", 0.3)
    with pytest.raises(BusyError, match=r"could not be created for 0 s. .* remove .*run.lock"), hold(tmp_path):
        pass
    assert capsys.readouterr().out.count("waiting for ") == 1
    paths.lock(tmp_path).unlink()  # The advice is followed.
    with hold(tmp_path):
        pass
