"""What the tasks of the stage `ingest` are given, and what they give back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from stdask.config.survey import SurveyDefinition
from stdask.schema import Column
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.sky.healpix import Pixel
from stdask.storage.surveys.format import SurveyFile

NO_POSITION, IMPOSSIBLE, NO_ID = "no position", "impossible position", "no id"
DUPLICATES = {"star": "duplicate star", "id": "duplicate id"}


class Item(NamedTuple):
    """What a task works on: a block of the survey file, a share of the stars, or a bundle of partitions."""

    kind: str
    number: int

    def __str__(self) -> str:
        """Return its name in words."""
        return f"{self.kind} {self.number}"


class Done(NamedTuple):
    """What a task leaves: files, and a record of a few numbers."""

    files: list[Path]
    record: dict[str, Any]


@dataclass(frozen=True)
class IngestPlan:
    """What every task of one ingest knows."""

    survey: SurveyFile
    units: Mapping[str, str]  # of the columns, as the file states them
    definition: SurveyDefinition
    folder: Path  # of the catalogue
    scratch: Path  # of this survey file and these settings
    metadata: Mapping[str, str]  # of every partition
    rows_per_block: int
    n_shares: int  # into which the stars are dealt to look for repeats
    reddening: tuple[Path, str] | None = None  # a map of E(B-V) as an array, and its frame
    factors: Mapping[str, ErrorFactors] = field(default_factory=dict)  # of the stated errors of labels
    columns: tuple[Column, ...] = ()  # of the catalogue
    tiles: tuple[Pixel, ...] = ()  # its partitions
    bundles: tuple[int, ...] = ()  # of each partition: those that a task writes, neighbours in the sky

    @property
    def n_blocks(self) -> int:
        """Number of blocks of the survey file."""
        return -(-self.survey.n_rows // self.rows_per_block)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of repeats to look for, in this order."""
        return tuple(DUPLICATES) if self.definition.duplicates else ("id",)

    @property
    def reasons(self) -> dict[str, str]:
        """Why rows are set aside, in the order in which it is looked for; and the same in all words."""
        words = {reason: reason for reason in (NO_POSITION, IMPOSSIBLE, NO_ID)}
        if duplicates := self.definition.duplicates:
            words[DUPLICATES["star"]] = (
                f"{DUPLICATES['star']}: of the rows of one {duplicates.by}, that with the {duplicates.keep} "
                f"{duplicates.best} is kept"
            )
        rule = f"{DUPLICATES['id']}: of the rows of one {self.definition.id}, the first is kept"
        return words | {DUPLICATES["id"]: rule}

    def rows(self, block: int) -> tuple[int, int]:
        """Return the rows start <= row < stop of a block."""
        start = block * self.rows_per_block
        return start, min(start + self.rows_per_block, self.survey.n_rows)

    def piece(self, kind: str, number: int) -> Path:
        """Return the path of an intermediate file."""
        return self.scratch / kind / str(number)

    def pieces(self, kind: str, n_files: int) -> list[Path]:
        """Return the paths of all intermediate files of a kind."""
        return [self.piece(kind, number) for number in range(n_files)]
