"""Open survey files of any format: one module for each format reads some columns of some rows."""

import os
import stat
from dataclasses import replace
from pathlib import Path

from stdask.config.addresses import is_remote
from stdask.config.survey_files import FileHints
from stdask.errors import SurveyError, raise_machine_error
from stdask.storage.files import hash_of, sha256
from stdask.storage.surveys.format import SurveyFile, explained
from stdask.storage.surveys.many import in_threads, join_files
from stdask.storage.surveys.parquet import stated_units
from stdask.storage.surveys.places.hats import is_hats, main_catalogue, read_properties
from stdask.storage.surveys.places.listing import folder_of, list_files
from stdask.storage.surveys.places.remote import exists, identity
from stdask.storage.surveys.recognition import HEAD, open_file
from stdask.storage.surveys.streams import open_stream


def open_survey(path: Path, hints: FileHints = FileHints()) -> SurveyFile:  # noqa: B008
    """Open the files of a survey: one, a folder, those that fit a pattern like `gaia/*.csv.gz`, or a HATS catalogue.

    The first bytes of a file identify the format, for CSV its extension, unless its definition names it. Of many files
    the rows follow one another in the order of their names; only their headers are read.

    Parameters
    ----------
    path
        Of a file, packed or not, or what `places.listing` takes for several.
    hints
        `[file]` of the survey's definition.

    Raises
    ------
    SurveyError
        If a file is missing, of an unknown format, or damaged; if there are no rows, or files of several formats.
    """
    files = list_files(path)
    if files == (path,):
        survey = _open_file(path, hints)
    elif is_remote(path) and is_hats(path):  # its files are alike: thousands of them need not be asked for
        first = _open_file(files[0], hints)
        survey = join_files(path, [replace(first, path=file, known_rows=None) for file in files])
    else:
        survey = join_files(path, in_threads(lambda file: _open_file(file, hints), files))
    if files != (path,) and is_hats(path):
        survey = _as_stated(survey)
    if not survey.is_counted:
        return survey  # rows are counted late
    if survey.n_rows <= 0:
        raise SurveyError(f"{path} has no rows. Name a file with stars in it.")
    return survey


def _as_stated(survey: SurveyFile) -> SurveyFile:
    """Return a HATS catalogue with the units that its common metadata state, where its files state none.

    Raises
    ------
    SurveyError
        If the files have another number of rows than the catalogue says.
    """
    folder = main_catalogue(survey.path)
    stated = read_properties(folder).get("hats_nrows", "")
    if stated.isdigit() and survey.known_rows not in (None, int(stated)):
        raise SurveyError(
            f"{folder} states {int(stated):,} rows, but its files have {survey.known_rows:,}. Fetch them again."
        )
    common = folder / "dataset" / "_common_metadata"
    if any(survey.columns.values()) or not exists(common):
        return survey
    units = {name: unit for name, unit in stated_units(common).items() if name in survey.columns}
    return replace(survey, columns={**survey.columns, **units})


def checksum(path: Path) -> str:
    """Return the SHA-256 of a survey file; of many, that of their names and the SHA-256 of each.

    Of a remote file it is that of its address, size and version, as the server states them.

    Raises
    ------
    SurveyError
        If a file is missing, no regular file, not to be read, or empty.
    RemoteError
        If a server cannot be reached.
    """
    files = list_files(path)
    if files == (path,):
        return _hash_of_file(path)
    if is_remote(path):
        return hash_of(in_threads(identity, files))
    hashes = in_threads(_hash_of_file, files)
    names = [os.path.relpath(file, folder_of(path)) for file in files]
    return hash_of([*zip(names, hashes, strict=True)])


def _hash_of_file(path: Path) -> str:
    if is_remote(path):
        return identity(path)
    _head_of(path)
    return sha256(path)


def _open_file(path: Path, hints: FileHints) -> SurveyFile:
    head = _head_of(path)
    with explained(path):
        file = open_file(path, head, hints)
    return replace(file, by_slices=False) if is_remote(path) else file  # each task would read it over the network


def _head_of(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked."""
    if not is_remote(path):
        _check(path)
    with explained(path), open_stream(path) as stream:
        return stream.read(HEAD)


def _check(path: Path) -> None:
    """Raise if a file is missing, empty, or not to be read."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for, for ever
            raise SurveyError(f"{path} is no regular file. Write what it gives to one: it is read more than once.")
        if not path.stat().st_size:
            raise SurveyError(f"{path} is empty. Fetch the file again.")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SurveyError(
            f"No survey file {path}. Check the path: in a run, that of `file` or `files`, and --data-dir."
        ) from None
    except OSError as exc:
        raise_machine_error(exc, f"reading {path}")
        raise SurveyError(f"Cannot read {path}: {exc}. Check the path and its permissions.") from exc
