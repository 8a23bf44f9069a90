"""Batch jobs: the script that starts a worker, and the commands that submit, list and cancel it."""

import getpass
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dask.utils import parse_bytes

from stdask.cluster.configuration import ONE_THREAD, own_configuration
from stdask.config.cluster import ClusterConfig
from stdask.environment import own_environment, python_options, users_environment
from stdask.errors import ClusterError

WORKER_SHARE = 0.9  # Share of a job's memory. The rest is for the process that supervises the worker.
COMMAND_SECONDS = 60  # A busy scheduler answers late.
IDS_A_COMMAND = 200  # The length of a command line is limited.
JOB_NAME = "stdask"
JOB_WORKER = "stdask.cluster.job_worker"  # the module that a job runs
DEATH_SECONDS = 60  # A worker that finds no driver for so long ends itself.
NO_JOBS = re.compile(r"no unfinished job found", re.IGNORECASE)  # LSF reports an empty queue as an error.


@dataclass(frozen=True)
class Dialect:
    """The commands and conventions of one batch scheduler."""

    cluster: str  # class of dask-jobqueue that writes the script
    submit: tuple[str, ...]
    script_on_stdin: bool
    submitted: str  # pattern of the id in the output of `submit`
    list_jobs: tuple[str, ...]  # prints the id and, if it can, the state of every job of the user; see USER
    ended: frozenset[str]  # states of jobs that will never run again
    cancel: tuple[str, ...]
    own_id: str  # shell variable with the id of the job
    not_again: tuple[str, ...]  # Directives against requeueing: the supervisor submits a new job instead.
    account: str = "account"  # its name in dask-jobqueue


USER = "{user}"  # stands for the name of the user in a command
DIALECTS: Mapping[str, Dialect] = {
    "slurm": Dialect(
        "SLURMCluster",
        ("sbatch",),
        False,
        r"Submitted batch job (\d+)",
        ("squeue", "--noheader", "--me", "--format=%i %t"),
        frozenset({"CA", "CD", "CG", "F", "NF", "OOM", "BF", "DL", "PR", "TO"}),
        ("scancel",),
        "$SLURM_JOB_ID",
        ("--no-requeue",),
    ),
    "pbs": Dialect(
        "PBSCluster",
        ("qsub",),
        False,
        r"^(\d+)",
        ("qselect", "-u", USER),
        frozenset(),
        ("qdel",),
        "${PBS_JOBID%%.*}",  # 12 of 12.host
        ("-r n",),
    ),
    "lsf": Dialect(
        "LSFCluster",
        ("bsub",),
        True,
        r"Job <(\d+)>",
        ("bjobs", "-noheader", "-o", "jobid stat"),
        frozenset({"DONE", "EXIT", "ZOMBI"}),
        ("bkill",),
        "$LSB_JOBID",
        ("-rn",),
        "project",
    ),
    "sge": Dialect(
        "SGECluster",
        ("qsub", "-terse"),
        False,
        r"^(\d+)",
        ("qstat", "-u", USER),
        frozenset(),
        ("qdel",),
        "$JOB_ID",
        ("-r n",),
        "project",
    ),
    "htcondor": Dialect(
        "HTCondorCluster",
        ("condor_submit",),
        False,
        r"submitted to cluster (\d+)",
        ("condor_q", USER, "-format", "%d ", "ClusterId", "-format", "%d\\n", "JobStatus"),
        frozenset({"3", "4", "5"}),  # removed, completed, held
        ("condor_rm",),
        "$(ClusterId)",
        (),
    ),
}


class Batch:
    """A batch scheduler, used through its own commands.

    Parameters
    ----------
    kind
        `slurm`, `pbs`, `lsf`, `sge` or `htcondor`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._dialect = DIALECTS[kind]

    @property
    def cancel_command(self) -> tuple[str, ...]:
        """The command that cancels jobs, to be followed by their ids."""
        return self._dialect.cancel

    def require(self) -> None:
        """Check that this machine can submit jobs.

        Raises
        ------
        ClusterError
            If it cannot, naming the command that is missing.
        """
        command = self._dialect.submit[0]
        if shutil.which(command) is None:
            raise ClusterError(
                f"This machine has no {command}, which [cluster] kind = {self.kind!r} needs. "
                'Start stdask on a machine that submits jobs, or set kind = "local".'
            )

    def submit(self, script: Path) -> str:
        """Submit a job and return its id.

        Raises
        ------
        ClusterError
            With the scheduler's own words.
        """
        dialect = self._dialect
        command = [*dialect.submit, *([] if dialect.script_on_stdin else [str(script)])]
        text = _call(command, script if dialect.script_on_stdin else None)
        found = re.search(dialect.submitted, text, re.MULTILINE)
        if found is None:
            raise ClusterError(f"{dialect.submit[0]} answered without the id of a job: {text.strip()!r}.")
        return found[1]

    def queued(self) -> set[str]:
        """Return the ids of the user's jobs that wait or run.

        Raises
        ------
        ClusterError
            If the scheduler does not answer.
        """
        ids = set()
        for line in _call(_of_the_user(self._dialect.list_jobs)).splitlines():
            number, _, state = line.strip().partition(" ")
            found = re.match(r"\d+", number)
            if found and state.strip() not in self._dialect.ended:
                ids.add(found[0])
        return ids

    def cancel(self, ids: Sequence[str]) -> set[str]:
        """Cancel jobs, and return those that are still in the queue. Jobs that have ended already are no error.

        Raises
        ------
        ClusterError
            If the scheduler does not answer.
        """
        for start in range(0, len(ids), IDS_A_COMMAND):
            _call([*self._dialect.cancel, *ids[start : start + IDS_A_COMMAND]], must_succeed=False)
        return self.queued() & set(ids) if ids else set()


def job_script(config: ClusterConfig, address: str, logs: Path, tls: Sequence[str] = ()) -> str:
    """Return the script of a job that runs one worker, with the job's id as its name.

    Parameters
    ----------
    config
        `[cluster]`.
    address, tls
        Address of the Dask scheduler, and the worker's arguments to be admitted there.
    logs
        Folder of the jobs' output.

    Raises
    ------
    ClusterError
        If the scheduler cannot use a setting.
    """
    dialect = DIALECTS[config.kind]
    try:
        with own_environment(), own_configuration(config.kind):  # The job runs this Python in bash, and nothing else.
            return _job(config, dialect, address, logs, tls).job_script()
    except (ValueError, TypeError, RuntimeError) as exc:
        raise ClusterError(f"Cannot write a {config.kind} job script: {exc}. Check [cluster].") from exc


def _job(config: ClusterConfig, dialect: Dialect, address: str, logs: Path, tls: Sequence[str]) -> Any:
    """Return a job of dask-jobqueue, which writes its script."""
    import dask_jobqueue  # Imported late: it takes its defaults from Dask's configuration.

    return getattr(dask_jobqueue, dialect.cluster).job_cls(
        scheduler=address,
        name=JOB_NAME,
        job_name=JOB_NAME,
        cores=1,
        processes=1,
        memory=config.memory,
        death_timeout=DEATH_SECONDS,
        log_directory=str(logs),
        local_directory=config.local_directory,
        interface=config.interface,
        job_script_prologue=_prologue(config),
        python=shlex.join([sys.executable, *python_options()]),
        worker_command=JOB_WORKER,
        worker_extra_args=[*_worker_arguments(config, dialect.own_id), *tls],
        **_site_options(config, dialect),
    )


def _prologue(config: ClusterConfig) -> list[str]:
    """Return the shell commands before the worker."""
    exports = (f"export {key}={value}" for key, value in ONE_THREAD.items())
    # A variable that the node does not have would leave an option without its value.
    used = re.findall(r"\$\{?(\w+)", config.local_directory or "")
    checks = (f': "${{{name}:?not found on this node. Correct [cluster] local_directory}}"' for name in used)
    return [*exports, *config.prologue, *checks]


def _worker_arguments(config: ClusterConfig, name: str) -> list[str]:
    """Return arguments of `dask worker`. They override earlier ones of the same name."""
    seconds = walltime_seconds(config.walltime)
    spare = min(120, seconds // 4)
    return [
        *("--name", name),
        *("--memory-limit", str(int(WORKER_SHARE * parse_bytes(config.memory)))),
        *("--lifetime", f"{seconds - spare}s"),  # It ends itself before the scheduler does.
        *("--lifetime-stagger", f"{spare // 2}s"),  # Not all workers end at once.
        *("--no-dashboard", "--dashboard-address", "127.0.0.1:0"),  # The port that remains answers only its own node.
    ]


def _site_options(config: ClusterConfig, dialect: Dialect) -> dict[str, object]:
    options: dict[str, object] = {"queue": config.queue, dialect.account: config.account, "walltime": config.walltime}
    directives: object = [*dialect.not_again, *config.directives]
    if config.kind == "lsf":
        options["walltime"] = config.walltime.rsplit(":", 1)[0]  # hours and minutes
    if config.kind == "htcondor":  # It has no queues, accounts or walltimes, and its directives are `key = value`.
        options = {"disk": "1GB"}
        directives = dict(_key_and_value(line) for line in config.directives)
    return {name: value for name, value in options.items() if value} | {"job_extra_directives": directives}


def _key_and_value(line: str) -> tuple[str, str]:
    key, equals, value = line.partition("=")
    if not equals:
        raise ClusterError(
            f"[cluster] directives: {line!r} is not a line `key = value` of an HTCondor submit file. Correct the line."
        )
    return key.strip(), value.strip()


def walltime_seconds(walltime: str) -> int:
    """Return a walltime "hours:minutes:seconds" in seconds."""
    hours, minutes, seconds = map(int, walltime.split(":"))
    return 3600 * hours + 60 * minutes + seconds


def _of_the_user(command: Sequence[str]) -> list[str]:
    """Return a command with the name of the user in it.

    Raises
    ------
    ClusterError
        If the user has none: some containers run under a number that their system does not know.
    """
    if USER not in command:
        return list(command)
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        try:
            user = getpass.getuser()  # as LOGNAME or USER say
        except (KeyError, OSError):
            raise ClusterError(
                f"User id {os.getuid()} has no name on this machine, and {command[0]} needs one to list your jobs. "
                "Set the variable LOGNAME to your user name."
            ) from None
    return [user if word == USER else word for word in command]


def _call(command: Iterable[str], stdin: Path | None = None, must_succeed: bool = True) -> str:
    """Return the output of a command.

    Raises
    ------
    ClusterError
        If the command cannot be run, takes too long or, if it must succeed, fails: with its own words.
    """
    command = list(command)
    # A driver that is a job itself must not pass its own settings on to its workers.
    own = {k: v for k, v in users_environment().items() if not k.startswith("SLURM_") or k == "SLURM_CONF"}
    try:
        with stdin.open("rb") if stdin else open(os.devnull, "rb") as source:  # noqa: PTH123 - os.devnull is a string
            done = subprocess.run(
                command,
                stdin=source,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=COMMAND_SECONDS,
                env=own,
                check=False,
                start_new_session=True,  # Ctrl-C must not reach it, or the id of a submitted job is lost.
            )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise ClusterError(f"{command[0]} does not answer ({exc}). Try again in a minute.") from exc
    words = (done.stderr.strip() or done.stdout.strip())[-2000:]
    if must_succeed and done.returncode and not NO_JOBS.search(words):
        raise ClusterError(f"{command[0]} failed: {words or f'exit code {done.returncode}'}")
    return done.stdout
