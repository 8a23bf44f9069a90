"""A real Slurm on this machine, and translations that leave the work to its jobs."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from stdask.cluster.jobs import JOB_WORKER
from tests.disturbed import ROOT, Disturbed, Driver

LAB = ROOT.parent / "shared" / "slurm"
CANNOT_BE_HAD = 77
PROFILE = """
[cluster]
kind = "slurm"
workers = {workers}
interface = "lo"
walltime = "{walltime}"
queue = "{queue}"
"""


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Start a Slurm of two nodes with one core each; return the environment that speaks to it."""
    if not LAB.is_dir():
        pytest.skip(f"no scripts to start a Slurm at {LAB}")
    settings = {"DIR": "/tmp/stdask-slurm", "PORT": "19817", "NODES": "2", "CPUS": "1", "MEM_MB": "4200"}
    environment = os.environ | {f"SLURM_LAB_{key}": value for key, value in settings.items()}
    started = subprocess.run(
        [LAB / "slurm-up.sh", "--env"], env=environment, capture_output=True, text=True, check=False
    )
    if started.returncode == CANNOT_BE_HAD:
        pytest.skip(f"no Slurm can be had here: {started.stderr[-300:]}")
    assert not started.returncode, started.stderr[-2000:]
    configuration = started.stdout.strip().removeprefix("export SLURM_CONF=")
    # importing dask-jobqueue writes a file of settings into this folder
    yield environment | {"SLURM_CONF": configuration, "DASK_CONFIG": str(tmp_path_factory.mktemp("dask"))}
    subprocess.run([LAB / "slurm-down.sh", "--purge"], env=environment, capture_output=True, check=True)


@dataclass(frozen=True)
class Lab:
    """Starts translations with jobs of the real Slurm, and looks at those jobs."""

    disturbed: Disturbed
    environment: Mapping[str, str]

    def start(self, output: Path, path_first: Path | None = None, **profile: object) -> Driver:
        """Start `stdask translate` with a profile; commands in `path_first` stand before those of the machine."""
        settings = {"workers": 2, "walltime": "00:10:00", "queue": "normal"} | profile
        place = output.with_suffix(".toml")
        place.write_text(PROFILE.format_map(settings))
        environment = dict(self.environment)
        if path_first:
            environment["PATH"] = f"{path_first}:{environment['PATH']}"
        return self.disturbed.start(output, "--cluster", place, environment=environment)

    def call(self, *command: object) -> str:
        """Run a command of Slurm; return what it prints."""
        done = subprocess.run(
            list(map(str, command)), env=dict(self.environment), capture_output=True, text=True, check=True
        )
        return done.stdout

    def jobs(self, states: str = "R") -> set[str]:
        """Return the ids of the workers' jobs in some states."""
        return set(self.call("squeue", "--noheader", "--name=stdask", f"--states={states}", "--format=%i").split())

    def processes(self, job: str) -> tuple[int, int]:
        """Return the process ids of a job's nanny and of the worker that it watches over."""
        for process in psutil.process_iter(["cmdline", "environ"]):
            command = process.info["cmdline"] or []
            if JOB_WORKER in command and (process.info["environ"] or {}).get("SLURM_JOB_ID") == job:
                (worker,) = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
                return process.pid, worker.pid
        raise AssertionError(f"no worker of job {job}")


@pytest.fixture
def lab(slurm: Mapping[str, str], disturbed: Disturbed) -> Iterator[Lab]:
    """The Slurm, empty again when a test is over."""
    lab = Lab(disturbed, slurm)
    yield lab
    lab.call("scancel", "--user=root" if os.getuid() == 0 else f"--user={os.getuid()}")
