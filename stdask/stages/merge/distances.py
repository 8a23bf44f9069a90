"""Whose distance a star of the merged catalogue has: its survey's own, or its partner's in the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.storage.tables import read_parquet, to_field, to_numpy, to_table

OWN = [column.name for column in schema.DISTANCE]


def lend_distances(stars: pa.Table, survey: str, lenders: Sequence[tuple[str, Path]]) -> pa.Table:
    """Return the stars with a distance wherever they or their partners have one, and the survey that it is from.

    A star in both surveys keeps the spectroscopic values of B (Thomas et al. 2024, sect. 4). A distance is not a
    spectroscopic value, so where B has none that of A places the star on the map.

    Parameters
    ----------
    stars
        Rows of one survey, with STAR_KEY and perhaps DISTANCE and DISTANCE_ERR.
    survey
        The name of that survey.
    lenders
        Surveys that lend, the first before the others, and the table of the stars in both, with STAR_KEY_B, A_DISTANCE
        and A_DISTANCE_ERR.
    """
    own = {name: _floats(stars, name) for name in OWN}
    source = np.where(np.isnan(own[OWN[0]]), "", survey).astype(object)
    for lender, pairs in lenders:
        if (source != "").all():
            break
        here = pc.field("STAR_KEY_B").isin(stars.column("STAR_KEY").combine_chunks())
        lent = read_parquet(pairs, ["STAR_KEY_B", *(f"A_{name}" for name in OWN)], here)
        keys = to_numpy(lent, "STAR_KEY_B")
        _, rows, partners = np.intersect1d(to_numpy(stars, "STAR_KEY"), keys, return_indices=True)
        wanted = (source[rows] == "") & np.isfinite(to_numpy(lent, f"A_{OWN[0]}")[partners])
        for name in OWN:
            own[name][rows[wanted]] = to_numpy(lent, f"A_{name}")[partners[wanted]]
        source[rows[wanted]] = lender
    columns = (*schema.DISTANCE, schema.DISTANCE_FROM)
    added = to_table(columns, {**own, schema.DISTANCE_FROM.name: source})
    for column in columns:
        if column.name in stars.column_names:
            stars = stars.drop_columns([column.name])
        stars = stars.append_column(to_field(column), added.column(column.name))
    return stars


def _floats(stars: pa.Table, name: str) -> np.ndarray:
    return to_numpy(stars, name).copy() if name in stars.column_names else np.full(stars.num_rows, np.nan)
