"""Printed tables: numbers as in the report, and no line longer than the terminal or the 80 columns of a batch log."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from stdask.display import console
from stdask.display.numbers import measured, method, number
from stdask.schema.evaluation import TAILS

ERROR = "_err"  # Column `x_err` holds the errors of column `x`.
GAP = 2  # Blanks between two columns.
FOLDED = 20  # Widest text that is never folded into several lines.
SCORES = {"mae": "MAE", "robust": "robust sigma", "bias": "bias"}
FIRST_METHODS = ("translated", "debiased")  # First lines of an accuracy table.


@dataclass(frozen=True)
class _Column:
    title: str
    cells: list[Text]
    numeric: bool

    @property
    def width(self) -> int:
        widest = max(max(cell.cell_len for cell in self.cells), *map(len, self.title.split("\n")))
        return GAP + (widest if self.numeric else min(widest, FOLDED))


def print_table(title: str, rows: Sequence[Mapping[str, Any]], section: str = "") -> None:
    """Print rows under the names of their columns, each value with its error.

    A table that is too wide is printed in several parts, each with the texts at the beginning of its rows.

    Parameters
    ----------
    title
        Line above the table; empty for none.
    rows
        At least one. A column `x_err` holds the errors of column `x` and has no place of its own.
    section
        Name of a column: there is an empty line wherever its value changes.
    """
    names = [name for name in rows[0] if not (name.endswith(ERROR) and name.removesuffix(ERROR) in rows[0])]
    columns = [_column(name, rows) for name in names]
    ends = [bool(section) and row[section] != after[section] for row, after in pairwise(rows)]
    if title:
        console.console.print(Text(title, "bold"), soft_wrap=False)
    for part in _parts(columns, console.console.width):
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
        for column in part:
            table.add_column(Text(column.title), justify="right" if column.numeric else "left", no_wrap=column.numeric)
        for n, end in enumerate([*ends, False]):
            table.add_row(*(column.cells[n] for column in part), end_section=end)
        console.console.print(table)
        console.console.print()


def print_scores(title: str, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str] = SCORES) -> None:
    """Print the accuracy of each label: one line a method, the translation first.

    Parameters
    ----------
    title
        Line above the tables.
    rows
        One a label and method: `label`, `unit`, `method`, `n`, and the columns.
    columns
        Column -> what it is called.
    """
    for label in dict.fromkeys(row["label"] for row in rows):
        own = [row for row in rows if row["label"] == label]
        own.sort(key=lambda row: row["method"] not in FIRST_METHODS)  # A stable sort: the others keep their order.
        unit = f" ({own[0]['unit']})" if own[0]["unit"] else ""
        head = f"{label}{unit}, {number(own[0]['n'])} stars"
        print_table(title, [{head: method(row["method"])} | _renamed(row, columns) for row in own])
        title = ""


def print_coverage(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print covered shares in per cent: one line a label and what is covered, one column a nominal share or tail."""
    lines: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["nominal"]):
        line = lines.setdefault((row["family"], row["label"], row["of"]), {"label": row["label"], "of": row["of"]})
        name = row["interval"] if row["interval"] in TAILS else f"{100 * row['nominal']:.0f} %"
        line |= {name: 100 * row["covered"], f"{name}{ERROR}": 100 * row["covered_err"]}
    print_table(title, list(lines.values()))


def _renamed(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {
        f"{title}{error}": row[f"{name}{error}"]
        for name, title in columns.items()
        for error in ("", ERROR)
        if f"{name}{error}" in row
    }


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> _Column:
    values = [row[name] for row in rows]
    numeric = not any(isinstance(value, (str, Text, bool, list)) for value in values)
    if f"{name}{ERROR}" in rows[0]:
        cells = [measured(row[name], row[f"{name}{ERROR}"]) for row in rows]
    else:
        cells = [number(value) for value in values]
    texts = [value if isinstance(value, Text) else Text(cell) for value, cell in zip(values, cells, strict=True)]
    title = name.replace("_", " ") if name.islower() else name
    widest = max(*(cell.cell_len for cell in texts), *map(len, title.split(" ")))
    return _Column(textwrap.fill(title, widest) if numeric else title, texts, numeric)


def _parts(columns: Sequence[_Column], width: int) -> Iterator[list[_Column]]:
    """Yield the columns that fit side by side, behind the texts at the beginning."""
    keys = list(takewhile(lambda column: not column.numeric, columns))
    free = width + GAP - sum(column.width for column in keys)
    part: list[_Column] = []
    for column in columns[len(keys) :]:
        if part and sum(own.width for own in (*part, column)) > free:
            yield [*keys, *part]
            part = []
        part.append(column)
    yield [*keys, *part]
