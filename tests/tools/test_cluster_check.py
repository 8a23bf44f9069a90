"""Cluster check: what is wrong with a node is said with what to do, and a healthy worker says nothing of its own."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError
from stdask.runs.lock import hold
from stdask.tools.cluster_check import Node, faults, print_script, stop_left

VERSIONS = {"stdask": "1.0", "numpy": "2.4"}
RUN = Path("/scratch/run")
HEALTHY = Node(
    host="node7",
    system="Linux",
    processor="a processor",
    cores=1,
    versions=VERSIONS,
    threads={"OMP_NUM_THREADS": "1"},
    blas_threads=[1],
    sees_run=True,
    writes_run=True,
    disk="/tmp/worker",
    disk_kind="ext4",
    disk_free=10**11,
    gpus=[],
    sgemm=8e10,
    clock=0.2,
)


def test_nothing_is_wrong_with_a_healthy_node():
    assert faults(HEALTHY, VERSIONS, RUN) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"versions": VERSIONS | {"numpy": "1.26"}}, "numpy 1.26 there, 2.4 here. Start both from the same"),
        ({"sees_run": False, "writes_run": False}, "does not see /scratch/run. Put the run on a disk"),
        ({"writes_run": False}, "cannot write to /scratch/run. Check the mount"),
        ({"threads": {"OMP_NUM_THREADS": None}}, "OMP_NUM_THREADS is not 1 there"),
        ({"disk_kind": "lustre"}, r"on a network disk (lustre). Set [cluster] local_directory"),
        ({"disk_free": 10**8}, "has 0.1 GB left. Set [cluster] local_directory"),
        ({"clock": -60.0}, "is -60 s off this machine's"),
        ({"sgemm": 2e9}, "at only 2.0 Gflop/s"),
    ],
)
def test_each_fault_is_said_once_with_what_to_do(change: dict, said: str):
    (found,) = faults(replace(HEALTHY, **change), VERSIONS, RUN)
    assert said in found


def test_a_script_is_printed_only_for_batch_jobs(capsys: pytest.CaptureFixture[str], monkeypatch, tmp_path: Path):
    with pytest.raises(ClusterError, match=r"'local' submits no jobs\. Give the profile of your site"):
        print_script(ClusterConfig(kind="local"), tmp_path)
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path))  # dask-jobqueue writes its defaults there when imported
    print_script(ClusterConfig(kind="slurm"), tmp_path / "run")
    script = capsys.readouterr().out
    assert "tls://THE-DRIVER:PORT" in script
    assert f"{tmp_path}/run/logs/START/" in script


def test_jobs_of_a_run_that_is_alive_are_left_alone(tmp_path: Path):
    with hold(tmp_path), pytest.raises(ClusterError, match=rf"in use by .*process {os.getpid()} on .* Stop that run"):
        stop_left(tmp_path)


def test_a_healthy_worker_prints_the_report_and_no_line_of_a_library(tmp_path: Path):
    profile = tmp_path / "local.toml"
    profile.write_text('[cluster]\nkind = "local"\n')
    command = [sys.executable, "-m", "stdask", "cluster", "check", "--cluster", profile, "--output", tmp_path / "run"]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    rows = "from submission|node|processor|versions|BLAS|run folder|own disk|GPUs|matrix product"
    own = f"  waiting for|local workers, dashboard|  from another machine|A worker of this|what|─|{rows}|  Nothing is|$"
    assert [line for line in done.stdout.splitlines() if not re.match(own, line)] == []
    assert not list((tmp_path / "run").glob("check-*"))
