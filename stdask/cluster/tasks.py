"""Run one function on many items with Dask: what fails is tried again, and does not stop the others."""

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

from stdask.cluster.broadcast import broadcast, call_broadcast
from stdask.cluster.events import Message, listening, tell
from stdask.cluster.workers import Workers
from stdask.display.console import Bar, progress_bar, say
from stdask.errors import (
    ClusterError,
    ConfigError,
    EnsembleError,
    IncompleteError,
    PairingError,
    StdaskError,
    StorageError,
    SurveyError,
)

Item = TypeVar("Item")

TRIES = 3  # of an item that fails, on different workers where there are some
DISTRUSTED_AFTER = 3  # failures in a row of one worker: it is its node perhaps
HOPELESS_AFTER = 10  # items that failed for good, and none that did not: it is no item's fault
SECONDS_BETWEEN_CHECKS = 1.0
NAMED = 10  # failed items in the error's text
BEGUN = "stdask-begun"
# these would be the same on every worker and for every item
FATAL = (ConfigError, SurveyError, PairingError, EnsembleError, ClusterError, StorageError)


class Outcome(NamedTuple):
    """What became of one try of an item."""

    worker: str
    result: Any
    error: str  # empty if it went well
    fatal: StdaskError | None = None  # what no other item or worker could do better at


@dataclass
class _Count:
    """What the items of one call have been through."""

    tries: Counter[int] = field(default_factory=Counter)  # that ended in an error, by number of the item
    begun: Counter[int] = field(default_factory=Counter)  # by number of the item
    in_a_row: dict[str, set[int]] = field(default_factory=dict)  # items each worker failed at since its last success
    n_done: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)


def each(
    workers: Workers,
    function: Callable[..., Any],
    items: Sequence[Item],
    *shared: Any,
    description: str,
    sizes: Sequence[float] | None = None,
    unit: str = "",
    beside: Callable[[Bar], AbstractContextManager[Any]] = nullcontext,
) -> Iterator[tuple[Item, Any]]:
    """Yield (item, function(item, *shared)) as the workers finish them: in no particular order.

    Parameters
    ----------
    workers
        Where the work is done.
    function
        A module-level function; its result should be small.
    items, shared
        Its first argument, one a task; and the arguments all tasks have in common, which travel to a worker once.
    description, sizes, unit
        Text of the progress bar, how far each item moves it (1 if None), and what the sizes count.
    beside
        Returns a context to be in meanwhile, given the bar: to put notes behind it.

    Raises
    ------
    IncompleteError
        At the end, if items failed again and again: the others have been yielded.
    ClusterError
        If there is no hope of workers any more.
    StdaskError
        Whatever no other item or worker could do better at: a wrong setting, a full disk.
    """
    if not items:
        return
    steps = list(sizes) if sizes is not None else [1.0] * len(items)
    client = workers.client
    count = _Count()
    bar_of = progress_bar(description, sum(steps), tasks=len(items), unit=unit, watch=workers.describe)
    with broadcast(client, function, *shared) as digest, _counted(client, digest, count), bar_of as bar, beside(bar):
        tasks = _Tasks(client, digest, items)
        try:
            while tasks.open:
                number, outcome = tasks.next_outcome(workers)
                if not outcome.error:
                    count.n_done += 1
                    count.in_a_row.pop(outcome.worker, None)
                    yield items[number], outcome.result
                    bar.advance(steps[number])
                elif _once_more(number, outcome, workers, count):
                    tasks.submit(number, avoid=outcome.worker)
                else:
                    _fail(items[number], steps[number], outcome, count, count.tries[number], bar)
                    if len(count.failed) >= HOPELESS_AFTER and not count.n_done:
                        break
        finally:
            if client.status == "running":
                client.cancel(list(tasks.open))
    lost = sum(count.begun.values()) - len(count.begun) - sum(count.tries.values()) + len(count.failed)
    if lost > 0:
        say(f"  {description}: {len(items)} tasks, {lost} begun again after their workers were gone", "dim")
    if count.failed:
        raise _incomplete(description, len(items), count, unit)


class _Tasks:
    """The tasks under way, each with the number of its item; results come in a queue."""

    def __init__(self, client: Client, digest: str, items: Sequence[Any]) -> None:
        self._client = client
        self._digest = digest
        self._items = items
        self._checked = time.monotonic()
        self._ended: queue.SimpleQueue[tuple[Future, Outcome | Exception]] = queue.SimpleQueue()
        self.open: dict[Future, int] = {}
        for number in range(len(items)):
            self.submit(number)

    def submit(self, number: int, avoid: str = "") -> None:
        """Submit an item; to another worker than `avoid`, if there is one."""
        others = [a for a in self._client.scheduler_info(n_workers=-1)["workers"] if a != avoid] if avoid else []
        future = self._client.submit(
            attempt,
            self._items[number],
            number,
            self._digest,
            pure=False,
            workers=others or None,
            allow_other_workers=bool(others),
            priority=int(bool(avoid)),  # whether it fails for good shall be known soon
        )
        self.open[future] = number
        self._client.loop.add_callback(self._fetch, future)  # type: ignore[union-attr]  # it has one: it is connected

    async def _fetch(self, future: Future) -> None:
        """Fetch a result as soon as it is there, beside all others.

        At once, for it is lost with its worker; and not where the workers are looked after: that of a worker that
        died a moment ago comes only when another one has begun the task again.
        """
        try:
            self._ended.put((future, await self._client.gather(future, asynchronous=True)))
        except Exception as exc:
            self._ended.put((future, exc))

    def next_outcome(self, workers: Workers) -> tuple[int, Outcome]:
        """Wait for a task to end; meanwhile look after the workers."""
        while True:
            if time.monotonic() - self._checked > SECONDS_BETWEEN_CHECKS:
                workers.check()
                self._checked = time.monotonic()
            with suppress(queue.Empty):
                future, result = self._ended.get(timeout=SECONDS_BETWEEN_CHECKS)
                return self.open.pop(future), _outcome(result)


def attempt(item: Any, number: int, digest: str) -> Outcome:
    """Work on an item, on a worker; what goes wrong is returned: raised, Dask would print its traceback."""
    tell(BEGUN, {"of": digest, "number": number})
    address = get_worker().address
    try:
        return Outcome(address, call_broadcast(digest, item), "")
    except FATAL as exc:
        return Outcome(address, None, str(exc), exc)
    except Exception as exc:
        frames = [f for f in traceback.extract_tb(exc.__traceback__) if "stdask" in f.filename]
        where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
        return Outcome(address, None, f"{type(exc).__name__}: {exc}{where}")


def _outcome(result: Outcome | Exception) -> Outcome:
    if isinstance(result, KilledWorker):
        deaths = result.allowed_failures + 1
        return Outcome("", None, f"its workers died {deaths} times, for lack of memory perhaps: raise [cluster] memory")
    if isinstance(result, CancelledError):
        raise ClusterError(f"The Dask scheduler lost a task ({result}). Start again: what is done is kept.") from result
    if isinstance(result, ImportError | AttributeError):  # of the task itself, which the worker cannot unpack
        raise ClusterError(
            f"A worker has no stdask, or another version ({result}). Start both from one environment."
        ) from result
    if isinstance(result, Exception):
        raise result
    if result.fatal:
        raise result.fatal
    return result


def _once_more(number: int, outcome: Outcome, workers: Workers, count: _Count) -> bool:
    """Note a failure; return whether the item is tried again."""
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
    count.failed.append({"task": str(item), "rows": int(size), "tries": tries, "error": outcome.error})
    bar.failed()
    say(f"  {item} failed {tries} times: {outcome.error}", "yellow")


def _incomplete(description: str, n_items: int, count: _Count, unit: str) -> IncompleteError:
    named = [f"{f['task']} ({f['rows']:,} {unit or 'rows'}): {f['error']}" for f in count.failed[:NAMED]]
    more = [f"and {len(count.failed) - NAMED} more"] if len(count.failed) > NAMED else []
    rest = "the others are done" if count.n_done else "nothing went well: given up"
    return IncompleteError(
        f"{description}: {len(count.failed)} of {n_items} tasks failed, {rest}. Mend what is said here and run again: "
        "only those are taken up.\n  " + "\n  ".join(named + more),
        count.failed,
    )


@contextmanager
def _counted(client: Client, digest: str, count: _Count) -> Iterator[None]:
    """Count how often each item is begun while the block runs: a worker that dies takes its task with it."""

    def note(message: Message) -> None:
        if message["of"] == digest:
            count.begun[message["number"]] += 1

    with listening(client, BEGUN, note):
        yield
