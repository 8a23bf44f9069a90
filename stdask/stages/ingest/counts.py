"""What ingest did with the rows and values of a survey file: the rows of the tables in the catalogue's folder."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from stdask.runs.counts import JoinCounts
from stdask.schema import Column
from stdask.schema.cuts import CutRow, ValuesRow
from stdask.science.measurements.values import ERROR_COUNTS, VALUE_COUNTS
from stdask.stages.ingest.plan import BlockRecord


def add_up_reasons(blocks: Sequence[BlockRecord]) -> Counter[str]:
    """Return how many rows were set aside for each reason."""
    return sum((Counter(block.set_aside) for block in blocks), Counter())


def list_cuts(
    n_rows: int,
    reasons: Mapping[str, str],
    cuts: Sequence[str],
    blocks: Sequence[BlockRecord],
    joined: Mapping[str, JoinCounts],
) -> list[CutRow]:
    """Return the rows set aside and the stars that fail each cut; the stars left after the last cut are GOOD.

    Parameters
    ----------
    n_rows
        Of the survey file.
    reasons
        Reasons to set rows aside, in the order in which they are checked, each with a full description.
    cuts
        The quality cuts of the definition, as text.
    blocks
        All of the file.
    joined
        Further tables that were joined to the main one: they take no row away.
    """
    rows = [CutRow("rows of the file", 0, n_rows)]
    for name, counts in joined.items():
        rows.append(CutRow(f"rows without a row in {name} (kept, its columns are missing)", counts.n_unmatched, n_rows))
        rows.append(CutRow(f"rows of {name} that belong to no star (not read)", counts.n_unused, n_rows))
    set_aside = add_up_reasons(blocks)
    for reason, text in reasons.items():
        if n_aside := set_aside[reason]:
            rows.append(CutRow(text, n_aside, rows[-1].n_left - n_aside))
    n_failing = np.sum([block.n_failing for block in blocks], axis=0).tolist()
    n_left = np.sum([block.n_left for block in blocks], axis=0).tolist()
    return rows + [CutRow(*row) for row in zip(cuts, n_failing, n_left, strict=True)]


def list_values(units: Mapping[str, str], columns: Sequence[Column], blocks: Sequence[BlockRecord]) -> list[ValuesRow]:
    """Return the counts of the values of each measured column.

    Parameters
    ----------
    units
        Of the columns of the survey file, as it states them.
    columns
        Of the catalogue.
    blocks
        All of the file.
    """
    own_units = {column.name: column.unit for column in columns}
    totals: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for block in blocks:
        for column, source, counts in block.values:
            totals[column, source].update(counts)
    return [
        ValuesRow(
            column=column,
            source=source,
            unit_in_file=units.get(source, ""),
            unit=own_units[column],
            **{name: counts[name] for name in (*VALUE_COUNTS, *ERROR_COUNTS)},
        )
        for (column, source), counts in totals.items()
    ]
