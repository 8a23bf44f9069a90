"""Workers: where they run and how many threads they have."""

import os
import re
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from distributed import Client, LocalCluster

from stdask.cluster.machine import available_cores
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError


def environment() -> dict[str, str | None]:
    return {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")}


def test_local_workers_are_processes_of_one_thread_each():
    with Workers(ClusterConfig(kind="local", workers=2)) as workers:
        info = workers.client.scheduler_info()["workers"].values()
        assert [worker["nthreads"] for worker in info] == [1, 1]
        seen = workers.client.run(environment)
        assert set(map(str, seen.values())) == {"{'OMP_NUM_THREADS': '1', 'TF_NUM_INTRAOP_THREADS': '1'}"}


def test_workers_are_not_started_before_a_task_needs_them():
    with Workers(ClusterConfig(kind="address", address="tcp://127.0.0.1:1")):
        pass  # connecting would fail


def test_an_address_where_nobody_answers_is_a_clear_error():
    workers = Workers(ClusterConfig(kind="address", address="tcp://127.0.0.1:1"), connect_seconds=1)
    with workers, pytest.raises(ClusterError, match=re.escape("No Dask scheduler answers at tcp://127.0.0.1:1")):
        workers.client  # noqa: B018 - asking for it connects


def test_a_running_scheduler_is_used_and_left_running():
    with LocalCluster(n_workers=1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        with Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers:
            assert workers.client.submit(sum, [1, 2]).result() == 3
        with Client(cluster) as again:
            assert again.submit(sum, [2, 2]).result() == 4


def test_there_is_a_core_to_work_with():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        assert answer.status == 200
        return answer.read().decode()


@pytest.mark.parametrize("kind", ["local", "slurm"])
def test_the_dashboard_that_is_printed_answers_and_the_ssh_line_leads_to_it(
    kind: str, idle_slurm: Path, capsys: pytest.CaptureFixture[str]
):
    with Workers(ClusterConfig(kind=kind, workers=1), idle_slurm) as workers:
        workers.client  # noqa: B018 - asking for it starts them
        assert "<title>" in page(workers.dashboard)
        printed = capsys.readouterr().out
        port = urlsplit(workers.dashboard).port
        assert f"{kind} workers, dashboard {workers.dashboard}\n" in printed
        assert f"ssh -N -L 8787:127.0.0.1:{port} " in printed
        assert "then open http://localhost:8787/status\n" in printed


def test_the_dashboard_of_a_running_scheduler_is_its_own(capsys: pytest.CaptureFixture[str]):
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers,
    ):
        workers.client  # noqa: B018 - asking for it connects
        assert "<title>" in page(workers.dashboard)
        assert "ssh" not in capsys.readouterr().out
