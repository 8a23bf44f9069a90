"""A session that runs numba's functions uncompiled runs stdask's compiled all the same, and stays as it is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from stdask.network.cpu.bumps import add_bumps
from stdask.network.cpu.compiling import call
from stdask.network.cpu.engine import CpuEngine
from tests.network.made_up import made_up_plan

ROOT = Path(__file__).parents[3]
CODE = """
import sys
import numpy as np
import numba
from stdask.network.cpu.bumps import add_bumps
from stdask.network.cpu.compiling import call
from stdask.network.cpu.engine import CpuEngine
from tests.network.cpu.test_compiling import STARS, X, bumps_of
from tests.network.made_up import made_up_plan

own = numba.njit(lambda x: x)
assert not hasattr(own, "signatures"), "the session's own functions are compiled"
np.savez(sys.argv[1], engine=CpuEngine(made_up_plan(3, 2, 8, 1, n_members=1)).run(X), bumps=bumps_of(STARS))
assert numba.core.config.DISABLE_JIT
"""
X = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
STARS = X[::3]


def bumps_of(stars: np.ndarray) -> np.ndarray:
    sums = np.zeros(len(X), np.float32)
    ones = np.ones(max(stars.shape), np.float32)
    call(add_bumps, X, stars, ones[:3], ones[: len(stars)], True, sums)
    return sums


def test_a_session_without_compilation_gets_the_same_bits_and_keeps_its_setting(tmp_path: Path):
    file = tmp_path / "found.npz"
    own = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", CODE, file], capture_output=True, text=True, check=False, env=own)
    assert done.returncode == 0, done.stderr
    found = np.load(file)
    assert np.array_equal(found["engine"], CpuEngine(made_up_plan(3, 2, 8, 1, n_members=1)).run(X))
    assert np.array_equal(found["bumps"], bumps_of(STARS))
