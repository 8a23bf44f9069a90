"""The Monte Carlo settings of a run are those of its run file."""

from pathlib import Path

import pytest

from stdask.network.ensemble import Draws
from stdask.runs.draws import draws_of
from tests.tools.bench.bench_runs import make_demo_run


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        # Without a number, the preset "compact" has 56 draws.
        ("", Draws(n_draws=56, sampler="sobol", seed=3, include_nominal=False, engine="cpu", tf32=False)),
        (
            '[translate]\nn_draws = 40\nsampler = "random"\ninclude_nominal = true\nengine = "gpu"\ntf32 = true\n',
            Draws(n_draws=40, sampler="random", seed=3, include_nominal=True, engine="cpu", tf32=False),
        ),
    ],
)
def test_draws_follow_the_run_file_and_leave_the_engine_to_the_workers(table: str, expected: Draws, tmp_path: Path):
    assert draws_of(make_demo_run(tmp_path, table).config) == expected
