"""Evaluate: where on the sky the stars lie that the networks are taught and tested by."""

from pathlib import Path

import healpy as hp
import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.figures.sky import draw_sky
from stdask.science.sky.healpix import INDEX_ORDER, Cells, count_cells
from stdask.storage import paths
from stdask.storage.catalogue.hats import open_catalogue
from stdask.storage.documents import write_figures
from stdask.storage.tables import read_parquet, to_numpy

ORDER = 5  # of the pixels counted: 1.8 degrees, finer than a field of the surveys, and seen in print


def write_sky_coverage(run: Run, workers: Workers, pairs: pa.Table) -> list[Path]:
    """Draw the sky coverage of both surveys and of their common stars, those that pass all cuts; return the files.

    Source: Thomas et al. 2024, A&A 690, A54, fig. 2.
    """
    good = pairs.filter(pa.array(to_numpy(pairs, "A_GOOD") & to_numpy(pairs, "B_GOOD")))
    counts = sky_counts(run, workers, to_numpy(good, schema.STAR_KEY.name))
    figure = draw_sky(counts, (run.definition_a.title, run.definition_b.title))
    return write_figures(paths.evaluation(run.output) / "sky_coverage", figure)


def sky_counts(run: Run, workers: Workers, common: np.ndarray) -> np.ndarray:
    """Count good stars by pixel of `ORDER`: those of A, of B, and of A with a key in `common`.

    Returns
    -------
    counts : shape (3, n_pixels), int64
    """
    counts = np.zeros((3, hp.order2npix(ORDER)), dtype=np.int64)
    for first_row, side in enumerate("ab"):
        catalogue = open_catalogue(paths.catalogue(run.output, run.definition(side).name))
        files = [catalogue.path(pixel) for pixel in catalogue.pixels]
        keys = common if side == "a" else common[:0]
        for _, counted in each(workers, count_good, files, keys, description=f"sky of {catalogue.name}"):
            for row, cells in zip((first_row, 2), counted, strict=True):
                counts[row, cells.starts >> 2 * (INDEX_ORDER - ORDER)] += cells.n_stars
    return counts


def count_good(path: Path, common: np.ndarray) -> tuple[Cells, Cells]:
    """Count the good stars of one partition by pixel, all of them and those with a key in `common`."""
    table = read_parquet(path, [schema.HEALPIX.name, schema.GOOD.name, schema.STAR_KEY.name])
    index, good, keys = (to_numpy(table, name) for name in table.column_names)
    return count_cells(index[good], ORDER), count_cells(index[good & np.isin(keys, common)], ORDER)
