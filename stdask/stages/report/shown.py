"""Tables of the page: cells are texts, a value stands with its error, and rows are grouped under a heading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from stdask.display.numbers import symbol

LONG = 30  # rows: a longer table is folded on the screen and not printed


@dataclass(frozen=True)
class ShownColumn:
    """Head of a column of a table of the page."""

    title: str
    is_text: bool = False  # aligned to the left


@dataclass(frozen=True)
class ShownTable:
    """A table of the page. The first cell of each row is its head."""

    name: str  # its id in the page
    caption: str
    columns: Sequence[ShownColumn]
    groups: Mapping[str, Sequence[Sequence[str]]]  # heading, empty for none -> rows
    file: str = ""  # where all numbers are, in the run folder
    marked: str = ""  # head of the rows that are set off

    @property
    def n_rows(self) -> int:
        """Number of rows of all groups."""
        return sum(len(rows) for rows in self.groups.values())

    @property
    def is_long(self) -> bool:
        """Whether the table is too long to be read from top to bottom."""
        return self.n_rows > LONG


def heads(*titles: str, texts: Sequence[int] = (0,)) -> list[ShownColumn]:
    """Return columns with these titles; those whose numbers are in `texts` hold words."""
    return [ShownColumn(title, number in texts) for number, title in enumerate(titles)]


def named(label: str, *soft: str) -> Markup:
    """Return a label, followed by its unit and the like in a softer colour."""
    text = symbol(label)
    for part in filter(None, soft):
        text += Markup(' <span class="unit">{}</span>').format(part)
    return text


def place_of(path: Path, output: Path) -> str:
    """Return how the page names a file of the run folder."""
    return path.relative_to(output).as_posix()
