"""The TensorFlow engine, on whatever device there is, against the processor's; and which engine is taken."""

import numpy as np
import pytest
import tensorflow as tf

from stdask.errors import EnsembleError
from stdask.network import engines, gpu
from stdask.network.cpu.engine import CpuEngine
from stdask.network.engines import make_engine
from stdask.network.gpu import GpuEngine
from tests.network.made_up import made_up_plan

DEVICE = (gpu.visible_gpus() or ["/device:CPU:0"])[0]


@pytest.mark.parametrize("shape", [(6, 4, 32, 2), (7, 1, 64, 3), (1, 1, 5, 0)])
def test_both_engines_agree_to_2e5_of_the_scatter(shape: tuple, monkeypatch: pytest.MonkeyPatch):
    plan = made_up_plan(*shape, n_members=3)
    x = np.random.default_rng(2).normal(size=(50, 10, shape[0])).astype(np.float32)
    expected = CpuEngine(plan).run(x)
    # float32 through ten layers of up to 1024 terms, on either side
    tolerance = 2e-5 * expected.std()
    engine = GpuEngine(plan, DEVICE, tf32=False)
    np.testing.assert_allclose(engine.run(x), expected, rtol=0, atol=tolerance)
    monkeypatch.setattr(gpu, "ROWS", 64)  # several calls, the last one short
    np.testing.assert_allclose(engine.run(x), expected, rtol=0, atol=tolerance)
    assert engine.run(x[:0]).shape == (3, 0, 10, shape[1])


def test_tf32_is_used_only_where_it_is_asked_for():
    plan = made_up_plan(3, 2, 8, 1, 1)
    engines = {wanted: GpuEngine(plan, DEVICE, tf32=wanted) for wanted in (True, False)}
    for wanted, engine in engines.items():
        engine.run(np.zeros((1, 3), np.float32))
        assert tf.config.experimental.tensor_float_32_execution_enabled() == wanted


@pytest.mark.parametrize("driver", [True, False])
def test_without_a_gpu_the_processor_runs_the_plan(driver: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "GPU_DEVICES", ("null",) if driver else ())
    monkeypatch.setattr(gpu, "visible_gpus", lambda: [])
    plan = made_up_plan(3, 2, 8, 1, 1)
    for kind in ("auto", "cpu"):
        assert isinstance(make_engine(plan, kind, tf32=False), CpuEngine)
    with pytest.raises(EnsembleError, match="no GPU"):
        make_engine(plan, "gpu", tf32=False)


def test_a_gpu_is_taken_where_there_is_one_unless_the_processor_is_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(engines, "GPU_DEVICES", ("null",))
    monkeypatch.setattr(gpu, "visible_gpus", lambda: [DEVICE])
    plan = made_up_plan(3, 2, 8, 1, 1)
    for kind in ("auto", "gpu"):
        assert isinstance(make_engine(plan, kind, tf32=False), GpuEngine)
    assert isinstance(make_engine(plan, "cpu", tf32=False), CpuEngine)
