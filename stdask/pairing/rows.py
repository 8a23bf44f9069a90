"""The rows of a catalogue by their number in the whole catalogue: find their partition, and read columns of them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.science.sky.healpix import Pixel
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import read_parquet


class Part(NamedTuple):
    """One partition of a catalogue."""

    pixel: Pixel
    first_row: int  # number of rows of the catalogue before it
    n_rows: int


class StarsOfPart(NamedTuple):
    """Stars of one partition."""

    part: Part
    rows: np.ndarray  # of the catalogue, ascending

    def __str__(self) -> str:
        """Return the name of their pixel."""
        return str(self.part.pixel)


def parts_of(catalogue: Catalogue) -> list[Part]:
    """Return the partitions of a catalogue, in the order of the sky."""
    ends = np.cumsum([0, *catalogue.rows.values()]).tolist()
    return [Part(pixel, first, n_rows) for first, (pixel, n_rows) in zip(ends, catalogue.rows.items(), strict=False)]


def split(catalogue: Catalogue, rows: np.ndarray) -> list[StarsOfPart]:
    """Return the rows of each partition of a catalogue, of rows in ascending order."""
    parts = parts_of(catalogue)
    cuts = np.searchsorted(rows, [part.first_row for part in parts[1:]])
    return [StarsOfPart(part, own) for part, own in zip(parts, np.split(rows, cuts), strict=True)]


def gather(workers: Workers, catalogue: Catalogue, columns: list[str], rows: np.ndarray) -> pa.Table:
    """Read columns of some stars of a catalogue, in the order of `rows`."""
    order = np.argsort(rows)
    stars = [own for own in split(catalogue, rows[order]) if own.rows.size]
    found = each(workers, take, stars, catalogue.folder, columns, description=f"read {catalogue.name}")
    tables = {own.part: table for own, table in found}
    return pa.concat_tables([tables[own.part] for own in stars]).combine_chunks().take(np.argsort(order))


def take(stars: StarsOfPart, folder: Path, columns: list[str]) -> pa.Table:
    """Read columns of some stars of a partition."""
    return read_parquet(paths.partition(folder, stars.part.pixel), columns).take(stars.rows - stars.part.first_row)
