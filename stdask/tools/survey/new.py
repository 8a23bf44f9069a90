"""Propose a survey definition from the columns of a file, for its user to check and correct."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stdask import schema
from stdask.science.measurements import column_names as guess
from stdask.science.measurements.column_names import find_column, find_columns, find_error, plain
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile

VALID = {
    "TEFF": (2000, 50000),
    "LOGG": (-1, 7),
    "FE_H": (-6, 1.5),
    "M_H": (-6, 1.5),
    "MG_FE": (-2, 2),
    "ALPHA_FE": (-2, 2),
    "RV": (-1000, 1000),
}
HEADER = """\
# Proposed from the columns of {file}: a guess by their names and units. Go through it line by line, then try it:
#     stdask survey check {target} {file}
name = "{name}"
title = "{name}"     # in figures and tables
reference = ""      # paper and data release: the report lists it
"""
NOT_FOUND = "# no column looks like {what}: name it"


def propose(path: Path) -> str:
    """Return a survey definition in TOML, with comments on what to check.

    Parameters
    ----------
    path
        A survey file.

    Raises
    ------
    SurveyError
        If it cannot be read.
    """
    survey = open_survey(path)
    lines = list(_lines(survey))
    name = plain(path.name.split(".")[0]).lstrip("0123456789") or "survey"
    used = "\n".join(lines)
    rest = [column for column in survey.columns if f"{quoted(column)}" not in used]
    further = "\n".join(f"# {column}  {survey.columns[column]}".rstrip() for column in rest)
    header = HEADER.format(file=path, target=f"{name}.toml", name=name)
    return header + used + ("\n\n# columns not used\n" + further if rest else "") + "\n"


def _lines(survey: SurveyFile) -> Iterator[str]:
    names = list(survey.columns)
    gaia = find_column(names, guess.GAIA_ID)
    own = find_column(names, guess.ID) or gaia
    yield f"id = {quoted(own)}" if own else f'id = "?"        {NOT_FOUND.format(what="an id")}'
    if gaia:
        yield f"gaia_id = {quoted(gaia)}"
    bands = find_columns(names, guess.PHOTOMETRY)
    photometry = bands if len(bands) == len(guess.PHOTOMETRY) else {}
    ebv = find_column(names, guess.EBV)
    if ebv and not photometry:
        yield f"ebv = {quoted(ebv)}"
    yield from _cuts(names)
    yield from _position(names)
    labels = find_columns(names, guess.LABELS)
    if not labels:
        yield f'\n[labels.TEFF]       {NOT_FOUND.format(what="a label")}\ncolumn = "?"'
    for label, column in labels.items():
        yield from _label(survey, label, column)
    if photometry:
        yield "\n[photometry]"
        yield from _with_errors(names, photometry)
        yield f"ebv = {quoted(ebv)}" if ebv else '# ebv = ""          # a column of E(B-V), or `ebv_map` in run.toml'
    motion = find_columns(names, guess.MOTION)
    if len(motion) == len(guess.MOTION):
        yield "\n[proper_motion]"
        yield from _with_errors(names, motion)
    if distance := find_column(names, guess.DISTANCE):
        yield f"\n[[distances]]\ncolumn = {quoted(distance)}"
        yield from _unit(survey, distance, "kpc")
        if error := find_error(names, distance):
            yield f"error = {quoted(error)}"
    if merit := find_column(names, guess.MERIT):
        yield "\n[duplicates]        # which row of a star with several rows is kept"
        yield f"by = {quoted(gaia or own or '?')}\nbest = {quoted(merit)}"


def _cuts(names: Sequence[str]) -> Iterator[str]:
    flags = [name for name in names if "flag" in name.lower()]
    merit = find_column(names, guess.MERIT)
    yield "cuts = [             # a star that passes all of them is GOOD, and used for training"
    if merit:
        yield f'    # {{ column = {quoted(merit)}, op = ">", value = 30 }},'
    yield from (f'    # {{ column = "{flag}", op = "=", value = 0 }},' for flag in flags)
    yield "]"


def _position(names: Sequence[str]) -> Iterator[str]:
    found = find_columns(names, guess.POSITION)
    yield "\n[position]"
    for axis in ("ra", "dec"):
        yield (
            f"{axis} = {quoted(found[axis])}" if axis in found else f'{axis} = "?"        {NOT_FOUND.format(what=axis)}'
        )
    yield "epoch = 2000.0      # of these positions, Julian year; Gaia DR3 has 2016.0, DR2 2015.5"


def _label(survey: SurveyFile, label: str, column: str) -> Iterator[str]:
    yield f"\n[labels.{label}]\ncolumn = {quoted(column)}"
    yield from _unit(survey, column, schema.quantity(label).unit)
    error = find_error(survey.columns, column)
    yield f"error = {quoted(error)}" if error else "# typical_error =    # none of the columns looks like its error"
    low, high = VALID[label]
    yield f"valid = [{low}, {high}]"


def _unit(survey: SurveyFile, column: str, wanted: str) -> Iterator[str]:
    if not survey.columns[column]:
        yield f'unit = "{wanted}"        # the file states none'


def _with_errors(names: Sequence[str], columns: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} = {quoted(column)}" for name, column in columns.items())
    errors = {name: find_error(names, column) for name, column in columns.items()}
    yield from (f"{name}_error = {quoted(error)}" for name, error in errors.items() if error)


def quoted(text: str) -> str:
    """Return a text as TOML writes it: as JSON does."""
    return json.dumps(text, ensure_ascii=False)
