"""Try a survey definition on the first rows of a file: print the catalogue columns, and report what looks wrong."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.science.measurements.cuts import count_cuts
from stdask.science.measurements.survey_columns import Counts
from stdask.stages.ingest.blocks import catalogue_fields, convert, place
from stdask.stages.ingest.joins.lookup import first_rows
from stdask.stages.ingest.joins.tables import fit_definition, named_files, open_tables
from stdask.stages.ingest.plan import Source
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.joined import TakenRows
from stdask.storage.tables import to_masked, to_numpy
from stdask.tools.survey.faults import find_faults, require_complete

LOST = {
    "n_missing": "missing",
    "n_infinite": "infinite",
    "n_sentinel": "that stand for missing",
    "n_outside": "outside `valid`",
    "n_not_good": "not good",
    "n_typical_error": "with the typical error",
    "n_no_error": "without an error",
}


def check(
    definition: SurveyDefinition, path: Path, n_rows: int, further: Mapping[str, Path] | None = None
) -> list[str]:
    """Print the catalogue columns of the first rows of a file; return a line on everything that looks wrong.

    Parameters
    ----------
    definition
        The definition; E(B-V) of a map is left out.
    path
        The survey file.
    n_rows
        Number of rows to read.
    further
        Files of further tables, by the names that the definition gives them.

    Raises
    ------
    SurveyError
        If the file cannot be read, or does not fit the definition.
    """
    require_complete(definition)
    survey = open_tables(definition, named_files(definition, {MAIN: path} | dict(further or {})))
    definition, left_out = fit_definition(definition, survey, ())
    columns = ComputedColumns(first_rows(survey, definition, n_rows), definition.sentinels)
    units = {name: columns.unit(name) for name in definition.source_columns}
    source = Source(columns, units, definition, reddening=None)
    catalogue_fields(source)  # raises if a unit or a type does not fit
    placed = place((0, n_rows), source, definition.source_columns)
    table, counts, passing = convert(source, placed)
    size = f"{survey.n_rows:,} rows" if survey.is_counted else f"{len(survey.parts):,} files, rows not counted"
    say(f"{path}: {size}, the first {table.num_rows + placed.rejected.num_rows:,} of them read")
    if survey.remark:
        say(f"  {survey.remark}", "yellow")
    _print_sky(table, definition.position.epoch)
    _print_values(table, counts, *_units(source))
    if passing:
        _print_cuts(definition, passing, table.num_rows)
    faults = find_faults(definition, placed.table, table, placed.rejected)
    wrong = [*left_out, *_unmatched(columns.survey, definition), *faults]
    for line in wrong:
        say(f"  {line}", "yellow")
    return wrong


def _print_sky(table: pa.Table, epoch: float) -> None:
    if table.num_rows:
        (west, east), (south, north) = (pc.min_max(table[name]).as_py().values() for name in ("ra", "dec"))
        say(f"sky: ra {west:.4f} to {east:.4f} deg, dec {south:.4f} to {north:.4f} deg, epoch {epoch:g}")


def _units(source: Source) -> tuple[dict[str, str], dict[str, str]]:
    """Return the units of the columns of the catalogue, and those of the file or else of the definition."""
    definition = source.definition
    own = {column.name: column.unit for column in definition.catalogue_columns}
    stated = {label.column: label.unit for label in definition.labels.values()}
    stated |= {distance.column: distance.unit for distance in definition.distances}
    return own, {name: unit or stated.get(name, "") for name, unit in source.units.items()}


def _print_values(table: pa.Table, counts: Counts, own: Mapping[str, str], in_file: Mapping[str, str]) -> None:
    rows = []
    for (name, source), lost in counts.items():
        errors = to_numpy(table, f"{name}_ERR") if f"{name}_ERR" in table.column_names else np.empty(0)
        values = dict(zip(("5 %", "median", "95 %"), _percentiles(to_numpy(table, name), 5, 50, 95), strict=True))
        measured = {"error": _percentiles(errors, 50)[0], "measured": lost["n_measured"]}
        shown = {"column": _with_unit(name, own[name]), "from": _with_unit(source, in_file.get(source, ""))}
        rows.append({**shown, **values, **measured})
    print_table("", rows)
    for (name, source), lost in counts.items():
        if why := [f"{lost[key]:,} {LOST[key]}" for key in LOST if lost.get(key)]:
            say(f"  {name} from {source}: {', '.join(why)}")


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name


def _print_cuts(definition: SurveyDefinition, passing: list[np.ndarray], n_stars: int) -> None:
    counted = zip(definition.cuts, *count_cuts(passing, n_stars), strict=True)
    rows = [{"cut": term.text, "rows that fail it": failing, "rows left": left} for term, failing, left in counted]
    print_table("", rows)


def _percentiles(values: np.ndarray, *percents: float) -> list[float]:
    known = values[np.isfinite(values)]
    return np.percentile(known, percents).tolist() if known.size else [np.nan] * len(percents)


def _unmatched(survey: SurveyFile, definition: SurveyDefinition) -> Iterator[str]:
    """Yield a line for each further table that has no value for any of the rows that were read."""
    for join in definition.join:
        names = [name for name in survey.columns if name.startswith(f"{join.name}.")]
        values = to_masked(survey.read(names, 0, survey.n_rows)) if isinstance(survey, TakenRows) else {}
        if values and all((np.ma.getmaskarray(column) | _is_nan(column)).all() for column in values.values()):
            yield f"{join.name}: none of these rows has a row in it; check its [[join]]"


def _is_nan(column: np.ndarray) -> np.ndarray:
    values = np.ma.getdata(column)
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.size, dtype=bool)
