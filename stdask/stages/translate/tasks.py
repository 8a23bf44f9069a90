"""The tasks of the stage `translate`: a partition from file to file, or ranges of its rows that are joined again.

A partition that takes much longer than a task should is translated in row ranges, each into a piece: a file of the
new columns alone. When all pieces of a partition are there, one more task joins them to the partition.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from stdask.network.ensemble import Draws, Family
from stdask.schema import Column
from stdask.science.sky.healpix import Pixel
from stdask.stages.translate.table import counted_flags, inputs_of, translate_table
from stdask.storage import paths
from stdask.storage.catalogue.hats import write_partition
from stdask.storage.tables import read_parquet, to_field, to_numpy, to_table, write_parquet

FEWEST_ROWS = 1_000  # of a task: fewer would cost more for the weights and Dask than for their translation
# sum of the squared widths of a network x draws x members x stars: two minutes on the machine of docs/speed.md
WANTED_COST = 1e12


class RowRange(NamedTuple):
    """Neighbouring rows of a partition."""

    pixel: Pixel
    start: int
    end: int

    def __str__(self) -> str:
        """Return the partition and its rows, the first one being 0."""
        return f"{self.pixel}, rows {self.start} to {self.end - 1}"


class Pieces(NamedTuple):
    """All row ranges of a partition, in their order."""

    pixel: Pixel
    ranges: tuple[RowRange, ...]

    def __str__(self) -> str:
        """Return the partition."""
        return f"{self.pixel}, joined"


Task = Pixel | RowRange | Pieces


@dataclass(frozen=True)
class TranslatedPartition:
    """A partition of the translated catalogue on disk, as the ledger keeps it."""

    rows: int
    bytes: int
    sha256: str
    flags: Mapping[str, int]  # flag -> stars that have it


@dataclass(frozen=True)
class TranslationJob:
    """What the tasks of a translation share."""

    source: Path  # folder of the catalogue of A
    target: Path  # folder of the translated catalogue
    families: Sequence[Family]
    digest: str  # of the ensemble
    draws: Draws
    columns: tuple[Column, ...]  # of the translated catalogue

    def piece(self, rows: RowRange) -> Path:
        """Return the file of the new columns of some rows."""
        name = f"{rows.pixel.order}_{rows.pixel.pixel}_{rows.start}_{rows.end}.parquet"
        return paths.scratch(self.target) / name


def rows_per_task(families: Sequence[Family], n_draws: int) -> int:
    """Return how many stars are translated in about two minutes: more than most partitions hold, unless nets are big.

    Parameters
    ----------
    families
        What translates the stars: all have networks of the same shape.
    n_draws
        Of each star.
    """
    plan = families[0].plan
    cost = sum(width**2 for width in plan.widths)
    return max(FEWEST_ROWS, int(WANTED_COST / (cost * n_draws * plan.n_members)))


def cut_partition(pixel: Pixel, n_rows: int, most_rows: int) -> tuple[RowRange, ...]:
    """Return the fewest row ranges of about the same length that hold at most `most_rows` each."""
    n_ranges = max(1, -(-n_rows // most_rows))
    ends = [n_rows * number // n_ranges for number in range(n_ranges + 1)]
    return tuple(RowRange(pixel, start, end) for start, end in pairwise(ends))


def work_on(task: Task, job: TranslationJob) -> TranslatedPartition | None:
    """Do one task: return the partition that it wrote; None if it wrote a piece of one."""
    if isinstance(task, RowRange):
        translate_range(task, job)
        return None
    return join_pieces(task, job) if isinstance(task, Pieces) else translate_partition(task, job)


def translate_partition(pixel: Pixel, job: TranslationJob) -> TranslatedPartition:
    """Translate one partition from file to file."""
    table = read_parquet(paths.partition(job.source, pixel))
    return _write(pixel, table, _new_columns(table, job), job)


def translate_range(rows: RowRange, job: TranslationJob) -> None:
    """Translate some rows of a partition, and write their new columns as a piece."""
    present = {column.name for column in job.columns}
    names = [name for name in inputs_of(job.families) if name in present]
    table = read_parquet(paths.partition(job.source, rows.pixel), names)
    new = _new_columns(table.slice(rows.start, rows.end - rows.start), job)
    write_parquet(job.piece(rows), new)


def join_pieces(pieces: Pieces, job: TranslationJob) -> TranslatedPartition:
    """Write a partition from the pieces of all its rows."""
    new = pa.concat_tables([read_parquet(job.piece(rows)) for rows in pieces.ranges]).combine_chunks()
    return _write(pieces.pixel, read_parquet(paths.partition(job.source, pieces.pixel)), new, job)


def _new_columns(table: pa.Table, job: TranslationJob) -> pa.Table:
    translated = translate_table(table, job.families, job.draws)
    return to_table([column for column in job.columns if column.name in translated], translated)


def _write(pixel: Pixel, table: pa.Table, new: pa.Table, job: TranslationJob) -> TranslatedPartition:
    """Write the old and the new columns of a partition."""
    described = {column.name: to_field(column) for column in job.columns}
    for name in new.column_names:
        table = table.append_column(described[name], new.column(name))
    written = write_partition(job.target, pixel, table, {"stdask.ensemble": job.digest})
    flags = {name: int(to_numpy(new, name).sum()) for name in counted_flags(job.families)}
    return TranslatedPartition(**written._asdict(), flags=flags)
