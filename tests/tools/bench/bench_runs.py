"""A run in the shape of the demo, for made-up stars."""

from pathlib import Path

from stdask.config.run import Run, load_run
from stdask.mock.run_file import RUN_FILE


def make_demo_run(folder: Path, settings: str = "") -> Run:
    """Return the demo's run with further tables."""
    path = folder / "run.toml"
    path.write_text(RUN_FILE.format(seed=3, output=folder) + settings)
    return load_run(path)
