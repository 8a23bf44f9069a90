"""What a stage cost: Dask's own page of what the workers did, and the peak memory of the processes."""

import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any

from stdask.cluster.workers import Workers
from stdask.display.console import say
from stdask.storage.files import write_text

SECONDS_TO_ANSWER = 60.0  # The page is not worth a longer wait for scheduler and workers.


def save_performance(workers: Workers, page: Path, title: str, since: float) -> None:
    """Write the page if the workers have done anything since then. Say so if it cannot be written.

    Parameters
    ----------
    workers
        The workers; nothing is written if none was started.
    page
        The HTML file, which opens without a network.
    title
        The command that the page names.
    since
        Start of the stage, in seconds since 1970.
    """
    if (client := workers.started) is None:
        return
    scheduler: Any = client.scheduler  # Its methods are made on demand, so mypy cannot know them.
    ask = partial(client.sync, start=since, callback_timeout=SECONDS_TO_ANSWER)
    try:
        if not ask(scheduler.get_task_stream, count=1):
            return
        write_text(page, ask(scheduler.performance_report, last_count=0, code=title, mode="inline"))
    except Exception as exc:  # Workers may be dying or the disk full. No run fails for its page.
        say(f"  no page of what the workers did: {str(exc) or type(exc).__name__}", "yellow")


def peak_memory(workers: Workers | None) -> dict[str, int]:
    """Return the peak memory of the driver and of the present workers, in bytes."""
    peaks = {"driver": peak_bytes()}
    client = workers.started if workers else None
    if client is None or client.status != "running":
        return peaks
    try:
        peaks["workers"] = max(client.run(peak_bytes, on_error="ignore").values(), default=0)
    except Exception:  # Workers may come and go. No stage fails for a number.
        return peaks
    return peaks


def peak_bytes() -> int:
    """Return the peak memory of this process. On Linux, that of rusage would include the parent process."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
