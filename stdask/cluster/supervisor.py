"""Keep the wanted number of batch jobs alive, for whatever reason they end."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stdask.cluster.faults.causes import cause_in, remedy_of
from stdask.cluster.jobs import COMMAND_SECONDS, Batch
from stdask.errors import ClusterError

SECONDS_BETWEEN_LOOKS = 3.0
NOT_LISTED_YET = 10.0  # Seconds for which the scheduler may not list a job that was just submitted.
FIRST_WAIT, LONGEST_WAIT = 5.0, 300.0  # Seconds to wait after a failure, doubled each time.
MOST_AT_ONCE = 50  # submissions between two looks
BARREN = 3  # Failures in a row that end a run none of whose workers ever connected: waiting would not help it.
SILENT_SAID, SILENT_LIMIT = 60.0, 1800.0  # Seconds without an answer of the batch scheduler: a word, the end.


@dataclass
class BatchJob:
    """A batch job as the supervisor knows it."""

    submitted: float  # by the supervisor's clock
    answered: bool = False  # whether its worker has connected


class Supervisor:
    """Compare the scheduler's queue with the wanted number of jobs, and submit those that are missing.

    Parameters
    ----------
    scheduler
        The batch scheduler.
    script
        The script of a job.
    wanted
        How many jobs to keep.
    connected
        Returns the names of the connected workers, which are the ids of their jobs.
    logs
        Folder of the jobs' output. The line that says why a job ended is quoted.
    max_failures
        Failures in a row (submissions refused, jobs that end before their worker connects) after which to give up. Jobs
        that end are given up after three if no worker has ever connected.
    tell
        Called with messages for the user.
    note_job
        Called with `+ID` when a job comes, and with `-ID` when it goes.
    clock
        Returns the time in seconds.
    """

    def __init__(
        self,
        scheduler: Batch,
        script: Path,
        wanted: int,
        connected: Callable[[], set[str]],
        logs: Path,
        max_failures: int,
        tell: Callable[[str], None],
        note_job: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._scheduler = scheduler
        self._script = script
        self._wanted = wanted
        self._connected = connected
        self._logs = logs
        self._max_failures = max_failures
        self._tell = tell
        self._note_job = note_job
        self._clock = clock
        self.jobs: dict[str, BatchJob] = {}
        self.replaced = 0
        self.error: ClusterError | None = None
        self._failures = 0
        self._ever_connected = False
        self._answered_at: float | None = None  # when the batch scheduler last answered
        self._silence_said = False
        self._not_before = 0.0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stdask-supervisor", daemon=True)

    def start(self) -> None:
        """Submit the first job. The others follow in the background.

        Raises
        ------
        ClusterError
            If the scheduler refuses the first job, with its own words.
        """
        self._submit()
        self._thread.start()

    def stop(self) -> None:
        """Submit no more jobs."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(COMMAND_SECONDS)  # It may wait for the answer to a command, and no longer.

    def look(self, now: float) -> None:
        """Look once: forget the jobs that ended, and submit those that are missing."""
        with self._lock:
            try:
                queued = self._scheduler.queued()
            except ClusterError as exc:
                self._wait_for_answer(now, exc)
                return  # Without an answer, no job is known to have ended.
            self._answered_at, self._silence_said = now, False
            connected = self._connected()
            self._ever_connected = self._ever_connected or bool(connected)
            for number in sorted(connected & queued - set(self.jobs)):  # The answer to their submission was lost.
                self.jobs[number] = BatchJob(now, answered=True)
                self._note_job(f"+{number}")
            never_answered = ""
            for number, job in list(self.jobs.items()):
                if number in connected and not job.answered:
                    job.answered, self._failures = True, 0
                if number not in queued and now - job.submitted > NOT_LISTED_YET:
                    never_answered = self._ended(number, job) or never_answered
            if never_answered:  # One failure, however many jobs ended this way.
                self._failed(now)
                most = self._max_failures if self._ever_connected else min(BARREN, self._max_failures)
                words = f"Jobs ended {self._failures} times in a row before a worker connected. {never_answered}"
                self._give_up(words, most)
            missing = self._wanted - len(self.jobs)
            # One job at a time shows whether a first worker can be had at all.
            is_trying = self._failures > 0 and not self._ever_connected and bool(self.jobs)
            if missing > 0 and now >= self._not_before and self.error is None and not is_trying:
                self._submit_missing(min(missing, 1 if self._failures else MOST_AT_ONCE), now)

    def forget(self, number: str) -> None:
        """Count a job as failed that was cancelled because of its worker."""
        with self._lock:
            if self.jobs.pop(number, None):
                self.replaced += 1
                self._note_job(f"-{number}")
                self._failed(self._clock())

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            try:
                self.look(self._clock())
            except Exception as exc:  # The disk may be full for a moment. The next look may succeed.
                with suppress(Exception):
                    self._tell(f"Could not check the jobs, trying again: {type(exc).__name__}: {exc}")

    def _submit_missing(self, number: int, now: float) -> None:
        for _ in range(number):
            if self._stop.is_set():
                return
            try:
                self._submit()
            except ClusterError as exc:
                self._failed(now)
                self._tell(f"{exc} Next try in {self._not_before - now:.0f} s.")
                words = f"The scheduler refused jobs {self._failures} times in a row, the last time with: {exc}"
                self._give_up(words, self._max_failures)
                return

    def _submit(self) -> None:
        number = self._scheduler.submit(self._script)
        self.jobs[number] = BatchJob(self._clock())
        self._note_job(f"+{number}")

    def _ended(self, number: str, job: BatchJob) -> str:
        """Tell the user that a job ended. Return the message if its worker never connected."""
        del self.jobs[number]
        self.replaced += 1
        self._note_job(f"-{number}")
        why = self._why(number)
        if job.answered:
            self._tell(f"Job {number} ended and is replaced{why}")
            return ""
        text = f"Job {number} ended before its worker connected{why}"
        self._tell(text)
        return text

    def _wait_for_answer(self, now: float, trouble: ClusterError) -> None:
        """Say that the batch scheduler does not answer, and give up in the end if no worker is connected either."""
        self._answered_at = now if self._answered_at is None else self._answered_at
        seconds = now - self._answered_at
        if seconds > SILENT_SAID and not self._silence_said:
            self._silence_said = True
            self._tell(f"The batch scheduler has not answered for {seconds:.0f} s; trying again. {trouble}")
        if seconds > SILENT_LIMIT and not self._connected():
            self.error = ClusterError(
                f"The batch scheduler has not answered for {seconds / 60:.0f} minutes, and no worker is connected. "
                f"{trouble} Run the same command again when it answers."
            )
            self._stop.set()

    def _failed(self, now: float) -> None:
        self._failures += 1
        self._not_before = now + min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10))

    def _give_up(self, why: str, most: int) -> None:
        """Give up after too many failures in a row, unless workers are connected or jobs are in the queue."""
        if self._failures >= most and not self._connected() and not self.jobs:
            self.error = ClusterError(f"{why}\nSee the logs in {self._logs}, and try `stdask cluster check`.")
            self._stop.set()

    def _why(self, number: str) -> str:
        """Return the end of a sentence: why a job ended, as its logs say, and what to do."""
        lines: list[str] = []
        own = re.compile(rf"(?<!\d){number}(?!\d)")
        for path in sorted(path for path in self._logs.iterdir() if own.search(path.name)):
            with suppress(OSError):
                lines += path.read_text(encoding="utf-8", errors="replace").splitlines()
        cause = cause_in(lines)
        return f": {cause.rstrip('.')}. {remedy_of(cause)}".rstrip() if cause else "."
