"""What a stage cost: Dask's own page of what the workers did, and the memory of every process."""

import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any

from stdask.cluster.workers import Workers
from stdask.display.console import say
from stdask.storage.files import write_text

SECONDS_TO_ANSWER = 60.0  # scheduler and workers together; a page is not worth a longer wait


def save_performance(workers: Workers, page: Path, title: str, since: float) -> None:
    """Write the page, if the workers have done anything since then; say so where it cannot be had.

    Parameters
    ----------
    workers
        Who did it; nothing is written if none was started.
    page
        The HTML file; it opens without a network.
    title
        What the page says was run.
    since
        Begin of the stage, in seconds since 1970.
    """
    if (client := workers.started) is None:
        return
    scheduler: Any = client.scheduler  # every method of it is made when it is asked for
    ask = partial(client.sync, start=since, callback_timeout=SECONDS_TO_ANSWER)
    try:
        if not ask(scheduler.get_task_stream, count=1):
            return
        write_text(page, ask(scheduler.performance_report, last_count=0, code=title, mode="inline"))
    except Exception as exc:  # workers may be dying, the disk full: no run fails for its page
        say(f"  no page of what the workers did: {str(exc) or type(exc).__name__}", "yellow")


def peak_memory(workers: Workers | None) -> dict[str, int]:
    """Return the largest memory, in bytes, that the driver has had, and each of the workers that are there now."""
    peaks = {"driver": peak_bytes()}
    client = workers.started if workers else None
    if client is None or client.status != "running":
        return peaks
    try:
        peaks["workers"] = max(client.run(peak_bytes, on_error="ignore").values(), default=0)
    except Exception:  # workers may be coming and going, and no stage fails for a number
        return peaks
    return peaks


def peak_bytes() -> int:
    """Return the largest memory this process has had; what rusage says on Linux includes that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
