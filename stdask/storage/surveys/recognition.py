"""Recognise the format of a survey file by its first bytes and its name, and open it with the reader of that format.

The first bytes take precedence over the format that a definition states: the files of a survey come in several.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from stdask.config.messages import nearest
from stdask.config.survey_files import README, FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.feather import open_feather
from stdask.storage.surveys.fits import open_fits
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.hdf5.reader import open_hdf5
from stdask.storage.surveys.parquet import open_parquet
from stdask.storage.surveys.streams import SUFFIXES
from stdask.storage.surveys.text.byte_by_byte import DESCRIPTION, described_as, tables_of
from stdask.storage.surveys.text.delimited import open_delimited
from stdask.storage.surveys.text.dialects import encoding_of, is_table
from stdask.storage.surveys.text.ecsv import open_ecsv
from stdask.storage.surveys.text.fixed_width import open_cds, open_mrt
from stdask.storage.surveys.votable import open_votable

EXTENSIONS = (
    f".fits, .parquet, .csv, .tsv, .txt, .ecsv, .vot, .h5 or .feather file, packed ({', '.join(SUFFIXES)}) or not"
)
HEAD = 1 << 16  # first bytes, which identify the format
TEXT_NAMES = (".csv", ".tsv", ".txt", ".dat", ".tab", ".psv", ".asc", ".ascii")
TEXT_FORMATS = ("csv", "ecsv", "mrt", "cds", "votable")
MAGIC = {  # first bytes -> format
    b"SIMPLE  =": "fits",
    b"PAR1": "parquet",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"ARROW1": "feather",
    b"# %ECSV": "ecsv",
}
BINARY = {name: magic for magic, name in MAGIC.items() if name not in TEXT_FORMATS}
CONVERT = "Write it in another format, e.g. by"
OTHERS = {  # what the first bytes match -> what the file is, and what to do
    rb"PK\x03\x04.{26}[^\n]{1,200}?\.npy": (
        "a NumPy archive",
        f"{CONVERT} astropy.table.Table(dict(numpy.load('NAME'))).write('stars.fits')",
    ),
    rb"\x93NUMPY": ("a NumPy array", f"{CONVERT} astropy.table.Table(numpy.load('NAME')).write('stars.fits')"),
    rb"PK\x03\x04": ("an archive of files, or a spreadsheet", "Unpack it, or save the table as CSV"),
    rb"FEA1": ("Feather of version 1", f"{CONVERT} pyarrow.feather.read_table and write_feather"),
    rb"\xff\xff\xff\xff.{4}\x10\x00\x00\x00": (
        "a stream of Arrow",
        f"{CONVERT} pyarrow.ipc.open_stream and write_feather",
    ),
    rb"(\\[^\n]*\n)*\|[^\n]*\|\s*\n\|\s*(char|int|long|float|double|real|date|[cilfdr]) *\|": (
        "a table of IPAC",
        f"{CONVERT} astropy.table.Table.read('NAME', format='ascii.ipac').write('stars.fits')",
    ),
    rb"SQLite format 3": ("an SQLite database", "Export the table as CSV"),
    rb"SR\x00\x04": ("a save file of IDL", f"{CONVERT} mwrfits"),
    rb"\x80[\x02-\x05]": ("a pickle, which may run code", f"{CONVERT} pandas' to_parquet"),
    rb"(?i)\s*(<!doctype html|<html)": ("a web page", "Fetch the table again: the page says what went wrong"),
    rb"%PDF": ("a PDF", "Name the file of the table"),
}

_OPENERS: dict[str, Callable[[Path, FileHints], SurveyFile]] = {
    "fits": lambda path, hints: open_fits(path, hints.hdus),
    "parquet": lambda path, _: open_parquet(path),
    "hdf5": lambda path, hints: open_hdf5(path, hints.hdus),
    "feather": lambda path, _: open_feather(path),
    "csv": lambda path, hints: open_delimited(path, hints.delimiter, hints.null),
    "ecsv": lambda path, hints: open_ecsv(path, hints.null),
    "mrt": lambda path, hints: open_mrt(path, hints.null),
    "cds": lambda path, hints: open_cds(path, path.parent / (hints.readme or README), hints.null),
    "votable": lambda path, _: open_votable(path),
}


def open_file(path: Path, head: bytes, hints: FileHints) -> SurveyFile:
    """Open a survey file in the format that its first bytes and its name tell, or its definition.

    Parameters
    ----------
    path
        Of one file, packed or not.
    head
        Its first `HEAD` bytes, unpacked.
    hints
        `[file]` of the survey's definition.

    Raises
    ------
    SurveyError
        If the format is unknown or not the one stated, or the reader refuses the file.
    """
    survey = _OPENERS[_format_of(path, head, hints)](path, hints)
    return replace(survey, columns=_with_units(survey, hints.units)) if hints.units else survey


def _format_of(path: Path, head: bytes, hints: FileHints) -> str:
    found = _told_by_bytes(head)
    if found:
        return found
    for pattern, (what, remedy) in OTHERS.items():
        if re.match(pattern, head, re.DOTALL):
            raise SurveyError(f"{path} is {what}, which stdask does not read. {remedy.replace('NAME', path.name)}.")
    if hints.format in BINARY or (hints.format and not _is_text(head)):
        is_text = "text" if _is_text(head) else "another kind of file, or damaged"
        raise SurveyError(
            f'{path} is {is_text}, and its definition says [file] format = "{hints.format}". Name the right file, or '
            "correct the format."
        )
    if _is_text(head):
        if found := _told_by_text(path, head, hints):
            return found
        name = _unpacked_name(path)
        if hints.format or name.endswith(".csv") or (name.endswith(TEXT_NAMES) and is_table(head)):
            return hints.format or "csv"
    raise SurveyError(
        f"{path} is no format that stdask reads, or it is damaged. Give a {EXTENSIONS}; a survey's definition may name "
        'the format: [file] format = "csv".'
    )


def _told_by_bytes(head: bytes) -> str | None:
    found = next((name for magic, name in MAGIC.items() if head.startswith(magic)), None)
    if found is None and re.search(rb"<(\w+:)?VOTABLE", head[:4096]):
        return "votable"
    return found


def _told_by_text(path: Path, head: bytes, hints: FileHints) -> str | None:
    """Return the format of text that describes its columns, or that another file describes."""
    name = _unpacked_name(path)
    if head.lstrip().startswith(b"<?xml") and name.endswith((".xml", ".vot", ".votable")):
        return "votable"
    if name.startswith("readme"):
        described = ", ".join(tables_of(path))
        raise SurveyError(f"{path} describes tables of CDS: {described}. Name the file of one of them.")
    if hints.readme or hints.format == "cds":
        return "cds"
    if any(DESCRIPTION.match(line.strip()) for line in head.decode("latin-1").splitlines()):
        return "mrt"
    readme = path.parent / README
    if name.endswith(TEXT_NAMES) and readme.is_file() and described_as(path.name, tables_of(readme)):
        return "cds"
    return None


def _is_text(head: bytes) -> bool:
    return encoding_of(head) == "utf-16" or b"\x00" not in head


def _unpacked_name(path: Path) -> str:
    name = path.name.lower()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name


def _with_units(survey: SurveyFile, units: Mapping[str, str]) -> dict[str, str]:
    """Return the units of the columns, some as the user states them."""
    for name in units:
        if name not in survey.columns:
            near = nearest(name, survey.columns)
            hint = f"Did you mean {near!r}?" if near else "Remove it."
            raise SurveyError(f"{survey.path} has no column {name!r}, for which [file] units states a unit. {hint}")
    return {**survey.columns, **units}
