"""The memory of a worker, measured on one of its own, against the prediction."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools.bench.bench_runs import make_demo_run

WORK = """
import sys
from pathlib import Path
import stdask.stages.translate.stage
from stdask.config.run import load_run
from stdask.tools.bench.stars import PIXEL, MadeUpSurvey
from stdask.cluster.performance import peak_bytes
from stdask.stages.translate.forecast import expected_peak
from stdask.runs.ensemble import draws_of
from stdask.stages.translate.table import new_columns
from stdask.stages.translate.tasks import TranslationJob, translate_partition
from stdask import schema
from stdask.storage.catalogue.hats import write_partition

folder, n_stars = Path(sys.argv[1]), int(sys.argv[2])
run = load_run(folder / "run.toml")
families = MadeUpSurvey.of(run).families()
own = (schema.HEALPIX, *run.definition_a.catalogue_columns)
columns = (*own, *new_columns(families, run.definition_b.units))
if sys.argv[3] == "write":
    write_partition(folder / "source", PIXEL, MadeUpSurvey.of(run).table(n_stars), {})
else:
    job = TranslationJob(folder / "source", folder / "out", families, "x", draws_of(run.config), columns)
    translate_partition(PIXEL, job)
    print(peak_bytes(), expected_peak(families, columns, len(own), n_stars))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("n_stars", [1000, 50_000])
def test_a_workers_memory_is_within_25_per_cent_of_the_prediction_and_under_1_gb(tmp_path: Path, n_stars: int):
    # few draws: they are made chunk by chunk, so their number costs time and no memory
    make_demo_run(tmp_path, "[translate]\nn_draws = 4\n")
    for step in ("write", "translate"):
        command = [sys.executable, "-c", WORK, str(tmp_path), str(n_stars), step]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    peak, predicted = map(int, done.stdout.split())
    assert abs(peak / predicted - 1) < 0.25
    assert peak < 1e9
