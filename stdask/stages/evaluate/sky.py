"""Evaluate: the sky coverage of both surveys and of the stars that train and test the networks."""

from collections.abc import Sequence
from pathlib import Path

import healpy as hp
import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.figures.sky import draw_sky
from stdask.science.sky.healpix import INDEX_ORDER, Cells, count_cells
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.documents import write_figures
from stdask.storage.tables import read_parquet, to_numpy

ORDER = 5  # HEALPix pixels of 1.8 degrees: smaller than a field of the surveys, and visible in print


def write_sky_coverage(
    stem: Path, folders: Sequence[Path], titles: tuple[str, str], pairs: pa.Table, workers: Workers
) -> list[Path]:
    """Draw the sky coverage of both surveys and of their common stars, those that pass all cuts; return the files.

    Source: Thomas et al. 2024, A&A 690, A54, fig. 2.

    Parameters
    ----------
    stem
        Path of the files without their endings.
    folders, titles
        Catalogues of A and B, and the names of the surveys.
    pairs, workers
        The table that pair wrote, and the workers that read the catalogues.
    """
    good = pairs.filter(pa.array(to_numpy(pairs, "A_GOOD") & to_numpy(pairs, "B_GOOD")))
    counts = sky_counts(folders, to_numpy(good, schema.STAR_KEY.name), workers)
    return write_figures(stem, draw_sky(counts, titles))


def sky_counts(folders: Sequence[Path], common: np.ndarray, workers: Workers) -> np.ndarray:
    """Count good stars by pixel of `ORDER`: those of A, of B, and of A with a key in `common`.

    Returns
    -------
    counts : shape (3, n_pixels), int64
    """
    counts = np.zeros((3, hp.order2npix(ORDER)), dtype=np.int64)
    for first_row, folder in enumerate(folders):
        catalogue = open_catalogue(folder)
        files = [catalogue.path(pixel) for pixel in catalogue.pixels]
        keys = common if first_row == 0 else common[:0]
        for _, counted in each(workers, count_good, files, keys, description=f"sky of {catalogue.name}"):
            for row, cells in zip((first_row, 2), counted, strict=True):
                counts[row, cells.starts >> 2 * (INDEX_ORDER - ORDER)] += cells.n_stars
    return counts


def count_good(path: Path, common: np.ndarray) -> tuple[Cells, Cells]:
    """Count the good stars of one partition by pixel, all of them and those with a key in `common`."""
    table = read_parquet(path, [schema.HEALPIX.name, schema.GOOD.name, schema.STAR_KEY.name])
    index, good, keys = (to_numpy(table, name) for name in table.column_names)
    return count_cells(index[good], ORDER), count_cells(index[good & np.isin(keys, common)], ORDER)
