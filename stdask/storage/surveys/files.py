"""Open survey files of any format: one module for each format reads some columns of some rows."""

import stat
from pathlib import Path

from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError
from stdask.storage.files import sha256
from stdask.storage.surveys.format import SurveyFile, explained
from stdask.storage.surveys.recognition import HEAD, open_file
from stdask.storage.surveys.streams import open_stream


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
    head = _head_of(path)
    with explained(path):
        survey = open_file(path, head, hints)
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
