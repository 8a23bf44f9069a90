"""The compiled heart of inference: dense layers on panels of rows.

A BLAS leaves bias and ReLU to further passes over memory, and rounds a row differently from place to place. Here a
tile of a product, `TILE_FEATURES` x `PANEL_ROWS` numbers, stays in the registers of the processor from its first
product to its ReLU, and each number is one chain of fused multiply-adds over the inputs in their order, wherever its
row stands. Tiles in registers: Goto & van de Geijn 2008, ACM Trans. Math. Softw. 34, 12.

Activations lie panel by panel, features x rows: rows fill the vectors, whatever the width of the layer.
"""

from collections.abc import Sequence
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

CPU = llvm.get_host_cpu_features()
if CPU.get("avx512f"):  # 32 registers of 16 floats: 16 sums, 2 of inputs
    LANES, TILE_FEATURES, TILE_VECTORS = 16, 8, 2
elif CPU.get("fma"):  # 16 registers of 8 floats: 12 sums, 3 of inputs, 1 weight
    LANES, TILE_FEATURES, TILE_VECTORS = 8, 4, 3
else:  # 32 registers of 4 floats, as on ARM; x86 processors older than 2013 are right, and slow
    LANES, TILE_FEATURES, TILE_VECTORS = 4, 8, 2
PANEL_ROWS = TILE_VECTORS * LANES
N_SUMS = TILE_FEATURES * TILE_VECTORS  # vectors of a tile

FLOAT_BYTES = 4
INDEX, FLOAT, VECTOR = ir.IntType(64), ir.FloatType(), ir.VectorType(ir.FloatType(), LANES)


def padded(n_features: int) -> int:
    """Return the number of features of whole tiles."""
    return -(-n_features // TILE_FEATURES) * TILE_FEATURES


def pack(kernel: np.ndarray, bias: np.ndarray, n_parts: int) -> np.ndarray:
    """Return a layer's numbers in the order in which `dense` reads them: tile by tile the kernel, then the bias.

    Parameters
    ----------
    kernel : shape (n_in, n_out)
    bias : shape (n_out,)
    n_parts
        The inputs consist of so many parts of equal width, each padded to whole tiles.
    """
    width, n_out = len(kernel) // n_parts, len(bias)
    whole = np.zeros((n_parts, padded(width), padded(n_out)), np.float32)
    whole[:, :width, :n_out] = kernel.reshape(n_parts, width, n_out)
    tiles = whole.reshape(-1, padded(n_out) // TILE_FEATURES, TILE_FEATURES).swapaxes(0, 1)
    return np.concatenate([tiles.reshape(-1), np.pad(bias, (0, padded(n_out) - n_out))])


@njit(error_model="numpy", no_cfunc_wrapper=True)
def dense(
    source: int, n_in: int, numbers: int, n_out: int, out: int, rectified: int, add: bool
) -> None:  # pragma: no cover
    """Apply a layer to a panel: `out = source @ kernel + bias (+ out)` and `rectified = ReLU` of that.

    Parameters
    ----------
    source, out, rectified
        Addresses of features x rows of float32; `out` or `rectified` 0 where it is not wanted.
    n_in, n_out
        Features, in whole tiles.
    numbers
        Address of what `pack` gives.
    add
        Whether to add to what stands at `out`.
    """
    tile_bytes = FLOAT_BYTES * TILE_FEATURES * PANEL_ROWS
    for tile in range(n_out // TILE_FEATURES):
        first = tile * TILE_FEATURES
        _dense_tile(
            source,
            n_in,
            numbers + FLOAT_BYTES * first * n_in,
            numbers + FLOAT_BYTES * (n_out * n_in + first),
            out + tile * tile_bytes if out else 0,
            rectified + tile * tile_bytes if rectified else 0,
            add,
        )


@intrinsic
def _dense_tile(  # type: ignore[no-untyped-def]
    typing,  # noqa: ARG001
    source,  # noqa: ARG001
    n_in,  # noqa: ARG001
    kernel,  # noqa: ARG001
    bias,  # noqa: ARG001
    out,  # noqa: ARG001
    rectified,  # noqa: ARG001
    add,  # noqa: ARG001
):
    """The instructions for one tile of `dense`."""

    def write(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Sequence[ir.Value]) -> ir.Value:
        source, n_in, kernel, bias, out, rectified, add = arguments
        zero = VECTOR([0.0] * LANES)
        products = _multiply(builder, source, n_in, kernel)
        biases = [_broadcast(builder, bias, n // TILE_VECTORS) for n in range(N_SUMS)]
        place = builder.select(add, out, source)  # some memory that may be read, if it is not wanted
        old = [builder.select(add, _load(builder, place, n), zero) for n in range(N_SUMS)]
        start = [builder.fadd(*pair) for pair in zip(biases, old, strict=True)]
        sums = [builder.fadd(*pair) for pair in zip(start, products, strict=True)]
        with builder.if_then(builder.icmp_signed("!=", out, INDEX(0))):
            _store(builder, out, sums)
        with builder.if_then(builder.icmp_signed("!=", rectified, INDEX(0))):
            negative = [builder.fcmp_ordered("<", own, zero) for own in sums]  # false for what is not a number
            _store(
                builder, rectified, [builder.select(less, zero, own) for less, own in zip(negative, sums, strict=True)]
            )
        return context.get_dummy_value()

    return types.void(*[types.intp] * 6, types.boolean), write


def _multiply(builder: ir.IRBuilder, source: ir.Value, n_in: ir.Value, kernel: ir.Value) -> list[ir.Value]:
    """Write the loop over the inputs; return the sums, feature by feature, part by part of the panel."""
    fma_type = ir.FunctionType(VECTOR, [VECTOR] * 3)
    fma = cgutils.get_or_insert_function(builder.module, fma_type, f"llvm.fma.v{LANES}f32")
    start = [VECTOR([0.0] * LANES)] * N_SUMS
    before, loop, after = builder.block, builder.append_basic_block("inputs"), builder.append_basic_block("sums")
    builder.branch(loop)
    builder.position_at_end(loop)
    number = builder.phi(INDEX)
    sums = [builder.phi(VECTOR) for _ in start]
    rows = builder.add(source, builder.mul(number, INDEX(FLOAT_BYTES * PANEL_ROWS)))
    weights = builder.add(kernel, builder.mul(number, INDEX(FLOAT_BYTES * TILE_FEATURES)))
    parts = [_load(builder, rows, part) for part in range(TILE_VECTORS)]
    new = [
        builder.call(fma, [_broadcast(builder, weights, n // TILE_VECTORS), parts[n % TILE_VECTORS], own])
        for n, own in enumerate(sums)
    ]
    following = builder.add(number, INDEX(1))
    for phi, first, later in zip([number, *sums], [INDEX(0), *start], [following, *new], strict=True):
        phi.add_incoming(first, before)
        phi.add_incoming(later, loop)
    builder.cbranch(builder.icmp_signed("<", following, n_in), loop, after)
    builder.position_at_end(after)
    return new


def _pointer(builder: ir.IRBuilder, address: ir.Value, floats: int, to: ir.Type) -> ir.Value:
    return builder.inttoptr(builder.add(address, INDEX(FLOAT_BYTES * floats)), to.as_pointer())


def _load(builder: ir.IRBuilder, address: ir.Value, number: int) -> ir.Value:
    return builder.load(_pointer(builder, address, number * LANES, VECTOR), align=FLOAT_BYTES)


def _store(builder: ir.IRBuilder, address: ir.Value, vectors: Sequence[ir.Value]) -> None:
    for number, values in enumerate(vectors):
        builder.store(values, _pointer(builder, address, number * LANES, VECTOR), align=FLOAT_BYTES)


def _broadcast(builder: ir.IRBuilder, address: ir.Value, number: int) -> ir.Value:
    value = builder.load(_pointer(builder, address, number, FLOAT), align=FLOAT_BYTES)
    one = builder.insert_element(VECTOR(ir.Undefined), value, ir.IntType(32)(0))
    lanes = ir.VectorType(ir.IntType(32), LANES)([0] * LANES)
    return builder.shuffle_vector(one, VECTOR(ir.Undefined), lanes)
