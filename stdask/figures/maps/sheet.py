"""Where the maps lie on a page: measured in millimetres, so that maps of one view can be blinked.

Samples of a view have sheets of the same size with panels at the same places, whatever their titles and numbers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from stdask.figures.maps.scales import Scale
from stdask.figures.style import FULL_WIDTH, LETTERS, PAGE_HEIGHT, SMALL, PrintedFigure

MM = 1 / 25.4  # inches
PAGE, TALLEST, NARROWEST = FULL_WIDTH / MM, PAGE_HEIGHT / MM, 140.0  # mm: width and height of a sheet
LINE = 3.4  # mm from a line of text to the next
TITLE_LINES = {1: 1, 2: 2}  # columns -> lines of their titles; more columns have three lines
BETWEEN, ABOVE = 2.5, 4.5  # mm between columns; above a row, where it may have a line of text
BAR, BAR_GAP, BAR_TEXT = 2.6, 1.6, 14.5  # mm: a colour bar, and the room left and right of it
NO_STARS = "#dedede"  # pixels that hold stars and have no value: pale, and not among the colours of values


@dataclass(frozen=True)
class MapImage:
    """One map."""

    values: np.ndarray  # shape (n_rows, n_columns), on the sky (n_pixels,); NaN for none
    stars: np.ndarray  # of this sample in each pixel: grey where there are some and no value
    scale: Scale
    errors_off: np.ndarray | None = None  # by how many errors the values differ from zero: lines where it is many
    remark: str = ""  # above the map

    @property
    def without_value(self) -> np.ndarray:
        """Which pixels have stars and no value."""
        return (self.stars > 0) & ~np.isfinite(self.values)


@dataclass(frozen=True)
class MapRow:
    """Maps that lie side by side, one a sample; those that follow one another with one scale share a colour bar."""

    images: Sequence[MapImage]
    area: np.ndarray | None = None  # bool, shape of the values: outlined in all maps of the row


@dataclass(frozen=True)
class Margins:
    """Room about the panels, mm."""

    left: float
    below: float  # for the ticks and their name
    right: float = 1.0


@dataclass(frozen=True)
class Sheet:
    """A page with its panels; marks are added to it."""

    figure: Figure
    panels: np.ndarray  # of Axes, shape (n_rows, n_columns)

    def titles(self, titles: Sequence[str]) -> None:
        """Write the titles above the columns, from the last line up; the number of stars is not bold."""
        for axes, title in zip(self.panels[0], titles, strict=True):
            name, _, number = title.partition("\n")
            width = axes.get_position().width * self.figure.get_figwidth() / MM
            n_letters = int(width / 1.95)  # bold ones
            lines = wrap(name, n_letters, max_lines=_title_lines(self.panels.shape[1]), placeholder=" ...")
            axes.annotate(
                "\n".join(lines),
                (0, 1),
                (0, (LINE if number else 0) / 25.4 * 72 + 4),
                xycoords="axes fraction",
                textcoords="offset points",
                fontweight="bold",
                linespacing=1.15,
            )
            axes.annotate(
                number, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", fontsize=LETTERS
            )

    def legend(self, handles: Sequence[Any], texts: Sequence[str], note: str) -> None:
        """Explain the marks below the panels, and below that what the maps are of."""
        height = self.figure.get_figheight() / MM
        lines = note_lines(note, self.figure.get_figwidth() / MM)
        below = (LINE * len(lines) + 2.0) / height
        self.figure.text(0.008, 1.2 / height, "\n".join(lines), fontsize=SMALL, linespacing=1.2, va="bottom")
        if handles:
            self.figure.legend(
                handles,
                texts,
                loc="lower left",
                bbox_to_anchor=(0.0, below),
                ncols=legend_columns(texts, self.figure.get_figwidth() / MM),
                handlelength=1.6,
                columnspacing=1.4,
                borderaxespad=0.0,
                labelspacing=0.25,
                handletextpad=0.6,
            )


def make_sheet(
    rows: Sequence[MapRow],
    aspect: float,
    margins: Margins,
    *,
    texts: Sequence[str],
    note: str,
    projection: str | None = None,
) -> Sheet:
    """Return a page of empty panels with their colour bars.

    Parameters
    ----------
    rows
        All with the same number of maps, and colour bars after the same columns.
    aspect
        Height of a panel over its width.
    margins
        Room about the panels.
    texts, note
        Of the legend, and what is written below it: they need room.
    projection
        Of the panels, as Matplotlib names it.
    """
    with_bar = _columns_with_bar(rows[0])
    beside = margins.left + margins.right + (BAR_GAP + BAR + BAR_TEXT) * len(with_bar)
    beside += BETWEEN * (len(rows[0].images) - len(with_bar))
    width = (PAGE - beside) / len(rows[0].images)
    header = LINE * (_title_lines(len(rows[0].images)) + 1) + 2.0
    outside = header + ABOVE * (len(rows) - 1)
    longest = _footer(margins, texts, note, NARROWEST)  # of any page: narrower ones have more lines
    height = min(width * aspect, (TALLEST - outside - longest) / len(rows))
    width = height / aspect
    page = max(beside + width * len(rows[0].images), NARROWEST)
    footer = _footer(margins, texts, note, page)
    total = outside + footer + height * len(rows)
    figure = PrintedFigure((page * MM, total * MM))
    figure.set_layout_engine("none")
    panels = np.empty((len(rows), len(rows[0].images)), dtype=object)
    for r, row in enumerate(rows):
        x, y = margins.left, footer + (height + ABOVE) * (len(rows) - 1 - r)
        for c, image in enumerate(row.images):
            place = (x / page, y / total, width / page, height / total)
            panels[r, c] = figure.add_axes(place, projection=projection)
            x += width + (BETWEEN if c not in with_bar else BAR_GAP)
            if c in with_bar:
                bar = figure.add_axes((x / page, y / total, BAR / page, height / total), label="<colorbar>")
                _fill_bar(figure, bar, row, image)
                x += BAR + BAR_TEXT
    return Sheet(figure, panels)


def _fill_bar(figure: Figure, bar: Axes, row: MapRow, image: MapImage) -> None:
    alike = [own.values for own in row.images if own.scale == image.scale]
    colours = ScalarMappable(image.scale.norm, image.scale.colours)
    drawn = figure.colorbar(colours, cax=bar, extend=image.scale.beyond(alike), extendfrac=0.06)
    drawn.set_label(image.scale.title, fontsize=LETTERS, labelpad=2)
    if image.scale.logarithmic:
        bar.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))  # powers of ten have small exponents
    else:
        bar.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    bar.tick_params(labelsize=SMALL, pad=2)


def _title_lines(n_columns: int) -> int:
    return TITLE_LINES.get(n_columns, 3)


def _columns_with_bar(row: MapRow) -> list[int]:
    """Return the columns after which a colour bar stands: the last of those that share a scale."""
    scales = [image.scale for image in row.images]
    return [n for n, scale in enumerate(scales) if n + 1 == len(scales) or scales[n + 1] != scale]


def _footer(margins: Margins, texts: Sequence[str], note: str, width: float) -> float:
    rows = -(-len(texts) // legend_columns(texts, width)) if texts else 0
    return margins.below + 4.2 * rows + 1.0 + LINE * len(note_lines(note, width)) + 1.2


def legend_columns(texts: Sequence[str], width: float) -> int:
    """Return how many marks are explained side by side."""
    for n in range(len(texts), 1, -1):
        columns = np.array_split(list(map(len, texts)), n)  # as Matplotlib fills them
        if sum(11 + 1.5 * column.max() for column in columns) < width:
            return n
    return 1


def note_lines(note: str, width: float) -> list[str]:
    """Return the lines of small letters that fit a page of a width in mm."""
    whole = re.sub(r"\$[^$]*\$", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), note)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(whole, int(width / 1.42))]
