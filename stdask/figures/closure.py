"""Translations of the same stars by different surveys: offsets, scatter compared with the errors, and trends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from stdask.figures.points import draw_points, scale_of
from stdask.figures.style import (
    FAINT,
    FULL_WIDTH,
    INK,
    MINUS,
    PAGE_HEIGHT,
    SAMPLE_MARKS,
    SMALL,
    SURVEY_A,
    SURVEY_B,
    TRANSLATED,
    PrintedFigure,
    own_style,
    symbol,
    unit_of,
    with_unit,
)
from stdask.schema.closure import DOMAIN_INDEX, EVERYWHERE, LATITUDE, OUTSIDE_B, SIGNAL, ClosureRow

LINE, ROW, HEAD = 0.24, 0.75, 0.55  # inches: of a pair of surveys, of the axis of a label, of the legend
TREND_ROW, TREND_HEAD = 1.35, 0.95
SIZE = 4.5  # points
APART = 0.14  # of a line: of the marks before and after from its middle
FORESEEN = "#d5d5d5"
METALLICITIES = ("M_H", "FE_H")
PAIR_MARKS = ((TRANSLATED, "o"), (SURVEY_B, "s"), (SURVEY_A, "^"), (INK, "D"), (FAINT, "v"))


def draw_closure(rows: Sequence[ClosureRow], texts: Mapping[ClosureRow, str]) -> Figure:
    """Draw offsets and scatter, a row a label, a line every two surveys: before and after translation.

    Parameters
    ----------
    rows
        Of the table of closure; those of all stars together are drawn.
    texts
        What is written of the offset of each of these.
    """
    whole = [row for row in rows if row.by == EVERYWHERE and row.n]
    labels = [*dict.fromkeys(row.label for row in whole)]
    n_lines = [sum(row.label == label for row in whole) for label in labels]
    heights = [ROW + LINE * n for n in n_lines]
    shrunk = min(1.0, (PAGE_HEIGHT - HEAD) / sum(heights))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, HEAD + shrunk * sum(heights)))
        panels = figure.subplots(
            len(labels), 2, squeeze=False, sharey="row", height_ratios=heights, width_ratios=(1.1, 1)
        )
        for (left, right), label in zip(panels, labels, strict=True):
            own = [row for row in whole if row.label == label]
            unit = unit_of(label, own[0].unit)
            _draw_offsets(left, own)
            _draw_scatter(right, own)
            left.set_xlabel(with_unit(f"offset in {symbol(label)}", unit))
            right.set_xlabel(with_unit(f"scatter in {symbol(label)}", unit))
            left.set_yticks(range(len(own)), [_name_of(row) for row in own])
            left.set_ylim(len(own) - 0.5, -0.5)
            _write_offsets(left, [texts[row] for row in own])
        _add_legend(figure)
    return figure


def _name_of(row: ClosureRow) -> str:
    sample = "" if row.sample == OUTSIDE_B else f", {row.sample}"
    return f"{row.first}\n{MINUS} {row.second}{sample} ({row.n})"


def _draw_offsets(axes: Axes, rows: Sequence[ClosureRow]) -> None:
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0)
    lines = np.arange(len(rows))
    for shift, sample, values in (
        (-APART, "RAW_ONLY", [(row.raw_offset, row.raw_offset_err) for row in rows]),
        (APART, "A_ONLY", [(row.offset, row.offset_err) for row in rows]),
    ):
        _draw_marks(axes, np.array(values), lines + shift, sample)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def _write_offsets(axes: Axes, texts: Sequence[str]) -> None:
    """Write the offsets of the translations at the right of their lines."""
    beside = axes.twinx()
    beside.set_yticks(np.arange(len(texts)) + APART, texts, color=TRANSLATED, fontsize=SMALL)
    beside.set_ylim(axes.get_ylim())
    beside.tick_params(axis="y", length=0, pad=2)


def _draw_scatter(axes: Axes, rows: Sequence[ClosureRow]) -> None:
    lines = np.arange(len(rows))
    axes.barh(lines, [row.expected for row in rows], height=0.62, color=FORESEEN, zorder=0)
    for shift, sample, values in (
        (-APART, "RAW_ONLY", [(row.raw_scatter, np.nan) for row in rows]),
        (APART, "A_ONLY", [(row.scatter, row.scatter_err) for row in rows]),
    ):
        _draw_marks(axes, np.array(values), lines + shift, sample)
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=5)


def _draw_marks(axes: Axes, values: np.ndarray, lines: np.ndarray, sample: str) -> None:
    colour, mark = SAMPLE_MARKS[sample]
    places, errors = values.T
    style: dict[str, Any] = {"color": colour, "marker": mark, "linestyle": ""}
    axes.errorbar(places, lines, xerr=np.nan_to_num(errors), markersize=SIZE, elinewidth=1, **style)


def _add_legend(figure: Figure) -> None:
    handles: list[Any] = [
        Line2D([], [], color=SAMPLE_MARKS[sample][0], marker=SAMPLE_MARKS[sample][1], markersize=SIZE, linestyle="")
        for sample in ("RAW_ONLY", "A_ONLY")
    ]
    handles.append(Patch(color=FORESEEN))
    texts = ["as measured", "translated", "scatter that the errors of the translations foresee"]
    figure.legend(handles, texts, loc="outside upper left", ncols=3)


def draw_trends(rows: Sequence[ClosureRow]) -> Figure | None:
    """Draw how the differences depend on the label, metallicity, domain index, latitude and S/N; None without bins.

    Parameters
    ----------
    rows
        Of the table of closure; those of stars that B does not have are drawn, or of others where there are none.
    """
    outside = [row for row in rows if row.sample == OUTSIDE_B and row.by != EVERYWHERE]
    binned = outside or [row for row in rows if row.by != EVERYWHERE]
    if not binned:
        return None
    labels = [*dict.fromkeys(row.label for row in binned)]
    pairs = [*dict.fromkeys((row.first, row.second) for row in binned)]
    columns = _columns(binned)
    height = min(TREND_ROW, (PAGE_HEIGHT - TREND_HEAD) / len(labels))
    with own_style():
        figure = PrintedFigure((FULL_WIDTH, TREND_HEAD + height * len(labels)))
        panels = figure.subplots(len(labels), len(columns), squeeze=False, sharey="row")
        for own, label in zip(panels, labels, strict=True):
            _draw_label(own, [row for row in binned if row.label == label], columns, pairs)
        for column, title in enumerate(map(_title_of, columns)):
            [axes for axes in panels[:, column] if axes.axison][-1].set_xlabel(title)
        handles = [_mark(number) for number in range(len(pairs))]
        texts = [f"{first} {MINUS} {second}" for first, second in pairs]
        figure.legend(handles, texts, loc="outside upper left", ncols=min(3, len(pairs)))
    return figure


def _columns(rows: Sequence[ClosureRow]) -> list[str]:
    """Return what the stars are sorted by in the columns of panels; empty text: the label of each row."""
    present = {row.by for row in rows}
    signal = [SIGNAL] if any(by.startswith(SIGNAL) for by in present) else []
    metallicity = [by for by in METALLICITIES if by in present][:1]
    itself = [""] if any(row.by == row.label for row in rows) else []
    return [*itself, *metallicity, *(by for by in (DOMAIN_INDEX, LATITUDE) if by in present), *signal]


def _title_of(column: str) -> str:
    titles = {"": "the label itself", DOMAIN_INDEX: "domain index", LATITUDE: "$b$ [deg]", SIGNAL: "S/N"}
    return titles[column] if column in titles else with_unit(symbol(column), unit_of(column))


def _draw_label(
    panels: Sequence[Axes], rows: Sequence[ClosureRow], columns: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> None:
    label, unit = rows[0].label, unit_of(rows[0].label, rows[0].unit)
    chosen = [[row for row in rows if _is_in(row, column)] for column in columns]
    values = np.array([(row.offset, row.offset_err) for own in chosen for row in own]).reshape(-1, 2)
    if scale := scale_of(values[:, 0], values[:, 1], fixed=0.0):
        panels[0].set_ylim(*scale)
    for axes, own in zip(panels, chosen, strict=True):
        if not own:
            axes.axis("off")
            continue
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
        for number, pair in enumerate(pairs):
            for by in dict.fromkeys(row.by for row in own):
                _draw_series(axes, [row for row in own if (row.first, row.second, row.by) == (*pair, by)], number)
        axes.locator_params(nbins=4)
    panels[0].set_ylabel(with_unit(f"$\\Delta$ {symbol(label)}", unit))


def _is_in(row: ClosureRow, column: str) -> bool:
    if column == row.label:  # in the first column already
        return False
    if column == SIGNAL:
        return row.by == f"{SIGNAL} of {row.second}" or row.by == f"{SIGNAL} of {row.first}"
    return row.by == (column or row.label)


def _draw_series(axes: Axes, rows: Sequence[ClosureRow], number: int) -> None:
    if rows:
        colour, mark = PAIR_MARKS[number % len(PAIR_MARKS)]
        x, values, errors = np.array([(row.middle, row.offset, row.offset_err) for row in rows]).T
        draw_points(axes, x, values, errors, color=colour, marker=mark, markersize=3.5, linewidth=0.9, elinewidth=0.9)


def _mark(number: int) -> Line2D:
    colour, mark = PAIR_MARKS[number % len(PAIR_MARKS)]
    return Line2D([], [], color=colour, marker=mark, markersize=SIZE, linewidth=0.9)
