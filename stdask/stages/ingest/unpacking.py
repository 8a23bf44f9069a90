"""Unpack the files of a survey that can only be read from their beginning."""

from collections.abc import Sequence
from pathlib import Path

from stdask.errors import SurveyError
from stdask.stages.ingest.plan import Done, Item
from stdask.stages.ingest.steps import Steps
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.many import copy_file, with_copies


def store_in_slices(part: Item, survey: SurveyFile, names: Sequence[str], folder: Path) -> Done[None]:
    """Copy columns of a file that can only be read from its beginning to one that can be read in part."""
    path = folder / str(part.number)
    copy_file(survey.parts[part.number], names, path)
    return Done([path], None)


def unpack(steps: Steps, table: str, survey: SurveyFile, names: Sequence[str], folder: Path) -> SurveyFile:
    """Return a table of a survey that can be read in part: columns of files that cannot are copied, a task for each.

    Parameters
    ----------
    steps
        Of the ingest.
    table
        Name of the table in the definition.
    survey, names
        The table, and the columns of it that are read.
    folder
        Of the copies.

    Raises
    ------
    SurveyError
        If the table has no rows.
    """
    packed = [Item(f"{table} file", number) for number, file in enumerate(survey.parts) if not file.by_slices]
    if packed:
        steps.run(f"unpack_{table}", store_in_slices, packed, survey, names, folder)
        survey = with_copies(survey, {item.number: folder / str(item.number) for item in packed})
    if not survey.n_rows:
        raise SurveyError(f"{survey.path} has no rows. Name files with stars in them.")
    return survey
