"""The process environment of stdask: which variables of the user or the site stay out of it, and its own.

A login file, a module system or a notebook sets variables for other programs. Libraries of stdask read some of them,
and results would depend on them, or a run would end. This is the one list of what is shut out. `SITE_GUIDE.md` has it
for users. What the libraries read from files is shut out where they are used: Dask's in `cluster/configuration.py`,
those of Matplotlib and Bokeh in `figures/`.

On the command line the process is stdask's own (`own_process`, and `take_over` in workers). In a notebook the
environment is the user's, and is given back (`own_environment`).
"""

import atexit
import logging
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

# Families of variables, by the beginning of their names.
SHUT_OUT_FAMILIES = (
    "BOKEH_",  # The page of the report could load scripts from elsewhere, and Dask's dashboard refuse to answer.
    "KERAS_",  # Another backend, another precision of numbers.
    "NUMBA_",  # Kernels that are not compiled, or print.
    "TF_",  # Other kernels of TensorFlow give other weights.
    "XLA_",  # An unknown flag ends the process.
)
DASK = "DASK_"  # Shut out once Dask has read them: see `cluster/configuration.py`.
READ_BY_PYTHON = (  # when it starts
    "PYTHONDEVMODE",  # Warnings of libraries on the screen.
    "PYTHONOPTIMIZE",  # healpy cannot be imported without its docstrings.
)
SHUT_OUT = (
    "GOMP_CPU_AFFINITY",  # These four bind every worker to the same core.
    "KMP_AFFINITY",
    "OMP_PLACES",
    "OMP_PROC_BIND",
    "MATPLOTLIBRC",
    "MPLBACKEND",  # Figures are written to files only; an unknown backend ends the import.
    "NVIDIA_TF32_OVERRIDE",  # It changes what a GPU computes.
    "PYTHONASYNCIODEBUG",
    *READ_BY_PYTHON,
)
WARNINGS = "PYTHONWARNINGS"  # Shut out if it makes errors of warnings: one of a library would end a run.
THREADS = (  # Shut out unless they are whole numbers: some libraries end at "4,2", which OpenMP allows, or at "all".
    "MKL_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "NUMEXPR_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OMP_THREAD_LIMIT",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)
KEPT = (
    "TF_FORCE_GPU_ALLOW_GROWTH",  # These two are how a site shares the memory of its GPUs.
    "TF_GPU_ALLOCATOR",
    *THREADS,  # Workers have one thread, as stdask sets it.
)
PYTHON_PATH = "PYTHONPATH"

OWN: Mapping[str, str] = {
    "ASTROPY_CONFIG_DIR": str(PACKAGE),  # A folder without astropy.cfg.
    "KERAS_BACKEND": "tensorflow",
    "KERAS_HOME": os.devnull,  # No keras.json is read or written below it.
    "NUMBA_DISABLE_JIT": "0",  # Takes precedence over a file .numba_config.yaml of the working directory.
    "PYTHONSAFEPATH": "1",  # A select.py or queue.py of the working directory is not that of Python.
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
OWN_OF_DASK: Mapping[str, str] = {  # No files are read or written below it.
    "DASK_CONFIG": os.devnull,
    "DASK_ROOT_CONFIG": os.devnull,
}

_taken_over = False
_aside: dict[str, str | None] = {}  # What the user had, while stdask has something else; None: nothing.


def start_plainly() -> None:
    """Start this command again if Python has read variables at its start that stay out. Returns if there are none."""
    found = [name for name in READ_BY_PYTHON if os.environ.get(name)]
    for name in found:
        del os.environ[name]
    if found and sys.executable:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def is_own_process() -> bool:
    """Tell whether this process is that of a command of stdask, or of one of its workers in a batch job."""
    return _taken_over


def take_over() -> None:
    """Give this process the environment of stdask for good. Dask's variables stay until `shut_dask_out`."""
    global _taken_over
    _taken_over = True
    if _makes_errors_of_warnings():
        _forget_warning_options()
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # What a matplotlibrc file sets is not used.
    _set(_own_variables())


def shut_dask_out() -> None:
    """Take Dask's variables away for good: Dask has read them when it was imported."""
    _set(_own_variables_of_dask())


@contextmanager
def own_process() -> Iterator[None]:
    """Let this process be that of a command while the block runs."""
    global _taken_over
    with _given_back():
        take_over()
        try:
            yield
        finally:
            _taken_over = False


@contextmanager
def own_environment(further: Mapping[str, str] | None = None) -> Iterator[None]:
    """Give this process and those that it starts the environment of stdask while the block runs.

    Modules of the working directory come after those of Python meanwhile.

    Parameters
    ----------
    further
        Further variables.
    """
    with _given_back():
        with suppress(OSError):  # A worker process gets the path of this one, also the folder of a notebook.
            here = ("", str(Path.cwd())) if Path.cwd() != PACKAGE.parent else ()
            sys.path.sort(key=lambda entry: entry in here)  # stable
        _set(_own_variables() | _own_variables_of_dask() | dict(further or {}))
        yield


@contextmanager
def _given_back() -> Iterator[None]:
    """Give the user the environment and the path of modules back after the block."""
    before, aside, path = dict(os.environ), dict(_aside), list(sys.path)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
        _aside.clear()
        _aside.update(aside)
        sys.path[:] = path + [entry for entry in sys.path if entry not in path]


def has_home() -> bool:
    """Tell whether the user has a home folder, not one that stdask has made for libraries."""
    return _aside.get("HOME", "") is not None


def users_environment() -> dict[str, str]:
    """Return the environment as the user has it, for programs that are not of stdask, such as a site's sbatch."""
    environment = os.environ | {name: value for name, value in _aside.items() if value is not None}
    return {name: value for name, value in environment.items() if _aside.get(name, value) is not None}


def prefer_own_libraries() -> None:
    """Let Python find libraries where stdask is installed, before the working directory and PYTHONPATH.

    A module system sets PYTHONPATH for another Python, whose numpy would be loaded. What stdask does not bring along
    is still found there. Nothing changes if stdask itself comes from there.
    """
    with suppress(OSError):  # The working directory may be gone.
        here = str(Path.cwd())
        if not sys.flags.safe_path and sys.path[:1] in ([""], [here]) and here != str(PACKAGE.parent):
            del sys.path[0]
    if not _is_needed_path():
        foreign = _python_path()
        sys.path.sort(key=lambda entry: entry in foreign)  # stable


def python_options() -> list[str]:
    """Return the options of a Python that has neither the modules of the working directory nor PYTHONPATH."""
    return ["-P"] if _is_needed_path() else ["-E", "-P"]


def _own_variables() -> dict[str, str | None]:
    """Return what the environment of stdask has in place of the user's; None for a variable that it has not."""
    out = [name for name in os.environ if name.startswith(SHUT_OUT_FAMILIES) and name not in KEPT]
    out += [] if _is_needed_path() else [PYTHON_PATH]
    out += [WARNINGS] if _makes_errors_of_warnings() else []
    out += [name for name in THREADS if not os.environ.get(name, "1").strip().isdecimal()]
    return dict.fromkeys([*out, *SHUT_OUT]) | dict(OWN) | _home()


def _home() -> dict[str, str]:
    """Return a home folder for a user id that has none, as in containers: libraries ask for one."""
    try:
        Path.home()
    except RuntimeError:
        return {"HOME": _home_of_nobody()}
    return {}


@cache
def _home_of_nobody() -> str:
    """Make a folder that is gone at the end of this process, and return its path."""
    try:
        folder = tempfile.mkdtemp(prefix="stdask-home-")  # For this user's eyes alone, as /tmp is not.
    except OSError:
        return "/nonexistent"
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _own_variables_of_dask() -> dict[str, str | None]:
    return dict.fromkeys(name for name in os.environ if name.startswith(DASK)) | dict(OWN_OF_DASK)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        before = os.environ.get(name)
        if value == before:
            continue
        _aside.setdefault(name, before)
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


def _python_path() -> list[str]:
    return [entry for entry in os.environ.get(PYTHON_PATH, "").split(os.pathsep) if entry]


def _is_needed_path() -> bool:
    """Tell whether stdask itself is found by PYTHONPATH, as in a checkout that is not installed."""
    return PACKAGE.parent in [Path(entry).resolve() for entry in _python_path()]


def _makes_errors_of_warnings() -> bool:
    # Python takes the beginning of an action for it: no other begins so.
    return any(option.strip().startswith("e") for option in os.environ.get(WARNINGS, "").split(","))


def _forget_warning_options() -> None:
    """Show warnings as Python does without PYTHONWARNINGS."""
    asked = os.environ[WARNINGS].split(",")
    sys.warnoptions[:] = [option for option in sys.warnoptions if option not in asked]  # Processes hand them on.
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
