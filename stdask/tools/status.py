"""Status: how far a run is, read from its folder. Starts nothing and changes nothing."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from rich.text import Text

from stdask.config.run import Run
from stdask.display.console import duration, say
from stdask.display.tables import print_table
from stdask.errors import CatalogueError, FailedTask
from stdask.runs.changes import changed_files, why_again
from stdask.runs.lock import Lock, read_lock
from stdask.runs.progress import DONE, RUNNING, Progress, read_progress
from stdask.runs.receipts import Receipt, read_receipt, why_kept
from stdask.runs.registry import CHECKS, ENTRIES, STAGES, stages_of
from stdask.runs.run_file import known_run, reopen_run
from stdask.storage import paths

SHOWN_FAILURES = 10
STYLES = {"done": "green", "running": "bold", "interrupted": "red", "stopped": "red", "outdated": "yellow"}


@dataclass(frozen=True)
class Standing:
    """How one stage stands."""

    stage: str
    state: str  # "done", "running", "interrupted", "stopped", "outdated" or "waiting"
    why: str  # why it is not done, or how far it is
    receipt: Receipt | None  # of the last time


def print_status(path: Path, data_dir: Path | None = None, allow_remote: bool = False) -> None:
    """Print how far a run is: its stages, who runs it, and what failed.

    Parameters
    ----------
    path
        The run folder, or the run file: then its settings and survey files are compared with those of the last run,
        so that the table is also the plan of the next one.
    data_dir
        Where the survey files of the run file lie; where the last run found them if None.
    allow_remote
        Survey files may be addresses.

    Raises
    ------
    CatalogueError
        If the folder holds no run.
    ConfigError, SurveyError
        If the run file is not valid.
    """
    run = reopen_run(path, data_dir, allow_remote) if path.is_file() else None
    output = run.output if run else path
    if run is None and not (output / "receipts").is_dir() and read_progress(output) is None:
        raise CatalogueError(f"{output} holds no run yet. Name the folder of a run or its run file, or start the run.")
    known = run or known_run(output)
    _print_folder(output, run, known)
    for part in known.further if known else ():
        say(f"survey {part.definition_a.name}", "bold")
        _print_folder(part.output, part if run else None, part)


def _print_folder(output: Path, run: Run | None, known: Run | None) -> None:
    """Print how far the run of one survey is; what is known of it without its run file tells which stages it has."""
    lock, progress = _lock(output), read_progress(output)
    say(f"{output}: {_who(lock)}", "bold")
    _print_stages(standings(output, run, progress, lock, known))
    if progress:
        ago = (datetime.now(UTC) - progress.updated).total_seconds()
        say(f"last update {duration(max(ago, 0))} ago: {_last_update(progress, lock)}")
        if progress.dashboard and lock and lock.alive:
            say(f"dashboard {progress.dashboard} on {progress.host}", "dim")
    for stage in ENTRIES:
        _print_failures(stage, _failures(output, stage))


def standings(
    output: Path, run: Run | None, progress: Progress | None, lock: Lock | None, known: Run | None = None
) -> list[Standing]:
    """Return how each stage stands, in their order; checks that were never started are left out.

    Parameters
    ----------
    output, run
        The run folder; and the run, whose settings and files are compared with those of the last one.
    progress, lock
        What the folder says of a command that works there.
    known
        The last run in the folder, where there is no run file to compare with.
    """
    last = run or known or known_run(output)
    stages = stages_of(last) if last else STAGES
    receipts = {stage: read_receipt(output, stage) for stage in (*stages, *CHECKS)}
    stands: dict[str, Standing] = {}
    # The folder of a table's atlas has that stage alone.
    of_a_run = run is not None or [stage for stage, receipt in receipts.items() if receipt] != ["atlas"]
    for stage, receipt in receipts.items():
        if progress and progress.stage == stage and receipt is None:
            stands[stage] = Standing(stage, _state(progress, lock), _last_update(progress, lock), None)
        elif receipt is None:
            if stage in stages and of_a_run:
                stands[stage] = Standing(stage, "waiting", "", None)
        else:
            why = why_again(output, receipt, run) or "; ".join(changed_files(receipt, run) if run else ())
            stands[stage] = Standing(stage, "outdated" if why else "done", why, receipt)
    return list(stands.values())


def _state(progress: Progress, lock: Lock | None) -> str:
    return "interrupted" if progress.state == RUNNING and not (lock and lock.alive) else progress.state


def _last_update(progress: Progress, lock: Lock | None) -> str:
    shown = progress.figures if progress.state != DONE else None  # the last of its bars is not what counts then
    figures = f"{shown.description}: {shown}" if shown else ""
    words = [progress.stage, _state(progress, lock), progress.error.partition("\n")[0], figures]
    return "; ".join(word for word in words if word)


def _lock(output: Path) -> Lock | None:
    with contextlib.suppress(OSError):  # the folder may belong to somebody else: then nobody is known to run it
        return read_lock(output)
    return None


def _who(lock: Lock | None) -> str:
    if lock is None:
        return "nobody runs it"
    name = str(lock.holder) if lock.holder else "a run whose lock cannot be read"
    return f"run by {name}" if lock.alive else f"nobody runs it; {name} was killed"


def _print_stages(stands: list[Standing]) -> None:
    print_table("", [_row(stand) for stand in stands])
    for stand in stands:
        if stand.receipt and stand.why:
            say(f"{stand.stage} {stand.state}: {stand.why}", STYLES.get(stand.state))
        elif stand.receipt and (kept := why_kept(stand.receipt)):
            say(f"{stand.stage} {stand.state}: {kept}")


def _row(stand: Standing) -> dict[str, Any]:
    state, receipt = Text(stand.state, STYLES.get(stand.state, "dim")), stand.receipt
    when = f"{datetime.fromisoformat(receipt.written):%Y-%m-%d %H:%M}" if receipt else ""
    rows = receipt.counts.rows if receipt else None
    return {
        "stage": stand.stage,
        "state": state,
        "finished (UTC)": when,
        "took": duration(receipt.seconds) if receipt else "",
        "rows in": rows.n_in if rows else None,
        "out": rows.n_out if rows else None,
        "set aside": rows.n_aside if rows else None,
    }


def _failures(output: Path, stage: str) -> list[FailedTask]:
    try:
        return TypeAdapter(list[FailedTask]).validate_json(paths.failures(output, stage).read_bytes())
    except (FileNotFoundError, ValueError):  # none, or not what a stage writes
        return []


def _print_failures(stage: str, failures: list[FailedTask]) -> None:
    if not failures:
        return
    say(f"{stage}: {len(failures):,} tasks failed; the next run repeats only those", "red")
    for one in failures[:SHOWN_FAILURES]:
        say(f"  {one.task} ({one.rows:,} rows, {one.tries} tries): {one.error}")
    if len(failures) > SHOWN_FAILURES:
        say(f"  and {len(failures) - SHOWN_FAILURES:,} more in {stage}.failed.json")
