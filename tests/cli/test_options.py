"""Users, folders and names that a machine may have and programs seldom expect: they work, or end in one clear line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import stdask
from tests.disturbed import ROOT

NOBODY = ["setpriv", "--reuid", "12345", "--regid", "12345", "--clear-groups"]
NOBODY += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # to read the installation, wherever it is


def command(*arguments: str | Path | bytes, cwd: Path | bytes, first: list[str] | None = None, **variables: str | None):
    """Run a command of stdask; a variable that is None is not set."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | variables
    return subprocess.run(
        [*(first or []), sys.executable, "-m", "stdask.cli.main", *arguments],
        cwd=cwd,
        env={name: value for name, value in environment.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said that ended with an error of the user."""
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("option", ["run file", "output", "working directory"])
def test_a_name_that_is_not_utf8_ends_in_one_line(option: str, tmp_path: Path):
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(odd).mkdir()
    run = {
        "run file": (f"{odd}/run.toml",),
        "output": ("run.toml", "--output", odd),
        "working directory": ("run.toml",),
    }[option]
    line = only_line(command("ingest", *run, cwd=odd if option == "working directory" else tmp_path))
    assert "caf\\xe9" in line
    assert "is not UTF-8" in line
    assert "Rename" in line


def test_a_working_directory_that_is_gone_ends_in_one_line(tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'rmdir "{gone}"; exec {sys.executable} -m stdask.cli.main ingest run.toml'
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        cwd=gone,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "The working directory no longer exists" in only_line(done)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="needs the rights of root")
@pytest.mark.parametrize("home", [None, "/nonexistent"])
def test_a_user_id_without_a_name_or_a_home_can_start_workers(home: str | None, tmp_path: Path):
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o777)
    program = (
        "from stdask.environment import take_over; take_over()\n"
        "from stdask.cluster.workers import Workers\nfrom stdask.config.cluster import ClusterConfig\n"
        "import matplotlib.pyplot, astropy.units, stdask.network\n"
        "if __name__ == '__main__':\n"
        "    with Workers(ClusterConfig(workers=1)) as workers:\n"
        "        print(workers.client.submit(sum, [1, 2]).result(), flush=True)\n"
    )
    (tmp_path / "program.py").write_text(program)
    variables = {"HOME": home, "PYTHONPATH": str(ROOT), "LOGNAME": None, "USER": None, "TMPDIR": str(tmp_path)}
    environment = {name: value for name, value in (os.environ | variables).items() if value is not None}
    done = subprocess.run(
        [*NOBODY, sys.executable, tmp_path / "program.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "setpriv" in done.stderr:
        pytest.skip("no other user can be had here")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "3"
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("stdask-home-*"))
    assert stdask.__version__ in command("--version", cwd=tmp_path, first=NOBODY, **variables).stdout
