"""The batch jobs of a run: a Dask scheduler in the driver and one worker per job, kept alive while the run lasts."""

import json
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from distributed import LocalCluster
from distributed.security import Security
from distributed.utils import get_ip

from stdask.cluster import watchdog as cluster_watchdog
from stdask.cluster.faults.starting import explaining_start, noting_troubles
from stdask.cluster.jobs import Batch, job_script
from stdask.cluster.supervisor import Supervisor
from stdask.cluster.tls import make_security
from stdask.config.cluster import ClusterConfig
from stdask.display.console import say
from stdask.environment import users_environment
from stdask.errors import ClusterError, MachineError, StorageError
from stdask.storage import paths
from stdask.storage.files import write_text

WATCHDOG_SECONDS = 5.0  # A watchdog that has nothing to cancel ends at once.


class Fleet:
    """The jobs of one run. Use as a context: leaving it cancels them.

    Parameters
    ----------
    config
        `[cluster]`.
    folder
        The run folder, on a file system that the nodes share.
    """

    def __init__(self, config: ClusterConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._batch = Batch(config.kind)
        self._wanted = config.workers or 1
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start the scheduler and submit the first job.

        Raises
        ------
        ClusterError
            If the batch scheduler refuses the job, with its own words.
        """
        self._batch.require()
        if any(character.isspace() for character in str(self._folder)):
            raise ClusterError(
                f"The path of the run folder {str(self._folder)!r} has blanks, which break job scripts. "
                "Choose another folder with --output."
            )
        with ExitStack() as starting:
            clean(self._folder)
            self._start(starting)
            self._open = starting.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        """Cancel the jobs and stop the scheduler."""
        self._open.close()

    def _start(self, starting: ExitStack) -> None:
        config, folder = self._config, self._folder
        private = paths.cluster(folder)
        security, arguments = make_security(private / "tls") if config.tls else (Security(), [])
        starting.callback(shutil.rmtree, private / "tls", ignore_errors=True)
        with noting_troubles(), explaining_start("The Dask scheduler of this run could not start"):
            self.cluster = starting.enter_context(
                LocalCluster(
                    n_workers=0,
                    security=security,
                    protocol="tls" if config.tls else "tcp",
                    host=None if config.interface else get_ip(),
                    interface=config.interface,
                    dashboard_address="127.0.0.1:0",
                )
            )
        logs = paths.logs(folder) / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}"
        logs.mkdir(parents=True, exist_ok=True)
        script = private / "job.sh"
        write_text(script, job_script(config, self.cluster.scheduler_address, logs, arguments))
        watchdog = self._watchdog()
        self._supervisor = Supervisor(
            self._batch,
            script,
            self._wanted,
            self._connected,
            logs,
            config.max_failures,
            lambda text: say(f"  {text}", "yellow"),
            lambda note: self._note(watchdog, note),
        )
        starting.callback(self._cancel, watchdog)
        self._supervisor.start()
        say(f"  job {', '.join(self._supervisor.jobs)} submitted, {self._wanted} wanted; logs in {logs}", "dim")

    @property
    def error(self) -> ClusterError | None:
        """Why no workers can be expected any more, None while they can."""
        return self._supervisor.error

    def describe(self, n_workers: int) -> str:
        """Return in words how many jobs work, wait and were replaced."""
        waiting = max(0, len(self._supervisor.jobs) - n_workers)
        return f"{n_workers} of {self._wanted} workers, {waiting} jobs waiting, {self._supervisor.replaced} replaced"

    def dismiss(self, address: str, why: str) -> None:
        """Cancel the job of the worker at an address, because it fails at every task."""
        worker = self.cluster.scheduler.workers.get(address)
        if worker is None:
            return  # The worker has ended already.
        name = str(worker.name)
        say(f"  job {name} fails at every task and is replaced: {why}", "yellow")
        with suppress(ClusterError):
            if not self._batch.cancel([name]):
                self._supervisor.forget(name)

    def _connected(self) -> set[str]:
        return {str(worker.name) for worker in list(self.cluster.scheduler.workers.values())}

    def _watchdog(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-I", cluster_watchdog.__file__, *self._batch.cancel_command],
            stdin=subprocess.PIPE,
            text=True,
            env=users_environment(),  # as that of the command that submits
            start_new_session=True,  # It must outlive the driver's session.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _note(self, watchdog: subprocess.Popen, note: str) -> None:
        """Record that a job came or went, for the watchdog and for the next run."""
        with suppress(OSError):  # If the watchdog was killed, the next run finds the job.
            watchdog.stdin.write(f"{note}\n")  # type: ignore[union-attr]
            watchdog.stdin.flush()  # type: ignore[union-attr]
        left = {"kind": self._config.kind, "jobs": list(self._supervisor.jobs)}
        with suppress(
            OSError, StorageError, MachineError
        ):  # If the disk is full for a moment, the next record has all jobs.
            write_text(paths.jobs_left(self._folder), json.dumps(left))

    def _cancel(self, watchdog: subprocess.Popen) -> None:
        self._supervisor.stop()
        with suppress(ClusterError, OSError):  # The watchdog tries to cancel what is left, after this process.
            left = self._batch.cancel(list(self._supervisor.jobs))
            for number in self._supervisor.jobs.keys() - left:
                watchdog.stdin.write(f"-{number}\n")  # type: ignore[union-attr]
            if not left:
                paths.jobs_left(self._folder).unlink(missing_ok=True)
        with suppress(OSError, subprocess.TimeoutExpired):
            watchdog.stdin.close()  # type: ignore[union-attr]
            watchdog.wait(WATCHDOG_SECONDS)


def clean(folder: Path) -> list[str]:
    """Cancel the jobs that a killed run left in the queue, and return their ids.

    Raises
    ------
    ClusterError
        If the batch scheduler does not answer, or jobs are still in its queue.
    """
    note = paths.jobs_left(folder)
    try:
        left = json.loads(note.read_text(encoding="utf-8"))
        batch, noted = Batch(left["kind"]), set(left["jobs"])
    except FileNotFoundError:
        return []
    except (ValueError, KeyError, TypeError):
        raise ClusterError(f"{note} is damaged. Cancel the jobs of this run by hand and remove the file.") from None
    batch.require()
    ids = sorted(batch.queued() & noted, key=int)
    if still := batch.cancel(ids):
        raise ClusterError(
            f"Jobs {', '.join(sorted(still))} of a killed run could not be cancelled. Try again in a minute."
        )
    note.unlink()
    if ids:
        say(f"  {len(ids)} jobs of an earlier run cancelled: {', '.join(ids)}", "yellow")
    return ids
