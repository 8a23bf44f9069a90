"""Every cut of a merge in one table: from the rows of the survey files to the stars of the merged catalogue."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table

from stdask.stages.merge.sources import Opened
from stdask.stages.merge.tiles import QUALITY, TileRecord
from stdask.storage import paths
from stdask.storage.documents import read_ecsv

MEANINGS = {
    "survey": "Whose stars",
    "cut": "Reason to set a row aside, or quality cut that it must pass; the first line counts the file",
    "n_in": "Rows before it",
    "n_aside": "Rows that it takes away",
    "n_left": "Rows after it; in the last line of a survey, its stars in the merged catalogue",
}


def cuts_table(opened: Sequence[Opened], aside: Mapping[str, Counter[str]]) -> Table:
    """Return the cuts of each survey in the order in which they are applied.

    Parameters
    ----------
    opened
        The surveys. The table of what ingest did with each of them lies in the folder of its catalogue.
    aside
        Survey -> cut of the merge -> rows set aside.
    """
    lines: list[tuple[str, str, int, int, int]] = []
    for part in opened:
        survey = part.source.survey
        ingested = read_ecsv(paths.catalogue(part.output, survey) / "cuts.ecsv")
        left = int(ingested["n_left"][0])
        for cut, n_left in zip(ingested["cut"], ingested["n_left"].tolist(), strict=True):
            lines.append((survey, str(cut), left, left - n_left, n_left))
            left = n_left
        for cut, n_aside in aside[survey].items():
            if cut != QUALITY:  # told one by one above
                lines.append((survey, cut, left, n_aside, left - n_aside))
                left -= n_aside
    table = Table(rows=lines, names=list(MEANINGS), dtype=(str, str, np.int64, np.int64, np.int64))
    for name, meaning in MEANINGS.items():
        table[name].description = meaning
    return table


def add_up(records: Sequence[TileRecord]) -> dict[str, Counter[str]]:
    """Return the rows that each cut set aside in each survey, from the records of all tiles; in their order."""
    total: dict[str, Counter[str]] = {}
    for record in records:
        for survey, cuts in record.set_aside.items():
            total.setdefault(survey, Counter()).update(cuts)
    return total
