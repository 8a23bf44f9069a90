"""What a run prints: rich bars and colours on a terminal, plain lines in a batch log."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from rich.console import RenderableType
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from stdask.display.terminal import Terminal

console = Terminal()

SECONDS_BETWEEN_LOOKS = 1.0  # Time between two updates of a bar: state of the workers, record of its figures.
SECONDS_BETWEEN_LINES = 10.0  # Time between two lines of a bar in a batch log.
PACE_SECONDS = 600.0  # A rate is the mean over this time: two rounds of tasks of 1-5 minutes, no long wait for workers.
PACE_TASKS = 20  # Where tasks are longer, a rate is the mean over this number of them.
SLOWEST = 0.1  # Lowest rate that is shown, per second.


@dataclass(frozen=True)
class Figures:
    """How far a bar is, in numbers."""

    description: str
    total: float
    unit: str = ""  # Unit of `total` and `done`, e.g. "stars".
    tasks: int | None = None
    done: float = 0.0
    tasks_done: int = 0
    failed: int = 0  # Number of failed tasks.
    rate: float = 0.0  # Units a second.
    seconds_left: float | None = None
    workers: str = ""  # State of the workers, in words.
    note: str = ""

    def __str__(self) -> str:
        """Return one line of words, without the description."""
        words = []
        if self.tasks != self.total:  # Otherwise each task is one unit.
            words.append(f"{self.done:,.0f} of {self.total:,.0f} {self.unit}".rstrip())
        if self.tasks is not None:
            words.append(f"{self.tasks_done:,} of {self.tasks:,} tasks")
        if self.rate >= SLOWEST:
            unit = self.unit or ("tasks" if self.tasks else "steps")
            words.append(f"{self.rate:,.{0 if self.rate >= 10 else 1}f} {unit}/s")
        if self.seconds_left:
            words.append(f"{duration(self.seconds_left)} left")
        if self.workers:
            words.append(self.workers)
        if self.tasks is not None or self.failed:
            words.append(f"{self.failed:,} failed")
        return ", ".join(words) + (f"; {self.note}" if self.note else "")


# A function that gets the figures of every bar opened in this context, about once a second, from a thread.
listener: ContextVar[Callable[[Figures], None] | None] = ContextVar("listener", default=None)


def say(text: str, style: str | None = None) -> None:
    """Print one line as it is; brackets are not markup."""
    console.print(text, style=style, markup=False)


def duration(seconds: float) -> str:
    """Return a time in words, in seconds, minutes or hours."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


@contextmanager
def progress_bar(
    description: str,
    total: float,
    tasks: int | None = None,
    unit: str = "",
    watch: Callable[[], str] | None = None,
) -> Iterator["Bar"]:
    """Show a bar and its figures while the block runs; in a batch log a line every ten seconds, if anything changed.

    Parameters
    ----------
    description, total, unit
        What is done, how much of it, and of what, e.g. "stars".
    tasks
        In how many tasks; None if that is no matter.
    watch
        Returns the state of the workers in words. Called once a second in a thread; where it raises, nothing is shown.
    """
    bar = Bar(Figures(description, total, unit, tasks), watch)
    columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
    with _Bars(*columns, console=console, disable=not console.moves, transient=True) as progress:
        bar.shown_by(progress)
        with bar.ticking():
            yield bar


class Bar:
    """A progress bar, or its plain lines: what is done, and how fast.

    Parameters
    ----------
    figures
        Of the beginning.
    watch
        See `progress_bar`.
    """

    def __init__(self, figures: Figures, watch: Callable[[], str] | None) -> None:
        self._figures = figures
        self._watch = watch
        self._listener = listener.get()  # Read here, because the thread that calls it has another context.
        self._lock = threading.Lock()  # Dask's threads add notes.
        self._pace = deque([(time.monotonic(), 0.0)])  # (time, amount done) at the ends of tasks
        self._shown: Callable[[float], None] = lambda _: None
        self._last_line = time.monotonic()
        self._printed = figures
        self._lines = 0  # Number of lines in a batch log.

    def advance(self, amount: float, note: str = "") -> None:
        """Count one more task, of size `amount`; `note` is shown behind the figures."""
        with self._lock:
            now, old = time.monotonic(), self._figures
            self._figures = replace(old, done=old.done + amount, tasks_done=old.tasks_done + 1, note=note)
            self._pace.append((now, self._figures.done))
            while len(self._pace) > PACE_TASKS + 1 and self._pace[1][0] < now - PACE_SECONDS:
                self._pace.popleft()
        self._shown(self._figures.done)

    def failed(self, n: int = 1) -> None:
        """Count tasks that failed."""
        with self._lock:
            self._figures = replace(self._figures, failed=self._figures.failed + n)

    def note(self, text: str) -> None:
        """Replace the text behind the figures."""
        self._replace(note=text)

    def figures(self) -> Figures:
        """Return how far the bar is now."""
        with self._lock:
            figures = self._figures
            since, before = self._pace[0]
        rate = (figures.done - before) / max(time.monotonic() - since, 1e-9)
        return replace(figures, rate=rate, seconds_left=(figures.total - figures.done) / rate if rate else None)

    def shown_by(self, progress: Progress) -> None:
        """Let a rich display show the bar."""
        task = progress.add_task(self._figures.description, total=self._figures.total, bar=self)
        self._shown = lambda done: progress.update(task, completed=done)

    @contextmanager
    def ticking(self) -> Iterator[None]:
        """Update the figures about once a second while the block runs, whether or not a task ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._tick, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(SECONDS_BETWEEN_LOOKS)  # It may wait for workers that do not answer.
            self._report(ended=True)

    def _tick(self, ended: threading.Event) -> None:
        while not ended.is_set():
            try:
                workers = self._watch() if self._watch else ""
            except Exception:  # No error here may stop the work.
                workers = ""
            if ended.is_set():  # The block ended meanwhile.
                return
            self._replace(workers=workers)
            self._report()
            ended.wait(SECONDS_BETWEEN_LOOKS)

    def _report(self, ended: bool = False) -> None:
        figures, now = self.figures(), time.monotonic()
        if self._listener:
            self._listener(figures)
        if console.moves or self._figures == self._printed:
            return
        if now - self._last_line >= SECONDS_BETWEEN_LINES or (ended and self._lines):
            say(f"  {figures.description}: {figures}")
            self._last_line, self._printed, self._lines = now, self._figures, self._lines + 1

    def _replace(self, **changes: Any) -> None:
        with self._lock:
            self._figures = replace(self._figures, **changes)


class _Bars(Progress):
    """A bar with its figures on a separate line, so that a narrow terminal cuts neither off."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar, and below it its figures of this moment."""
        yield from super().get_renderables()
        for task in self.tasks:
            yield Text(f"  {task.fields['bar'].figures()}", style="dim", overflow="fold", no_wrap=False)
