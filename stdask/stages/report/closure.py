"""What the page says of the closure test: verdicts, a table and figures."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from stdask.config.run import Run
from stdask.display.agreement import UNTESTED, Agreement, agreement
from stdask.display.numbers import count, measured
from stdask.errors import CatalogueError, ConfigError
from stdask.runs.registry import CLOSURE, stages_of
from stdask.runs.surveys.finished import translated_surveys
from stdask.schema.closure import INSIDE_B, OUTSIDE_B, ClosureTables, MatrixRow
from stdask.stages.report.figures import Album, ShownImage
from stdask.stages.report.shown import ShownTable, heads, named
from stdask.storage import paths
from stdask.storage.documents import read_tables

SAMPLES = {OUTSIDE_B: "stars that B does not have", INSIDE_B: "stars that B has too"}
FIGURES = {
    "closure": (
        "Every two translated surveys on the stars that they share, the number in brackets. Left: median of the first "
        "minus the second, before and after translation; error bars: 1 sigma, from the stars and the networks. Right: "
        "robust scatter of the differences, and what the errors of both translations foresee (grey).",
        "Offsets and scatter of every two surveys, one panel a label; the numbers are in the table below.",
    ),
    "trends": (
        "How the difference of two translations depends on the stars that B does not have: on the label itself (mean "
        "of both), metallicity, how unlike the training stars they are, Galactic latitude and S/N.",
        "Differences of two translations in bins, one row a label; the numbers are in closure/closure.ecsv.",
    ),
}


class ShownClosure(NamedTuple):
    """The closure test of a run."""

    verdicts: dict[str, list[Agreement]]  # what two surveys are called -> of each label
    untested: list[str]  # what is said of two surveys that share too few stars for any label
    table: ShownTable
    figures: list[ShownImage]


def closure_content(run: Run, album: Album) -> ShownClosure | None:
    """Return what the page says of the closure test; None if there is none."""
    folder = paths.closure(run.output)
    tables = read_tables(folder, ClosureTables)
    if CLOSURE not in stages_of(run) or not tables.matrix:
        return None
    titles = {run.definition_a.name: run.definition_a.title}
    with suppress(CatalogueError, ConfigError):  # a run that was changed since has its name alone
        titles = {own.definition.name: own.definition.title for own in translated_surveys(run)}
    figures = [album.add(folder / f"{name}.png", *texts) for name, texts in FIGURES.items()]
    verdicts = _verdicts(tables.matrix, titles)
    untested = [both for both, own in verdicts.items() if {verdict.kind for verdict in own} == {UNTESTED}]
    return ShownClosure(
        verdicts={both: own for both, own in verdicts.items() if both not in untested},
        untested=untested,
        table=closure_table(tables.matrix, titles),
        figures=[image for image in figures if image],
    )


def _verdicts(matrix: Sequence[MatrixRow], titles: Mapping[str, str]) -> dict[str, list[Agreement]]:
    found: dict[str, list[Agreement]] = {}
    for row in matrix:
        if row.sample == OUTSIDE_B:
            heading = f"{_both(row, titles)}, {count(row.n_common)} {SAMPLES[row.sample]}"
            found.setdefault(heading, []).append(agreement(row, titles))
    return found


def closure_table(matrix: Sequence[MatrixRow], titles: Mapping[str, str]) -> ShownTable:
    """Return the offsets and scatters of all stars together: a group every two surveys and sample, a row a label."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for row in filter(lambda row: row.n, matrix):
        heading = f"{_both(row, titles)}, {SAMPLES[row.sample]}"
        groups.setdefault(heading, []).append(
            (
                named(row.label, row.unit),
                count(row.n),
                measured(row.raw_offset, signed=True),
                measured(row.offset, row.offset_err, signed=True),
                measured(row.scatter),
                measured(row.expected),
                measured(row.pull, row.pull_err),
            )
        )
    caption = (
        "Translations of the same stars by two surveys: the first minus the second. Foreseen: the scatter that the "
        "errors of both translations explain, without the noise of B. Pull: scatter in units of the errors, 1 if they "
        "are right."
    )
    columns = heads(
        *("Label", "Stars", "Offset as measured", "Offset translated", "Scatter translated", "Foreseen", "Pull"),
        texts=(0,),
    )
    return ShownTable("t-closure", caption, columns, groups, "closure/matrix.ecsv")


def _both(row: MatrixRow, titles: Mapping[str, str]) -> str:
    return f"{titles.get(row.first, row.first)} and {titles.get(row.second, row.second)}"
