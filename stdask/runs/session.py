"""The work of one command in a run folder: nobody else works there, workers can be had, and progress is recorded."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.library_log import library_log
from stdask.runs.lock import hold
from stdask.runs.recorder import recorded


@contextmanager
def session(output: Path, cluster: ClusterConfig, in_process: bool = False) -> Iterator[Workers]:
    """Keep other commands out of a run folder, and record the progress there, while the block uses the workers.

    Parameters
    ----------
    output
        The run folder.
    cluster
        Where the workers start, once a task needs them.
    in_process
        Start none: the tasks run in this process.

    Raises
    ------
    BusyError
        If another command uses the folder.
    """
    with (
        hold(output),
        library_log(output),
        Workers(cluster, output, in_process=in_process) as workers,
        recorded(output, workers),
    ):
        yield workers
