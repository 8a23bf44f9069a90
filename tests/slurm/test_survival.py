"""On a real Slurm: whatever ends jobs, workers or the driver, the catalogue is that of the undisturbed run."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.disturbed import CATALOGUE, Driver
from tests.slurm.conftest import Lab

pytestmark = [pytest.mark.slurm, pytest.mark.faults]


def begun_again(driver: Driver) -> int:
    """Return how many partitions were repeated, as printed."""
    found = re.search(r"(\d+) repeated because their workers were lost", driver.text)
    n_again = int(found[1]) if found else 0
    n_replaced = driver.text.count("ended and is replaced")
    print(f"{n_replaced} jobs replaced, {n_again} partitions repeated")
    return n_again


def counts(output: Path) -> dict:
    return json.loads((output / "receipts" / "translate.json").read_text())["counts"]["partitions"]


def at_work(lab: Lab, output: Path, *arguments: Path, **profile: object) -> Driver:
    """Start a translation; return it when both jobs are at work."""
    driver = lab.start(output, *arguments, **profile)
    driver.wait_for(lambda: driver.partitions() >= 3 and len(lab.jobs()) == 2)
    return driver


def wrapper(folder: Path, script: str) -> Path:
    """Put an `sbatch` before the real one, which its script knows as $REAL."""
    path = folder / "bin" / "sbatch"
    path.parent.mkdir()
    path.write_text(f"#!/bin/bash\nREAL={shutil.which('sbatch')}\n{script}\n")
    path.chmod(0o755)
    return path.parent


def test_a_job_that_is_cancelled_is_replaced_in_under_fifteen_seconds(lab: Lab, tmp_path: Path):
    driver = at_work(lab, tmp_path / "run")
    before = lab.jobs()
    lab.call("scancel", min(before))
    seconds = driver.wait_for(lambda: len(lab.jobs("R,PD") - before) == 1, 60)
    print(f"replaced after {seconds:.1f} s")
    assert seconds < 15
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    assert begun_again(driver) <= 1


@pytest.mark.parametrize("queue", ["normal", "requeue"])  # whose jobs are cancelled, or would come back as they were
def test_jobs_that_must_give_way_to_others_are_replaced_when_there_is_room(lab: Lab, tmp_path: Path, queue: str):
    driver = at_work(lab, tmp_path / "run", queue=queue)
    urgent = ["sbatch", "--partition=high", "--nodes=2", "--ntasks-per-node=1", "--mem=100", "--wrap=sleep 8"]
    lab.call(*urgent, f"--output={tmp_path / 'urgent.out'}")
    driver.wait_for(lambda: not lab.jobs())
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    assert begun_again(driver) <= 2
    assert "ended and is replaced" in driver.text


def test_a_walltime_shorter_than_the_run_is_no_hindrance(lab: Lab, tmp_path: Path):
    driver = lab.start(tmp_path / "run", workers=1, walltime="00:00:20")  # 15 s at work, then another job
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    n_replaced = driver.text.count("ended and is replaced")
    assert n_replaced >= 1
    assert begun_again(driver) <= n_replaced


@pytest.mark.parametrize("who", ["worker", "nanny"])
def test_a_killed_process_costs_the_partition_under_way(lab: Lab, tmp_path: Path, who: str):
    driver = at_work(lab, tmp_path / "run")
    nanny, worker = lab.processes(min(lab.jobs()))
    os.kill(worker if who == "worker" else nanny, signal.SIGKILL)
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    assert begun_again(driver) <= 1


def test_a_killed_driver_leaves_no_job_and_the_next_one_resumes(lab: Lab, tmp_path: Path):
    output = tmp_path / "run"
    driver = lab.start(output, workers=3)  # one more than there are cores: it waits
    driver.wait_for(lambda: driver.partitions() >= 5 and len(lab.jobs()) == 2 and len(lab.jobs("PD")) == 1)
    driver.process.kill()
    driver.process.wait()
    n_recorded = driver.partitions()
    deadline = time.monotonic() + 20
    while lab.jobs("R,PD") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not lab.jobs("R,PD")
    assert not (output / CATALOGUE / "hats.properties").exists()  # not finished, and says so
    again = lab.start(output)
    assert again.end() == 0, again.text
    assert lab.disturbed.is_undisturbed(output)
    kept = counts(output)
    print(f"{kept['n_kept']} of {kept['n_all']} partitions kept, {n_recorded} had been recorded")
    assert kept["n_kept"] == n_recorded


def test_a_scheduler_that_refuses_for_a_while_is_asked_again(lab: Lab, tmp_path: Path):
    broken = tmp_path / "broken"
    refuse = f'[ -e {broken} ] && {{ echo "sbatch: error: Socket timed out" >&2; exit 1; }}; exec $REAL "$@"'
    driver = at_work(lab, tmp_path / "run", wrapper(tmp_path, refuse))
    broken.touch()
    lab.call("scancel", *lab.jobs())
    driver.wait_for(lambda: "sbatch failed: sbatch: error: Socket timed out" in driver.text)
    broken.unlink()
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    assert begun_again(driver) <= 2


def test_a_refusal_of_the_first_job_reaches_the_user_in_slurms_own_words(lab: Lab, tmp_path: Path):
    driver = lab.start(tmp_path / "run", queue="no_such_queue")
    assert driver.end(300) == 2
    assert "sbatch failed: sbatch: error: " in driver.text
    assert "invalid partition specified: no_such_queue" in driver.text


def test_a_worker_that_does_not_see_the_data_is_replaced_and_costs_nothing(lab: Lab, tmp_path: Path):
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no folder can be hidden from a process here")
    # the first job does not see the catalogues: another file system lies over them
    hide = f'unshare -m sh -c "mount -t tmpfs none {tmp_path / "run" / "catalogues"} \\&\\& exec &"'
    script = f"""
if mkdir {tmp_path}/first 2>/dev/null; then
  sed 's|^[^#].*job_worker.*|{hide}|' "$1" > {tmp_path}/first/job.sh
  exec $REAL {tmp_path}/first/job.sh
fi
exec $REAL "$@"
"""
    driver = lab.start(tmp_path / "run", wrapper(tmp_path, script))
    assert driver.end() == 0, driver.text
    assert lab.disturbed.is_undisturbed(tmp_path / "run")
    assert "fails at every task and is replaced" in driver.text
    assert counts(tmp_path / "run")["n_all"] == len(lab.disturbed.files(lab.disturbed.undisturbed))
