"""What all stages share: is it done, and if not why; where its inputs come from; its receipt."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from stdask.cluster.performance import peak_memory
from stdask.config.run import Run
from stdask.display.console import say
from stdask.errors import CatalogueError, SurveyError
from stdask.runs.changes import source_file, why_again
from stdask.runs.counts import Counts
from stdask.runs.receipts import (
    FileRecord,
    Receipt,
    describe_outputs,
    read_receipt,
    stage_key,
    why_kept,
    why_not_done,
    write_receipt,
)
from stdask.runs.recorder import recorded_workers, stage_begins, stage_ends
from stdask.runs.registry import OPTIONS, STAGES, entry_of, stage_settings, stages_of
from stdask.runs.surveys.input_files import input_files
from stdask.storage import paths
from stdask.storage.surveys.files import checksum


class Stage:
    """One stage of one run, from the question whether it is done to its receipt.

    Parameters
    ----------
    output
        The run folder.
    name
        Name of the stage in the registry.
    inputs
        SHA-256 of everything the stage reads, by name.
    settings
        Further settings that its outputs depend on.
    sources
        The files among its inputs that lie outside the run folder.
    """

    def __init__(
        self,
        output: Path,
        name: str,
        inputs: Mapping[str, str],
        settings: Mapping[str, Any],
        sources: Mapping[str, Path] | None = None,
    ) -> None:
        self.output = output
        self.name = name
        self.inputs = inputs
        self.settings = settings
        self.key = stage_key(name, inputs, settings)
        self.receipt = read_receipt(output, name)
        self.reason = why_not_done(output, self.receipt, inputs, settings)
        self._sources = {name: source_file(path) for name, path in (sources or {}).items()}
        self._started = time.perf_counter()
        kept = why_kept(self.receipt) if self.receipt and not self.reason else ""
        say(f"{name}: {self.reason or kept or 'done before, skipped'}", "bold")

    def done(self) -> Receipt | None:
        """Return the receipt if nothing has to be done; else the stage begins, and its old receipt is removed."""
        if not self.reason:
            return self.receipt
        stage_begins(self.name)
        paths.receipt(self.output, self.name).unlink(missing_ok=True)
        return None

    def remove_old_outputs(self) -> None:
        """Remove the files that the stage wrote the last time, and no others."""
        for name in self.receipt.outputs if self.receipt else ():
            (self.output / name).unlink(missing_ok=True)

    def finish(
        self, outputs: Iterable[Path], counts: Counts, known: Mapping[Path, FileRecord] | None = None
    ) -> Receipt:
        """Write the receipt: the stage is done.

        Parameters
        ----------
        outputs
            Every file the stage wrote.
        counts
            Rows read, written and set aside, and what else is worth knowing.
        known
            Records of outputs from the workers that wrote them: gigabytes are not read a second time here.

        Raises
        ------
        CatalogueError
            If rows in are not rows out and rows set aside, or a known file is missing or of another size.
        """
        if counts.rows:
            counts.rows.check(self.name)
        seconds = time.perf_counter() - self._started
        receipt = Receipt(
            stage=self.name,
            key=self.key,
            inputs=dict(self.inputs),
            settings=dict(self.settings),
            outputs=describe_outputs(self.output, outputs, known),
            counts=counts,
            sources=self._sources,
            seconds=round(seconds, 2),
            peak_bytes=peak_memory(recorded_workers()),
        )
        write_receipt(self.output, receipt)
        memory = ", ".join(f"{who} {n / 1e6:,.0f} MB" for who, n in receipt.peak_bytes.items())
        say(f"  {counts.rows or 'done'} ({seconds:.1f} s; at most {memory})")
        stage_ends()
        return receipt


def begin_stage(
    run: Run, name: str, further: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None
) -> Stage:
    """Return a stage of a run with everything that the registry says it reads and depends on.

    Parameters
    ----------
    run, name
        The run, and the stage's name in the registry.
    further
        SHA-256 of what else the stage reads, by name.
    options
        Options of its command on which the outputs depend, as JSON holds them.

    Raises
    ------
    CatalogueError
        If a stage that it reads from has not been run, or must be repeated.
    SurveyError
        If a file that it reads is missing.
    """
    entry = entry_of(run, name)
    files = input_files(run, name)
    # In the order of the stages, so that the first one to run is the first one to be named.
    inputs = {stage: digest_of(run, stage) for stage in sorted(entry.inputs, key=list(STAGES).index)}
    for key, path in files.items():
        try:
            inputs[key] = checksum(path)
        except SurveyError as exc:
            if path.name not in key:  # the path does not say what the file is for
                exc.add_note(f"[{entry.command}] {key}")
            raise
    settings = stage_settings(run, name) | ({OPTIONS: dict(options)} if options else {})
    return Stage(run.output, name, inputs | dict(further or {}), settings, files)


def digest_of(run: Run, stage: str) -> str:
    """Return the digest of what an earlier stage wrote.

    Raises
    ------
    CatalogueError
        If that stage has not been run, or must be repeated: other settings, inputs or version, a damaged file.
    """
    command = entry_of(run, stage).command
    receipt = read_receipt(run.output, stage)
    if receipt is None:
        raise CatalogueError(f"{run.output} has no finished {stage!r} stage. Run `stdask {command}` first.")
    if why := why_again(run.output, receipt, run):
        name, why = _first_to_repeat(run, stage) or (stage, why)
        raise CatalogueError(
            f"{run.output}: the {name!r} stage must be repeated ({why}). Run `stdask "
            f"{entry_of(run, name).command}` first."
        )
    return receipt.digest


def _first_to_repeat(run: Run, stage: str) -> tuple[str, str] | None:
    """Return the first stage that must be repeated of those that a stage depends on, and why; None if none must be."""
    stages = stages_of(run)
    before = {stage}
    for name in reversed(list(stages)):  # a stage reads from earlier ones alone
        before |= set(stages[name].inputs) if name in before else set()
    for name in stages:
        receipt = read_receipt(run.output, name) if name in before else None
        if receipt and (why := why_again(run.output, receipt, run)):
            return name, why
    return None
