"""The progress of a run, in `progress.json` of its folder: `stdask status` reads it from any machine."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from stdask.display.console import Figures
from stdask.storage import paths

RUNNING, DONE, STOPPED = "running", "done", "stopped"


@dataclass(frozen=True)
class Progress:
    """The last record of a run's progress."""

    state: str  # RUNNING, DONE or STOPPED
    stage: str  # empty where a command has none
    error: str  # why the stage was stopped
    figures: Figures | None  # of the last bar; None if the stage has shown none
    updated: datetime
    host: str
    pid: int
    dashboard: str


def read_progress(output: Path) -> Progress | None:
    """Return the last record of a run; None if there is none or it is not one."""
    try:
        content = json.loads(paths.progress(output).read_text(encoding="utf-8"))
        figures = Figures(**content.pop("figures")) if content["figures"] else content.pop("figures")
        return Progress(figures=figures, updated=datetime.fromisoformat(content.pop("updated")), **content)
    except (OSError, ValueError, TypeError, KeyError):
        return None
