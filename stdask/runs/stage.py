"""What all stages share: is it done, and if not why; where its inputs come from; its receipt."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stdask import __version__
from stdask.cluster.performance import peak_memory
from stdask.config.run import Run
from stdask.display.console import say
from stdask.errors import CatalogueError
from stdask.runs.progress import recorded_workers, stage_begins, stage_ends
from stdask.runs.receipts import (
    Receipt,
    changed_settings,
    describe_outputs,
    read_receipt,
    stage_key,
    why_not_done,
    write_receipt,
)
from stdask.runs.settings import SETTINGS, stage_settings
from stdask.storage import paths


class Stage:
    """One stage of one run, from the question whether it is done to its receipt.

    Parameters
    ----------
    run
        The run.
    name
        The stage word, or `ingest_a` and `ingest_b`.
    inputs
        SHA-256 of everything the stage reads, by name.
    """

    def __init__(self, run: Run, name: str, inputs: Mapping[str, str]) -> None:
        self.run = run
        self.name = name
        self.inputs = inputs
        self.config = stage_settings(run, name)
        self.key = stage_key(name, inputs, self.config)
        self.receipt = read_receipt(run.output, name)
        self.reason = why_not_done(run.output, self.receipt, self.key, self.inputs, self.config)
        self.started = time.perf_counter()
        say(f"{name}: {self.reason or 'done before, skipped'}", "bold")

    def done(self) -> Receipt | None:
        """Return the receipt if nothing has to be done; else the stage begins, and its old receipt goes."""
        if not self.reason:
            return self.receipt
        stage_begins(self.name)
        paths.receipt(self.run.output, self.name).unlink(missing_ok=True)
        return None

    def remove_old_outputs(self) -> None:
        """Remove the files that the stage wrote the last time, and no others."""
        for name in self.receipt.outputs if self.receipt else ():
            (self.run.output / name).unlink(missing_ok=True)

    def finish(
        self,
        outputs: Iterable[Path],
        counts: Mapping[str, Any],
        known: Mapping[Path, Mapping[str, Any]] | None = None,
    ) -> Receipt:
        """Write the receipt: the stage is done.

        Parameters
        ----------
        outputs
            Every file the stage wrote.
        counts
            Rows `in`, `out` and `set aside` (by reason), and what else is worth telling.
        known
            `bytes` and `sha256` of outputs as the workers told them: gigabytes are not read a second time here.

        Raises
        ------
        CatalogueError
            If rows in are not rows out and rows set aside, or a known file is missing or of another size.
        """
        check_rows(self.name, counts)
        seconds = time.perf_counter() - self.started
        receipt = Receipt(
            stage=self.name,
            key=self.key,
            inputs=dict(self.inputs),
            config=dict(self.config),
            outputs=describe_outputs(self.run.output, outputs, known),
            counts=dict(counts),
            seconds=round(seconds, 2),
            peak_bytes=peak_memory(recorded_workers()),
        )
        write_receipt(self.run.output, receipt)
        memory = ", ".join(f"{who} {n / 1e6:,.0f} MB" for who, n in receipt.peak_bytes.items())
        say(f"  {describe_rows(counts)} ({seconds:.1f} s; at most {memory})")
        stage_ends()
        return receipt


def digest_of(run: Run, stage: str) -> str:
    """Return the digest of what an earlier stage wrote.

    Raises
    ------
    CatalogueError
        If that stage has not been run, or is to be done again: other settings, inputs or version, a damaged file.
    """
    receipt = read_receipt(run.output, stage)
    word = stage.split("_")[0]
    if receipt is None:
        raise CatalogueError(f"{run.output} has no finished {stage!r} stage. Run `stdask {word}` first.")
    if why := why_again(run.output, receipt, run):
        raise CatalogueError(
            f"{run.output}: the {stage!r} stage is to be done again ({why}). Run `stdask {word}` first."
        )
    return receipt.digest


def why_again(output: Path, receipt: Receipt, run: Run | None) -> str:
    """Return why a finished stage is to be done again, in words; empty if it is not, as far as its inputs are stages.

    Parameters
    ----------
    output, receipt
        The run folder, and the stage's receipt.
    run
        The run, to compare the settings too.
    """
    if receipt.versions.get("stdask") != __version__:
        return "changed: the version of stdask"
    changed = []
    for name in receipt.inputs:
        made = read_receipt(output, name) if name in SETTINGS else None
        if made and made.digest != receipt.inputs[name]:
            changed.append(f"what it reads from {name}")
        elif made and (why := why_again(output, made, run)):
            return f"after {name}, {why}"
    if run:
        changed += changed_settings(receipt.config, stage_settings(run, receipt.stage))
    if changed:
        return f"changed: {', '.join(changed)}"
    return why_not_done(output, receipt, receipt.key, receipt.inputs, receipt.config)


def check_rows(stage: str, counts: Mapping[str, Any]) -> None:
    """Raise if rows were lost or doubled.

    Raises
    ------
    CatalogueError
        If `in` differs from `out` plus all of `set aside`.
    """
    if "in" not in counts:
        return
    accounted = counts["out"] + sum(counts["set aside"].values())
    if counts["in"] != accounted:
        raise CatalogueError(
            f"{stage} read {counts['in']} rows but accounts for {accounted}. That is a fault of stdask: report it."
        )


def describe_rows(counts: Mapping[str, Any]) -> str:
    """Return the row counts of a stage in words."""
    if "in" not in counts:
        return "done"
    aside = counts["set aside"]
    reasons = "; ".join(f"{reason}: {n:,}" for reason, n in aside.items() if n)
    return f"rows {counts['in']:,} in = {counts['out']:,} out + {sum(aside.values()):,} set aside" + (
        f" ({reasons})" if reasons else ""
    )
