"""Stars of a translated survey that are in B: from the stage `pair`, or matched here if the run has no such stage."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.pairing.common_stars import gather_stars, match_surveys
from stdask.runs.surveys.finished import SurveyRun
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import write_parquet

KEY_A, KEY_B = schema.STAR_KEY.name, f"{schema.STAR_KEY.name}_B"  # of the table of pairs
DISTANCES = [column.name for column in schema.DISTANCE]


def with_pairs(
    workers: Workers,
    runs: Sequence[SurveyRun],
    b: Catalogue,
    folder: Path,
    radius_arcsec: float,
    further: Sequence[str] = (),
) -> list[SurveyRun]:
    """Return the runs with the tables of their stars in B.

    Parameters
    ----------
    workers, folder
        Where stars are matched, and where the tables go.
    runs, b
        The runs, and the catalogue of B.
    radius_arcsec
        Largest separation of stars that are matched by position.
    further
        Further columns of B in the tables that are written here; those of the stage `pair` have them.
    """
    found = []
    for run in runs:
        pairs = paths.pairs(run.output, run.definition.name, b.name)
        if run.train.ensemble:  # the run has trained nothing, so it has no pairs
            pairs = folder / f"{run.definition.name}_in_{b.name}.parquet"
            a = open_catalogue(paths.catalogue(run.output, paths.translated_name(run.definition.name, b.name)))
            write_parquet(pairs, _match(workers, a, b, radius_arcsec, paths.scratch(folder), further))
        found.append(run._replace(pairs=pairs))
    return found


def _match(
    workers: Workers, a: Catalogue, b: Catalogue, radius_arcsec: float, scratch: Path, further: Sequence[str]
) -> pa.Table:
    """Return the stars in both, with the columns of the table of pairs that a merge reads."""
    rows = match_surveys(workers, a, b, radius_arcsec, scratch)
    distances = [column.name for column in a.columns if column.name in DISTANCES]
    of_a = gather_stars(workers, a, [KEY_A, *distances], rows[:, 0])
    own = [schema.GOOD.name, *further]
    of_b = gather_stars(workers, b, [schema.STAR_KEY.name, *own], rows[:, 1])
    return pa.table(
        {KEY_A: of_a[KEY_A], KEY_B: of_b[schema.STAR_KEY.name]}
        | {f"B_{name}": of_b[name] for name in own}
        | {f"A_{name}": of_a[name] for name in distances}
    )
