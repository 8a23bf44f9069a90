"""What ingest did with the rows and values of a survey file, counted: the tables in the catalogue's folder."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
from astropy.table import Table

from stdask.schema import Column
from stdask.science.measurements.values import ERROR_COUNTS, VALUE_COUNTS
from stdask.stages.ingest.plan import BlockRecord


def add_up_reasons(blocks: Sequence[BlockRecord]) -> Counter[str]:
    """Return how many rows were set aside for each reason."""
    return sum((Counter(block.set_aside) for block in blocks), Counter())


def cuts_table(n_rows: int, reasons: Mapping[str, str], cuts: Sequence[str], blocks: Sequence[BlockRecord]) -> Table:
    """Return rows set aside and stars that fail each cut, alone and in turn; the last line is GOOD.

    Parameters
    ----------
    n_rows
        Of the survey file.
    reasons
        Why rows are set aside, in the order in which it is looked for, and the same in all words.
    cuts
        The quality cuts of the definition, as text.
    blocks
        All of the file.
    """
    lines = [("rows of the file", 0, n_rows)]
    set_aside = add_up_reasons(blocks)
    for reason, text in reasons.items():
        if n_aside := set_aside[reason]:
            lines.append((text, n_aside, lines[-1][2] - n_aside))
    n_failing = np.sum([block.n_failing for block in blocks], axis=0)
    n_left = np.sum([block.n_left for block in blocks], axis=0)
    lines += zip(cuts, n_failing.tolist(), n_left.tolist(), strict=True)
    table = Table(rows=lines, names=("cut", "n_failing", "n_left"), dtype=(str, np.int64, np.int64))
    table["cut"].description = "Reason to set a row aside, or quality cut that a GOOD star passes"
    table["n_failing"].description = "Rows that fail it, whatever the other cuts say"
    table["n_left"].description = "Rows left after it and all those above"
    return table


def values_table(units: Mapping[str, str], columns: Sequence[Column], blocks: Sequence[BlockRecord]) -> Table:
    """Return what became of the values of each measured column.

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
    names = (*VALUE_COUNTS, *ERROR_COUNTS)
    lines = [
        (column, source, units.get(source, ""), own_units[column], *(counts[name] for name in names))
        for (column, source), counts in totals.items()
    ]
    dtypes = (str, str, str, str, *(np.int64 for _ in names))
    return Table(rows=lines, names=("column", "source", "unit_in_file", "unit", *names), dtype=dtypes)
