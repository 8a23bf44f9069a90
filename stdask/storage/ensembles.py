"""Ensembles on disk: one JSON document and one safetensors file a family, with checksums: plain data, no code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from stdask.errors import EnsembleError
from stdask.storage.files import hash_of, replacing, sha256, write_text

DOCUMENT = "ensemble.json"
FORMAT = 1
REMEDY = "Remove the folder and run `stdask train`."  # otherwise a finished train stage would be skipped


def write_ensemble(
    folder: Path,
    families: Mapping[str, tuple[Mapping[str, Any], Mapping[str, np.ndarray]]],
    provenance: Mapping[str, Any],
) -> list[Path]:
    """Write an ensemble; the document, which names the checksums, last.

    Parameters
    ----------
    folder
        Where.
    families
        Name -> (document, arrays).
    provenance
        What it was trained on and with.

    Returns
    -------
    paths
        Of the files written.
    """
    content: dict[str, Any] = {"format": FORMAT, "provenance": dict(provenance), "families": {}}
    written = []
    for name, (document, arrays) in families.items():
        path = folder / f"{name}.safetensors"
        content["families"][name] = {**document, **write_arrays(path, arrays)}
        written.append(path)
    write_text(folder / DOCUMENT, json.dumps(content | {"sha256": hash_of(content)}, indent=1))
    return [*written, folder / DOCUMENT]


def read_ensemble(folder: Path) -> dict[str, tuple[dict[str, Any], dict[str, np.ndarray]]]:
    """Read an ensemble; the document and every file are checked against their checksums.

    Raises
    ------
    EnsembleError
        If a file is missing or damaged, or written by another format of stdask.
    """
    try:
        content = json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise EnsembleError(f"{folder} has ensemble format {content['format']}, not {FORMAT}. {REMEDY}")
        if content.pop("sha256") != hash_of(content):
            raise EnsembleError(f"{folder / DOCUMENT} is not what was written: its checksum differs. {REMEDY}")
        return {name: (document, read_arrays(folder, document)) for name, document in content["families"].items()}
    except FileNotFoundError as exc:
        raise EnsembleError(f"No ensemble in {folder}: {exc.filename} is missing. Run `stdask train`.") from None
    except (ValueError, KeyError, TypeError, AttributeError, OSError, SafetensorError) as exc:
        raise EnsembleError(f"The ensemble in {folder} is damaged ({exc!r}). {REMEDY}") from exc


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Write named arrays; return the name of their file and its checksum, by which they are read."""
    with replacing(path) as temporary:
        save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, temporary)
    return {"file": path.name, "sha256": sha256(path)}


def read_arrays(folder: Path, document: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Read the arrays whose file and checksum a document names.

    Raises
    ------
    EnsembleError
        If the file is outside the folder, or is not what was written.
    """
    path = folder / document["file"]
    if path.parent != folder or path.name == "..":
        raise EnsembleError(f"{folder / DOCUMENT} names a file outside its folder: {document['file']}. {REMEDY}")
    if sha256(path) != document["sha256"]:
        raise EnsembleError(f"{path} is not the file that was written: its checksum differs. {REMEDY}")
    return load_file(path)
