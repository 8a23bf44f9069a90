"""Run one function on many items with Dask. An item that fails is tried again and does not stop the others."""

import queue
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from distributed import Client, Future, KilledWorker, get_worker
from threadpoolctl import threadpool_limits

from stdask.cluster.broadcast import broadcast, call_broadcast
from stdask.cluster.events import Message, listening, tell
from stdask.cluster.patience import no_longer_than
from stdask.cluster.workers import Workers
from stdask.display.console import Bar, duration, progress_bar, say
from stdask.errors import (
    ClusterError,
    ConfigError,
    EnsembleError,
    FailedTask,
    IncompleteError,
    PairingError,
    StdaskError,
    StorageError,
    SurveyError,
    machine_error,
)

Item = TypeVar("Item")

TRIES = 3  # Tries of an item that fails, on different workers if there are several.
DISTRUSTED_AFTER = 3  # After that many failures in a row of one worker, its node may be the cause.
HOPELESS_AFTER = 10  # If that many items failed for good and none succeeded, the cause is not an item.
SECONDS_BETWEEN_CHECKS = 1.0
SECONDS_BETWEEN_WORDS = 600.0  # while no task ends
SECONDS_TO_CANCEL = 20.0  # A scheduler that does not answer cannot be told.
NAMED = 10  # failed items that the error names
BEGUN = "stdask-begun"
# These errors would be the same on every worker and for every item.
FATAL = (ConfigError, SurveyError, PairingError, EnsembleError, ClusterError, StorageError)


class Outcome(NamedTuple):
    """The outcome of one try of an item."""

    worker: str
    result: Any
    error: str  # empty if the item succeeded
    fatal: StdaskError | None = None  # an error that would be the same for every item and worker


@dataclass
class _Count:
    """The tries and failures of the items of one call."""

    tries: Counter[int] = field(default_factory=Counter)  # failed tries by number of the item
    begun: Counter[int] = field(default_factory=Counter)  # starts by number of the item
    in_a_row: dict[str, set[int]] = field(default_factory=dict)  # by worker: items that failed since its last success
    n_done: int = 0
    failed: list[FailedTask] = field(default_factory=list)

    def done(self, worker: str) -> None:
        """Count an item that a worker finished."""
        self.n_done += 1
        self.in_a_row.pop(worker, None)

    @property
    def n_lost(self) -> int:
        """Number of tasks that were repeated because their workers were lost."""
        return sum(self.begun.values()) - len(self.begun) - sum(self.tries.values()) + len(self.failed)


def each(
    workers: Workers,
    function: Callable[..., Any],
    items: Sequence[Item],
    *shared: Any,
    description: str,
    sizes: Sequence[float] | None = None,
    unit: str = "",
    meanwhile: Callable[[Bar], AbstractContextManager[Any]] = nullcontext,
) -> Iterator[tuple[Item, Any]]:
    """Yield (item, function(item, *shared)) as the workers finish them, in no particular order.

    Parameters
    ----------
    workers
        Where the work is done.
    function
        A module-level function. Its result should be small.
    items, shared
        Its first argument, one per task, and the arguments that all tasks share, which are sent to a worker once.
        Items that are appended to the list while its results are read are worked on as well.
    description, sizes, unit
        Text of the progress bar, how far each item moves it (1 if None), and what the sizes count.
    meanwhile
        Returns, given the bar, a context that lasts as long as the work, e.g. to show notes after the bar.

    Raises
    ------
    IncompleteError
        At the end, if items failed for good. The others have been yielded.
    ClusterError
        If no workers can be expected any more.
    StdaskError
        At once for an error that every item and worker would have, such as a wrong setting or a full disk.
    """
    if not items:
        return
    steps = list(sizes) if sizes is not None else [1.0] * len(items)
    if workers.in_process:
        bar_of = progress_bar(description, sum(steps), tasks=len(items), unit=unit)
        with bar_of as bar, meanwhile(bar):
            yield from _one_by_one(lambda item: function(item, *shared), items, steps, bar)
        return
    client = workers.client
    count = _Count()
    bar_of = progress_bar(description, sum(steps), tasks=len(items), unit=unit, watch=workers.describe)
    sent = broadcast(client, function, *shared, check=workers.check)
    with sent as digest, _counted(client, digest, count), bar_of as bar, meanwhile(bar):
        yield from _on_workers(workers, digest, items, steps, count, bar)
    if count.n_lost > 0:
        say(f"  {description}: {len(items)} tasks, {count.n_lost} repeated because their workers were lost", "dim")
    if count.failed:
        raise _incomplete(description, len(items), count, unit)


def _on_workers(
    workers: Workers, digest: str, items: Sequence[Item], steps: Sequence[float], count: _Count, bar: Bar
) -> Iterator[tuple[Item, Any]]:
    """Yield the items with their results as the workers finish them; `digest` is that of the function."""
    client = workers.client
    tasks = _Tasks(workers, digest, items)
    try:
        while tasks.open_or_new():
            number, outcome = tasks.next_outcome()
            size = steps[number] if number < len(steps) else 0
            if not outcome.error:
                count.done(outcome.worker)
                yield items[number], outcome.result
                if number < len(steps):  # the bar counts the tasks of the beginning
                    bar.advance(size)
            elif _once_more(number, outcome, workers, count):
                tasks.submit(number, avoid=outcome.worker)
            else:
                _fail(items[number], size, outcome, count, count.tries[number], bar)
                if len(count.failed) >= HOPELESS_AFTER and not count.n_done:
                    break
    finally:
        if client.status == "running":
            no_longer_than(SECONDS_TO_CANCEL, lambda: client.cancel(list(tasks.open)))


def _one_by_one(
    work: Callable[[Item], Any], items: Sequence[Item], steps: Sequence[float], bar: Bar
) -> Iterator[tuple[Item, Any]]:
    """Yield (item, work(item)) in this process; an error ends it."""
    for number, item in enumerate(items):
        with threadpool_limits(1):  # As on a worker: sums of several threads may differ in their last bits.
            result = work(item)
        yield item, result
        if number < len(steps):  # the bar counts the tasks of the beginning
            bar.advance(steps[number])


class _Tasks:
    """The tasks in progress, each with the number of its item. Results arrive in a queue."""

    def __init__(self, workers: Workers, digest: str, items: Sequence[Any]) -> None:
        self._workers = workers
        self._client = workers.client
        self._digest = digest
        self._items = items
        self._checked = self._quiet_since = self._said = time.monotonic()
        self._ended: queue.SimpleQueue[tuple[Future, Outcome | Exception]] = queue.SimpleQueue()
        self.open: dict[Future, int] = {}
        self._n_submitted = 0

    def open_or_new(self) -> bool:
        """Submit the items that are new, all at the beginning; return whether any task is open."""
        for number in range(self._n_submitted, len(self._items)):
            self.submit(number)
        self._n_submitted = len(self._items)
        return bool(self.open)

    def submit(self, number: int, avoid: str = "") -> None:
        """Submit an item, to another worker than `avoid` if there is one."""
        others = [address for address in self._workers.addresses() if address != avoid] if avoid else []
        future = self._client.submit(
            attempt,
            self._items[number],
            number,
            self._digest,
            pure=False,
            workers=others or None,
            allow_other_workers=bool(others),
            priority=int(bool(avoid)),  # Second tries come first, to learn soon whether they fail.
        )
        self.open[future] = number
        self._client.loop.add_callback(self._fetch, future)  # type: ignore[union-attr]  # A connected client has a loop.

    def _say_if_quiet(self) -> None:
        """Say every ten minutes that no task has ended: jobs may wait in a queue, or a disk may not answer."""
        now = time.monotonic()
        if now - self._said > SECONDS_BETWEEN_WORDS:
            self._said = now
            say(f"  no task has ended for {duration(now - self._quiet_since)}: {self._workers.describe()}", "dim")

    async def _fetch(self, future: Future) -> None:
        """Fetch a result as soon as it is ready, concurrently with all others.

        A result is lost with its worker, so it cannot wait. It must not hold up the thread that checks the workers
        either: the result of a worker that has just died comes only after another worker has repeated the task.
        """
        try:
            self._ended.put((future, await self._client.gather(future, asynchronous=True)))
        except Exception as exc:
            self._ended.put((future, exc))

    def next_outcome(self) -> tuple[int, Outcome]:
        """Wait for a task to end, and check the workers meanwhile."""
        while True:
            if time.monotonic() - self._checked > SECONDS_BETWEEN_CHECKS:
                self._workers.check()
                self._checked = time.monotonic()
                self._say_if_quiet()
            with suppress(queue.Empty):
                future, result = self._ended.get(timeout=SECONDS_BETWEEN_CHECKS)
                self._quiet_since = self._said = time.monotonic()
                return self.open.pop(future), _outcome(result)


def attempt(item: Any, number: int, digest: str) -> Outcome:
    """Work on an item, on a worker. Return errors instead of raising them, as Dask would print their tracebacks."""
    tell(BEGUN, {"of": digest, "number": number})
    address = get_worker().address
    try:
        return Outcome(address, call_broadcast(digest, item), "")
    except FATAL as exc:
        return Outcome(address, None, str(exc), exc)
    except Exception as exc:
        if fault := machine_error(exc):
            return Outcome(address, None, str(fault))
        frames = [f for f in traceback.extract_tb(exc.__traceback__) if "stdask" in f.filename]
        where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        return Outcome(address, None, f"{type(exc).__name__}: {exc}{where}")


def _outcome(result: Outcome | Exception) -> Outcome:
    if isinstance(result, KilledWorker):
        deaths = result.allowed_failures + 1
        return Outcome("", None, f"its workers died {deaths} times; if memory ran out, increase [cluster] memory")
    if isinstance(result, CancelledError):
        raise ClusterError(
            f"The Dask scheduler lost a task ({result}). Run the same command again to resume."
        ) from result
    if isinstance(result, ImportError | AttributeError):  # The worker could not load the task itself.
        raise ClusterError(
            f"A worker has no stdask, or another version ({result}). Start driver and workers from one environment."
        ) from result
    if isinstance(result, Exception):
        raise result
    if result.fatal:
        raise result.fatal
    return result


def _once_more(number: int, outcome: Outcome, workers: Workers, count: _Count) -> bool:
    """Count a failure. Return whether the item is tried again."""
    count.tries[number] += 1
    if not outcome.worker:
        return False
    failed_at = count.in_a_row.setdefault(outcome.worker, set())
    failed_at.add(number)
    if len(failed_at) >= DISTRUSTED_AFTER:
        failed_at.clear()
        workers.distrust(outcome.worker, outcome.error)
    return count.tries[number] < TRIES


def _fail(item: Any, size: float, outcome: Outcome, count: _Count, tries: int, bar: Bar) -> None:
    count.failed.append(FailedTask(str(item), int(size), tries, outcome.error))
    bar.failed()
    say(f"  {item} failed {tries} times: {outcome.error}", "yellow")


def _incomplete(description: str, n_items: int, count: _Count, unit: str) -> IncompleteError:
    named = [f"{f.task} ({f.rows:,} {unit or 'rows'}): {f.error}" for f in count.failed[:NAMED]]
    more = [f"and {len(count.failed) - NAMED} more"] if len(count.failed) > NAMED else []
    rest = "the others are done" if count.n_done else "none succeeded, and the rest was not tried"
    return IncompleteError(
        f"{description}: {len(count.failed)} of {n_items} tasks failed, {rest}. Fix the errors below and run the same "
        "command again: it repeats only tasks that are not done.\n  " + "\n  ".join(named + more),
        count.failed,
    )


@contextmanager
def _counted(client: Client, digest: str, count: _Count) -> Iterator[None]:
    """Count how often each item is begun while the block runs, as the tasks of lost workers are repeated."""

    def note(message: Message) -> None:
        if message["of"] == digest:
            count.begun[message["number"]] += 1

    with listening(client, BEGUN, note):
        yield
