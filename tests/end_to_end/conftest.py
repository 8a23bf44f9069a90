"""Whole runs through the command line, each made once for all tests that look at it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The training of a run file, where networks may be poor: what is tested is that they are the same.
HURRIED = """[train]
n_members = 2
max_epochs = 2
learning_rates = [1e-3]
first_width = 8
depth = 1
min_pairs = 50
gaussian_process = "none"
"""


@dataclass(frozen=True)
class Finished:
    """A command that ended: its folder, its exit code and what it printed."""

    output: Path
    code: int
    text: str


def stdask(*arguments: object, output: Path) -> Finished:
    """Run the command line as a user would, in a process of its own."""
    environment = os.environ | {"COLUMNS": "200"}
    command = [sys.executable, "-m", "stdask", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT, check=False)
    return Finished(output, done.returncode, done.stdout + done.stderr)


def run_job(name: str, data_dir: Path, output: Path, *options: object) -> Finished:
    """Run one of the shipped run files on the real surveys."""
    return stdask("run", f"jobs/{name}.toml", "--data-dir", data_dir, "--output", output, *options, output=output)


@pytest.fixture(scope="session")
def lamost(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """LAMOST DR3 giants on APOGEE DR17."""
    return run_job("lamost_to_apogee", data_dir, tmp_path_factory.mktemp("e2e") / "lamost")


@pytest.fixture(scope="session")
def apogee(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """APOGEE DR14 on DR16."""
    return run_job("apogee_dr14_to_dr16", data_dir, tmp_path_factory.mktemp("e2e") / "apogee")


@pytest.fixture(scope="session")
def kepler(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """LAMOST giants of the Kepler field on APOGEE DR16, with Gaia colours."""
    return run_job("lamost_kepler_to_apogee", data_dir, tmp_path_factory.mktemp("e2e") / "kepler")


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Run the demo on few stars."""
    output = tmp_path_factory.mktemp("e2e") / "demo"
    return stdask("demo", "--stars", 8000, "--output", output, output=output)
