"""Tasks: shared arguments travel once, what fails is tried again and does not stop the others."""

import os
import re
import signal
import time
from pathlib import Path

import pytest
from distributed import get_worker
from threadpoolctl import threadpool_info

from stdask.cluster import tasks
from stdask.cluster.broadcast import broadcast, call_broadcast
from stdask.cluster.tasks import HOPELESS_AFTER, TRIES, each
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError, IncompleteError, SurveyError


def times(number: int, factor: int) -> int:
    return factor * number


def fails_on(number: int, folder: Path, bad: tuple[int, ...], good_at: int = TRIES + 1) -> int:
    """Leave a mark for each try; fail on the bad numbers until the try `good_at`."""
    n_tries = len(list(folder.glob(f"{number}.*"))) + 1
    (folder / f"{number}.{n_tries}").touch()
    if number in bad and n_tries < good_at:
        time.sleep(0.02)  # long enough for the driver to hear of it before all others are tried
        raise OSError(f"no partition {number}")
    return number


def ends_its_worker_once(number: int, folder: Path) -> int:
    """Kill the worker that does this, the first time for each number."""
    mark = folder / f"killed_{number}"
    if not mark.exists():
        mark.touch()
        time.sleep(0.2)  # until the driver has heard that it is begun
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def not_fit(number: int) -> int:
    raise SurveyError(f"the definition does not fit, nor will it for {number}")


def run_each(workers: Workers, function, items, *shared, **options) -> dict:
    return dict(each(workers, function, items, *shared, description="test", **options))


def test_every_item_is_yielded_with_its_result(client: Workers):
    assert run_each(client, times, [1, 2, 3], 10) == {1: 10, 2: 20, 3: 30}
    assert run_each(client, times, [], 10) == {}


def test_items_that_are_appended_while_results_are_read_are_worked_on_as_well(client: Workers):
    items, found = [1, 2], {}
    for item, result in each(client, times, items, 10, description="test"):
        found[item] = result
        if item < 3:
            items.append(item + 2)
    assert found == {1: 10, 2: 20, 3: 30, 4: 40}


def test_an_item_that_fails_is_tried_again(client: Workers, tmp_path: Path):
    assert sorted(run_each(client, fails_on, [1, 2, 3], tmp_path, (2,), TRIES)) == [1, 2, 3]
    assert len(list(tmp_path.glob("2.*"))) == TRIES


def test_an_item_that_fails_for_good_does_not_stop_the_others_and_is_reported_at_the_end(
    client: Workers, tmp_path: Path
):
    done = {}
    with pytest.raises(IncompleteError, match=r"(?s)2 of 40 tasks failed, the others are done.*partition 7") as caught:
        done.update(
            each(client, fails_on, range(40), tmp_path, (7, 9), description="x", sizes=[100.0] * 40, unit="stars")
        )
    assert sorted(done) == [n for n in range(40) if n not in (7, 9)]
    assert sorted(entry.task for entry in caught.value.failed) == ["7", "9"]
    assert all(entry.rows == 100 and entry.tries == TRIES for entry in caught.value.failed)
    assert len(list(tmp_path.glob("7.*"))) == TRIES


def test_where_everything_fails_the_rest_is_not_tried(client: Workers, tmp_path: Path):
    with pytest.raises(IncompleteError, match="none succeeded, and the rest was not tried"):
        run_each(client, fails_on, range(200), tmp_path, tuple(range(200)))
    tried = {path.stem for path in tmp_path.iterdir()}
    assert HOPELESS_AFTER <= len(tried) < 200


def test_an_error_that_every_worker_would_have_stops_at_once(client: Workers):
    with pytest.raises(SurveyError, match="does not fit"):
        run_each(client, not_fit, range(5))


def test_a_worker_without_what_was_sent_refuses(client: Workers):
    with broadcast(client.client, times, 3) as digest:
        assert client.client.submit(call_broadcast, digest, 2, pure=False).result() == 6
    with pytest.raises(LookupError, match="does not hold what the driver sent"):
        client.client.submit(call_broadcast, digest, 2, pure=False).result()


def held(item: int) -> list[str]:  # noqa: ARG001 - tasks have an item
    return [name for name in get_worker().plugins if name.startswith("stdask-")]


def test_nothing_that_was_sent_stays_on_the_workers(client: Workers):
    assert [len(names) for names in run_each(client, held, [1, 2]).values()] == [1, 1]
    assert client.client.submit(held, 0, pure=False).result() == []


@pytest.mark.faults
def test_tasks_of_killed_workers_are_done_again_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with Workers(ClusterConfig(kind="local", workers=2)) as workers:
        done = run_each(workers, ends_its_worker_once, range(4), tmp_path)
    assert sorted(done) == [0, 1, 2, 3]
    # each killed its worker once, and may have been queued on one that another killed
    assert re.search(r"4 tasks, [4-9] repeated because their workers were lost", capsys.readouterr().out)


class Fleetless(Workers):
    """Workers that record the reasons for which workers were distrusted."""

    def __init__(self, config: ClusterConfig) -> None:
        super().__init__(config)
        self.distrusted: list[str] = []

    def distrust(self, address: str, why: str) -> None:  # noqa: ARG002
        self.distrusted.append(why)


def fails_on_worker(number: int, name: str) -> int:
    if str(get_worker().name) == name:
        raise FileNotFoundError(f"no such folder on node {name}")
    return number


def test_a_worker_that_fails_at_everything_is_replaced_and_others_do_its_items(client: Workers):
    config = ClusterConfig(kind="address", address=client.client.scheduler.address)
    with Fleetless(config) as workers:
        done = run_each(workers, fails_on_worker, range(30), "0")
    assert sorted(done) == list(range(30))
    assert workers.distrusted
    assert all("no such folder on node 0" in why for why in workers.distrusted)


def test_work_ends_when_no_workers_can_be_expected(client: Workers, monkeypatch: pytest.MonkeyPatch):
    def hopeless() -> None:
        raise ClusterError("10 jobs in a row ended")

    monkeypatch.setattr(tasks, "SECONDS_BETWEEN_CHECKS", 0.05)
    monkeypatch.setattr(client, "check", hopeless)
    with pytest.raises(ClusterError, match="10 jobs in a row"):
        run_each(client, sleeps, [1])


def sleeps(seconds: int) -> None:
    time.sleep(seconds)


def process_of(number: int) -> tuple[int, int, list[int]]:
    return number, os.getpid(), [pool["num_threads"] for pool in threadpool_info()]


def test_workers_in_the_process_start_nothing_and_give_the_same_results():
    with Workers(ClusterConfig(), in_process=True) as workers:
        items, found = [1, 2], {}
        for item, result in each(workers, times, items, 10, description="test"):
            found[item] = result
            if item == 1:
                items.append(3)
        assert found == {1: 10, 2: 20, 3: 30}
        _, process, threads = run_each(workers, process_of, [1])[1]
        assert workers.started is None
    assert process == os.getpid()
    assert set(threads) <= {1}  # as on a worker: sums of several threads may differ in their last bits


def test_an_error_in_the_process_is_raised_as_it_is():
    with (
        Workers(ClusterConfig(), in_process=True) as workers,
        pytest.raises(SurveyError, match="the definition does not fit, nor will it for 1"),
    ):
        run_each(workers, not_fit, [1, 2])


def slow(number: int) -> int:
    time.sleep(2.5)  # two looks at the workers
    return number


def test_a_time_in_which_no_task_ends_is_not_passed_in_silence(
    client: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(tasks, "SECONDS_BETWEEN_WORDS", 0.5)
    assert run_each(client, slow, [1]) == {1: 1}
    assert re.search(r"no task has ended for \d s: \d workers", capsys.readouterr().out)
