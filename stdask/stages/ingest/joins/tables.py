"""The tables of a survey as its definition joins them, and a definition without the tables that have no file."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from stdask import schema
from stdask.config.reduction import columns_behind, missing_behind, reduce_definition
from stdask.config.survey import SurveyDefinition
from stdask.config.survey_files import MAIN, Join, NamedFile
from stdask.errors import SurveyError
from stdask.science.measurements.expressions import columns_of
from stdask.storage.surveys.computed import ComputedColumns
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.joined import JoinedTables


def open_tables(definition: SurveyDefinition, files: Mapping[str, NamedFile]) -> SurveyFile:
    """Open the files of a survey: their columns and units are known, and rows of the main table.

    Parameters
    ----------
    definition, files
        The definition, and the file of each table that there is one for, the main one included.

    Raises
    ------
    SurveyError
        If a file is missing, damaged, or without rows.
    """
    opened = {name: open_survey(*file) for name, file in files.items()}
    return as_one(definition, opened.pop(MAIN), opened)


def named_files(definition: SurveyDefinition, files: Mapping[str, Path]) -> dict[str, NamedFile]:
    """Return the files of some tables of a survey, with the formats that its definition states.

    Raises
    ------
    SurveyError
        If the definition has no table of a name.
    """
    hints = {MAIN: definition.file} | {join.name: join.file for join in definition.join}
    if unknown := [name for name in files if name not in hints]:
        raise SurveyError(
            f"The definition {definition.name!r} has no table {unknown[0]!r}. It joins "
            f"{', '.join(name for name in hints if name != MAIN) or 'none'}."
        )
    return {name: NamedFile(path, hints[name]) for name, path in files.items()}


def as_one(definition: SurveyDefinition, main: SurveyFile, joined: Mapping[str, SurveyFile]) -> SurveyFile:
    """Return the main table with the columns of the others, in the order in which the definition joins them.

    The columns of a table without a file are looked for in the main one, except for a name that the definition gives to
    a column of the main table.
    """
    if not definition.join:
        return main
    names = [join.name for join in definition.join]
    own = {name: joined[name] for name in names if name in joined}
    columns, vectors = dict(main.columns), dict(main.vectors)
    for name, table in own.items():
        columns |= {f"{name}.{column}": unit for column, unit in table.columns.items()}
        vectors |= {f"{name}.{column}": shape for column, shape in table.vectors.items()}
    return JoinedTables(
        main.path,
        main.known_rows,
        columns,
        vectors,
        by_slices=False,
        main=main,
        joined=own,
        absent={name: frozenset(definition.source_columns) for name in names if name not in own},
    )


def fit_definition(
    definition: SurveyDefinition, survey: SurveyFile, used: Collection[str]
) -> tuple[SurveyDefinition, list[str]]:
    """Return a definition without what needs tables that there is no file of, and a sentence for each part left out.

    Parameters
    ----------
    definition, survey
        The definition, and its tables as one.
    used
        Labels, colours and columns of ids that the run cannot do without.

    Raises
    ------
    SurveyError, ExpressionError
        If a column of a table that there is a file of is missing, or one behind the id, the position, or what the run
        uses.
    """
    columns = ComputedColumns(survey, definition.sentinels)
    if isinstance(survey, JoinedTables):
        _check_joins(definition, survey)
    absent = list(survey.absent) if isinstance(survey, JoinedTables) else []
    lacking = [
        text
        for text in definition.source_columns
        if any(f"{table}." in text for table in absent) and not columns.has(text)
    ]
    if lacking:
        present = present_columns(definition, columns) + [
            text for text in definition.source_columns if text not in lacking
        ]
        _require_used(definition, columns, present, used)
        inputs = [name for name in used if columns_behind(name, definition)]
        definition, sentences = reduce_definition(definition, present, inputs, columns_of)
    else:
        sentences = []
    columns.require_for(definition)
    looked_for = [
        f"No file is named for the table {table}: its columns are looked for in {survey.path.name}." for table in absent
    ]
    return definition, [*looked_for, *sentences]


def present_columns(definition: SurveyDefinition, columns: ComputedColumns[SurveyFile]) -> list[str]:
    """Return the columns and expressions of a definition that a survey has, and the columns behind its expressions."""
    names = [*definition.source_columns, *(own for text in definition.source_columns for own in columns_of(text))]
    return [name for name in dict.fromkeys(names) if columns.has(name)]


def wanted_columns(survey: SurveyFile, definition: SurveyDefinition) -> dict[str, list[str]]:
    """Return the columns of each table that the definition reads, or that a further table is joined on."""
    names = ComputedColumns(survey, definition.sentinels).behind(definition.source_columns)
    if not isinstance(survey, JoinedTables):
        return {MAIN: names}
    names += [join.on for join in definition.join if join.on and join.name in survey.joined]
    wanted: dict[str, list[str]] = {MAIN: []}
    for name in dict.fromkeys(names):
        table, own = survey.owner(name)
        wanted.setdefault(table, []).append(own)
    return wanted


def _check_joins(definition: SurveyDefinition, survey: JoinedTables) -> None:
    """Raise if a column that tables are joined by is missing."""
    before = replace(survey, joined={})
    for join in definition.join:
        if (table := survey.joined.get(join.name)) is None:
            continue
        if join.by == "key":
            before.require([join.on])
            table.require([join.key_column])
        elif join.by == "position":
            before.require([definition.position.ra, definition.position.dec])
            table.require([join.ra, join.dec])
        elif None not in (survey.main.known_rows, table.known_rows):
            check_rows(join, survey.main, table)
        before = before.aligned({join.name: table})


def check_rows(join: Join, main: SurveyFile, table: SurveyFile) -> None:
    """Raise if tables that are joined row by row have not equally many rows.

    Raises
    ------
    SurveyError
        With both numbers.
    """
    if main.n_rows != table.n_rows:
        raise SurveyError(
            f"{main.path} has {main.n_rows:,} rows and {table.path} {table.n_rows:,}, but the table {join.name!r} is "
            'joined row by row. Name files with the same rows, or join them by a key: by = "key".'
        )


def _require_used(
    definition: SurveyDefinition, columns: ComputedColumns[SurveyFile], present: Collection[str], used: Collection[str]
) -> None:
    """Raise if a column behind the id, the position, or what the run uses is missing."""
    columns.require([definition.id, definition.position.ra, definition.position.dec])
    for name in used:
        ids = {schema.SOURCE_ID.name: definition.gaia_id, **{own: own for own in definition.keep}}
        names = [ids[name]] if name in ids else missing_behind(name, definition, present, columns_of)
        try:
            columns.require([own for own in names if own])
        except SurveyError as exc:
            exc.add_note(f"The run uses {name}")
            raise
