"""The environment of stdask: what the user has set stays out, and is given back."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from stdask.environment import (
    PACKAGE,
    is_own_process,
    own_environment,
    own_process,
    prefer_own_libraries,
    python_options,
    users_environment,
)
from tests.hostile import VARIABLES

ROOT = PACKAGE.parent


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TF_GPU_ALLOCATOR", "cuda_malloc_async")
    monkeypatch.setenv("PYTHONPATH", "/modules/old")
    return without_pytest(os.environ)


def without_pytest(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out the variable that pytest changes between a fixture and its test."""
    return {name: value for name, value in environment.items() if name != "PYTEST_CURRENT_TEST"}


@pytest.mark.usefixtures("hostile")
def test_no_variable_of_the_user_is_left_but_those_of_the_machine():
    machine = {"OMP_NUM_THREADS"}  # How many threads the driver may use: its workers have one each.
    own = {"KERAS_BACKEND": "tensorflow", "NUMBA_DISABLE_JIT": "0", "TF_CPP_MIN_LOG_LEVEL": "3"}
    with own_environment():
        left = {name: os.environ[name] for name in VARIABLES.keys() - machine if name in os.environ}
        assert left == own
        assert os.environ["TF_GPU_ALLOCATOR"] == "cuda_malloc_async"
        assert os.environ["PYTHONSAFEPATH"] == "1"
        assert "PYTHONPATH" not in os.environ


def test_the_user_gets_everything_back_also_what_a_library_has_added(hostile: dict[str, str]):
    with own_environment({"OMP_NUM_THREADS": "1"}):
        os.environ["SET_BY_A_LIBRARY"] = "1"
        assert os.environ["OMP_NUM_THREADS"] == "1"
    assert without_pytest(os.environ) == hostile


def test_commands_of_the_site_have_the_environment_of_the_user(hostile: dict[str, str]):
    with own_environment(), own_environment({"OMP_NUM_THREADS": "1"}):
        assert without_pytest(users_environment()) == hostile
    assert without_pytest(users_environment()) == hostile


def test_a_process_is_that_of_a_command_as_long_as_it_runs(hostile: dict[str, str]):
    assert not is_own_process()
    with own_process():
        assert is_own_process()
        assert os.environ["KERAS_BACKEND"] == "tensorflow"
        assert os.environ["DASK_TEMPORARY_DIRECTORY"] == "/nowhere"  # until Dask has read it
        assert without_pytest(users_environment()) == hostile
    assert not is_own_process()
    assert without_pytest(os.environ) == hostile


def test_a_python_path_is_used_only_if_stdask_is_found_there(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", f"/modules/old:{ROOT}")
    with own_environment():
        assert os.environ["PYTHONPATH"] == f"/modules/old:{ROOT}"
    assert python_options() == ["-P"]
    monkeypatch.setenv("PYTHONPATH", "/modules/old")
    assert python_options() == ["-E", "-P"]


def test_libraries_of_a_python_path_come_after_those_that_stdask_is_installed_with(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", "/modules/old")
    monkeypatch.setattr(sys, "path", ["/venv/bin", "/modules/old", "/python/lib", "/venv/site-packages"])
    prefer_own_libraries()
    assert sys.path == ["/venv/bin", "/python/lib", "/venv/site-packages", "/modules/old"]


def test_the_working_directory_is_no_place_for_modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for first in ("", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [first, "/python/lib"])
        prefer_own_libraries()
        assert sys.path == ["/python/lib"]
    monkeypatch.chdir(ROOT)  # a checkout that is not installed
    monkeypatch.setattr(sys, "path", [str(ROOT), "/python/lib"])
    prefer_own_libraries()
    assert sys.path == [str(ROOT), "/python/lib"]


def test_workers_of_a_notebook_get_the_modules_of_its_folder_last(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for first in ("", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [first, "/python/lib"])
        with own_environment():
            assert sys.path == ["/python/lib", first]
            sys.path.append("/added/by/a/library")
        assert sys.path == [first, "/python/lib", "/added/by/a/library"]


def test_warnings_that_are_asked_for_are_shown_as_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONWARNINGS", "always,ignore::DeprecationWarning")
    with own_environment():
        assert os.environ["PYTHONWARNINGS"] == "always,ignore::DeprecationWarning"
    for fatal in ("error", "ignore, err::UserWarning"):
        monkeypatch.setenv("PYTHONWARNINGS", fatal)
        with own_environment():
            assert "PYTHONWARNINGS" not in os.environ


def test_a_warning_is_no_error_in_a_command_whatever_pythonwarnings_says():
    code = (
        "import sys, warnings; from stdask.environment import take_over; take_over();"
        "assert not sys.warnoptions; warnings.warn('as ever')"
    )
    own = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=own)
    assert (done.returncode, done.stderr.count("UserWarning: as ever")) == (0, 1)


@pytest.mark.parametrize(("value", "kept"), [("all", False), ("4,2", False), ("", False), ("2", True)])
def test_a_number_of_threads_is_a_whole_number(value: str, kept: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with own_environment():
        assert os.environ.get("OMP_NUM_THREADS") == (value if kept else None)


@pytest.mark.parametrize("module", ["random", "logging", "select"])
def test_no_module_of_the_working_directory_is_taken_for_one_of_python(module: str, tmp_path: Path):
    (tmp_path / f"{module}.py").write_text("raise SystemExit('taken')")
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "stdask", "--version"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.stdout.startswith("stdask "), done.stderr
