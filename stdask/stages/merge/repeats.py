"""Stars that several of the translated surveys of a merge have: the first usable survey takes precedence."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.stages import MergeConfig
from stdask.pairing.matching import match_sky, match_stars, search_for
from stdask.pairing.rows import gather
from stdask.stages.merge.sources import Opened
from stdask.stages.merge.tiles import columns_of_cuts, translation_cuts
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.tables import write_parquet

GAIA, KEY = schema.SOURCE_ID.name, schema.STAR_KEY.name


def find_repeats(workers: Workers, opened: Sequence[Opened], folder: Path, config: MergeConfig) -> list[Opened]:
    """Write for each translated survey its stars that an earlier one has too; return the surveys with these tables.

    Parameters
    ----------
    workers, folder
        Where the stars are matched, and where the tables go.
    opened
        The surveys, B last: its stars in others are known from the pairs.
    config
        `[merge]`: how far apart stars are that are matched by position, and which can be used.
    """
    found: list[Opened] = []
    for later in opened[:-1]:
        repeats = tuple((earlier.source.survey, _write(workers, earlier, later, folder, config)) for earlier in found)
        found.append(later._replace(source=replace(later.source, repeats=repeats)))
    return [*found, opened[-1]]


def _write(workers: Workers, earlier: Opened, later: Opened, folder: Path, config: MergeConfig) -> Path:
    """Write the keys of the stars of a survey that an earlier one has, with values that can be used."""
    rows = match_surveys(workers, earlier.catalogue, later.catalogue, config.radius_arcsec, paths.scratch(folder))
    stars = gather_stars(workers, earlier.catalogue, [*columns_of_cuts(config)], rows[:, 0])
    usable = ~np.logical_or.reduce(list(translation_cuts(stars, config).values()))
    path = folder / f"{later.source.survey}_in_{earlier.source.survey}.parquet"
    write_parquet(path, gather_stars(workers, later.catalogue, [KEY], rows[usable, 1]))
    return path


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
