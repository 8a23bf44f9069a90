"""One row a star: rows of a translated survey without `[duplicates]` that are one star."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.stages import MergeConfig
from stdask.pairing.same_star import Order, find_repeated
from stdask.pairing.usable import columns_of_cuts, translation_cuts
from stdask.runs.surveys.finished import SurveyRun
from stdask.stages.merge.sources import MergeSource, Opened
from stdask.stages.merge.tiles import in_other_surveys
from stdask.storage import paths
from stdask.storage.tables import write_parquet

GAIA, KEY = schema.SOURCE_ID.name, schema.STAR_KEY.name
ELSEWHERE, USABLE, OTHERS = range(3)  # ranks: the lowest stays


@dataclass(frozen=True)
class RankRows:
    """Ranks the rows of a star: one that is left to another survey, then one that can be used, then any.

    Where a row of a star is in B, its other rows must not be merged as another star.
    """

    source: MergeSource
    config: MergeConfig

    def __call__(self, table: pa.Table) -> np.ndarray:
        """Return the ranks of some rows: (n_rows,), int64."""
        elsewhere = np.logical_or.reduce(list(in_other_surveys(table, self.source).values()))
        unusable = np.logical_or.reduce(list(translation_cuts(table, self.config).values()))
        return np.select([elsewhere, ~unusable], [ELSEWHERE, USABLE], OTHERS)


def find_same_stars(
    workers: Workers, opened: Sequence[Opened], runs: Sequence[SurveyRun], folder: Path, config: MergeConfig
) -> list[Opened]:
    """Write for each translated survey the rows that give way to another row; return the surveys with these tables.

    Parameters
    ----------
    workers, folder
        Where rows are compared, and where the tables go.
    opened
        The surveys, B last, whose rows are kept.
    runs
        Of the translated surveys. Where a definition has `[duplicates]`, one row of each star is left already.
    config
        `[merge]`: how far apart rows are that are one star if one of them has no Gaia id, and which can be used.
    """
    return [
        part
        if run.definition.duplicates
        else part._replace(source=replace(part.source, repeated=_write(workers, part, folder, config)))
        for part, run in zip(opened[:-1], runs, strict=True)
    ] + [opened[-1]]


def _write(workers: Workers, part: Opened, folder: Path, config: MergeConfig) -> Path | None:
    """Write the keys of the rows that give way; return the file, None if there are none."""
    order = Order(columns_of_cuts(config), RankRows(part.source, config))
    ids = GAIA if GAIA in part.names else None
    keys = find_repeated(workers, part.catalogue, ids, order, config.radius_arcsec, paths.scratch(folder))
    if not keys.size:
        return None
    path = folder / f"{part.source.survey}_repeated.parquet"
    write_parquet(path, pa.table({KEY: keys}))
    return path
