"""Try a survey definition on the first rows of a file: print the catalogue columns, and report what looks wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.science.measurements.cuts import count_cuts
from stdask.science.measurements.survey_columns import Counts
from stdask.stages.ingest.blocks import catalogue_fields, convert, place
from stdask.stages.ingest.plan import Source
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import to_numpy

LOST = {
    "n_missing": "missing",
    "n_infinite": "infinite",
    "n_sentinel": "that stand for missing",
    "n_outside": "outside `valid`",
    "n_not_good": "not good",
    "n_typical_error": "with the typical error",
    "n_no_error": "without an error",
}
FEW = 0.01  # fraction of the stars: a smaller one with a value, or GOOD, is reported


def check(definition: SurveyDefinition, path: Path, n_rows: int) -> list[str]:
    """Print the catalogue columns of the first rows of a file; return a line on everything that looks wrong.

    Parameters
    ----------
    definition
        The definition; E(B-V) of a map is left out.
    path
        The survey file.
    n_rows
        Number of rows to read.

    Raises
    ------
    SurveyError
        If the file cannot be read, or does not fit the definition.
    """
    survey = ComputedColumns(open_survey(path, definition.file), definition.sentinels)
    survey.require_for(definition)
    units = {name: survey.unit(name) for name in definition.source_columns}
    source = Source(survey, units, definition, reddening=None)
    catalogue_fields(source)  # raises if a unit or a type does not fit
    placed = place((0, min(n_rows, survey.n_rows)), source, definition.source_columns)
    table, counts, passing = convert(source, placed)
    say(f"{path}: {survey.n_rows:,} rows, the first {table.num_rows + placed.rejected.num_rows:,} of them read")
    _print_values(table, counts)
    if passing:
        _print_cuts(definition, passing, table.num_rows)
    wrong = list(_faults(definition, table, placed.rejected))
    for line in wrong:
        say(f"  {line}", "yellow")
    return wrong


def _print_values(table: pa.Table, counts: Counts) -> None:
    rows = []
    for (name, source), lost in counts.items():
        errors = to_numpy(table, f"{name}_ERR") if f"{name}_ERR" in table.column_names else np.empty(0)
        values = dict(zip(("5 %", "median", "95 %"), _percentiles(to_numpy(table, name), 5, 50, 95), strict=True))
        measured = {"error": _percentiles(errors, 50)[0], "measured": lost["n_measured"]}
        rows.append({"column": name, "from": source, **values, **measured})
    print_table("", rows)
    for (name, source), lost in counts.items():
        if why := [f"{lost[key]:,} {LOST[key]}" for key in LOST if lost.get(key)]:
            say(f"  {name} from {source}: {', '.join(why)}")


def _print_cuts(definition: SurveyDefinition, passing: list[np.ndarray], n_stars: int) -> None:
    counted = zip(definition.cuts, *count_cuts(passing, n_stars), strict=True)
    rows = [{"cut": term.text, "rows that fail it": failing, "rows left": left} for term, failing, left in counted]
    print_table("", rows)


def _percentiles(values: np.ndarray, *percents: float) -> list[float]:
    known = values[np.isfinite(values)]
    return np.percentile(known, percents).tolist() if known.size else [np.nan] * len(percents)


def _faults(definition: SurveyDefinition, table: pa.Table, rejected: pa.Table) -> Iterator[str]:
    """Yield lines on what is likely to be a mistake in the definition."""
    n_stars = table.num_rows
    for reason, n_rows in _counted(rejected).items():
        yield f"{n_rows:,} of the rows will be set aside: {reason}"
    if not n_stars:
        yield "no row has both a position and an id: check `id` and [position]"
        return
    n_ids = len(table[definition.id].unique())
    if n_ids < n_stars:
        yield f"{definition.id}: {n_stars:,} rows have {n_ids:,} ids; of each the first row will be kept"
    for name in definition.labels:
        measured = np.isfinite(to_numpy(table, name))
        if measured.mean() < FEW:
            yield f"{name}: {measured.sum():,} of {n_stars:,} stars have a value; check its column, unit and `valid`"
        elif (n_errors := np.isfinite(to_numpy(table, f"{name}_ERR")).sum()) < measured.sum():
            lacking = measured.sum() - n_errors
            yield f"{name}: {lacking:,} values have no error, and draws of these stars need one: set `typical_error`"
    good = to_numpy(table, schema.GOOD.name)
    if good.mean() < FEW:
        yield f"{good.sum():,} of {n_stars:,} stars are GOOD: check `cuts`"


def _counted(rejected: pa.Table) -> Mapping[str, int]:
    counts = rejected["reason"].value_counts().to_pylist()
    return {one["values"]: one["counts"] for one in counts}
