"""Every cut of a merge in one table: from the rows of the survey files to the stars of the merged catalogue."""

from collections import Counter
from collections.abc import Mapping, Sequence

from stdask.pairing.usable import QUALITY
from stdask.schema.cuts import MergedCutRow
from stdask.stages.merge.sources import Opened
from stdask.stages.merge.tiles import TileRecord
from stdask.storage import paths
from stdask.storage.documents import read_ecsv


def list_cuts(opened: Sequence[Opened], aside: Mapping[str, Mapping[str, int]]) -> list[MergedCutRow]:
    """Return the cuts of each survey in the order in which they are applied.

    Parameters
    ----------
    opened
        The surveys. The table of what ingest did with each of them lies in the folder of its catalogue.
    aside
        Survey -> cut of the merge -> rows set aside.
    """
    rows: list[MergedCutRow] = []
    for part in opened:
        survey = part.source.survey
        ingested = read_ecsv(paths.catalogue(part.output, survey) / paths.CUTS)
        left = int(ingested["n_left"][0])
        for cut, n_left in zip(ingested["cut"].tolist(), ingested["n_left"].tolist(), strict=True):
            rows.append(MergedCutRow(survey, cut, left, left - n_left, n_left))
            left = n_left
        for cut, n_aside in aside[survey].items():
            if cut != QUALITY:  # whose cuts stand above, one by one
                rows.append(MergedCutRow(survey, cut, left, n_aside, left - n_aside))
                left -= n_aside
    return rows


def add_up(records: Sequence[TileRecord]) -> dict[str, Counter[str]]:
    """Return the rows that each cut set aside in each survey, from the records of all tiles; in their order."""
    total: dict[str, Counter[str]] = {}
    for record in records:
        for survey, cuts in record.set_aside.items():
            total.setdefault(survey, Counter()).update(cuts)
    return total
