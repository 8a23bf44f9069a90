"""The table that an ensemble is applied to: what its columns mean, and what it lacks."""

from collections.abc import Sequence
from pathlib import Path

from stdask.config.addresses import is_remote
from stdask.config.derived import are_dereddened
from stdask.config.reduction import as_trained, missing_column, of_other_survey, reduce_definition
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.display.console import say
from stdask.errors import SurveyError
from stdask.runs.ensemble import Ensemble
from stdask.science.measurements.expressions import columns_of
from stdask.science.measurements.units import unknown_units
from stdask.stages.ingest.joins.tables import as_one, present_columns
from stdask.stages.ingest.plan import RawSurvey
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.places.listing import folder_of, is_pattern


def open_table(
    ensemble: Ensemble, path: Path, definition: str | None, data_dir: Path | None, numbered: bool
) -> RawSurvey:
    """Open a table, and print what it lacks and what follows from that.

    Parameters
    ----------
    ensemble
        What is to be applied.
    path
        The table.
    definition
        Name or path of a survey definition, if the table's columns are not called as those of the training stars.
    data_dir
        Folder of the map of E(B-V), if the ensemble needs one. None for that of the table, of an address the working
        directory.
    numbered
        Keep the row numbers of the table.

    Raises
    ------
    SurveyError
        If the table cannot be read, or lacks a position, an id or an input of the networks.
    """
    if not (is_remote(path) or is_pattern(path) or path.exists()):
        raise SurveyError(f"No table {path}. Check the path.")
    own = ensemble.definition
    given = load_definition(definition) if definition else own
    if not given.ebv_map:  # the map of the training stars replaces a column of the table
        given = given.model_copy(update={"ebv_map": own.ebv_map})
    hints = given.file if definition else given.file.model_copy(update={"format": None})
    survey = as_one(given, open_survey(path, hints), {})  # one table with the columns of all
    columns = ComputedColumns(survey, given.sentinels)
    present = [*survey.columns, *present_columns(given, columns)]
    inputs = ensemble.inputs
    try:
        _require_star(given, survey)
        reduced, sentences = reduce_definition(given, present, inputs, columns_of)
    except SurveyError as exc:
        raise SurveyError(" ".join([str(exc), *_of_other_release(ensemble, given, survey)])) from exc
    if definition:
        reduced, further = as_trained(reduced, own, inputs)
        sentences += [*further, *of_other_survey(definition, given, own)]
    if sentences and not definition:
        sentences += _of_other_release(ensemble, given, survey)
    sentences += unknown_units(reduced, columns.unit)
    own_folder = Path() if is_remote(path) else folder_of(path).parent
    reduced, ebv_map = _with_map(reduced, own, inputs, data_dir or own_folder)
    for sentence in sentences:
        say(f"  {sentence}", "yellow")
    return RawSurvey(survey, reduced, ebv_map, ensemble.error_factors, numbered)


def _require_star(definition: SurveyDefinition, survey: SurveyFile) -> None:
    """Raise if a table has no column for the id or the position of its stars."""
    for column in (definition.id, definition.position.ra, definition.position.dec):
        if not survey.has(column):
            what = "id" if column == definition.id else "position"
            raise missing_column(column, f"it must hold the {what} of the stars", survey.columns)


def _with_map(
    definition: SurveyDefinition, own: SurveyDefinition, inputs: Sequence[str], data_dir: Path
) -> tuple[SurveyDefinition, Path | None]:
    """Return a definition and the path of its map of E(B-V); without the map where it is not needed and not there.

    Raises
    ------
    SurveyError
        If the networks need it and it is not there.
    """
    if not definition.ebv_map:
        return definition, None
    path = data_dir / definition.ebv_map
    if path.is_file():
        return definition, path
    if are_dereddened(inputs, definition):
        raise SurveyError(
            f"No map of E(B-V) at {path}. The colours of {own.title} that the networks were trained on are dereddened "
            "with it. Name its folder with --data-dir."
        )
    say(f"  No map of E(B-V) at {path}: the reddening is left out. Name its folder with --data-dir.", "yellow")
    return definition.model_copy(update={"ebv_map": None}), None


def _of_other_release(ensemble: Ensemble, given: SurveyDefinition, survey: SurveyFile) -> list[str]:
    """Return a sentence on the surveys that ship with stdask of which the table has all columns, if there are any."""
    others = [load_definition(name) for name in shipped_names() if name not in (given.name, ensemble.definition.name)]
    fitting = [other for other in others if _has_all(survey, other)]
    if not fitting:
        return []
    named = " or ".join(f"{other.title} (--definition {other.name})" for other in fitting)
    return [f"These are the columns of {named}; the ensemble was trained on {ensemble.definition.title}."]


def _has_all(survey: SurveyFile, definition: SurveyDefinition) -> bool:
    """Tell whether a table has all columns of a definition, of whatever tables they are."""
    columns = ComputedColumns(as_one(definition, survey, {}), definition.sentinels)
    return all(map(columns.has, definition.source_columns))
