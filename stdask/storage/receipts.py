"""Receipts: what a stage made from what. A stage is done when its receipt still fits, and then it is skipped."""

import contextlib
import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stdask import __version__
from stdask.storage import paths
from stdask.storage.files import sha256, write_text

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


@dataclass(frozen=True)
class Receipt:
    """What one finished stage read, did and wrote."""

    stage: str
    key: str  # of everything the outputs depend on
    inputs: Mapping[str, str]  # name -> sha256
    config: Mapping[str, Any]
    outputs: Mapping[str, Mapping[str, Any]]  # path under the run folder -> bytes, sha256
    counts: Mapping[str, Any]  # rows in, out, set aside, by reason
    seconds: float = 0.0
    written: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """One hash of all outputs: what a later stage names as its input."""
        return hash_of({path: output["sha256"] for path, output in self.outputs.items()})


def hash_of(content: Any) -> str:
    """Return the SHA-256 of JSON-like content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def stage_key(stage: str, inputs: Mapping[str, str], config: Mapping[str, Any]) -> str:
    """Return the hash of everything that a stage's outputs depend on, the code's version included."""
    return hash_of({"stage": stage, "inputs": inputs, "config": config, "stdask": __version__})


def describe_outputs(output: Path, files: Iterable[Path]) -> dict[str, dict[str, Any]]:
    """Return size and SHA-256 of each file, by its path under the run folder."""
    return {
        str(path.relative_to(output)): {"bytes": path.stat().st_size, "sha256": sha256(path)} for path in sorted(files)
    }


def write_receipt(output: Path, receipt: Receipt) -> None:
    """Write a stage's receipt: from now on the stage is done."""
    content = asdict(receipt) | {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"stdask": __version__, "python": sys.version.split()[0]}
        | {n: version(n) for n in RECORDED_VERSIONS},
    }
    write_text(paths.receipt(output, receipt.stage), json.dumps(content, indent=1, default=str))


def read_receipt(output: Path, stage: str) -> Receipt | None:
    """Return the receipt of a stage, None if there is none or it is damaged."""
    try:
        return Receipt(**json.loads(paths.receipt(output, stage).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):  # not JSON, not even text, or not a receipt
        return None


def why_not_done(
    output: Path, receipt: Receipt | None, key: str, inputs: Mapping[str, str], config: Mapping[str, Any]
) -> str:
    """Return why a stage must run, in words; empty if it is done."""
    if receipt is None:
        return "not run yet"
    if receipt.key != key:
        read = [f"what it reads from {name}" for name in inputs if receipt.inputs.get(name) != inputs[name]]
        changes = read + changed_settings(receipt.config, config)
        return "changed: " + (", ".join(changes) or "the version of stdask")
    for name, described in receipt.outputs.items():
        path = output / name
        if not path.exists():
            return f"{name} is missing"
        if path.stat().st_size != described["bytes"]:
            return f"{name} was changed"
    return ""


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


def append_partition(log: Path, record: Mapping[str, Any]) -> None:
    """Append one finished partition to a stage's log; written by the driver alone."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.write("\n" + json.dumps(record))  # first the line break: the line before may have been cut off
        file.flush()


def finished_partitions(log: Path) -> list[dict[str, Any]]:
    """Return the records of a stage's log; a line cut off by a crash is passed over."""
    if not log.exists():
        return []
    records = []
    for line in log.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(json.JSONDecodeError):
            records.append(json.loads(line))
    return records
