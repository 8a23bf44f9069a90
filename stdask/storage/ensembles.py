"""Ensembles on disk: one JSON document and one safetensors file a family, with checksums: plain data, no code."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from stdask.errors import EnsembleError, raise_machine_error
from stdask.storage.files import hash_of, replacing, sha256, sha256_of, write_text

DOCUMENT = "ensemble.json"
CARD = "card.md"
FORMAT = 3
EARLIER = (2,)  # that are read, too: without Gaussian processes, half-widths and correlations
REMEDY = "Remove the folder and run `stdask train`."  # otherwise a finished train stage would be skipped

# escape sequences of terminals, changes of the direction of text, and halves of characters
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Parts = tuple[Mapping[str, Any], Mapping[str, np.ndarray]]  # of a family: a document, and arrays


class StoredEnsemble(NamedTuple):
    """An ensemble as it is stored on disk."""

    content: Mapping[str, Any]  # what its translations depend on, apart from the families
    families: Mapping[str, Parts]
    digest: str  # SHA-256 of the two above
    card: str  # empty if it has not been written yet


def write_ensemble(
    folder: Path, families: Mapping[str, Parts], content: Mapping[str, Any], provenance: Mapping[str, Any]
) -> list[Path]:
    """Write an ensemble; the document, which names the checksums, last.

    Parameters
    ----------
    folder
        Where.
    families
        Name -> (document, arrays).
    content
        What else its translations depend on.
    provenance
        What it was trained on and with; not a part of its digest.

    Returns
    -------
    paths
        Of the files written.
    """
    stored: dict[str, Any] = {}
    written = []
    for name, (document, arrays) in families.items():
        path = folder / f"{name}.safetensors"
        stored[name] = {**document, **write_arrays(path, arrays)}
        written.append(path)
    whole = {"format": FORMAT, "content": {**content, "families": stored}, "provenance": dict(provenance)}
    write_text(folder / DOCUMENT, json.dumps(whole | {"sha256": hash_of(whole)}, indent=1))
    return [*written, folder / DOCUMENT]


def read_ensemble(folder: Path) -> StoredEnsemble:
    """Read an ensemble; the document and every file are checked against their checksums.

    Raises
    ------
    EnsembleError
        If a file is missing or damaged, or written by another format of stdask.
    """
    try:
        return parse_ensemble(lambda name: _inside(folder, name).read_bytes(), folder, REMEDY)
    except FileNotFoundError as exc:
        raise EnsembleError(f"No ensemble in {folder}: {exc.filename} is missing. Run `stdask train`.") from None


def parse_ensemble(read: Callable[[str], bytes], where: Path, remedy: str) -> StoredEnsemble:
    """Return the ensemble that some files hold; the document and every file are checked against their checksums.

    Parameters
    ----------
    read
        Returns the content of a file by its name; raises FileNotFoundError if there is none.
    where, remedy
        What the files lie in, and what to do if they are damaged, for errors.

    Raises
    ------
    EnsembleError
        If a file is damaged, or written by another format of stdask.
    """
    try:
        whole = json.loads(read(DOCUMENT).decode())
        if whole["format"] not in (FORMAT, *EARLIER):
            newer = isinstance(whole["format"], int) and whole["format"] > FORMAT
            raise EnsembleError(
                f"{where} was written by another version of stdask: format {whole['format']}, not {FORMAT}. "
                f"{'Update stdask.' if newer else remedy}"
            )
        if whole.pop("sha256") != hash_of(whole):
            raise EnsembleError(f"{where / DOCUMENT} is not what was written: its checksum differs. {remedy}")
        content = whole["content"]
        digest = hash_of(content)
        families = {}
        for name, document in content.pop("families").items():
            path = where / document["file"]
            families[name] = document, _parse_arrays(read(document["file"]), document["sha256"], path, remedy)
        stored = StoredEnsemble(content, families, digest, _card(read))
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError, SafetensorError) as exc:
        raise_machine_error(exc, f"reading {where}")
        raise EnsembleError(f"The ensemble in {where} is damaged ({exc!r}). {remedy}") from exc
    if any(map(UNPRINTABLE.search, _texts([content, [own for own, _ in families.values()], stored.card]))):
        raise EnsembleError(f"{where} holds text with control characters, which could mislead its reader. {remedy}")
    return stored


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in JSON-like content."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for own in value:
            yield from _texts(own)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Write named arrays; return the name of their file and its checksum, by which they are read."""
    with replacing(path) as temporary:  # `save_file` of safetensors would hide the file from the user's group
        temporary.write_bytes(save({key: np.ascontiguousarray(array) for key, array in arrays.items()}))
    return {"file": path.name, "sha256": sha256(path)}


def read_arrays(folder: Path, document: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Read the arrays whose file and checksum a document names.

    Raises
    ------
    EnsembleError
        If the file is outside the folder, or is not what was written.
    """
    path = _inside(folder, document["file"])
    return _parse_arrays(path.read_bytes(), document["sha256"], path, REMEDY)


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if path.parent != folder or path.name == "..":
        raise EnsembleError(f"{folder / DOCUMENT} names a file outside its folder: {name}. {REMEDY}")
    return path


def _parse_arrays(data: bytes, checksum: str, path: Path, remedy: str) -> dict[str, np.ndarray]:
    if sha256_of(data) != checksum:
        raise EnsembleError(f"{path} is not the file that was written: its checksum differs. {remedy}")
    return load(data)


def _card(read: Callable[[str], bytes]) -> str:
    try:
        return read(CARD).decode()
    except FileNotFoundError:
        return ""
