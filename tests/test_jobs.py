"""Batch scripts: one a stage, in order, and submit_all.sh chains them; on a real Slurm too, where there is one."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.tools.demo import prepare

ROOT = Path(__file__).parents[1]
JOBS = ROOT / "jobs"
SLURM = ROOT.parent / "shared" / "slurm"
STAGES = ("ingest", "pair", "train", "evaluate", "translate", "closure", "merge", "atlas", "report")
SCRIPTS = [JOBS / f"{n}0_{stage}.sbatch" for n, stage in enumerate(STAGES, start=1)]
# what a chain needs to end in a minute: the networks may be poor
FAST = """\
[train]
n_members = 2
max_epochs = 2
learning_rates = [1e-3]
first_width = 8
depth = 1
"""
REDUCED = """
[evaluate]
n_bootstraps = 10
importance_stars = 5

[translate]
n_draws = 4

[cluster]
workers = 1

[atlas]
n_bootstraps = 10
"""


def bash(script: Path, *arguments: object, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=env, cwd=cwd, check=False)


@pytest.fixture
def pretend(tmp_path: Path):
    """Return a function that puts a program of the name in front of the PATH, and returns the environment."""

    def pretend(name: str, text: str) -> dict[str, str]:
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
        return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}

    return pretend


def test_there_is_one_script_a_stage_in_the_order_of_the_stages():
    assert sorted(JOBS.glob("*.sbatch")) == SCRIPTS


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_asks_for_time_and_memory_and_hands_everything_on_to_its_stage(script: Path, tmp_path, pretend):
    assert re.search(r"^#SBATCH --time=\d\d:00:00$\n^#SBATCH --mem=\dG$", script.read_text(), re.MULTILINE)
    environment = pretend("stdask", "printf '%s|' \"$@\"; exit 3")
    done = bash(script, "my run.toml", "--output", "my run", env=environment, cwd=tmp_path)
    stage = script.stem.split("_")[1]
    assert (done.returncode, done.stdout) == (3, f"{stage}|my run.toml|--output|my run|")


@pytest.mark.parametrize("script", [*SCRIPTS, JOBS / "submit_all.sh"], ids=lambda path: path.stem)
def test_a_script_without_a_run_file_says_how_it_is_used(script: Path, tmp_path, pretend):
    environment = pretend("stdask", "exit 0")
    pretend("sbatch", "exit 0")
    done = bash(script, env=environment, cwd=tmp_path)
    assert done.returncode
    assert f"usage: {'' if script.suffix == '.sh' else 'sbatch '}jobs/{script.name} run.toml" in done.stderr


def test_each_stage_is_submitted_after_the_one_before_and_with_the_same_options(tmp_path, pretend):
    # answers as a Slurm of several clusters does: id;cluster
    environment = pretend("sbatch", 'printf "%s|" "$@" >>calls; echo >>calls; echo "$((100 + $(wc -l <calls)));galaxy"')
    done = bash(JOBS / "submit_all.sh", "my run.toml", "--workers", 4, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    for n, (call, script) in enumerate(zip(calls, SCRIPTS, strict=True)):
        assert call.endswith(f"|{script}|my run.toml|--workers|4|")
        after = [word for word in call.split("|") if word.startswith("--dependency")]
        assert after == ([f"--dependency=afterok:{100 + n}"] if n else [])
    assert done.stdout.splitlines() == [f"{101 + n} {script.stem}" for n, script in enumerate(SCRIPTS)]


def test_a_refused_submission_ends_the_chain(tmp_path, pretend):
    environment = pretend("sbatch", "echo >>calls; wc -l <calls; (($(wc -l <calls) < 3))")
    done = bash(JOBS / "submit_all.sh", "run.toml", env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert [line.split()[-1] for line in done.stdout.splitlines()] == ["10_ingest", "20_pair"]
    assert (tmp_path / "calls").read_text() == "\n" * 3


@pytest.fixture
def slurm() -> Iterator[dict[str, str]]:
    """Start a real Slurm of two nodes; return the environment in which its commands work."""
    if not SLURM.is_dir():
        pytest.skip(f"no scripts that start a Slurm in {SLURM}")
    with tempfile.TemporaryDirectory(prefix="stdask-slurm-", dir="/tmp") as folder:  # a socket's path is short
        lab = {"SLURM_LAB_DIR": f"{folder}/lab", "SLURM_LAB_NODES": "2", "SLURM_LAB_CPUS": "1"}
        lab |= {"SLURM_LAB_MEM_MB": "16000", "SLURM_LAB_PORT": str(free_ports())}
        environment = os.environ | lab | {"SLURM_CONF": f"{folder}/lab/slurm.conf"}
        up = subprocess.run([SLURM / "slurm-up.sh"], env=environment, capture_output=True, text=True, check=False)
        if up.returncode == 77:
            pytest.skip(up.stderr.strip().splitlines()[-1])
        try:
            assert up.returncode == 0, up.stderr
            yield environment
        finally:
            subprocess.run([SLURM / "slurm-down.sh", "--purge"], env=environment, capture_output=True, check=True)


def free_ports() -> int:
    """Return the first of three free ports in a row, as far as one can know: of slurmctld and two nodes."""
    for first in range(27817, 28800, 3):
        with socket.socket() as a, socket.socket() as b, socket.socket() as c:
            try:
                for number, each in enumerate((a, b, c)):
                    each.bind(("127.0.0.1", first + number))
            except OSError:
                continue
            return first
    pytest.skip("no three free ports in a row")


def tiny_run(folder: Path) -> Path:
    """Write two small mock surveys and the fastest run file that still does everything."""
    prepare(folder, 2000, 2000, 500, seed=7)
    path = folder / "run.toml"
    text = path.read_text()
    for old, new in (("[train]\n", FAST), ("debias = true\n", ""), ("\n[atlas]\n", REDUCED)):
        assert old in text
        text = text.replace(old, new, 1)
    path.write_text(text)
    return path


def chain(folder: Path, environment: Mapping[str, str], *arguments: object) -> dict[str, str]:
    """Submit all stages, wait for the end of the last; return how each ended, in Slurm's words."""
    submitted = bash(JOBS / "submit_all.sh", *arguments, env=environment, cwd=folder)
    assert submitted.returncode == 0, submitted.stderr
    ids = dict(reversed(line.split()) for line in submitted.stdout.splitlines())
    deadline = time.monotonic() + 900  # two minutes on a quiet machine
    while subprocess.run(["squeue", "-h"], env=environment, capture_output=True, text=True, check=True).stdout:
        assert time.monotonic() < deadline, {path.name: path.read_text() for path in folder.glob("slurm-*.out")}
        time.sleep(0.5)
    return {name: state_of(number, environment) for name, number in ids.items()}


def state_of(job: str, environment: Mapping[str, str]) -> str:
    command = ["scontrol", "show", "job", job]
    shown = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    return re.findall(r"JobState=(\w+)", shown)[0]


@pytest.mark.slow
@pytest.mark.slurm
@pytest.mark.faults
def test_a_chain_of_jobs_makes_the_whole_run_and_a_stage_that_fails_stops_it(slurm, tmp_path: Path):
    environment = slurm | {"PATH": f"{Path(sys.executable).parent}:{slurm['PATH']}", "SBATCH_MEM_PER_NODE": "4G"}
    run_file = tiny_run(tmp_path)
    failed = chain(tmp_path, environment, run_file, "--data-dir", tmp_path / "nowhere")
    assert failed == {script.stem: "CANCELLED" for script in SCRIPTS} | {"10_ingest": "FAILED"}

    ended = chain(tmp_path, environment, run_file)
    logs = {path.name: path.read_text() for path in tmp_path.glob("slurm-*.out")}
    assert ended == {script.stem: "COMPLETED" for script in SCRIPTS}, logs
    assert open_catalogue(tmp_path / "catalogues" / "mock_a_on_mock_b").n_rows > 1500  # of 2000; the rest by cuts
    assert (tmp_path / "report" / "index.html").exists()
