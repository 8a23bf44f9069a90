"""The catalogue of B in the run of a second or later survey: that of the first run, which is not made twice."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.runs.receipts import Receipt, read_receipt, why_not_done
from stdask.runs.recorder import stage_begins, stage_ends
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import PROPERTIES
from stdask.storage.files import explaining, write_text

STAGE = "ingest_b"


def run(run: Run, workers: Workers) -> Receipt:  # noqa: ARG001 - as all stages are called
    """Take over the catalogue of B and its receipt from the first run; nothing is done if they are there.

    Its files are hard links where the file system has them, else copies.

    Raises
    ------
    CatalogueError
        If the first run has not ingested B.
    """
    first = run.first or run.output
    theirs, own = read_receipt(first, STAGE), read_receipt(run.output, STAGE)
    if theirs is None:
        raise CatalogueError(f"{first} has no finished {STAGE!r} stage. Run `stdask ingest` first.")
    if own == theirs and not why_not_done(run.output, own, own.inputs, own.settings):
        say(f"{STAGE}: done before, skipped", "bold")
        return own
    say(f"{STAGE}: taken over from {first}", "bold")
    stage_begins(STAGE)
    receipt = paths.receipt(run.output, STAGE)
    receipt.unlink(missing_ok=True)
    shutil.rmtree(paths.catalogue(run.output, run.definition_b.name), ignore_errors=True)
    for name in sorted(theirs.outputs, key=lambda name: Path(name).name == PROPERTIES):  # it marks a finished catalogue
        _link(first / name, run.output / name)
    write_text(receipt, paths.receipt(first, STAGE).read_text(encoding="utf-8"))
    stage_ends()
    return theirs


def _link(file: Path, link: Path) -> None:
    with explaining(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        with suppress(OSError):  # no hard links there, or not to another file system
            os.link(file, link)
            return
        shutil.copyfile(file, link)
