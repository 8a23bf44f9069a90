"""The files that a path of a run file names: one, those of a folder, those that fit a pattern, or a HATS catalogue.

Files follow one another in the order of their names, in which numbers count as numbers: part_2 stands before part_10.
"""

import glob
import re
from collections.abc import Iterable
from pathlib import Path

from stdask.config.addresses import is_remote, require_utf8
from stdask.errors import SurveyError, raise_machine_error
from stdask.storage.surveys.places.hats import is_hats, list_partitions
from stdask.storage.surveys.places.remote import patiently

# Descriptions and checksums, which lie next to the tables in the folders of archives.
NO_TABLE = re.compile(r"readme(\.(txt|md|rst|html))?$|(md5|sha\d+)sums?\b|.*\.(md5|sha\d+)(sums?)?$", re.IGNORECASE)


def list_files(path: Path) -> tuple[Path, ...]:
    """Return the files that a path names, in the order of their rows; the path itself if it is no folder or pattern.

    In a folder, names that begin with a dot or an underscore are skipped, as `_metadata` and `.DS_Store`, and so are
    `ReadMe`, `README.txt`, `MD5SUM.txt` and the like.

    Raises
    ------
    SurveyError
        If a folder has no file or further folders, no file fits a pattern, or a HATS catalogue is not whole.
    """
    if is_remote(path):
        return patiently(path, lambda: _at_address(path))
    try:
        if path.is_dir():
            return list_partitions(path) if is_hats(path) else _in_folder(path)
        return _fitting(path) if is_pattern(path) else (path,)
    except OSError as exc:
        raise_machine_error(exc, f"reading {path}")
        raise SurveyError(f"Cannot read {path}: {exc}. Check the path and its permissions.") from exc


def is_pattern(path: Path) -> bool:
    """Tell whether a path is a pattern like `gaia/*.csv.gz`, not the name of a file."""
    return glob.has_magic(str(path)) and (is_remote(path) or not path.exists())


def folder_of(path: Path) -> Path:
    """Return the folder that holds all files that a path names: itself, or that before the pattern."""
    while is_pattern(path):
        path = path.parent
    return path


def in_order(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return paths in the order of their names, in which numbers count as numbers.

    Raises
    ------
    ConfigError
        If a name is not UTF-8.
    """
    return tuple(sorted(map(require_utf8, paths), key=_numbered))


def _at_address(path: Path) -> tuple[Path, ...]:
    """Return the files at an address. Servers of http may not tell folders from files: a folder has no ending."""
    if is_pattern(path):
        return _fitting(path)
    if path.suffix:
        return (path,)
    if is_hats(path):
        return list_partitions(path)
    try:
        listed = patiently(path, lambda: list(path.iterdir()))
    except SurveyError:  # the server shows nothing, or not to everybody
        listed = []
    files = in_order(own for own in listed if own.suffix and not own.name.startswith((".", "_")))
    if not files:
        raise SurveyError(
            f"{path} is no HATS catalogue, and its server lists no files there. Name a file, or a HATS catalogue."
        )
    return files


def _in_folder(folder: Path) -> tuple[Path, ...]:
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith((".", "_"))]
    if folders := in_order(entry for entry in entries if entry.is_dir()):
        raise SurveyError(
            f"{folder} holds the folder {folders[0].name}. Name the folder with the files of the survey, or the files "
            f'by a pattern, e.g. "{folder.name}/*/*.parquet".'
        )
    files = in_order(entry for entry in entries if not NO_TABLE.match(entry.name))
    if not files:
        raise SurveyError(f"The folder {folder} has no files. Name the folder with the files of the survey.")
    return files


def _fitting(pattern: Path) -> tuple[Path, ...]:
    folder = folder_of(pattern)
    found = folder.glob(str(pattern.relative_to(folder)))
    files = in_order(path for path in found if path.is_file() and not path.name.startswith((".", "_")))
    if not files:
        raise SurveyError(f"No file fits {pattern}. Check the pattern and --data-dir.")
    return files


def _numbered(path: Path) -> tuple[list[str | int], str]:
    pieces = re.split(r"(\d+)", str(path))  # text and digits in turn
    return [int(piece) if n % 2 else piece for n, piece in enumerate(pieces)], str(path)
