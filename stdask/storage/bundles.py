"""Packed ensembles: one zip file of plain data, read and checked in memory.

Its files are stored without compression: weights hardly shrink, the same files give the same bytes everywhere, and no
file can be larger than the bundle that it comes in.
"""

import errno
import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from stdask import schema
from stdask.errors import EnsembleError, raise_machine_error
from stdask.storage.ensembles import CARD, DOCUMENT, StoredEnsemble, parse_ensemble
from stdask.storage.files import replacing

HISTORY = "history.ecsv"
TEXT, WEIGHTS = 64 << 20, 4 << 30  # largest sizes in bytes; the largest networks that can be trained today have 0.3 GB
LIMITS = {DOCUMENT: TEXT, CARD: TEXT, HISTORY: TEXT} | {f"{name}.safetensors": WEIGHTS for name in schema.FAMILIES}
REMEDY = "Get the file again from where it came from."
DATE = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can have
MODE = stat.S_IFREG | 0o644


def write_bundle(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a bundle, atomically; the same files give the same bytes.

    Parameters
    ----------
    path
        Of the bundle.
    files
        Name -> content; names are those of `LIMITS`.

    Raises
    ------
    EnsembleError
        If they hold what no reader of bundles accepts.
    """
    with replacing(path) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(files):
                member = zipfile.ZipInfo(name, DATE)
                member.external_attr = MODE << 16
                member.create_system = 3  # Unix, whatever the machine
                archive.writestr(member, files[name])
        read_bundle(temporary)  # while an earlier file is still there


def read_bundle(path: Path) -> StoredEnsemble:
    """Read an ensemble from a bundle, after its list of files has been checked.

    Raises
    ------
    EnsembleError
        If the file is no bundle, is damaged, or holds anything that a bundle does not hold: other files, paths, links,
        compressed or encrypted files, or files larger than the bundle.
    """
    return _parse(_read_files(path), path)


def unpack_bundle(path: Path, folder: Path) -> list[Path]:
    """Write the files of a bundle to a folder, and return them; all have been checked before.

    Raises
    ------
    EnsembleError
        As `read_bundle`.
    """
    files = _read_files(path)
    _parse(files, path)
    for name, content in files.items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content)
    return [folder / name for name in files]


def _parse(files: Mapping[str, bytes], path: Path) -> StoredEnsemble:
    def read(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return files[name]

    try:
        return parse_ensemble(read, path, REMEDY)
    except FileNotFoundError as exc:
        raise EnsembleError(f"{path} holds no {exc.filename}, so it is no whole ensemble. {REMEDY}") from None


def _read_files(path: Path) -> dict[str, bytes]:
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if fault := _fault(members, path.stat().st_size):
                raise EnsembleError(f"{path} {fault} Nothing of it was read. {REMEDY}")
            return {member.filename: archive.read(member) for member in members}  # checks each CRC
    except zipfile.BadZipFile as exc:
        raise EnsembleError(f"{path} is not a packed ensemble, or is cut off or damaged ({exc}). {REMEDY}") from exc
    except IsADirectoryError:
        raise EnsembleError(
            f"{path} is a folder, and a packed ensemble is one file. Write it: `stdask pack {path} ensemble.stdask`."
        ) from None
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, MemoryError) as exc:
        raise_machine_error(exc, f"reading {path}")
        raise EnsembleError(f"Cannot read the packed ensemble {path} ({exc or type(exc).__name__}). {REMEDY}") from exc


def _fault(members: list[zipfile.ZipInfo], n_bytes: int) -> str:
    """Return what a list of files has that no bundle has, as the end of a sentence; empty if there is nothing."""
    names = [member.filename for member in members]
    for name in names:
        place = PurePosixPath(name.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts:
            return f"holds a file outside its folder, {name!r}."
        if name not in LIMITS:
            return f"holds {name!r}, which is no file of an ensemble."
    if len(set(names)) < len(names):
        return "holds a file twice."
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            return f"holds {member.filename!r} as a link or a folder."
        if member.compress_type != zipfile.ZIP_STORED or member.compress_size != member.file_size:
            return f"holds {member.filename!r} compressed or encrypted, which stdask never writes."
        if member.file_size > LIMITS[member.filename]:
            return f"holds {member.filename!r} with {member.file_size:,} bytes, more than an ensemble can have."
    if sum(member.file_size for member in members) > n_bytes:
        return "states larger files than it can hold."
    return ""
