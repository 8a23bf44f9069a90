"""What has changed since a stage was finished: its settings, the stages before it, the files it read."""

from pathlib import Path

from stdask.config.addresses import is_remote
from stdask.config.run import Run
from stdask.errors import RemoteError, SurveyError
from stdask.runs.receipts import (
    Receipt,
    SourceFile,
    changed_settings,
    read_receipt,
    why_not_done,
    why_other_results,
)
from stdask.runs.registry import OPTIONS, STAGES, stage_settings, stages_of
from stdask.runs.surveys.input_files import input_files
from stdask.storage.files import hash_of
from stdask.storage.surveys.places.listing import list_files


def why_again(output: Path, receipt: Receipt, run: Run | None) -> str:
    """Return why a finished stage must be repeated, in words; empty if it need not be, as far as other stages tell.

    Parameters
    ----------
    output, receipt
        The run folder, and the stage's receipt.
    run
        The run, to compare the settings too.
    """
    if why := why_other_results(receipt):
        return why
    stages = stages_of(run) if run else STAGES
    changed = []
    for name in receipt.inputs:
        made = read_receipt(output, name) if name in stages else None
        if made and made.digest != receipt.inputs[name]:
            changed.append(f"what it reads from {name}")
        elif made and (why := why_again(output, made, run)):
            return f"after {name}, {why}"
    if run:
        own = {name: value for name, value in receipt.settings.items() if name != OPTIONS}
        changed += changed_settings(own, stage_settings(run, receipt.stage))
    if changed:
        return f"changed: {', '.join(changed)}"
    return why_not_done(output, receipt, receipt.inputs, receipt.settings)


def changed_files(receipt: Receipt, run: Run) -> list[str]:
    """Return what has become of the files that a stage read from outside the run folder, in words.

    A file of the same path, size and time is taken for unchanged; another is read again.

    Parameters
    ----------
    receipt, run
        The stage's receipt; and the run, which says where the files are now.
    """
    changes = []
    for name, path in input_files(run, receipt.stage).items():
        try:
            now = source_file(path)
        except FileNotFoundError:
            changes.append(f"{path} is missing")
            continue
        except (SurveyError, RemoteError) as exc:  # a folder, a pattern
            changes.append(str(exc))
            continue
        if name not in receipt.inputs:
            changes.append(f"{path} is new")
        elif receipt.sources.get(name) != now and _checksum(path) != receipt.inputs[name]:
            changes.append(f"{path} has changed")
    return changes


def source_file(path: Path) -> SourceFile:
    """Return what tells whether a file, or files, are still those that were read, without reading them."""
    if is_remote(path):
        return SourceFile(str(path), 0, 0, files=_checksum(path))
    files = list_files(path)
    found = [file.stat() for file in files]
    states = [(str(file), own.st_size, own.st_mtime_ns) for file, own in zip(files, found, strict=True)]
    return SourceFile(
        str(path),
        sum(own.st_size for own in found),
        max(own.st_mtime_ns for own in found),
        files="" if files == (path,) else hash_of(states),
    )


def _checksum(path: Path) -> str:
    from stdask.storage.surveys.files import checksum  # slow to import

    return checksum(path)
