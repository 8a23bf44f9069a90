"""Folded plans against the Keras models that they stand for."""

import numpy as np
import pytest

from stdask.network.cpu.engine import CpuEngine
from stdask.network.plan import fold, join_members, layer_shapes, unfolded_operations
from stdask.network.presets import ANY, PRESETS
from stdask.network.recipe import Architecture, Sample, Schedule
from stdask.network.resnet import build
from stdask.network.training import train_member


def far_from_initial(architecture: Architecture, seed: int):
    """Return a model whose weights are all random, the lengths of the weight norm and the head too."""
    model, rng = build(architecture, seed), np.random.default_rng(seed)
    weights = [rng.normal(0, 1, w.shape) if w.ndim == 2 else rng.uniform(0.2, 1, w.shape) for w in model.get_weights()]
    for i, w in enumerate(weights):
        if w.ndim == 2:
            weights[i] = w / np.sqrt(w.shape[0])
    model.set_weights(weights)
    return model


@pytest.mark.parametrize("preset", PRESETS)
def test_a_trained_plan_gives_what_its_keras_model_gives(preset: str):
    x = np.random.default_rng(2).normal(size=(1000, 6)).astype(np.float32)
    corrections = np.stack([np.sin(x[:, 0]), x[:, 1] * x[:, 2], np.abs(x[:, 3]), x[:, 4] + 0.3], axis=1)
    sample = Sample(x, corrections, np.ones_like(corrections))
    architecture = Architecture(6, 4, **PRESETS[preset])
    schedule = Schedule(learning_rates=(1e-3,), max_epochs=5, patience=5, batch_size=50)
    model, history = train_member(architecture, schedule, sample, sample, 1, lambda _: None)
    assert history[-1].loss < 0.7 * history[0].loss  # it has learnt something
    expected = model.predict_on_batch(x)
    got = CpuEngine(fold(model, architecture.depth)).run(x)[0]
    # float32 through ten layers of up to 1024 terms: the plan must keep 1e-5 of each label's scatter
    assert (np.abs(got - expected) < 1e-5 * expected.std(axis=0)).all()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_plan_gives_what_its_keras_model_gives(preset: str):
    architecture = Architecture(6, 4, **PRESETS[preset])
    model = far_from_initial(architecture, 1)
    x = np.random.default_rng(2).normal(size=(8, 100, 6)).astype(np.float32)
    expected = model.predict_on_batch(x.reshape(-1, 6))
    got = CpuEngine(fold(model, architecture.depth)).run(x)[0].reshape(-1, 4)
    # these outputs are five times as large as they scatter; each side is within 1e-5 of the truth
    assert (np.abs(got - expected) < 2e-5 * expected.std(axis=0)).all()


def test_a_folded_pass_costs_2_07_instead_of_2_43_million_operations():
    architecture = Architecture(6, 4, **PRESETS["paper"])
    model = build(architecture, 1)
    plan = fold(model, architecture.depth)
    # two operations a weight; lengths and biases are of one dimension
    unfolded = 2 * sum(w.size for w in model.get_weights() if w.ndim == 2)
    folded = 2 * sum(a.size for name, a in plan.arrays.items() if name.endswith(".kernel"))
    assert unfolded / 1e6 == pytest.approx(2.43, abs=0.005)
    assert folded / 1e6 == pytest.approx(2.07, abs=0.005)


@pytest.mark.parametrize("shape", [(6, 4, 64, 3), (7, 1, 32, 2), (1, 2, 5, 0)])
def test_shapes_and_operations_are_those_of_the_keras_model(shape: tuple):
    n_inputs, n_labels, first_width, depth = shape
    model = build(Architecture(n_inputs, n_labels, first_width, depth, 0.1, (8, ANY)), 1)
    plan = fold(model, depth)
    assert unfolded_operations(plan) == 2 * sum(w.size for w in model.get_weights() if w.ndim == 2)
    kernels = {name: array.shape[1:] for name, array in plan.arrays.items() if name.endswith(".kernel")}
    assert {f"{layer}.kernel": own for layer, own in layer_shapes(*shape).items()} == kernels


def test_joined_members_keep_their_order_and_their_results():
    architecture = Architecture(3, 2, first_width=8, depth=2, dropout=0.1, dropout_widths=(8, ANY))
    plans = [fold(far_from_initial(architecture, seed), 2) for seed in range(3)]
    x = np.random.default_rng(2).normal(size=(5, 10, 3)).astype(np.float32)
    together = CpuEngine(join_members(plans)).run(x)
    for member, plan in enumerate(plans):
        np.testing.assert_array_equal(together[member], CpuEngine(plan).run(x)[0])


def test_a_plan_is_of_plain_float32():
    plan = fold(build(Architecture(3, 2, 8, 1, 0.1, (8, ANY)), 1), 1)
    assert {array.dtype for array in plan.arrays.values()} == {np.dtype("float32")}
    assert (plan.n_members, plan.n_labels, plan.widths) == (1, 2, (8, 16))
