"""The watchdog: what a driver leaves is cancelled, however the driver ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stdask.cluster import watchdog as cluster_watchdog
from stdask.cluster.watchdog import cancel, jobs_left


def start(folder: Path) -> subprocess.Popen:
    canceller = folder / "cancel"
    canceller.write_text(f'#!/bin/sh\necho "$@" > {folder / "cancelled"}\n')
    canceller.chmod(0o755)
    return subprocess.Popen(
        [sys.executable, cluster_watchdog.__file__, canceller, "--now"], stdin=subprocess.PIPE, text=True
    )


def test_jobs_that_came_and_did_not_go_are_left():
    assert jobs_left(["+1\n", "+2\n", "-1\n", "+3\n", "-9\n"]) == ["2", "3"]


def test_when_its_input_ends_the_jobs_left_are_cancelled(tmp_path: Path):
    watchdog = start(tmp_path)
    watchdog.communicate("+12\n+13\n-12\n+14\n", timeout=30)
    assert (tmp_path / "cancelled").read_text() == "--now 13 14\n"


def test_where_nothing_is_left_nothing_is_cancelled(tmp_path: Path):
    watchdog = start(tmp_path)
    watchdog.communicate("+12\n-12\n", timeout=30)
    assert watchdog.returncode == 0
    assert not (tmp_path / "cancelled").exists()


def test_signals_meant_for_the_driver_do_not_end_it(tmp_path: Path):
    watchdog = start(tmp_path)
    watchdog.stdin.write("+12\n")
    watchdog.stdin.flush()
    import time

    time.sleep(0.5)  # until it has started and ignores them
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        watchdog.send_signal(number)
    watchdog.communicate(timeout=30)
    assert (tmp_path / "cancelled").read_text() == "--now 12\n"


def test_a_scheduler_that_is_away_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_watchdog, "SECONDS_BETWEEN", 0.01)
    flaky = tmp_path / "cancel"
    flaky.write_text(f"#!/bin/sh\necho x >> {tmp_path / 'calls'}\ntest $(wc -l < {tmp_path / 'calls'}) -ge 3\n")
    flaky.chmod(0o755)
    assert cancel([str(flaky)], ["1"])
    assert (tmp_path / "calls").read_text() == "x\n" * 3
    assert not cancel([str(tmp_path / "no_such_command")], ["1"])
