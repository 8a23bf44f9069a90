"""A batch system for the tests of workers."""

from pathlib import Path

import pytest


@pytest.fixture
def idle_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands of a Slurm whose one job waits until it is cancelled; return the folder of a run."""
    queue = tmp_path / "queue"
    scripts = {
        "sbatch": f"echo '1 PD' > {queue}; echo Submitted batch job 1",
        "squeue": f"cat {queue}",
        "scancel": f": > {queue}",
    }
    for name, script in scripts.items():
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path))  # dask-jobqueue writes its defaults there when imported
    return tmp_path / "run"
