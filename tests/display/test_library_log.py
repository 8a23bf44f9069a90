"""What libraries print goes to a log of the run folder, and the screen gets the lines of the command alone."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.library_log import as_a_command, library_log
from stdask.runs.session import session
from stdask.storage import paths

# A command whose libraries print: by Python's warnings and loggers, from C, on a worker, and at the very end.
LOUD = """
import atexit, logging, os, sys, warnings
from pathlib import Path
from stdask.cli.main import main
from stdask.cluster.tasks import each
from stdask.config.cluster import ClusterConfig
from stdask.runs.session import session
import typer

def work(item):
    os.write(2, b"oneDNN custom operations are on.\\n")
    return item

def loud(folder: Path) -> None:
    atexit.register(lambda: os.write(2, b"printed too late\\n"))
    warnings.warn("before the session")
    with session(folder, ClusterConfig(workers=1)) as workers:
        logging.getLogger("distributed.core").warning("a callback failed")
        warnings.warn("units are odd")
        os.write(2, b"E0000 00:00:1 cuda_dnn.cc:8310] Unable to register cuDNN factory\\n")
        print(list(each(workers, work, [7], description="work")))
        if FAILS:
            raise FAILS

if __name__ == "__main__":
    FAILS = None
    import stdask.cli.main as cli
    cli.app = typer.Typer(pretty_exceptions_enable=False)
    cli.app.command()(loud)
    main()
"""
LINES = ("a callback failed", "units are odd", "cuDNN factory", "oneDNN custom")


def run_loud(folder: Path, fails: str = "None", **environment: str) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run the command; return what it printed, and its log."""
    script = folder / "loud.py"
    script.write_text(LOUD.replace("FAILS = None", f"FAILS = {fails}"))
    done = subprocess.run(
        [sys.executable, str(script), str(folder / "out")],
        capture_output=True,
        text=True,
        env=os.environ | environment,
        check=False,
    )
    log = paths.library_log(folder / "out")
    return done, log.read_text() if log.exists() else ""


def test_the_lines_of_libraries_are_in_the_log_and_not_on_the_screen(tmp_path: Path):
    done, log = run_loud(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "[(7, 7)]"
    assert [line for line in (*LINES, "printed too late") if line not in log] == []
    assert "before the session" not in log + done.stdout


def test_an_error_in_the_program_is_on_the_screen(tmp_path: Path):
    done, log = run_loud(tmp_path, 'ValueError("a fault of stdask")')
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.splitlines()[-1] == "ValueError: a fault of stdask"
    assert all(line in log for line in LINES)


def test_warnings_that_are_asked_for_are_shown(tmp_path: Path):
    done, _ = run_loud(tmp_path, PYTHONWARNINGS="default")
    assert "before the session" in done.stderr


def test_a_command_without_such_lines_leaves_no_log(tmp_path: Path):
    with as_a_command(), session(tmp_path, ClusterConfig(), in_process=True):
        pass
    assert not paths.logs(tmp_path).exists()


def test_a_folder_that_cannot_be_written_to_stops_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    (tmp_path / "logs").write_text("a file where the folder should be")
    with as_a_command(), library_log(tmp_path):
        os.write(2, b"a line of a library\n")
    assert capfd.readouterr().err == "a line of a library\n"


def test_in_a_notebook_stderr_is_that_of_the_user(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    printed = warnings.showwarning
    with session(tmp_path, ClusterConfig(), in_process=True) as workers:
        assert isinstance(workers, Workers)
        os.write(2, b"a line of a library\n")
        assert warnings.showwarning is printed
    assert capfd.readouterr().err == "a line of a library\n"
    assert not paths.logs(tmp_path).exists()
