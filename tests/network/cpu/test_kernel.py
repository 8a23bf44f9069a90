"""The compiled layer against numpy, and to the last bit against the sums it stands for."""

import numpy as np
import pytest

from stdask.network.cpu.kernel import PANEL_ROWS, TILE_FEATURES, dense, pack, padded

N_IN, N_OUT = 3 * TILE_FEATURES, 2 * TILE_FEATURES
RNG = np.random.default_rng(1)
KERNEL = RNG.normal(size=(N_IN, N_OUT)).astype(np.float32)
BIAS = RNG.normal(size=N_OUT).astype(np.float32)
SOURCE = RNG.normal(size=(N_IN, PANEL_ROWS)).astype(np.float32)
OLD = RNG.normal(size=(N_OUT, PANEL_ROWS)).astype(np.float32)


def run(numbers: np.ndarray, source: np.ndarray, *, add: bool = False, wanted: str = "both") -> tuple:
    out, rectified = OLD.copy(), OLD.copy()
    places = [
        values.ctypes.data if wanted in ("both", name) else 0 for name, values in (("out", out), ("relu", rectified))
    ]
    dense(source.ctypes.data, len(source), numbers.ctypes.data, N_OUT, *places, add)
    return out, rectified


def fused_chain() -> np.ndarray:
    """Return the products added one by one, each with a single rounding, and the bias last."""
    sums = np.zeros((N_OUT, PANEL_ROWS), np.float32)
    for weights, values in zip(KERNEL.astype(float), SOURCE.astype(float), strict=True):
        sums = (weights[:, None] * values + sums).astype(np.float32)  # in double precision the product is exact
    return BIAS[:, None] + sums


def test_every_number_is_one_chain_of_fused_multiply_adds_to_the_last_bit():
    # so any processor gives the same, whatever the width of its vectors
    out, rectified = run(pack(KERNEL, BIAS, 1), SOURCE)
    np.testing.assert_array_equal(out, fused_chain())
    np.testing.assert_array_equal(rectified, np.maximum(out, 0))


def test_a_layer_adds_to_what_is_there_if_asked():
    out, rectified = run(pack(KERNEL, BIAS, 1), SOURCE, add=True)
    # float32 sums of some 26 terms of order 1
    np.testing.assert_allclose(out, OLD + fused_chain(), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(rectified, np.maximum(out, 0))


@pytest.mark.parametrize("wanted", ["out", "relu"])
def test_what_is_not_wanted_is_not_written(wanted: str):
    out, rectified = run(pack(KERNEL, BIAS, 1), SOURCE, wanted=wanted)
    both = run(pack(KERNEL, BIAS, 1), SOURCE)
    np.testing.assert_array_equal(out, both[0] if wanted == "out" else OLD)
    np.testing.assert_array_equal(rectified, both[1] if wanted == "relu" else OLD)


def test_inputs_and_outputs_that_are_no_whole_tiles_are_padded_with_nothing():
    width, n_out = TILE_FEATURES + 1, N_OUT - 3  # two parts of the source, each padded
    kernel = RNG.normal(size=(2 * width, n_out)).astype(np.float32)
    source = np.zeros((2 * padded(width), PANEL_ROWS), np.float32)
    parts = RNG.normal(size=(2, width, PANEL_ROWS)).astype(np.float32)
    source[:width], source[padded(width) : padded(width) + width] = parts
    out, _ = run(pack(kernel, BIAS[:n_out], 2), source)
    expected = kernel.T @ parts.reshape(2 * width, -1) + BIAS[:n_out, None]
    np.testing.assert_allclose(out[:n_out], expected, rtol=0, atol=1e-5)  # float32 sums of some 18 terms of order 1
    assert (out[n_out:] == 0).all()


def test_what_is_not_a_number_is_not_rectified_away():
    source = SOURCE.copy()
    source[0, 3] = np.nan
    _, rectified = run(pack(KERNEL, BIAS, 1), source)
    assert np.isnan(rectified[:, 3]).all()
    assert np.isfinite(np.delete(rectified, 3, axis=1)).all()
