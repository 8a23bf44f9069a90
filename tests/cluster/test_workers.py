"""Workers: where they run and how many threads they have."""

import os
import re

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
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers:
            assert workers.client.submit(sum, [1, 2]).result() == 3
        with Client(cluster) as again:
            assert again.submit(sum, [2, 2]).result() == 4


def test_there_is_a_core_to_work_with():
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
