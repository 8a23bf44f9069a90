"""The model card of an ensemble."""

from pathlib import Path

from stdask.config import Run
from stdask.storage import paths
from stdask.storage.files import write_text


def write_card(run: Run) -> Path:
    """Write the card."""
    path = paths.ensemble(run.output) / "card.md"
    write_text(path, "# card\n")
    return path
