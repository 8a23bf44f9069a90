"""What a run prints: rich bars and colours on a terminal, plain lines in a batch log."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from stdask.pipeline.report_format import measured, number

console = Console(highlight=False, soft_wrap=True)


SECONDS_BETWEEN_LINES = 10.0  # of a bar's progress in a batch log
WIDEST = 1000  # columns of a printed table


def say(text: str, style: str | None = None) -> None:
    """Print one line, as it is: brackets are no markup."""
    console.print(text, style=style, markup=False)


@contextmanager
def progress_bar(description: str, total: float) -> Iterator["Bar"]:
    """Show a bar while the block runs; in a batch log a line every ten seconds."""
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


def print_scores(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print an accuracy table: one line a label and method."""
    table = Table("label", "method", "stars", "bias", "std", "robust sigma", "MAE", title=title, title_justify="left")
    for n, row in enumerate(rows):
        table.add_row(
            f"{row['label']} [{row['unit']}]".replace("[", r"\["),
            row["method"],
            f"{row['n']:,}",
            *(f"{row[name]:.4g} ± {row[f'{name}_err']:.1g}" for name in ("bias", "std", "robust", "mae")),
            end_section=n + 1 == len(rows) or rows[n + 1]["label"] != row["label"],
        )
    console.print(table)


def print_coverage(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print covered shares: one line a label and what is covered, one column a nominal share."""
    levels = sorted({row["nominal"] for row in rows})
    lines: dict[tuple[str, str, str], dict[float, str]] = {}
    for row in rows:
        covered = f"{100 * row['covered']:.1f} ± {100 * row['covered_err']:.1f} %"
        lines.setdefault((row["family"], row["label"], row["of"]), {})[row["nominal"]] = covered
    table = Table("label", "of", *(f"{100 * level:.0f} %" for level in levels), title=title, title_justify="left")
    for (_, label, of), shares in lines.items():
        table.add_row(label, of, *(shares[level] for level in levels))
    console.print(table)


def print_table(title: str, rows: Sequence[Mapping[str, Any]], section: str) -> None:
    """Print rows as they are, a value with its `_err` behind it; a line where the column `section` changes."""
    names = [name for name in rows[0] if not name.endswith("_err")]
    table = Table(*(name.replace("_", " ") for name in names), title=title, title_justify="left")
    for n, row in enumerate(rows):
        cells = [
            measured(row[name], row[f"{name}_err"]) if f"{name}_err" in row else number(row[name]) for name in names
        ]
        last = n + 1 == len(rows) or rows[n + 1][section] != row[section]
        table.add_row(*cells, end_section=last)
    # as wide as it is: folded into the 80 columns of a batch log its numbers would be cut off
    table.width = console.measure(table, options=console.options.update(width=WIDEST)).maximum
    console.print(table)


class Bar:
    """A progress bar, or its plain lines."""

    def __init__(self, progress: Progress, description: str, total: float) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total, note="")
        self._description = description
        self._total = total
        self._done = 0.0
        self._last_line = time.monotonic()

    def advance(self, amount: float, note: str = "") -> None:
        """Move on by `amount`; `note` stands behind the bar."""
        self._done += amount
        self._progress.update(self._task, advance=amount, note=note)
        now = time.monotonic()
        if not console.is_terminal and now - self._last_line >= SECONDS_BETWEEN_LINES:
            say(f"  {self._description}: {self._done:,.0f} of {self._total:,.0f} {note}".rstrip())
            self._last_line = now

    def note(self, text: str) -> None:
        """Replace the text behind the bar."""
        self._progress.update(self._task, note=text)
