"""The margin of a catalogue: stars just outside each partition, so that others match it a partition at a time.

1. borders   each partition: its stars that reach over its border, to a file of their own
2. margins   each pixel of the sky, with or without stars: the stars of these files that reach it from outside

The sky outside all partitions has a margin too: a star there may match one just inside a partition.
Source: IVOA Note "HATS" 1.0, sect. 3.2.1; a margin may hold more stars than those within its width.
"""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.schema import HEALPIX
from stdask.science.sky.healpix import Pixel, rest_of_sky
from stdask.science.sky.margins import margin_order, reach
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.catalogue.hats import finish_collection
from stdask.storage.catalogue.votable_header import votable_metadata
from stdask.storage.tables import read_parquet, to_column, write_parquet

MARGIN_ARCSEC = 10.0  # Surveys agree to an arcsecond; proper motions move few stars by more in 20 years.
ORDER = margin_order(MARGIN_ARCSEC)


class MarginTask(NamedTuple):
    """A pixel of the sky, and the partitions that have stars in its margin."""

    pixel: Pixel
    sources: list[Pixel]  # ascending

    def __str__(self) -> str:
        """Return the name of the pixel."""
        return f"margin of {self.pixel}"


def write_collection(workers: Workers, catalogue: Catalogue) -> list[Path]:
    """Write the margin of a finished catalogue, and what joins the two; return the files.

    Parameters
    ----------
    workers
        Who does the work.
    catalogue
        The catalogue.
    """
    folder = paths.collection(catalogue.folder)
    shutil.rmtree(folder, ignore_errors=True)
    scratch = paths.scratch(folder)
    sky = sorted([*catalogue.pixels, *rest_of_sky(catalogue.pixels)], key=lambda pixel: pixel.first_index)
    starts = np.array([pixel.first_index for pixel in sky])
    sizes = list(catalogue.rows.values())
    shared = (catalogue.folder, scratch)
    sources = defaultdict(list)
    for source, numbers in each(
        workers, copy_border, catalogue.pixels, starts, *shared, description="borders", sizes=sizes, unit="stars"
    ):
        for number in numbers:
            sources[sky[number]].append(source)
    tasks = [MarginTask(pixel, sorted(own, key=lambda source: source.first_index)) for pixel, own in sources.items()]
    written = each(workers, write_margin, tasks, *shared, description="margins")
    rows = {task.pixel: n_stars for task, n_stars in written}
    shutil.rmtree(scratch, ignore_errors=True)
    return finish_collection(catalogue, rows, MARGIN_ARCSEC)


def copy_border(pixel: Pixel, starts: np.ndarray, folder: Path, scratch: Path) -> list[int]:
    """Copy the stars of a partition that reach over its border to a file of their own.

    Parameters
    ----------
    pixel
        The partition.
    starts : shape (n_pixels,), int64
        First order-29 indices of pixels that cover the sky, the partitions among them.
    folder, scratch
        Of the catalogue, and for the file.

    Returns
    -------
    numbers
        Those pixels that the stars reach.
    """
    path = paths.partition(folder, pixel)
    first, end = reach(read_parquet(path, [HEALPIX.name]).column(0).to_numpy(), ORDER)
    over = ((first < pixel.first_index) | (end > pixel.end_index)).any(axis=0)
    if not over.any():
        return []
    write_parquet(paths.partition(scratch, pixel), read_parquet(path).filter(pa.array(over)))
    ends = [np.searchsorted(starts, where, side="right") for where in (first[:, over], end[:, over] - 1)]
    ranges = np.unique(np.stack([ends[0].ravel() - 1, ends[1].ravel()], axis=1), axis=0)
    own = np.searchsorted(starts, pixel.first_index)
    return sorted({number for low, high in ranges.tolist() for number in range(low, high) if number != own})


def write_margin(task: MarginTask, folder: Path, scratch: Path) -> int:
    """Write the stars outside a pixel that reach it, in the order of the sky; return their number."""
    pixel, parts = task
    stars = pa.concat_tables([_reaching(pixel, paths.partition(scratch, part)) for part in parts])
    header = votable_metadata(map(to_column, stars.schema))
    write_parquet(paths.partition(paths.margin(folder), pixel), stars, header=header)
    return stars.num_rows


def _reaching(pixel: Pixel, border: Path) -> pa.Table:
    table = read_parquet(border)
    index = table.column(HEALPIX.name).to_numpy()
    first, end = reach(index, ORDER)
    reaching = ((first < pixel.end_index) & (end > pixel.first_index)).any(axis=0)
    inside = (index >= pixel.first_index) & (index < pixel.end_index)
    return table.filter(pa.array(reaching & ~inside))
