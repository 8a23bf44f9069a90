"""Validate: stars that A observed twice. Raw and translated, both visits should agree within their errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import NamedFile
from stdask.display.console import say
from stdask.network.ensemble import translate
from stdask.schema.validation import RepeatRow, ValidationTables
from stdask.science.assessment.paired import repeatability
from stdask.science.keys.star_keys import star_keys
from stdask.science.measurements.repeats import ErrorFactors
from stdask.science.measurements.survey_columns import SurveyColumns, catalogue_columns
from stdask.science.sky.crossmatch import match_ids
from stdask.science.translation.resampling import measured_behind
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.stages.ingest.joins.lookup import looked_up, take_rows
from stdask.stages.ingest.joins.tables import fit_definition, open_tables
from stdask.stages.ingest.plan import DUPLICATES
from stdask.storage import paths
from stdask.storage.error_factors import read_factors
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.tables import read_parquet, to_masked, to_numpy
from stdask.tools.validate.stars import Checked, Validation

MIN_STARS = 20  # of fewer, a robust sigma is uncertain by over a quarter


class Visits(NamedTuple):
    """Two visits to each of some stars, the second set aside by ingest."""

    rows: np.ndarray  # (2, n_stars), of the survey file
    ids: np.ndarray  # (n_stars,), str, of the star in the catalogue
    columns: dict[str, np.ndarray]  # of the catalogue, each (2, n_stars)


def check(validation: Validation) -> ValidationTables:
    """Translate both visits to the stars that A observed more than once."""
    run = validation.run
    folder = paths.catalogue(run.output, run.definition_a.name)
    visits = repeated_visits(run.definition_a, run.survey_files("a"), folder)
    if visits is None:
        say(f"  {run.definition_a.name} has no star observed more than once", "yellow")
        return ValidationTables()
    return ValidationTables(repeats=[row for checked in validation.checked for row in repeat_rows(checked, visits)])


def repeat_rows(checked: Checked, visits: Visits) -> list[RepeatRow]:
    """Return how well A repeats before and after the translation, in units of the label and of the stated errors.

    Only stars that trained no network count, and of these the visits that pass all cuts and lack no input. Magnitudes
    and distances that both visits share were measured once, so their errors do not contribute to the difference.

    Parameters
    ----------
    checked
        A family and its stars.
    visits
        To the stars of A.
    """
    family = checked.family
    inputs, measured, errors = (
        np.stack([visits.columns[name] for name in names], axis=-1)
        for names in (family.inputs, family.measured, [f"{name}_ERR" for name in family.measured])
    )
    trained_on = np.isin(visits.ids, checked.stars.ids[~checked.stars.is_test].astype(str))
    chosen = visits.columns["GOOD"].all(axis=0) & np.isfinite(inputs).all(axis=(0, 2)) & ~trained_on
    if chosen.sum() < MIN_STARS:
        say(f"  {family.name}: only {chosen.sum()} stars with two good visits", "yellow")
        return []
    behind = measured_behind([name for name in family.inputs if schema.derived_quantity(name)])[0]
    shared = (measured[0] == measured[1]) & np.isin(family.measured, behind)
    inputs, errors = inputs[:, chosen], np.where(shared, 0.0, errors)[:, chosen]
    keys = star_keys(visits.rows[:, chosen].reshape(-1)).reshape(2, -1)
    both = [translate(family, inputs[visit], errors[visit], keys[visit], checked.draws) for visit in range(2)]
    values = np.stack([translation.percentiles[2] for translation in both])
    noise = np.stack([translation.input_noise for translation in both])
    rows = []
    for number, (label, own) in enumerate(zip(family.labels, family.own_columns, strict=True)):
        cases = {"translated": (values[:, :, number], noise[:, :, number])}
        if own != NO_COUNTERPART:
            stated = errors[:, :, family.measured.index(family.inputs[own])]
            cases = {"raw": (inputs[:, :, own], stated)} | cases
        for method, (visit, sigma) in cases.items():
            both_errors = np.hypot(sigma[0], sigma[1])
            found = repeatability(visit[0], visit[1], both_errors, checked.n_bootstraps, checked.seed)
            rows.append(RepeatRow(family.name, label, checked.units[label], method, *found))
    return rows


def repeated_visits(definition: SurveyDefinition, files: Mapping[str, NamedFile], folder: Path) -> Visits | None:
    """Return the stars of which ingest set a row aside, with both rows as the catalogue would hold them.

    Parameters
    ----------
    definition, files, folder
        Survey A, the files of its tables, and its catalogue.
    """
    rejected = read_parquet(folder / paths.REJECTED)
    aside = to_numpy(rejected, "row")[to_numpy(rejected, "reason") == DUPLICATES["star"]]
    if not aside.size:
        return None
    survey = open_tables(definition, files)
    definition, _ = fit_definition(definition, survey, ())
    if definition.duplicates is None:
        return None
    by = definition.duplicates.by
    stars = looked_up(survey, definition).read([by])[by].combine_chunks()
    kept = np.setdiff1d(np.flatnonzero(stars.is_valid().to_numpy(zero_copy_only=False)), to_numpy(rejected, "row"))
    names = [stars.take(pa.array(rows)).to_numpy(zero_copy_only=False) for rows in (kept, aside)]
    first, second = match_ids(*names)
    rows = np.stack([kept[first], aside[second]])
    columns, ids = _read_rows(survey, definition, read_factors(folder, definition), rows)
    return Visits(rows, ids[0], columns)


def _read_rows(
    survey: SurveyFile,
    definition: SurveyDefinition,
    factors: Mapping[str, ErrorFactors],
    rows: np.ndarray,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return catalogue columns and ids of rows of the survey, each in the shape of `rows`."""
    wanted, places = np.unique(rows, return_inverse=True)
    source = ComputedColumns(take_rows(survey, definition, wanted), definition.sentinels)
    names = definition.source_columns
    columns = SurveyColumns(
        to_masked(source.read(names)),
        {name: source.unit(name) for name in names},
        definition.sentinels,
        source.computed(names),
    )
    arrays, _, _ = catalogue_columns(definition, columns, factors=factors)
    places = places.reshape(rows.shape)
    ids = np.ma.getdata(columns.columns[definition.id]).astype(str)
    return {name: values[places] for name, values in arrays.items()}, ids[places]
