"""The engine: right, and the same for a row to the last bit wherever it stands."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from stdask.network.cpu import engine as inference
from stdask.network.cpu.engine import CpuEngine
from stdask.network.cpu.kernel import PANEL_ROWS, TILE_FEATURES
from tests.network.made_up import made_up_plan, run_in_double

# (inputs, labels, first width, depth): compact, one label, one input, paper, widths that are not whole tiles
SHAPES = [(6, 4, 32, 2), (7, 1, 32, 2), (1, 1, 32, 2), (6, 4, 64, 3), (3, TILE_FEATURES + 1, 13, 1), (2, 2, 5, 0)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_engine_computes_the_formula(shape: tuple):
    plan = made_up_plan(*shape, n_members=2)
    x = np.random.default_rng(2).normal(size=(7, 10, shape[0])).astype(np.float32)
    outputs = CpuEngine(plan).run(x)
    for member in range(2):
        expected = run_in_double(plan, member, x.astype(np.float64))
        # float32 through ten layers of up to 1024 terms
        assert (np.abs(outputs[member] - expected) < 1e-5 * expected.std()).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_rows_result_is_the_same_to_the_last_bit_whatever_its_neighbours_its_place_and_the_block(
    shape: tuple, monkeypatch: pytest.MonkeyPatch
):
    plan = made_up_plan(*shape, n_members=2)
    x = np.random.default_rng(2).normal(size=(5 * PANEL_ROWS + 3, shape[0])).astype(np.float32)
    engine = CpuEngine(plan)
    whole = engine.run(x)
    np.testing.assert_array_equal(engine.run(x), whole)  # a retry
    np.testing.assert_array_equal(engine.run(x[::-1])[:, ::-1], whole)
    for start, stop in ((0, 1), (4, 11), (PANEL_ROWS - 1, 3 * PANEL_ROWS)):
        np.testing.assert_array_equal(engine.run(x[start:stop]), whole[:, start:stop])
    for n_panels in (1, 2, 64):
        monkeypatch.setattr(inference, "BLOCK_PANELS", n_panels)
        np.testing.assert_array_equal(engine.run(x), whole)


def test_members_are_those_of_the_plan_in_their_order():
    plan = made_up_plan(6, 4, 32, 2, n_members=3)
    x = np.random.default_rng(2).normal(size=(40, 6)).astype(np.float32)
    whole = CpuEngine(plan).run(x)
    for member in range(3):
        alone = CpuEngine(
            replace(plan, arrays={name: array[member : member + 1] for name, array in plan.arrays.items()})
        )
        np.testing.assert_array_equal(alone.run(x)[0], whole[member])


def test_what_is_not_a_number_stays_so_and_harms_no_other_row():
    engine = CpuEngine(made_up_plan(3, 2, 8, 1, 1))
    x = np.random.default_rng(2).normal(size=(50, 3)).astype(np.float32)
    whole = engine.run(x)
    x[7, 1] = np.nan
    assert np.isnan(engine.run(x)[:, 7]).all()
    np.testing.assert_array_equal(np.delete(engine.run(x), 7, axis=1), np.delete(whole, 7, axis=1))


def test_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match="4 inputs a row, but the plan has 3"):
        CpuEngine(made_up_plan(3, 2, 8, 1, 2)).run(np.zeros((5, 4), np.float32))


def test_no_stars_give_no_results():
    assert CpuEngine(made_up_plan(3, 2, 8, 1, 2)).run(np.zeros((0, 10, 3), np.float32)).shape == (2, 0, 10, 2)


def test_workers_and_the_driver_need_no_tensorflow():
    code = (
        "import sys;"
        "import stdask.network.cpu.engine, stdask.network.ensemble, stdask.network.plan, stdask.network.recipe;"
        "import stdask.stages.translate.stage, stdask.stages.train.stage, stdask.stages.evaluate.stage;"
        "print([m for m in ('tensorflow', 'keras') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
