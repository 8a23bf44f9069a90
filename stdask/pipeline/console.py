"""What a run prints: rich bars and colours on a terminal, plain lines in a batch log."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print one line."""
    console.print(text)


@contextmanager
def progress_bar(description: str, total: float) -> Iterator["Bar"]:
    """Show a bar while the block runs; in a batch log a line at every tenth of the way."""
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield Bar(progress, description, total)


class Bar:
    """A progress bar, or its plain lines."""

    def __init__(self, progress: Progress, description: str, total: float) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, note="")
        self._description = description
        self._total = total
        self._done = 0.0
        self._next_line = total / 10

    def advance(self, amount: float, note: str = "") -> None:
        """Move on by `amount`; `note` stands behind the bar."""
        self._done += amount
        self._progress.update(self._task, advance=amount, note=note)
        if not console.is_terminal and self._done >= self._next_line:
            say(f"  {self._description}: {self._done:,.0f} of {self._total:,.0f} {note}".rstrip())
            self._next_line = self._done + self._total / 10
