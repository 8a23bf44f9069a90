"""Receipts: what a stage made from what. A stage whose receipt is still valid is done, and is skipped."""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from pydantic import TypeAdapter

from stdask import __version__
from stdask.errors import CatalogueError
from stdask.runs.counts import Counts
from stdask.runs.registry import ENTRIES
from stdask.runs.results import number_of, results_of
from stdask.storage import paths
from stdask.storage.files import hash_of, sha256, size_of, write_text

RECORDED_VERSIONS = (
    "numpy",
    "numba",
    "scipy",
    "pyarrow",
    "astropy",
    "healpy",
    "scikit-learn",
    "keras",
    "tensorflow",
    "dask",
    "distributed",
)


C = TypeVar("C", bound=Counts)


@dataclass(frozen=True)
class FileRecord:
    """Size and SHA-256 of a file that a stage wrote."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class SourceFile:
    """A file from outside the run folder, or the files of a survey, as they were when a stage read them."""

    path: str
    bytes: int  # of all files
    modified_ns: int  # since 1970, the last of all files
    files: str = ""  # of several: SHA-256 of their names, sizes and times


@dataclass(frozen=True)
class Receipt(Generic[C]):
    """What one finished stage read, did and wrote."""

    stage: str
    key: str  # hash of everything the outputs depend on
    inputs: Mapping[str, str]  # name -> sha256
    settings: Mapping[str, Any]
    outputs: Mapping[str, FileRecord]  # path under the run folder -> file
    counts: C
    sources: Mapping[str, SourceFile] = field(default_factory=dict)  # name of an input -> file
    seconds: float = 0.0
    peak_bytes: Mapping[str, int] = field(default_factory=dict)  # largest memory so far of the driver and of a worker
    written: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    results: int = 0  # number of its results, see `stdask.runs.results`; 0 before it is written
    accepted: int | None = None  # number of the results that it has, if they are taken for those of `results`

    @property
    def version(self) -> str:
        """The version of stdask that the stage ran with."""
        return self.versions.get("stdask", "?")

    @property
    def digest(self) -> str:
        """One hash of all outputs that later stages read: what these name as their input."""
        read = {name: output.sha256 for name, output in self.outputs.items() if paths.REJECTED not in Path(name).parts}
        return hash_of(read)


def library_versions() -> dict[str, str]:
    """Return the versions of stdask, Python and the libraries that results may depend on."""
    return {"stdask": __version__, "python": sys.version.split()[0]} | {n: version(n) for n in RECORDED_VERSIONS}


def by_file_name(inputs: Mapping[str, str]) -> dict[str, str]:
    """Return the hashes of input files by their names without folders, which are those of this machine."""
    return {Path(name).name: digest for name, digest in inputs.items()}


def stage_key(stage: str, inputs: Mapping[str, str], settings: Mapping[str, Any]) -> str:
    """Return the hash of everything that a stage's outputs depend on, the number of its results included."""
    return hash_of({"stage": stage, "inputs": inputs, "config": settings, "results": results_of(stage)})


def describe_outputs(
    output: Path, files: Iterable[Path], known: Mapping[Path, FileRecord] | None = None
) -> dict[str, FileRecord]:
    """Return size and SHA-256 of each file, by its path under the run folder.

    Parameters
    ----------
    output, files
        The run folder, and files in it.
    known
        Records of some of them from the workers that wrote them: these files are not read again.

    Raises
    ------
    CatalogueError
        If a known file is missing or is not as long as it was.
    """
    known = known or {}
    return {
        str(path.relative_to(output)): _confirmed(path, known[path]) if path in known else describe(path)
        for path in sorted({*files, *known})
    }


def describe(path: Path) -> FileRecord:
    """Return size and SHA-256 of a file."""
    return FileRecord(path.stat().st_size, sha256(path))


def _confirmed(path: Path, known: FileRecord) -> FileRecord:
    n_bytes = size_of(path)
    if n_bytes != known.bytes:
        found = "is missing" if n_bytes is None else f"has {n_bytes} bytes"
        raise CatalogueError(
            f"{path} {found}, but a worker wrote {known.bytes} bytes. Check the disk, and run the stage again."
        )
    return known


def write_receipt(output: Path, receipt: Receipt[Any]) -> None:
    """Write a stage's receipt: from now on the stage is done, and nothing it wrote counts as damaged."""
    content = asdict(receipt) | {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": library_versions(),
        "results": results_of(receipt.stage),
        "accepted": None,
    }
    path = paths.receipt(output, receipt.stage)
    write_text(path, json.dumps(content, indent=1, default=str))
    written = {*receipt.outputs, str(path.relative_to(output))}
    damaged = read_damaged(output)
    if written & set(damaged):
        write_damaged(output, {name: what for name, what in damaged.items() if name not in written})


def accept_results(output: Path, stage: str) -> Receipt[Any] | None:
    """Take the results of a finished stage for those of this version; return its receipt if they have another number.

    What the receipt says of the stage's version and time stays, and it tells that the results were accepted.
    """
    receipt = read_receipt(output, stage)
    if receipt is None or receipt.results == results_of(stage):
        return None
    own = receipt.results if receipt.accepted is None else receipt.accepted
    accepted = replace(receipt, results=results_of(stage), accepted=own)
    write_text(paths.receipt(output, stage), json.dumps(asdict(accepted), indent=1, default=str))
    return receipt


@overload
def read_receipt(output: Path, stage: str) -> Receipt[Counts] | None: ...
@overload
def read_receipt(output: Path, stage: str, kind: type[C]) -> Receipt[C] | None: ...
def read_receipt(output: Path, stage: str, kind: type[Counts] = Counts) -> Receipt[Any] | None:
    """Return the receipt of a stage, None if there is none, or it is damaged or names files outside the run folder.

    Parameters
    ----------
    output, stage
        The run folder, and the stage's name in the registry.
    kind
        Type of its counts, where they are read.
    """
    try:
        content = json.loads(paths.receipt(output, stage).read_text(encoding="utf-8"))
        counts = _adapter_of_counts(stage).validate_python(content.pop("counts"))
        content.setdefault("results", number_of(content["versions"]["stdask"]))
        receipt = _adapter().validate_python(content | {"counts": counts})
        names = [Path(name) for name in receipt.outputs]
    except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError):  # not even text, or not a receipt
        return None
    if not isinstance(counts, kind) or any(name.is_absolute() or ".." in name.parts for name in names):
        return None
    return replace(receipt, counts=counts)


@cache  # An adapter is slow to make, and status reads each receipt many times.
def _adapter() -> TypeAdapter[Receipt[Counts]]:
    return TypeAdapter(Receipt[Counts])


@cache
def _adapter_of_counts(stage: str) -> TypeAdapter[Counts]:
    return TypeAdapter(ENTRIES[stage].counts)


def why_not_done(
    output: Path, receipt: Receipt[Any] | None, inputs: Mapping[str, str], settings: Mapping[str, Any]
) -> str:
    """Return why a stage must run, in words; empty if it is done."""
    if receipt is None:
        return "not run yet"
    if why := why_other_results(receipt):
        return why
    if hash_of([receipt.inputs, receipt.settings]) != hash_of([inputs, settings]):
        names = dict.fromkeys([*inputs, *receipt.inputs])
        read = [f"what it reads from {name}" for name in names if receipt.inputs.get(name) != inputs.get(name)]
        return "changed: " + ", ".join([*read, *changed_settings(receipt.settings, settings)])
    damaged = read_damaged(output)
    if str(paths.receipt(output, receipt.stage).relative_to(output)) in damaged:
        return "its receipt is damaged"
    for name, described in receipt.outputs.items():
        path = output / name
        if not path.exists():
            return f"{name} is missing"
        if path.stat().st_size != described.bytes:
            return f"{name} was changed"
        if name in damaged:
            return f"{name} is damaged"
    return ""


def why_other_results(receipt: Receipt[Any]) -> str:
    """Return that this version gives other results than a receipt speaks of, in words; empty if it does not."""
    if receipt.results == results_of(receipt.stage):
        return ""
    return f"changed: its results since stdask {receipt.version}; --accept-version keeps those of that version"


def why_kept(receipt: Receipt[Any]) -> str:
    """Return why the results of another version are kept, in words; empty if they are of this version."""
    if receipt.accepted is not None:
        return f"made with stdask {receipt.version}, kept though results have changed: they were accepted"
    if receipt.version == __version__:
        return ""
    return f"made with stdask {receipt.version}, kept: its results have not changed since"


def read_damaged(output: Path) -> dict[str, str]:
    """Return the files that `stdask verify` found damaged and no stage has written since: path -> what is wrong."""
    try:
        return dict(json.loads(paths.damaged(output).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # never verified, or not what verify writes
        return {}


def write_damaged(output: Path, damaged: Mapping[str, str]) -> None:
    """Write the list of damaged files, by their paths under the run folder."""
    write_text(paths.damaged(output), json.dumps(damaged, indent=1))


def changed_settings(before: Mapping[str, Any], now: Mapping[str, Any], table: str = "") -> list[str]:
    """Return the dotted names of the settings that differ, e.g. `train.batch_size`."""
    names: list[str] = []
    for key in [*before, *(key for key in now if key not in before)]:
        old, new = before.get(key), now.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            names += changed_settings(old, new, f"{table}{key}.")
        elif old != new:
            names.append(f"{table}{key}")
    return names
