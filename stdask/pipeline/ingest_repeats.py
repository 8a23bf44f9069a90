"""Ingest, where a definition asks for it: what repeat visits of one star say of the errors that the survey states.

Shares of the stars are compared on the workers; each hands on the differences of its pairs. Of a large survey a share
of the stars, drawn by a hash of their ids, is enough, so that the driver never holds more than `MOST_PAIRS`.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.table import Table

from stdask.pipeline.console import say
from stdask.pipeline.ingest_plan import Done, Item, Plan
from stdask.science.repeat_errors import ErrorFactors, fit_factors, normalised_differences, pair_visits
from stdask.science.star_keys import star_keys
from stdask.storage.documents import read_ecsv
from stdask.storage.pieces import read_part
from stdask.storage.tables import read_parquet, to_numpy, write_parquet
from stdask.survey_definition import Duplicates, SurveyDefinition

MOST_PAIRS = 1_000_000  # of all stars, if each row had a partner: factors to half a per cent in ten bins
DIFFERENCES = "visits"  # name of the pieces


def compare_visits(share: Item, plan: Plan) -> Done:
    """Write the normalised differences between visits of one star, label by label, and the merit of the worse visit."""
    stars = read_part(plan.pieces("star", plan.n_blocks), share.number)
    keys = star_keys(stars["key"].to_numpy())
    most = min(2 * MOST_PAIRS * 2**64 // plan.survey.n_rows, 2**64) - 1
    stars = stars.filter(pa.array(keys <= np.uint64(most)))
    numbers = stars["key"].combine_chunks().dictionary_encode().indices.to_numpy()
    merits, found = to_numpy(stars, "merit"), []
    for label in labels_of(plan):
        values, errors = to_numpy(stars, label), to_numpy(stars, f"{label}_ERR")
        own = np.flatnonzero(np.isfinite(values) & np.isfinite(errors))
        pairs = own[pair_visits(numbers[own], merits[own])]
        differences = normalised_differences(values, errors, pairs)
        told = np.isfinite(differences)
        columns = {"difference": differences[told], "merit": merits[pairs[told, 1]]}
        found.append(pa.table({"label": pa.array([label] * told.sum(), pa.string()), **columns}))
    path = plan.piece(DIFFERENCES, share.number)
    write_parquet(path, pa.concat_tables(found))
    return Done([path], {})


def labels_of(plan: Plan) -> list[str]:
    """Return the labels whose errors are rescaled."""
    return [name for name, label in plan.definition.labels.items() if label.error]


def read_factors(plan: Plan) -> dict[str, ErrorFactors]:
    """Return what the errors of each label are to be multiplied by, from the differences that were written."""
    names = ["label", "difference", "merit"]
    visits = pa.concat_tables([read_parquet(path, names) for path in plan.pieces(DIFFERENCES, plan.n_shares)])
    labels, differences, merits = (to_numpy(visits, name) for name in names)
    return {label: fit_factors(differences[labels == label], merits[labels == label]) for label in labels_of(plan)}


def factors_table(rescaling: Mapping[str, ErrorFactors], duplicates: Duplicates) -> Table:
    """Return the factors of all labels, a line a bin, from small to large values of `best`."""
    lines = [line for label, found in rescaling.items() for line in _lines(label, found, duplicates)]
    names = ("label", "from", "to", "n_pairs", "factor", "factor_err")
    table = Table(rows=lines, names=names, dtype=(str, float, float, np.int64, float, float))
    for name in ("from", "to"):
        table[name].description = f"Range of {duplicates.best}, of the worse visit of a pair"
    table["n_pairs"].description = "Pairs of good visits of one star"
    table["factor"].description = "By which stated errors are multiplied: 1.4826 median |x1 - x2| / sqrt(e1^2 + e2^2)"
    table["factor_err"].description = "Its error; missing where there are too few pairs, and the factor is 1"
    return table


def read_rescaling(path: Path, definition: SurveyDefinition) -> dict[str, ErrorFactors]:
    """Return the factors by which ingest multiplied the errors of a catalogue, none if its definition asks for none.

    Raises
    ------
    CatalogueError
        If their table is missing or damaged.
    """
    if definition.duplicates is None or not definition.rescales_errors:
        return {}
    table, rescaling = read_ecsv(path), {}
    for label in dict.fromkeys(table["label"]):
        own = table[table["label"] == label]
        edges = np.asarray(own["from"][1:], dtype=float)
        if definition.duplicates.keep == "lowest":
            own, edges = own[::-1], -edges[::-1]
        columns = (np.asarray(own[name]) for name in ("factor", "factor_err", "n_pairs"))
        rescaling[str(label)] = ErrorFactors(edges, *columns)
    return rescaling


def _lines(
    label: str, found: ErrorFactors, duplicates: Duplicates
) -> Iterator[tuple[str, float, float, int, float, float]]:
    ranges = list(pairwise([-np.inf, *found.edges, np.inf]))
    told = zip(ranges, found.n_pairs, found.factors, found.errors, strict=True)
    lines = [(low, high, *rest) for (low, high), *rest in told]
    if duplicates.keep == "lowest":  # a merit is minus the value then
        lines = [(-high, -low, *rest) for low, high, *rest in reversed(lines)]
    yield from ((label, *line) for line in lines)


def say_factors(table: Table, duplicates: Duplicates) -> None:
    """Print the factors, a line a label."""
    for label in dict.fromkeys(table["label"]):
        own = table[table["label"] == label]
        n_pairs = own["n_pairs"].sum()
        if np.isnan(own["factor_err"]).all():
            say(f"  errors of {label} as they are: only {n_pairs:,} pairs of good visits", "yellow")
            continue
        factors = ", ".join(f"{factor:.2f}" for factor in own["factor"])
        say(f"  errors of {label} x {factors} with rising {duplicates.best}, from {n_pairs:,} pairs of visits")
