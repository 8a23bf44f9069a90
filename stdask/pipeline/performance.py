"""Dask's own page of what the workers of a stage did: one self-contained HTML file a stage."""

from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client

from stdask.pipeline.console import say
from stdask.storage.files import write_text

SECONDS_TO_ANSWER = 60.0  # scheduler and workers together; a page is not worth a longer wait


def save_performance(client: Client, page: Path, title: str, since: float) -> None:
    """Write the page, if the workers have done anything since then; say so where it cannot be had.

    Parameters
    ----------
    client
        Of the workers.
    page
        The HTML file; it opens without a network.
    title
        What the page says was run.
    since
        Begin of the stage, in seconds since 1970.
    """
    scheduler: Any = client.scheduler  # every method of it is made when it is asked for
    ask = partial(client.sync, start=since, callback_timeout=SECONDS_TO_ANSWER)
    try:
        if not ask(scheduler.get_task_stream, count=1):
            return
        write_text(page, ask(scheduler.performance_report, last_count=0, code=title, mode="inline"))
    except Exception as exc:  # workers may be dying, the disk full: no run fails for its page
        say(f"  no page of what the workers did: {str(exc) or type(exc).__name__}", "yellow")
