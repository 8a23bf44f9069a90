"""Recognise the format of a survey file by its first bytes and its name, and open it with the reader of that format."""

import re
from collections.abc import Callable
from pathlib import Path

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.surveys.fits import open_fits
from stdask.storage.surveys.format import SurveyFile
from stdask.storage.surveys.parquet import open_parquet
from stdask.storage.surveys.streams import SUFFIXES
from stdask.storage.surveys.text.csv import open_csv
from stdask.storage.surveys.text.ecsv import open_ecsv
from stdask.storage.surveys.votable import open_votable

EXTENSIONS = f".fits, .parquet, .csv, .ecsv, .xml or .vot file, packed ({', '.join(SUFFIXES)}) or not"
HEAD = 512  # first bytes, which identify the format

_OPENERS: dict[str, Callable[[Path, FileHints], SurveyFile]] = {
    "fits": lambda path, hints: open_fits(path, hints.hdus),
    "parquet": lambda path, _: open_parquet(path),
    "csv": lambda path, hints: open_csv(path, hints.delimiter),
    "ecsv": lambda path, _: open_ecsv(path),
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
        If the format is unknown, or the reader refuses the file.
    """
    return _OPENERS[_format_of(path, head, hints)](path, hints)


def _format_of(path: Path, head: bytes, hints: FileHints) -> str:
    if hints.format:
        return hints.format
    name = path.name.lower()
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    if head.startswith(b"SIMPLE  ="):
        return "fits"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"# %ECSV"):
        return "ecsv"
    if re.search(rb"<(\w+:)?VOTABLE", head) or (
        head.lstrip().startswith(b"<?xml") and name.endswith((".xml", ".vot", ".votable"))
    ):
        return "votable"
    if name.endswith(".csv"):
        return "csv"
    raise SurveyError(
        f"{path} is no format that stdask reads, or it is damaged. Give a {EXTENSIONS}; a survey's definition may name "
        'the format: [file] format = "csv".'
    )
