"""What the files of a run say, sorted as the page shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from stdask.config.atlas import Range
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import TableFile
from stdask.display.numbers import METHODS
from stdask.schema.cuts import CutRow
from stdask.schema.evaluation import (
    ALL,
    ATLAS,
    TAILS,
    CoverageRow,
    EpochRow,
    EvaluationTables,
    ImportanceRow,
    LabelRow,
    ScoreRow,
    SlopeRow,
)
from stdask.science.assessment.metrics import LEVELS
from stdask.storage import paths
from stdask.storage.documents import read_declared, read_rows

Row = TypeVar("Row", bound=LabelRow)
Scored = TypeVar("Scored", ScoreRow, SlopeRow)
LEAST_ATTENUATION = 0.9  # of a label that the page does not warn of
ByMethod = dict[tuple[str, str], dict[str, Scored]]  # (family, label) -> method -> row


class SurveyFacts(NamedTuple):
    """What the page says of a survey."""

    title: str
    reference: str
    notes: str
    distances: list[str]  # references
    file: str
    cuts: list[CutRow]
    columns: list[dict[str, Any]]  # what became of the values of each column, shown as it is
    repeats: list[dict[str, Any]]
    merit: str  # column by which the best of several spectra is chosen


@dataclass(frozen=True)
class CoverageLine:
    """Shares of the stars that one kind of interval contains, at the usual levels."""

    first: CoverageRow
    shares: dict[float, CoverageRow] = field(default_factory=dict)  # nominal share -> row


@dataclass(frozen=True)
class ImportanceTable:
    """Importance of the inputs of one family: a line a label or correction and group, a column an input."""

    inputs: list[str] = field(default_factory=list)
    lines: dict[tuple[str, str, str], dict[str, ImportanceRow]] = field(default_factory=dict)


class KeptEpoch(NamedTuple):
    """The epoch whose weights a member kept."""

    best: EpochRow
    n_epochs: int  # that the member was trained for


def survey_facts(definition: SurveyDefinition, files: Iterable[TableFile], catalogue: Path) -> SurveyFacts:
    """Return what the page says of a survey.

    Parameters
    ----------
    definition, files
        Its definition, and its files.
    catalogue
        Folder of the catalogue that ingest made of it.
    """
    return SurveyFacts(
        title=definition.title,
        reference=definition.reference,
        notes=definition.notes,
        distances=[distance.reference for distance in definition.distances if distance.reference],
        file=", ".join(file.name for file in files),
        cuts=read_declared(catalogue / paths.CUTS, CutRow),
        columns=read_rows(catalogue / paths.VALUES),
        repeats=read_rows(catalogue / paths.REPEATS),
        merit=definition.duplicates.best if definition.duplicates else "",
    )


def by_method(rows: Sequence[Scored]) -> ByMethod[Scored]:
    """Return the rows by (family, label) and method, the simplest method first."""
    order = {name: place for place, name in enumerate(METHODS)}
    grouped: ByMethod[Scored] = {}
    for row in sorted(rows, key=lambda row: order.get(row.method, len(order))):
        grouped.setdefault((row.family, row.label), {})[row.method] = row
    return grouped


def attenuated(rows: Sequence[SlopeRow]) -> list[SlopeRow]:
    """Return the rows of the translated labels whose scale is clearly compressed, compared with B."""
    return [row for row in rows if (row.of, row.method) == ("B", "translated") and row.attenuation < LEAST_ATTENUATION]


def attenuation_of(rows: Sequence[SlopeRow]) -> dict[str, ByMethod[SlopeRow]]:
    """Return the slopes by what they are measured against: B, or the truth."""
    return {of: by_method([row for row in rows if row.of == of]) for of in dict.fromkeys(row.of for row in rows)}


def coverage_of(rows: Sequence[CoverageRow]) -> dict[str, list[CoverageLine]]:
    """Return one line a label and interval by group, with the share covered at each of the usual levels."""
    lines: dict[tuple[str, ...], CoverageLine] = {}
    for row in rows:
        if row.nominal in LEVELS:
            key = (row.family, row.label, row.of, row.group, row.interval)
            lines.setdefault(key, CoverageLine(row)).shares[row.nominal] = row
    groups: dict[str, list[CoverageLine]] = {}
    for line in lines.values():
        groups.setdefault(line.first.group, []).append(line)
    return groups


def tails_of(rows: Sequence[CoverageRow]) -> list[CoverageRow]:
    """Return the rows of all test stars that tell of the tails of the errors."""
    return [row for row in rows if row.interval in TAILS and row.group == ALL and row.n]


def populations_shown(tables: EvaluationTables, select: Mapping[str, Range]) -> dict[str, list[Any]]:
    """Return the rows of the populations that differ: without `[atlas] select` the atlas has the whole catalogue."""
    found: dict[str, Sequence[Any]] = {"rows": tables.population, "distributions": tables.distributions}
    return {name: [row for row in rows if select or row.population != ATLAS] for name, rows in found.items()}


def importance_of(rows: Sequence[ImportanceRow]) -> Mapping[str, ImportanceTable]:
    """Return a table a family."""
    families: dict[str, ImportanceTable] = {}
    for row in rows:
        if not row.is_shown:
            continue
        table = families.setdefault(row.family, ImportanceTable())
        if row.input not in table.inputs:
            table.inputs.append(row.input)
        table.lines.setdefault((row.label, row.of, row.group), {})[row.input] = row
    return families


def kept_epochs(rows: Sequence[EpochRow]) -> dict[str, list[KeptEpoch]]:
    """Return the epoch whose weights each member kept, by family."""
    members: dict[tuple[str, int], list[EpochRow]] = {}
    for row in rows:
        members.setdefault((row.family, row.member), []).append(row)
    families: dict[str, list[KeptEpoch]] = {}
    for (family, _), epochs in members.items():
        families.setdefault(family, []).append(KeptEpoch(min(epochs, key=lambda row: row.val_loss), len(epochs)))
    return families
