"""Stars that several of the translated surveys of a merge have: the first usable survey takes precedence."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.stages import MEAN, MergeConfig
from stdask.pairing.common_stars import gather_stars, match_surveys
from stdask.pairing.in_b import KEY_A, KEY_B
from stdask.pairing.usable import columns_of_cuts, translation_cuts
from stdask.stages.merge.sources import Opened
from stdask.storage import paths
from stdask.storage.tables import write_parquet

KEY = schema.STAR_KEY.name


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
        repeats, shared = [], []
        for earlier in found:
            rows = match_surveys(
                workers, earlier.catalogue, later.catalogue, config.radius_arcsec, paths.scratch(folder)
            )
            repeats.append((earlier.source.survey, _write(workers, earlier, later, rows, folder, config)))
            if config.exclude:
                shared.append((earlier.source.survey, _write_shared(workers, earlier, later, rows, folder)))
        source = replace(later.source, repeats=tuple(repeats), shared=tuple(shared))
        found.append(later._replace(source=source))
    return [*found, opened[-1]]


def _write(
    workers: Workers, earlier: Opened, later: Opened, rows: np.ndarray, folder: Path, config: MergeConfig
) -> Path:
    """Write the keys of the stars of a survey that an earlier one has, with values that can be used.

    For means, the keys of the earlier one too, as in the pairs, so that the values of both find together.
    """
    stars = gather_stars(workers, earlier.catalogue, [*columns_of_cuts(config)], rows[:, 0])
    usable = ~np.logical_or.reduce(list(translation_cuts(stars, config).values()))
    path = folder / f"{later.source.survey}_in_{earlier.source.survey}.parquet"
    repeats = gather_stars(workers, later.catalogue, [KEY], rows[usable, 1])
    if config.values == MEAN:
        keys = gather_stars(workers, earlier.catalogue, [KEY], rows[usable, 0])
        repeats = repeats.append_column(KEY_B, keys.column(KEY))
    write_parquet(path, repeats)
    return path


def _write_shared(workers: Workers, earlier: Opened, later: Opened, rows: np.ndarray, folder: Path) -> Path:
    """Write the keys of the stars that two surveys have, in both."""
    path = folder / f"{later.source.survey}_and_{earlier.source.survey}.parquet"
    keys = [gather_stars(workers, own.catalogue, [KEY], rows[:, side]) for side, own in enumerate((earlier, later))]
    write_parquet(path, pa.table({KEY_A: keys[1].column(KEY), KEY_B: keys[0].column(KEY)}))
    return path
