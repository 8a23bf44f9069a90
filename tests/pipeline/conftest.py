"""Runs on real survey files, in folders of their own."""

from pathlib import Path

import pytest

from stdask.config import Run, load_run

JOBS = Path(__file__).parents[2] / "jobs"


@pytest.fixture(scope="session")
def lamost_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """LAMOST on APOGEE; stages that a test has run stay done for the next."""
    return load_run(JOBS / "lamost_to_apogee.toml", data_dir, tmp_path_factory.mktemp("lamost"))
