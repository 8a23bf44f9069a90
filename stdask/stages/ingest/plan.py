"""What the tasks of the stage `ingest` are given, and what they give back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import pyarrow as pa

from stdask.config.survey import SurveyDefinition
from stdask.runs.counts import JoinCounts
from stdask.schema import Column
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.measurements.survey_columns import SurveyColumns
from stdask.science.sky.healpix import Pixel
from stdask.storage.catalogue.hats import Written
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.tables import to_masked

NO_POSITION, IMPOSSIBLE, NO_ID = "no position", "impossible position", "no id"
DUPLICATES = {"star": "duplicate star", "id": "duplicate id"}
R = TypeVar("R")


class Item(NamedTuple):
    """What a task works on: a block of the survey file, a share of the stars, or a bundle of partitions."""

    kind: str
    number: int

    def __str__(self) -> str:
        """Return its name in words."""
        return f"{self.kind} {self.number}"


@dataclass(frozen=True)
class Done(Generic[R]):
    """What a task leaves: files, and a record of a few numbers, or None."""

    files: list[Path]
    record: R


class ColumnCounts(NamedTuple):
    """Counts of the values of one survey column in a block."""

    column: str  # of the catalogue
    source: str  # column of the survey file
    counts: Mapping[str, int]  # of the kinds in `science.measurements.values`


@dataclass(frozen=True)
class BlockRecord:
    """What is worth knowing of a block that was converted."""

    n_good: int
    n_failing: list[int]  # stars that fail each cut of the definition, regardless of the other cuts
    n_left: list[int]  # stars left after each cut and the cuts before it
    set_aside: Mapping[str, int]  # reason -> rows
    values: list[ColumnCounts]


class PartitionRecord(NamedTuple):
    """One partition of the catalogue on disk."""

    pixel: Pixel
    written: Written


@dataclass(frozen=True)
class RawSurvey:
    """A survey file on disk, and how it becomes a catalogue."""

    survey: SurveyFile
    definition: SurveyDefinition
    ebv_map: Path | None = None  # map of E(B-V)
    factors: Mapping[str, ErrorFactors] | None = None  # of stated errors; None to measure them if the definition asks
    numbered: bool = False  # the catalogue has the row numbers of the file
    notes: tuple[str, ...] = ()  # parts of the definition that were left out


@dataclass(frozen=True)
class Source:
    """A survey file that can be read in part, and what its columns mean."""

    survey: ComputedColumns
    units: Mapping[str, str]  # of the columns, as the file states them
    definition: SurveyDefinition
    reddening: tuple[Path, str] | None  # a map of E(B-V) as an array, and its frame
    numbered: bool = False  # the catalogue has the row numbers of the file
    joined: Mapping[str, JoinCounts] = field(default_factory=dict)  # further tables, joined to the main one

    def columns(self, table: pa.Table) -> SurveyColumns:
        """Return columns of some rows as the definition reads them."""
        computed = self.survey.computed(table.column_names)
        return SurveyColumns(to_masked(table), self.units, self.definition.sentinels, computed)


@dataclass(frozen=True)
class Deal:
    """How the rows of a survey file are dealt to tasks: into blocks, and into shares in which stars are compared."""

    scratch: Path  # of this survey file and these settings
    n_rows: int
    rows_per_block: int
    n_shares: int

    @property
    def n_blocks(self) -> int:
        """Number of blocks of the survey file."""
        return -(-self.n_rows // self.rows_per_block)

    def rows(self, block: int) -> tuple[int, int]:
        """Return the rows start <= row < stop of a block."""
        start = block * self.rows_per_block
        return start, min(start + self.rows_per_block, self.n_rows)

    def piece(self, kind: str, number: int) -> Path:
        """Return the path of an intermediate file."""
        return self.scratch / kind / str(number)

    def of_blocks(self, kind: str) -> list[Path]:
        """Return the intermediate files of a kind that the blocks leave."""
        return [self.piece(kind, number) for number in range(self.n_blocks)]

    def of_shares(self, kind: str) -> list[Path]:
        """Return the intermediate files of a kind that the shares leave."""
        return [self.piece(kind, number) for number in range(self.n_shares)]


@dataclass(frozen=True)
class Target:
    """The catalogue that is written."""

    folder: Path
    metadata: Mapping[str, str]  # of every partition
    columns: tuple[Column, ...]
    tiles: tuple[Pixel, ...]  # its partitions
    bundles: tuple[int, ...]  # of each partition: those that a task writes, neighbours in the sky


def kinds_of_repeats(definition: SurveyDefinition) -> tuple[str, ...]:
    """Return the kinds of repeated rows to look for, in this order."""
    return tuple(DUPLICATES) if definition.duplicates else ("id",)


def reasons_in_words(definition: SurveyDefinition) -> dict[str, str]:
    """Return the reasons to set rows aside, in the order in which they are checked, each with a full description."""
    words = {reason: reason for reason in (NO_POSITION, IMPOSSIBLE, NO_ID)}
    if duplicates := definition.duplicates:
        words[DUPLICATES["star"]] = (
            f"{DUPLICATES['star']}: of the rows of one {duplicates.by}, that with the {duplicates.keep} "
            f"{duplicates.best} is kept"
        )
    return words | {DUPLICATES["id"]: f"{DUPLICATES['id']}: of the rows of one {definition.id}, the first is kept"}
