"""The ledger of a stage: which of its tasks are finished, so that an interrupted run resumes with the others."""

import contextlib
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.runs.receipts import read_damaged, read_receipt
from stdask.runs.registry import STAGES
from stdask.runs.results import PART, numbered, part_of
from stdask.runs.stage import Stage
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.storage.files import size_of, write_text

Parts = Mapping[str, str]  # name -> hash of something that a task depends on
R = TypeVar("R")


@dataclass(frozen=True)
class Entry(Generic[R]):
    """One finished task: a line of the ledger."""

    task: str
    parts: Parts
    files: Mapping[str, int]  # path under the run folder -> bytes
    record: R


class Ledger(Generic[R]):
    """What a stage has finished, one line a task; written by the driver alone.

    Parameters
    ----------
    stage
        The stage, which must have begun: `Stage.done` returned None.
    kind
        Type of what is worth knowing of a task: anything that JSON can hold, e.g. a dataclass of numbers.
    name
        What its tasks are: a stage may have tasks of several kinds, each with a ledger of its own.
    """

    def __init__(self, stage: Stage, kind: type[R], name: str = "partitions") -> None:
        self.name = name
        self._entry: TypeAdapter[Entry[R]] = TypeAdapter(Entry[kind])  # type: ignore[valid-type]
        self._output = stage.output
        self._path = paths.ledger(stage.output, stage.name, name)

    def kept(self, parts: Mapping[str, Parts]) -> dict[str, R]:
        """Return the records that are still valid, by task; print how many, and why the others are not.

        A record is valid while its task depends on the same things and the files it names are whole. The others are
        removed before any task runs, because the tasks replace the files that these records describe.

        Parameters
        ----------
        parts
            For each task of this run all that it depends on.
        """
        before = self._read()
        damaged = read_damaged(self._output)
        reasons = {task: self._why_not(before[task], parts[task], damaged) for task in parts if task in before}
        kept = {task: before[task] for task, reason in reasons.items() if not reason}
        if before:
            again = Counter(filter(None, reasons.values()))
            why = "; ".join(f"{n:,} repeated, {reason}" for reason, n in again.most_common())
            say(
                f"  {self.name}: {len(kept):,} of {len(parts):,} kept, {len(parts) - len(kept):,} to do"
                + (f" ({why})" if why else "")
            )
        write_text(self._path, "".join(map(self._line, kept.values())))
        return {task: entry.record for task, entry in kept.items()}

    def add(self, task: str, parts: Parts, record: R, files: Iterable[Path]) -> None:
        """Append a finished task.

        Parameters
        ----------
        task, parts
            Its name, and all that it depends on, as `kept` was given them.
        record
            What is worth knowing of it.
        files
            Every file it wrote: verified and under its own name by now.
        """
        sizes = {str(path.relative_to(self._output)): size_of(path) or 0 for path in files}
        with self._path.open("a", encoding="utf-8") as ledger:
            ledger.write(self._line(Entry(task, parts, sizes, record)))

    def _line(self, entry: Entry[R]) -> str:
        # A line break on both sides: a crash may have cut the line before.
        return f"\n{json.dumps(self._entry.dump_python(entry, mode='json'))}\n"

    def _read(self) -> dict[str, Entry[R]]:
        """Return the last entry of each task; a line that a crash has cut is skipped."""
        entries = {}
        with contextlib.suppress(FileNotFoundError):
            for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines():
                with contextlib.suppress(ValidationError):  # not whole, or no entry
                    entry = self._entry.validate_json(line)
                    entries[entry.task] = replace(entry, parts=numbered(entry.parts))
        return entries

    def _why_not(self, entry: Entry[R], parts: Parts, damaged: Mapping[str, str]) -> str:
        """Return why an entry does not hold; empty if it does."""
        changed = [name for name in {**parts, **entry.parts} if entry.parts.get(name) != parts.get(name)]
        if changed:
            return f"changed: {', '.join(changed)}"
        for name, size in entry.files.items():
            found = size_of(self._output / name)
            if found is None:
                return "a file is missing"
            if found != size:
                return "a file was changed"
            if name in damaged:
                return "a file is damaged"
        return ""


def partition_hashes(output: Path, stage: str, catalogue: Catalogue) -> dict[str, str]:
    """Return the SHA-256 of every partition of a catalogue, by the pixel's name, as its stage's receipt has them.

    Raises
    ------
    CatalogueError
        If the catalogue is another than the receipt speaks of.
    """
    receipt = read_receipt(output, stage)
    outputs = receipt.outputs if receipt else {}
    names = {str(pixel): str(catalogue.path(pixel).relative_to(output)) for pixel in catalogue.pixels}
    if unknown := [name for name in names.values() if name not in outputs]:
        raise CatalogueError(
            f"{output / unknown[0]} is not of this run's {stage!r} stage. Remove the folder {catalogue.folder} and run "
            f"`stdask {STAGES[stage].command}` again."
        )
    return {pixel: outputs[name].sha256 for pixel, name in names.items()}


def clean_up(output: Path, stage: str, folder: Path) -> None:
    """Remove the pieces that a stage had in a folder of the run, and the ledgers that speak of them."""
    shutil.rmtree(paths.scratch(folder), ignore_errors=True)
    remove_ledgers(output, stage)


def remove_ledgers(output: Path, stage: str) -> None:
    """Remove all ledgers of a stage, and with them what an interrupted run had finished."""
    ledgers = paths.ledger(output, stage, "*")
    for path in ledgers.parent.glob(ledgers.name):
        path.unlink()


def accept_ledgers(output: Path, stage: str) -> None:
    """Take the tasks that an interrupted stage has finished for those of this version, whatever their results are."""
    ledgers = paths.ledger(output, stage, "*")
    for path in ledgers.parent.glob(ledgers.name):
        lines = []
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):  # not whole, or no entry
                entry = json.loads(line)
                parts = numbered(entry["parts"])
                lines.append(json.dumps(entry | {"parts": parts | (part_of(stage) if PART in parts else {})}))
        write_text(path, "".join(f"{line}\n" for line in lines))
