"""Dask's configuration while stdask works: Dask's defaults and stdask's settings, not those of the user or the site.

Dask reads files (`/etc/dask`, `~/.config/dask`, `DASK_CONFIG`) and variables (`DASK_...`) when it is imported. They are
made for other work: a `jobqueue.yaml` would put another Python and account into the job script, an `idle-timeout`
would end a run. Only what the network of a site needs is taken from them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from stdask.environment import is_own_process, shut_dask_out
from stdask.errors import ClusterError

try:
    import dask
    from dask.utils import parse_timedelta
except ValueError as exc:  # A file is not YAML: Dask names it.
    raise ClusterError(f"Dask cannot read its configuration: {exc}. Correct or remove that file.") from exc

# One thread per worker process. numpy and TensorFlow read these variables when they are imported.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
SETTINGS = {
    "distributed.nanny.pre-spawn-environ": ONE_THREAD,
    "distributed.scheduler.allowed-failures": 10,  # Jobs end for many reasons that are no fault of the task.
    "distributed.scheduler.worker-ttl": "120s",  # A worker that is silent for longer counts as lost.
    "distributed.admin.low-level-log-length": 0,
    "distributed.worker.multiprocessing-method": "spawn",  # A fork hangs once TensorFlow has started.
}
# What a site may set, as the network is its own.
TIMEOUTS = ("distributed.comm.timeouts.connect", "distributed.comm.timeouts.tcp")
TLS = "distributed.comm.tls"  # Certificates, with which the user enters a scheduler at an address.


@contextmanager
def own_configuration(kind: str) -> Iterator[None]:
    """Give Dask the configuration of stdask while the block runs, and the user's own again after it.

    Parameters
    ----------
    kind
        `[cluster] kind`.

    Raises
    ------
    ClusterError
        If a timeout of the site is no duration.
    """
    before, n_before, folder = dict(dask.config.config), len(dask.config.defaults), dask.config.PATH
    replace_configuration(kind)
    dask.config.PATH = os.devnull  # dask-jobqueue would write a file into the user's ~/.config/dask.
    try:
        yield
    finally:
        dask.config.PATH = folder
        _put(dask.config.merge(*dask.config.defaults[n_before:], before))  # Libraries imported meanwhile added some.


def replace_configuration(kind: str) -> None:
    """Give Dask the configuration of stdask for good."""
    of_site = {key: dask.config.get(key, None) for key in (*TIMEOUTS, *([TLS] if kind == "address" else []))}
    for key in TIMEOUTS:
        _check_duration(key, of_site[key])
    _put(dask.config.merge(*map(deepcopy, dask.config.defaults)))
    dask.config.set({key: value for key, value in of_site.items() if value is not None} | deepcopy(SETTINGS))


def _put(config: dict) -> None:
    """Change the dictionary itself, which other modules hold."""
    dask.config.config.clear()
    dask.config.config.update(config)


def _check_duration(key: str, value: object) -> None:
    try:
        if value is None or parse_timedelta(str(value)) > 0:
            return
    except (KeyError, ValueError, TypeError):
        pass
    raise ClusterError(
        f'Dask\'s configuration has {key} = {value!r}, which is no duration such as "60s". Correct it there: '
        f"`dask config find {key}` names the file."
    )


def begin() -> None:
    """Shut the user's configuration out of a process of stdask, before `distributed` reads it."""
    if is_own_process():
        replace_configuration("address")
        shut_dask_out()
