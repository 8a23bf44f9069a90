"""Propose a survey definition from the columns of a file, for its user to check and correct."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from stdask import schema
from stdask.config.survey_files import FileHints
from stdask.science.measurements.column_names import plain
from stdask.science.measurements.unit_spellings import is_no_unit
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.text.csv import CsvFile
from stdask.tools.survey.guesses import Guesses, is_known

VALID = {
    "TEFF": (2000, 50000),
    "LOGG": (-1, 7),
    "FE_H": (-6, 1.5),
    "M_H": (-6, 1.5),
    "MG_FE": (-2, 2),
    "MG_H": (-6, 2),
    "ALPHA_FE": (-2, 2),
    "ALPHA_M": (-2, 2),
    "RV": (-1000, 1000),
}
MEANING = {"MG_H": "Magnesium abundance [Mg/H]", "ALPHA_M": "Alpha-element abundance [alpha/M]"}  # others are known
HEADER = """\
# Proposed from the columns of {file}: a guess by their names and units. Go through it line by line, then try it:
#     stdask survey check {target} {file}
name = "{name}"
title = "{name}"     # in figures and tables
reference = ""      # paper and data release: the report lists it
"""
WHY = {  # a distance has the unit that is proposed, by whether its name tells it
    True: "the file states none; columns of this name have it",
    False: "the file states none: check it, distances may be in pc",
}
DELIMITERS = ("|", ";", "\t")  # other than a comma, which is assumed, and blanks, which are told by the names
NOT_FOUND = "# no column looks like {what}: name it"


def propose(path: Path, hints: FileHints = FileHints()) -> str:  # noqa: B008
    """Return a survey definition in TOML, with comments on what to check.

    Parameters
    ----------
    path
        A survey file.
    hints
        Its format, where the file does not tell it.

    Raises
    ------
    SurveyError
        If it cannot be read.
    """
    survey = open_survey(path, hints)
    lines = list(_lines(survey, hints))
    name = plain(path.name.split(".")[0]).lstrip("0123456789") or "survey"
    name = "merged_survey" if name == "merged" else name  # the name of a catalogue of stdask
    used = "\n".join(lines)
    rest = [column for column in survey.columns if quoted(column) not in used]
    further = "\n".join(f"# {quoted(column)[1:-1]}  {_about(survey, column)}".rstrip() for column in rest)
    shown = quoted(str(path))[1:-1]
    header = HEADER.format(file=shown, target=f"{name}.toml", name=name)
    return header + used + ("\n\n# columns not used\n" + further if rest else "") + "\n"


def quoted(text: str) -> str:
    """Return a text as TOML writes it: as JSON does."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _about(survey: SurveyFile, column: str) -> str:
    """Return the unit of a column, and that it holds vectors."""
    unit = quoted(survey.columns[column])[1:-1]
    return f"{unit}  (vectors: name an element, {quoted(column)[1:-1]}[0])" if column in survey.vectors else unit


def _lines(survey: SurveyFile, hints: FileHints) -> Iterator[str]:
    guesses = Guesses(survey)
    gaia, own, photometry = guesses.gaia_id, guesses.id, guesses.photometry
    yield f"id = {quoted(own)}" if own else f'id = "?"        {NOT_FOUND.format(what="an id")}'
    if gaia:
        yield f"gaia_id = {quoted(gaia)}"
    if guesses.ebv and not photometry:
        yield f"ebv = {quoted(guesses.ebv)}"
    labels = guesses.labels
    flags = {label: flag for label, column in labels.items() if (flag := guesses.flag(column))}
    yield from _cuts(guesses, {name for name, _ in flags.values()})
    yield from _file(survey, hints)
    yield from _position(guesses)
    if not labels:
        yield f'\n[labels.TEFF]       {NOT_FOUND.format(what="a label")}\ncolumn = "?"'
    for label, column in labels.items():
        yield from _label(guesses, label, column, flags.get(label))
    if photometry:
        yield "\n[photometry]"
        yield from _with_errors(guesses, photometry)
        if not any(map(guesses.error, photometry.values())):
            yield "# typical_error =    # no column looks like an error of the magnitudes: without one they have none"
        ebv = guesses.ebv
        yield f"ebv = {quoted(ebv)}" if ebv else '# ebv = ""          # a column of E(B-V), or `ebv_map` in run.toml'
    if guesses.motion:
        yield "\n[proper_motion]"
        yield from _with_errors(guesses, guesses.motion)
    yield from _distance(guesses)
    if guesses.merit:
        yield "\n[duplicates]        # which row of a star with several rows is kept"
        yield f"by = {quoted(gaia or own or '?')}\nbest = {quoted(guesses.merit)}"


def _cuts(guesses: Guesses, used: set[str]) -> Iterator[str]:
    flags = [name for name in guesses.names if re.search(r"flag|warn", name, re.IGNORECASE) and name not in used]
    yield "cuts = [             # a star that passes all of them is GOOD, and used for training"
    if guesses.merit:
        yield f'    # {{ column = {quoted(guesses.merit)}, op = ">", value = 30 }},'
    yield from (f'    # {{ column = {quoted(flag)}, op = "=", value = 0 }},' for flag in flags)
    yield "]"


def _file(survey: SurveyFile, hints: FileHints) -> Iterator[str]:
    """Yield what is needed to read the file: what its user stated, and a delimiter that is not a comma."""
    stated = hints.model_dump(exclude_unset=True, exclude_none=True)
    delimiter = survey.dialect.delimiter if isinstance(survey, CsvFile) else ","
    if delimiter in DELIMITERS:
        stated = {"format": "csv", "delimiter": delimiter} | stated
    if stated:
        yield "\n[file]"
        yield from (f"{key} = {json.dumps(value)}" for key, value in stated.items())


def _position(guesses: Guesses) -> Iterator[str]:
    found = guesses.position
    yield "\n[position]"
    for axis, name in zip(("ra", "dec"), found or (None, None), strict=True):
        yield f"{axis} = {quoted(name)}" if name else f'{axis} = "?"        {NOT_FOUND.format(what=axis)}'
    epoch, source = guesses.epoch
    known = f"from {source}" if source else "assumed; Gaia DR3 has 2016.0, DR2 2015.5"
    yield f"epoch = {epoch!r}      # of these positions, Julian year: {_in_comment(known)}"


def _label(guesses: Guesses, label: str, column: str, flag: tuple[str, bool] | None) -> Iterator[str]:
    wanted = schema.quantity(label, "dex").unit
    yield f"\n[labels.{label}]\ncolumn = {quoted(column)}"
    if label in MEANING:
        yield f"description = {quoted(MEANING[label])}\nunit = {quoted(wanted)}"
    else:
        yield from _unit(guesses.survey, column, wanted)
    error = list(_error(guesses, column))
    yield from error or ["# typical_error =    # none of the columns looks like its error"]
    low, high = VALID[label]
    yield f"valid = [{low}, {high}]"
    if flag:
        name, is_text = flag
        test = 'op = "is_null"' if is_text else 'op = "=", value = 0'
        yield f"good = [{{ column = {quoted(name)}, {test} }}]        # where it fails, the value becomes missing"


def _error(guesses: Guesses, column: str) -> Iterator[str]:
    if error := guesses.error(column):
        yield f"error = {quoted(error)}"
    elif percentiles := guesses.percentiles(column):
        yield from (f"percentile_{n} = {quoted(name)}" for n, name in zip((16, 84), percentiles, strict=True))


def _distance(guesses: Guesses) -> Iterator[str]:
    if distance := guesses.distance:
        yield f"\n[[distances]]\ncolumn = {quoted(distance)}"
        wanted, by_name = guesses.distance_unit(distance)
        yield from _unit(guesses.survey, distance, wanted, WHY[by_name])
        yield from _error(guesses, distance)


def _unit(survey: SurveyFile, column: str, wanted: str, why: str = "the file states none") -> Iterator[str]:
    stated = survey.columns[column]
    if is_no_unit(stated):
        yield f"unit = {quoted(wanted)}        # {why}"
    elif not is_known(stated, wanted):
        yield f"unit = {quoted(wanted)}        # the file states {_in_comment(stated)}, which is not known"


def _with_errors(guesses: Guesses, columns: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} = {quoted(column)}" for name, column in columns.items())
    errors = {name: guesses.error(column) for name, column in columns.items()}
    yield from (f"{name}_error = {quoted(error)}" for name, error in errors.items() if error)


def _in_comment(text: str) -> str:
    return quoted(text)[1:-1]
