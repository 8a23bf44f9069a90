"""The numpy engine: right, and the same for a star to the last bit wherever it stands."""

import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from stdask.network.inference import Engine
from tests.network.made_up import made_up_plan, run_in_double

SHAPES = [(6, 4, 32, 2), (7, 1, 32, 2), (1, 1, 32, 2), (6, 4, 64, 3)]  # compact, one label, one input, paper


@pytest.mark.parametrize("shape", SHAPES)
def test_the_engine_computes_the_formula(shape: tuple):
    plan = made_up_plan(*shape, n_members=2)
    x = np.random.default_rng(2).normal(size=(7, 10, shape[0])).astype(np.float32)
    outputs = Engine(plan, 10, 64).run(x)
    for member in range(2):
        expected = run_in_double(plan, member, x.astype(np.float64))
        # float32 through ten layers of up to 1024 terms
        assert (np.abs(outputs[member] - expected) < 1e-5 * expected.std()).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_draws", [2, 7, 100])
@pytest.mark.parametrize("rows_per_block", [64, 192, 2048])
def test_a_stars_result_is_the_same_to_the_last_bit_whatever_its_neighbours_and_its_place(
    shape: tuple, n_draws: int, rows_per_block: int
):
    plan = made_up_plan(*shape, n_members=2)
    x = np.random.default_rng(2).normal(size=(13, n_draws, shape[0])).astype(np.float32)
    alone = np.concatenate([Engine(plan, n_draws, rows_per_block).run(star[None]) for star in x], axis=1)
    with threadpool_limits(2, user_api="blas"):  # as in a driver nobody told to use one thread
        engine = Engine(plan, n_draws, rows_per_block)
        np.testing.assert_array_equal(engine.run(x), alone)
        np.testing.assert_array_equal(engine.run(x[::-1])[:, ::-1], alone)
        np.testing.assert_array_equal(engine.run(x[4:5]), alone[:, 4:5])  # buffers hold other stars by now


@pytest.mark.parametrize("shape", SHAPES)
def test_the_size_of_a_block_changes_a_result_by_rounding_alone(shape: tuple):
    plan = made_up_plan(*shape, n_members=2)
    x = np.random.default_rng(2).normal(size=(13, 100, shape[0])).astype(np.float32)
    small, large = (Engine(plan, 100, rows).run(x) for rows in (64, 4096))
    # sums of up to 1024 products in float32, in another order: a few times 6e-8, through ten layers
    assert np.abs(small - large).max() < 2e-6 * small.std()


def test_no_stars_give_no_results():
    assert Engine(made_up_plan(3, 2, 8, 1, 2), 10, 64).run(np.zeros((0, 10, 3), np.float32)).shape == (2, 0, 10, 2)


def test_workers_and_the_driver_need_no_tensorflow():
    code = (
        "import sys;"
        "import stdask.network.inference, stdask.network.ensemble, stdask.network.plan, stdask.network.recipe;"
        "import stdask.pipeline.translate, stdask.pipeline.train, stdask.pipeline.evaluate;"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
