"""The rescaling of stated errors in the stage `ingest`: how far repeat visits differ, and the factors that follow.

Each share of the stars holds all visits to them and leaves its pairs in a file. The driver reads these share by share
and keeps the pairs with the smallest random keys, at most `MOST_PAIRS` for each label: its memory does not grow with
the survey, and the pairs that it keeps depend on the file alone.
"""

from collections.abc import Sequence
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.survey import SurveyDefinition
from stdask.display.console import say
from stdask.display.numbers import measured
from stdask.science.measurements.repeats import (
    MIN_PAIRS,
    ErrorFactors,
    Pairs,
    compare_visits,
    fit_factors,
    sample_pairs,
)
from stdask.science.measurements.survey_columns import SurveyColumns, stated_label
from stdask.stages.ingest.plan import Deal, Done, Item
from stdask.storage.pieces import read_part, write_pieces

TIMES = "\N{MULTIPLICATION SIGN}"
MOST_PAIRS = 200_000  # for each label: they give the factors of ten bins to 0.8 %, and take 5 MB


def stated_visits(
    rows: np.ndarray, stars: pa.Array, merits: np.ndarray, definition: SurveyDefinition, source: SurveyColumns
) -> pa.Table:
    """Return the rows that are GOOD and name their star, with their labels and errors as the survey states them.

    Parameters
    ----------
    rows : shape (n_rows,)
        Row numbers of the survey file.
    stars
        Star that each row belongs to, null if it names none.
    merits : shape (n_rows,)
        The column that rows of one star are compared by.
    definition, source
        Of the survey, and its columns in these rows.
    """
    table = pa.table({"key": stars, "row": rows, "merit": merits})
    for name, label in definition.rescaled_labels.items():
        stated = stated_label(name, label, source)
        for column, numbers in ((name, stated.values), (f"{name}_ERR", stated.errors)):
            table = table.append_column(column, pa.array(numbers.astype(np.float32)))  # as the catalogue holds them
    good = np.logical_and.reduce([pc.is_valid(stars), *map(source.passes, definition.cuts)])
    return table.filter(pa.array(good))


def pair_visits(share: Item, deal: Deal, labels: Sequence[str]) -> Done[None]:
    """Write the differences between visits of a share of the stars, label by label."""
    visits = read_part(deal.of_blocks("visits"), share.number)
    codes = visits["key"].combine_chunks().dictionary_encode().indices.to_numpy()
    again = np.bincount(codes)[codes] > 1
    visits, codes = visits.filter(pa.array(again)), codes[again]
    rows, merits = visits["row"].to_numpy(), visits["merit"].to_numpy()
    parts = []
    for name in labels:
        pairs = compare_visits(codes, rows, merits, visits[name].to_numpy(), visits[f"{name}_ERR"].to_numpy())
        parts.append(pa.table(sample_pairs([pairs], MOST_PAIRS)._asdict()))
    path = deal.piece("pairs", share.number)
    numbers = np.repeat(np.arange(len(labels)), [part.num_rows for part in parts])
    write_pieces(path, pa.concat_tables(parts), numbers, len(labels))
    return Done([path], None)


def measure_factors(deal: Deal, labels: Sequence[str], best: str) -> dict[str, ErrorFactors]:
    """Return the factors of each label's errors from the pairs of all shares; print them, with `best` as the merit."""
    factors = {}
    for number, name in enumerate(labels):
        read = (_read_pairs(path, number) for path in deal.of_shares("pairs"))
        pairs = reduce(lambda *both: sample_pairs(both, MOST_PAIRS), read)  # no two shares are in memory
        factors[name] = fit_factors(pairs)
        say(f"  {_in_words(name, factors[name], best)}")
    return factors


def _read_pairs(path: Path, number: int) -> Pairs:
    """Return what `pair_visits` found for the label of this number."""
    return Pairs(*(column.to_numpy() for column in read_part([path], number, Pairs._fields).columns))


def _in_words(name: str, found: ErrorFactors, best: str) -> str:
    n_pairs = int(found.n_pairs.sum())
    if np.isnan(found.errors).all():
        why = f"fewer than {MIN_PAIRS}" if n_pairs < MIN_PAIRS else "most of which agree to the last digit"
        return f"errors of {name} as stated: {n_pairs:,} pairs of visits, {why}"
    first, *others = (
        f"{TIMES} {measured(*both)}" for both in zip(found.factors.tolist(), found.errors.tolist(), strict=True)
    )
    if others:
        dots = " …" if others[1:] else ""
        first += f" ({best} < {found.edges[0]:.4g}){dots} {others[-1]} ({best} ≥ {found.edges[-1]:.4g})"
    return f"errors of {name} {first}, {n_pairs:,} pairs of visits"
