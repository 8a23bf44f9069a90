"""The work of one command in a run folder: nobody else works there, workers can be had, and progress is recorded."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.display.library_log import library_log
from stdask.runs.lock import hold
from stdask.runs.recorder import recorded


@contextmanager
def session(
    output: Path, cluster: ClusterConfig, in_process: bool = False, further: Sequence[Path] = ()
) -> Iterator[Workers]:
    """Keep other commands out of a run folder, and record the progress there, while the block uses the workers.

    Parameters
    ----------
    output
        The run folder.
    cluster
        Where the workers start, once a task needs them.
    in_process
        Start none: the tasks run in this process.
    further
        Other run folders that the command works in.

    Raises
    ------
    BusyError
        If another command uses the folder.
    """
    with (
        ExitStack() as held,
        hold(output),
        library_log(output),
        Workers(cluster, output, in_process=in_process) as workers,
        recorded(output, workers),
    ):
        for folder in further:
            held.enter_context(hold(folder))
        yield workers
