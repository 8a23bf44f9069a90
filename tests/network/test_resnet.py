"""The published network in Keras."""

import numpy as np
import pytest

from stdask.network.presets import ANY, PRESETS
from stdask.network.recipe import Architecture
from stdask.network.resnet import WeightNormDense, build


def dense_parameters(model) -> int:
    """Count the kernels and biases that are left when weight norm is folded into its kernels."""
    gains = sum(layer.units for layer in model.layers if isinstance(layer, WeightNormDense))
    return model.count_params() - gains


def test_the_paper_preset_has_the_published_number_of_parameters():
    six_to_four = build(Architecture(6, 4, **PRESETS["paper"]), seed=1)
    assert six_to_four.count_params() == 1_220_100
    assert dense_parameters(six_to_four) == 1_217_284
    assert build(Architecture(7, 1, **PRESETS["paper"]), seed=1).count_params() == 1_219_969


def test_only_the_units_of_256_features_and_more_drop_out_in_the_paper_preset():
    # as the authors' code, not their text: the units of 256 (up and down) and 512 features, twice each
    model = build(Architecture(6, 4, **PRESETS["paper"]), seed=1)
    widths = [layer.output.shape[-1] for layer in model.layers if type(layer).__name__ == "Dropout"]
    assert sorted(widths) == [256, 256, 256, 256, 512, 512]


@pytest.mark.parametrize("preset", PRESETS)
def test_an_untrained_network_corrects_nothing(preset: str):
    model = build(Architecture(6, 4, **PRESETS[preset]), seed=1)
    assert (model.predict_on_batch(np.random.default_rng(1).normal(size=(16, 6)).astype("f4")) == 0).all()


def test_weight_norm_starts_as_a_plain_dense_layer_and_keeps_its_lengths():
    layer = WeightNormDense(5, seed=3)
    layer.build((None, 7))
    np.testing.assert_allclose(layer.kernel(), layer.direction, rtol=1e-6)  # float32
    layer.direction.assign(np.random.default_rng(1).normal(size=(7, 5)))
    layer.lengths.assign(np.arange(1.0, 6.0))
    np.testing.assert_allclose(np.linalg.norm(layer.kernel(), axis=0), np.arange(1.0, 6.0), rtol=1e-6)  # float32


# seeds of a run go up to 2**32, and train multiplies them: all must be taken
@pytest.mark.parametrize("seed", [1, 10_000 * (2**32 - 1) + 1004])
def test_the_seed_decides_the_initial_weights(seed: int):
    architecture = Architecture(6, 4, first_width=8, depth=1, dropout=0.1, dropout_widths=(8, ANY))
    first, again, other = (build(architecture, s).get_weights() for s in (seed, seed, seed + 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    kernels = [(a, b) for a, b in zip(first, other, strict=True) if a.ndim == 2 and a.any()]
    assert all((a != b).any() for a, b in kernels)


def test_no_two_layers_of_a_network_start_alike():
    weights = build(Architecture(8, 4, 8, 2, 0.1, (8, ANY)), seed=1).get_weights()
    kernels = [w.ravel()[:8] / np.abs(w.ravel()[:8]).max() for w in weights if w.ndim == 2 and w.any()]
    for i, a in enumerate(kernels):
        assert not any(np.allclose(a, b) for b in kernels[:i])
