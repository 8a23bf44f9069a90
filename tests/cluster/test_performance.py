"""Dask's page of what the workers of a stage did."""

import re
import time
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from stdask.cluster.performance import save_performance
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig

# Dask corrects the clocks of workers by an estimate, which is off by a fraction of a second where they are busy
CLOCKS_AGREE = 1.0


def double(number: int) -> int:
    return 2 * number


def test_a_page_shows_what_ran_since_then_and_needs_no_network(client: Workers, tmp_path: Path):
    client.client.gather(client.client.map(double, range(7), pure=False))  # of an earlier stage
    time.sleep(CLOCKS_AGREE)
    since = time.time()
    time.sleep(CLOCKS_AGREE)
    client.client.gather(client.client.map(double, range(3), pure=False))
    page = tmp_path / "report" / "dask" / "translate.html"
    save_performance(client, page, "stdask translate", since)
    text = page.read_text(encoding="utf-8")
    assert "number of tasks: 3" in text
    assert "stdask translate" in text
    # every script stands in the page itself; an icon is all that a browser may look for elsewhere
    assert re.findall(r"<script[^>]* src=", text) == []
    assert "Bokeh" in text


def test_a_stage_whose_workers_did_nothing_has_no_page(client: Workers, tmp_path: Path):
    client.client.gather(client.client.map(double, range(2), pure=False))
    time.sleep(CLOCKS_AGREE)
    save_performance(client, tmp_path / "pair.html", "stdask pair", time.time())
    assert list(tmp_path.iterdir()) == []


def test_a_scheduler_that_is_gone_is_reported_and_fails_no_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers,
    ):
        workers.client.submit(double, 1).result()
        workers.client.close()
        save_performance(workers, tmp_path / "page.html", "stdask merge", 0.0)
    assert "no page of what the workers did: " in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_reported_and_fails_no_stage(
    client: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    since = time.time() - CLOCKS_AGREE
    client.client.submit(double, 5, pure=False).result()
    (tmp_path / "report").write_text("a file where a folder should be")
    save_performance(client, tmp_path / "report" / "page.html", "stdask merge", since)
    assert "no page of what the workers did: " in capsys.readouterr().out


def test_tasks_are_recorded_from_the_first_one():
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with Workers(ClusterConfig(kind="address", address=cluster.scheduler_address)) as workers:
            workers.client.submit(double, 1).result()
        with Client(cluster) as again:
            assert len(again.get_task_stream(start=0)) == 1
