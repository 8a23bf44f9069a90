"""The bench, on tasks too short to be measured: all its numbers are there and hang together."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# of a process of its own: the bench tells TensorFlow how many threads to use before it is loaded
TINY = """
from pathlib import Path
import sys
from stdask.tools.bench import bench, speed, workers

workers.N_TASKS = 50
speed.TASK_OPERATIONS, speed.ENGINE_OPERATIONS, speed.KERAS_ROWS = 2e9, 1e8, 64
if __name__ == "__main__":
    bench.run(["compact"], 1, Path(sys.argv[1]))
"""


def test_the_bench_tells_speeds_shares_workers_and_memory(tmp_path: Path):
    (tmp_path / "tiny.py").write_text(TINY)
    command = [sys.executable, tmp_path / "tiny.py", tmp_path / "bench.json"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((tmp_path / "bench.json").read_text())
    (row,) = told["presets"]
    assert sum(value for name, value in row.items() if name.startswith("share_")) == pytest.approx(1)
    assert all(row[f"share_{part}"] > 0 for part in ("networks", "draws", "combination", "flags", "parquet"))
    assert row["engine_rows_per_s"] * 148_096 == pytest.approx(row["engine_of_peak"] * row["sgemm_gflops"] * 1e9)
    assert row["task_to_keras"] == pytest.approx(row["task_of_peak"] / row["keras_of_peak"])
    assert row["workers"] >= 1
    assert 0 < row["peak_bytes"] < 1e9
    assert 0 < told["task_ms"] < 1000  # of 50 tasks: a second each would be a fault
    for title in ("One thread", "Shares of the time", "One worker a core", "ms a task"):
        assert title in done.stdout
