"""Printed tables: numbers as in the report, in the width of the terminal or the 80 columns of a batch log.

No number and no word is ever cut or broken. A line is longer than the terminal only where one column has no place.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Any, Literal

from rich import box
from rich.cells import cell_len
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


RULE = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)  # `SIMPLE_HEAD` in ASCII.


@dataclass(frozen=True)
class _Column:
    title: str
    cells: list[Text]
    numeric: bool

    @property
    def narrowest(self) -> int:
        """Width of the longest word, or of the longest number."""
        lines = [self.title, *(cell.plain for cell in self.cells)]
        return max(cell_len(part) for line in lines for part in (line.split("\n") if self.numeric else line.split()))

    @property
    def widest(self) -> int:
        """Width in which nothing is folded."""
        return max(map(cell_len, [*self.title.split("\n"), *(cell.plain for cell in self.cells)]))

    @property
    def width(self) -> int:
        """Width that the column must have in any part of a table, with the gap behind it."""
        return GAP + (self.widest if self.numeric else max(self.narrowest, min(self.widest, FOLDED)))


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
    width = console.console.width
    if title:
        for line in textwrap.wrap(title, width, break_long_words=False, break_on_hyphens=False):
            console.console.print(Text(line, "bold"))
    for part in _parts(columns, width):
        _print_part(part, ends)
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


def _print_part(columns: Sequence[_Column], ends: Sequence[bool]) -> None:
    """Print columns that have their place side by side. `ends` tells of each row but the last if a section ends."""
    rule = RULE if console.console.options.ascii_only else box.SIMPLE_HEAD
    width = sum(column.width for column in columns) - GAP
    own = width if width > console.console.width else None  # Rich would leave out columns.
    table = Table(box=rule, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0), width=own)
    for column in columns:
        side: Literal["left", "right"] = "right" if column.numeric else "left"
        least = column.width - GAP
        table.add_column(Text(column.title), justify=side, no_wrap=column.numeric, overflow="fold", min_width=least)
    for n, end in enumerate([*ends, False]):
        table.add_row(*(column.cells[n] for column in columns), end_section=end)
    console.console.print(table, crop=False)


def _column(name: str, rows: Sequence[Mapping[str, Any]]) -> _Column:
    values = [row[name] for row in rows]
    numeric = not any(isinstance(value, (str, Text, bool, list)) for value in values)
    if f"{name}{ERROR}" in rows[0]:
        cells = [measured(row[name], row[f"{name}{ERROR}"]) for row in rows]
    else:
        cells = [number(value) for value in values]
    plain = console.console.plain
    texts = [value if isinstance(value, Text) else Text(plain(cell)) for value, cell in zip(values, cells, strict=True)]
    title = plain(name.replace("_", " ") if name.islower() else name)
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
