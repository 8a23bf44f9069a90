"""Verify: read every file that the receipts of a run name; the next run rebuilds those that are damaged."""

import errno
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stdask.cluster.tasks import each
from stdask.cluster.workers import Workers
from stdask.display.console import say
from stdask.display.tables import print_table
from stdask.errors import CatalogueError, IncompleteError, raise_machine_error
from stdask.runs.lock import read_lock
from stdask.runs.receipts import Receipt, read_receipt, write_damaged
from stdask.runs.registry import ENTRIES, STAGES
from stdask.science.sky.healpix import Pixel
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import PROPERTIES, open_catalogue
from stdask.storage.catalogue.hats import fault_of_partition
from stdask.storage.files import sha256
from stdask.storage.tables import fault_of_parquet

MISSING = "is missing"


class WrittenFile(NamedTuple):
    """A file as its stage's receipt describes it."""

    name: str  # path under the run folder
    bytes: int
    sha256: str
    partition: tuple[Pixel, int] | None  # pixel and rows


def run(output: Path, workers: Workers, further: Sequence[Path] = ()) -> None:
    """Check every file of a run, print a table and what is wrong, and write the list of damaged files.

    The next run rebuilds the files on that list. Nothing else is changed.

    Parameters
    ----------
    output
        The run folder.
    workers
        The workers that read the files.
    further
        The folders of the runs of further surveys.

    Raises
    ------
    CatalogueError
        If no stage has been run there.
    IncompleteError
        If a file is damaged or missing.
    """
    found = [_verify(output, workers)]
    for folder in further:
        if paths.receipt(folder, "ingest_a").parent.is_dir():  # else it has not begun
            say(str(folder), "bold")
            found.append(_verify(folder, workers))
    if faults := " ".join(filter(None, found)):
        raise IncompleteError(faults)


def _verify(output: Path, workers: Workers) -> str:
    """Check every file of a run folder; return what is wrong and what to do, empty if nothing is."""
    stages = [stage for stage in ENTRIES if paths.receipt(output, stage).exists()]
    if not stages:
        raise CatalogueError(f"{output} has no finished stage. Name the folder of a run, or its run file.")
    if (lock := read_lock(output)) and lock.alive:
        say(f"{lock.holder or 'A run'} is writing here: files that it replaces now may be reported as damaged")
    receipts = {stage: read_receipt(output, stage) for stage in stages}
    files = {stage: list(_files(output, receipt)) for stage, receipt in receipts.items() if receipt}
    everything = [file for own in files.values() for file in own]
    sizes = [file.bytes for file in everything]
    found = each(workers, fault_of, everything, output, description="verify", sizes=sizes, unit="bytes")
    faults = {file.name: fault for file, fault in found if fault}
    for stage, receipt in receipts.items():
        faults |= _faults_of_counts(output, stage, receipt, faults)
    _print(files, faults)
    write_damaged(output, dict(sorted(faults.items())))
    if not faults:
        return ""
    return (
        f"{output}: {len(faults)} of {len(everything):,} files are damaged or missing. "
        f"Run {_commands(files, faults)} again: the damaged files are rebuilt, the others kept."
    )


def _commands(files: Mapping[str, list[WrittenFile]], faults: Mapping[str, str]) -> str:
    """Return the commands that rebuild the damaged files, in words."""
    stages = [stage for stage, own in files.items() if any(file.name in faults for file in own)] or list(STAGES)
    of_run = STAGES if list(files) != ["atlas"] else ()  # else these are the maps of a table
    return " and ".join(dict.fromkeys(f"`stdask {'run' if s in of_run else ENTRIES[s].command}`" for s in stages))


def fault_of(file: WrittenFile, output: Path) -> str:
    """Return what is wrong with a file, empty if nothing; runs on a worker."""
    path = output / file.name
    try:
        n_bytes = path.stat().st_size
        if n_bytes != file.bytes:
            return f"has {n_bytes:,} bytes instead of {file.bytes:,}"
        if sha256(path) != file.sha256:
            return "has changed since it was written: its checksum differs"
    except FileNotFoundError:
        return MISSING
    except OSError as exc:
        if getattr(exc, "errno", None) != errno.EIO:  # A bad place of the disk is a fault of this file.
            raise_machine_error(exc, f"reading {path}")
        return f"cannot be read ({exc})"
    if file.partition:
        return fault_of_partition(path, *file.partition)
    return fault_of_parquet(path) if path.suffix == ".parquet" else ""


def _files(output: Path, receipt: Receipt) -> Iterator[WrittenFile]:
    partitions: dict[str, tuple[Pixel, int]] = {}
    for folder in _catalogues(output, receipt):
        try:
            catalogue = open_catalogue(folder)
        except CatalogueError:
            continue  # its files are reported one by one
        names = {pixel: str(catalogue.path(pixel).relative_to(output)) for pixel in catalogue.pixels}
        partitions |= {names[pixel]: (pixel, n_rows) for pixel, n_rows in catalogue.rows.items()}
    for name, described in receipt.outputs.items():
        yield WrittenFile(name, described.bytes, described.sha256, partitions.get(name))


def _catalogues(output: Path, receipt: Receipt) -> list[Path]:
    """Return the catalogues that a stage wrote; not their margins, whose stars lie outside their pixels."""
    found = ((output / name).parent for name in receipt.outputs if Path(name).name == PROPERTIES)
    return [folder for folder in found if folder.name != paths.MARGIN]


def _faults_of_counts(output: Path, stage: str, receipt: Receipt | None, faults: Mapping[str, str]) -> dict[str, str]:
    """Return what is wrong with a receipt, or with the row count of its catalogue if none of its files is damaged."""
    name = str(paths.receipt(output, stage).relative_to(output))
    if receipt is None:
        return {name: "is not a receipt"}
    try:
        if counted := receipt.counts.rows:
            counted.check(stage)
        whole = faults.keys().isdisjoint(receipt.outputs)
        rows = [open_catalogue(folder).n_rows for folder in _catalogues(output, receipt) if whole]
    except CatalogueError as exc:
        return {name: f"does not hold: {exc}"}
    if counted and any(n_rows != counted.n_out for n_rows in rows):
        return {name: f"counts {counted.n_out:,} rows, its catalogue {rows[0]:,}"}
    return {}


def _print(files: Mapping[str, list[WrittenFile]], faults: Mapping[str, str]) -> None:
    """Print one line a stage, and one for each damaged file."""
    rows = []
    for stage, own in files.items():
        found = Counter(faults.get(file.name, "") for file in own)
        ok, missing = found[""], found[MISSING]
        sizes = {"files": len(own), "MB": sum(file.bytes for file in own) / 1e6}
        rows.append({"stage": stage, **sizes, "ok": ok, "damaged": len(own) - ok - missing, "missing": missing})
    print_table("", rows)
    for name, fault in faults.items():
        say(f"  {name} {fault}", "red")
