"""The supervisor: as many jobs as wanted, whatever ends them; waits that grow; an end to trying."""

import time
from itertools import pairwise
from pathlib import Path

import pytest

from stdask.cluster import supervisor as cluster_supervisor
from stdask.cluster.supervisor import NOT_LISTED_YET, Supervisor
from stdask.errors import ClusterError

WANTED = 3


class MadeUp:
    """A batch scheduler whose jobs end when told to."""

    def __init__(self) -> None:
        self.alive: set[str] = set()
        self.submitted = 0
        self.refusal = ""
        self.away = False

    def submit(self, script: Path) -> str:
        assert script.name == "job.sh"
        if self.refusal:
            raise ClusterError(self.refusal)
        self.submitted += 1
        self.alive.add(str(self.submitted))
        return str(self.submitted)

    def queued(self) -> set[str]:
        if self.away:
            raise ClusterError("squeue does not answer")
        return set(self.alive)


class Scene:
    """A supervisor over made-up jobs, with a clock that stands until it is moved."""

    def __init__(self, logs: Path) -> None:
        self.scheduler = MadeUp()
        self.workers: set[str] = set()
        self.messages: list[str] = []
        self.notes: list[str] = []
        self.now = 1000.0
        self.supervisor = Supervisor(
            self.scheduler,
            logs / "job.sh",
            WANTED,
            lambda: self.workers,
            logs,
            4,
            self.messages.append,
            self.notes.append,
            lambda: self.now,
        )

    def look(self, seconds: float = 3.0) -> None:
        self.now += seconds
        self.supervisor.look(self.now)

    def settle(self) -> None:
        """Let all jobs be submitted, listed and answered."""
        self.look()
        self.workers = set(self.scheduler.alive)
        self.look(NOT_LISTED_YET)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_as_many_jobs_are_submitted_as_are_wanted_and_no_more(scene: Scene):
    for _ in range(5):
        scene.look()
    assert scene.scheduler.submitted == WANTED
    assert scene.notes == ["+1", "+2", "+3"]


def test_a_job_whose_worker_had_answered_is_replaced_at_the_next_look(scene: Scene):
    scene.settle()
    scene.scheduler.alive.discard("2")
    scene.look()
    assert set(scene.supervisor.jobs) == {"1", "3", "4"}
    assert scene.supervisor.replaced == 1
    assert scene.notes[-2:] == ["-2", "+4"]
    assert "Job 2 ended and is replaced." in scene.messages[0]


def test_the_cause_of_an_ended_job_is_quoted_from_its_log_and_not_the_noise_after_it(scene: Scene, tmp_path: Path):
    noise = "\n".join(f"distributed.nanny - INFO - line {n}" for n in range(20))
    (tmp_path / "stdask-2.err").write_text(f"{noise}\nslurmstepd: error: Detected 1 oom_kill event\n{noise}\n")
    scene.settle()
    scene.scheduler.alive.discard("2")
    scene.look()
    assert scene.messages[0] == (
        "Job 2 ended and is replaced: slurmstepd: error: Detected 1 oom_kill event. Increase [cluster] memory."
    )


def test_a_job_just_submitted_is_not_taken_for_ended_before_the_scheduler_lists_it(scene: Scene):
    scene.look()
    scene.scheduler.alive.clear()
    scene.look(NOT_LISTED_YET)
    assert scene.supervisor.replaced == 0
    scene.look(1)
    assert scene.supervisor.replaced == WANTED


def test_a_scheduler_that_does_not_answer_means_nothing(scene: Scene):
    scene.settle()
    scene.scheduler.away = True
    scene.scheduler.alive.clear()
    scene.look(1000)
    assert scene.supervisor.replaced == 0
    assert scene.scheduler.submitted == WANTED


def test_after_a_failure_the_next_try_waits_twice_as_long_each_time(scene: Scene):
    scene.settle()
    scene.scheduler.alive.discard("1")
    scene.scheduler.refusal = "sbatch failed: QOSMaxSubmitJobPerUserLimit"
    tried = []
    for _ in range(40):
        before = len(scene.messages)
        scene.look(1)
        if any("sbatch failed" in text for text in scene.messages[before:]):
            tried.append(scene.now)
    assert [later - earlier for earlier, later in pairwise(tried)] == [5, 10, 20]
    assert scene.supervisor.error is None  # two workers are still at work
    scene.scheduler.refusal = ""
    scene.look(300)
    assert len(scene.supervisor.jobs) == WANTED


def test_jobs_that_die_at_once_end_the_run_after_a_few_with_their_last_message(scene: Scene, tmp_path: Path):
    for number in range(1, 20):
        (tmp_path / f"stdask-{number}.err").write_text("ModuleNotFoundError: No module named 'stdask'\n")
    begun = scene.now
    while not scene.supervisor.error:
        scene.look(3)
        scene.scheduler.alive.clear()
    assert "Jobs ended 3 times in a row before a worker connected" in str(scene.supervisor.error)
    assert "No module named 'stdask'" in str(scene.supervisor.error)
    assert "[cluster] prologue" in str(scene.supervisor.error)
    # three at first, and then one at a time to see whether it is better now
    assert scene.scheduler.submitted == WANTED + 2
    assert scene.now - begun < 90  # three jobs that are listed late, and waits of 5 s and 10 s


def test_a_run_that_had_workers_has_the_patience_of_max_failures(scene: Scene):
    scene.settle()
    scene.workers = set()
    for _ in range(40):
        scene.scheduler.alive.clear()
        scene.look(30)
    assert "Jobs ended 4 times in a row before a worker connected" in str(scene.supervisor.error)


def test_a_batch_scheduler_that_is_silent_gets_a_word_and_in_the_end_an_error(scene: Scene):
    scene.look()
    scene.scheduler.away = True
    for _ in range(5):
        scene.look(30)
    (said,) = [text for text in scene.messages if "has not answered" in text]
    assert "squeue does not answer" in said
    assert scene.supervisor.error is None
    scene.look(1800)
    assert "has not answered for 32 minutes, and no worker is connected" in str(scene.supervisor.error)


def test_a_silent_batch_scheduler_is_no_error_while_workers_work(scene: Scene):
    scene.settle()
    scene.scheduler.away = True
    scene.look(90)
    scene.look(7200)
    assert scene.supervisor.error is None


def test_a_worker_that_connects_ends_a_row_of_failures(scene: Scene):
    for _ in range(3):
        for _ in range(2):  # one less than are the end
            scene.look(301)
            scene.scheduler.alive.clear()
            scene.look(NOT_LISTED_YET + 1)
        scene.look(301)
        scene.workers = set(scene.scheduler.alive)
        scene.look()
        scene.workers = set()
    assert scene.supervisor.error is None


def test_the_refusal_of_the_very_first_job_is_an_error(scene: Scene):
    scene.scheduler.refusal = "sbatch failed: invalid account"
    with pytest.raises(ClusterError, match="invalid account"):
        scene.supervisor.start()


def test_a_job_cancelled_for_its_workers_faults_is_replaced_after_a_wait(scene: Scene):
    scene.settle()
    scene.supervisor.forget("2")
    scene.scheduler.alive.discard("2")
    assert set(scene.supervisor.jobs) == {"1", "3"}
    scene.look(4)
    assert set(scene.supervisor.jobs) == {"1", "3"}  # one failure: five seconds
    scene.look(1)
    assert set(scene.supervisor.jobs) == {"1", "3", "4"}


def test_a_job_whose_submission_got_no_answer_is_counted_once_its_worker_connects(scene: Scene):
    scene.settle()
    scene.scheduler.alive.add("99")
    scene.workers.add("99")
    scene.look()
    assert "99" in scene.supervisor.jobs
    assert "+99" in scene.notes
    scene.scheduler.alive.discard("1")
    scene.look()
    assert scene.scheduler.submitted == WANTED  # one more than wanted were there


def test_jobs_that_still_wait_in_the_queue_are_no_reason_to_give_up(scene: Scene):
    scene.look()
    scene.scheduler.alive.discard("1")
    scene.scheduler.refusal = "sbatch failed: QOSMaxSubmitJobPerUserLimit"
    for _ in range(20):
        scene.look(301)
    assert scene.supervisor.error is None


def test_an_error_in_a_look_is_reported_and_does_not_stop_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cluster_supervisor, "SECONDS_BETWEEN_LOOKS", 0.01)
    scene, looks = Scene(tmp_path), []

    def queued() -> set[str]:
        looks.append(1)
        raise OSError("no space left on device")

    monkeypatch.setattr(scene.scheduler, "queued", queued)
    scene.supervisor.start()
    deadline = time.monotonic() + 10
    while len(looks) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    scene.supervisor.stop()
    assert len(looks) >= 3
    assert "OSError: no space left on device" in scene.messages[0]
