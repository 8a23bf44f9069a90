"""Run one function on many items with Dask, with a progress bar."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from distributed import Future, KilledWorker, as_completed

from stdask.errors import ClusterError
from stdask.pipeline.cluster import Workers
from stdask.pipeline.console import progress_bar

Item = TypeVar("Item")


def each(
    workers: Workers,
    function: Callable[..., Any],
    items: Sequence[Item],
    *shared: Any,
    description: str,
    sizes: Sequence[float] | None = None,
) -> Iterator[tuple[Item, Any]]:
    """Yield (item, function(item, *shared)) as the workers finish them: in no particular order.

    Parameters
    ----------
    workers
        Where the work is done.
    function
        A module-level function; its result should be small.
    items, shared
        Its first argument, one a task; and the arguments all tasks have in common.
    description, sizes
        Text of the progress bar, and how far each item moves it (1 if None).

    Raises
    ------
    ClusterError
        If the workers of a task died again and again.
    Exception
        Whatever the first failing task raised; the others are cancelled.
    """
    if not items:
        return
    steps = list(sizes) if sizes is not None else [1.0] * len(items)
    client = workers.client
    futures = {client.submit(function, item, *shared, pure=False): n for n, item in enumerate(items)}
    try:
        with progress_bar(description, sum(steps)) as bar:
            for future in as_completed(list(futures)):
                number = futures.pop(future)
                yield items[number], _result(future)
                bar.advance(steps[number])
    finally:
        client.cancel(list(futures))


def _result(future: Future) -> Any:
    try:
        return future.result()
    except KilledWorker as exc:
        raise ClusterError(
            f"The workers of a task died {exc.allowed_failures + 1} times, for lack of memory perhaps. "
            "Raise [cluster] memory, or look into the workers' logs."
        ) from exc
