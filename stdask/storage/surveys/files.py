"""Open survey files of any format: one module for each format reads some columns of some rows."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.files import sha256
from stdask.storage.surveys.csv import open_csv
from stdask.storage.surveys.ecsv import open_ecsv
from stdask.storage.surveys.fits import open_fits
from stdask.storage.surveys.format import SurveyFile, explained
from stdask.storage.surveys.parquet import open_parquet
from stdask.storage.surveys.streams import SUFFIXES, open_stream
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


def open_survey(path: Path, hints: FileHints = FileHints()) -> SurveyFile:  # noqa: B008
    """Open a survey file. Its first bytes identify the format, for CSV its extension, unless its definition names it.

    Parameters
    ----------
    path
        Packed or not.
    hints
        `[file]` of the survey's definition.

    Raises
    ------
    SurveyError
        If the file is missing, a folder, of an unknown format, damaged, or without rows.
    """
    opener = _OPENERS[_format_of(path, hints)]
    with explained(path):
        survey = opener(path, hints)
    if survey.n_rows <= 0:
        raise SurveyError(f"{path} has no rows. Name a file with stars in it.")
    return survey


def checksum(path: Path) -> str:
    """Return the SHA-256 of a survey file.

    Raises
    ------
    SurveyError
        If the file is missing, a folder, no regular file, not to be read, or empty.
    """
    _head_of(path)
    return sha256(path)


def _head_of(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked."""
    try:
        if path.is_dir():
            raise SurveyError(f"{path} is a folder. Name the file of the survey.")
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, for ever
            raise SurveyError(f"{path} is no regular file. Write what it gives to one: it is read more than once.")
        if not path.stat().st_size:
            raise SurveyError(f"{path} is empty. Fetch the file again.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SurveyError(f"No survey file {path}. Check `file` in run.toml and --data-dir.") from None
    except OSError as exc:
        raise SurveyError(f"Cannot read {path}: {exc}. Check the path and its permissions.") from exc
    with explained(path), open_stream(path) as stream:
        return stream.read(HEAD)


def _format_of(path: Path, hints: FileHints) -> str:
    head, name = _head_of(path), path.name.lower()
    if hints.format:
        return hints.format
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
