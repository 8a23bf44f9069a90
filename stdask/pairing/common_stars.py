"""The stars that two catalogues share, whatever surveys they are of: by Gaia id where both have one."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.cluster.workers import Workers
from stdask.pairing.matching import match_sky, match_stars, search_for
from stdask.pairing.rows import gather
from stdask.schema import SOURCE_ID
from stdask.storage.catalogue.catalogue import Catalogue

GAIA = SOURCE_ID.name


def match_surveys(
    workers: Workers, earlier: Catalogue, later: Catalogue, radius_arcsec: float, scratch: Path
) -> np.ndarray:
    """Return the rows of both that are one star, (n_stars, 2): by Gaia id where both have one, else by position."""
    search = search_for(earlier, later, radius_arcsec)
    if all(any(column.name == GAIA for column in catalogue.columns) for catalogue in (earlier, later)):
        return match_stars(workers, earlier, later, (GAIA, GAIA), search, scratch).rows
    return match_sky(workers, earlier, later, search).rows


def gather_stars(workers: Workers, catalogue: Catalogue, columns: list[str], rows: np.ndarray) -> pa.Table:
    """Return columns of some rows of a catalogue, in their order."""
    return gather(workers, catalogue, columns, rows) if rows.size else catalogue.empty(columns)
