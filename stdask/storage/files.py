"""Write files atomically, and compute their checksums."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stdask.errors import StdaskError, StorageError, raise_machine_error

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # no space, no quota, longer than the limit of `ulimit -f`
CLOSED = {errno.EROFS, errno.EACCES, errno.EPERM}
PLENTY = 1 << 28  # Bytes. A write that fails while that many are free has filled another disk, or a quota.
SHORT_WRITE = re.compile(r"\d+ requested and \d+ written")  # numpy's text on a full disk, also from astropy


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to `path` if the block ends well.

    A reader, or a run resumed after a crash, sees the old file or the new one, never half of one.

    Raises
    ------
    StorageError
        If the disk is full or nothing may be written there: the old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    with explaining(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Say in words that a file could not be written because the disk is full or closed to the user.

    Raises
    ------
    StorageError
        With the path, the reason, the free space and what to do.
    MachineError
        If the machine is the cause, e.g. out of memory.
    """
    try:
        yield
    except StdaskError:
        raise
    except Exception as exc:
        if message := _why_not_written(path, exc):
            raise StorageError(message) from exc
        raise_machine_error(exc, f"writing {path}")
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def size_of(path: Path) -> int | None:
    """Return the size of a file in bytes, None if there is none.

    It is opened for that: a network file system may answer from an old memory what another machine has changed.
    """
    try:
        with path.open("rb") as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return None


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of the content of a file."""
    return hashlib.sha256(data).hexdigest()


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk too: without it a power cut may bring the old file back."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some network file systems know no sync of a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why_not_written(path: Path, trouble: BaseException) -> str:
    """Return what to do where the disk is full or closed, empty for other troubles."""
    number = _error_number(trouble)
    if number in CLOSED:
        return f"Cannot write {path}: {os.strerror(number)}. Make its folder writable, or choose another."
    if number == errno.EFBIG:
        return (
            f"Cannot write {path}: {os.strerror(number)}. Raise the limit of the size of a file "
            "(`ulimit -f unlimited`), or choose a folder on another file system, and start again: what is done is kept."
        )
    if number in FULL:
        return (
            f"Cannot write {path}: {os.strerror(number)}, {_space(path)}. Make room or raise your quota and "
            "start again: what is done is kept."
        )
    return ""


def _space(path: Path) -> str:
    """Return what is free where a file was to be written, and, if that is plenty, in the folders that are full then."""
    folder = _existing(path.parent)
    state, free = os.statvfs(folder), shutil.disk_usage(folder).free
    if state.f_files and not state.f_favail:
        return f"the disk can hold no more than its {state.f_files:,} files (inodes)"
    words = f"{free / 1e6:,.1f} MB free"
    if free < PLENTY:
        return words
    others = [Path(os.environ.get("TMPDIR") or "/tmp"), Path("/dev/shm")]
    told = [f"{shutil.disk_usage(other).free / 1e6:,.1f} MB in {other}" for other in others if other.is_dir()]
    return f"{words} there, {' and '.join(told)}"


def _error_number(trouble: BaseException | None) -> int | None:
    """Return the system's number of an error, or of the first below it: libraries wrap it in words of their own."""
    while trouble is not None:
        number = trouble.errno if isinstance(trouble, OSError) else None
        if SHORT_WRITE.search(str(trouble)):
            number = errno.ENOSPC
        if number in FULL | CLOSED:
            return number
        trouble = trouble.__cause__ or trouble.__context__
    return None


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())


def hash_of(content: Any) -> str:
    """Return the SHA-256 of JSON-like content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
