"""Fold trained networks into plans: plain float32 matrices that run without TensorFlow.

Weight norm is folded into its kernel. On the way down the second half of a unit and the dense layer behind it
are one product: `Dense(x + W2 h + b2)` becomes `[W | W2 W]` on `[x | h]`, fewer operations for the same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Plan:
    """The members of a family, ready to run.

    `arrays` maps a name to the matrices of all members: `{layer}.kernel` has shape (n_members, n_in, n_out),
    `{layer}.bias` (n_members, n_out). Layers: `stem`; `up{i}_a`, `up{i}_b`, `up{i}`; `centre_a`; then
    `down{i}` and `down{i}_a`; `head`. `down{i}` and `head` act on `[x | h]` of the unit before them.
    """

    depth: int
    arrays: Mapping[str, np.ndarray]

    @property
    def n_members(self) -> int:
        """Number of networks."""
        return self.arrays["stem.kernel"].shape[0]

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return self.arrays["stem.kernel"].shape[1]

    @property
    def n_labels(self) -> int:
        """Number of outputs."""
        return self.arrays["head.bias"].shape[1]

    @property
    def widths(self) -> tuple[int, ...]:
        """Features of the units going up, the centre last."""
        first = self.arrays["stem.kernel"].shape[2]
        return tuple(first << i for i in range(self.depth + 1))


def fold(model: "keras.Model", depth: int) -> Plan:
    """Return the plan of one trained member.

    Parameters
    ----------
    model
        As built by `resnet.build`.
    depth
        Doublings of its architecture.
    """
    layers = {name: _weights(model, name) for name in _layer_names(depth)}
    for before, after in _folded(depth):
        inner, inner_bias = layers.pop(f"{before}_b")
        outer, outer_bias = layers[after]
        layers[after] = np.concatenate([outer, inner @ outer]), inner_bias @ outer + outer_bias
    arrays = {
        f"{name}.{part}": np.asarray(value[None], dtype=np.float32)
        for name, pair in layers.items()
        for part, value in zip(("kernel", "bias"), pair, strict=True)
    }
    return Plan(depth, arrays)


def join_members(plans: Sequence[Plan]) -> Plan:
    """Return one plan that holds the members of all, in their order."""
    names = plans[0].arrays
    return Plan(plans[0].depth, {name: np.concatenate([plan.arrays[name] for plan in plans]) for name in names})


def layer_shapes(n_inputs: int, n_labels: int, first_width: int, depth: int) -> dict[str, tuple[int, int]]:
    """Return the shape of the kernel of each layer of a plan.

    Parameters
    ----------
    n_inputs, n_labels, first_width, depth
        Of the architecture.
    """
    widths = [first_width << level for level in range(depth + 1)]
    shapes = {"stem": (n_inputs, first_width)}
    for i, width in enumerate(widths[:-1]):
        shapes |= {f"up{i}_a": (width, width), f"up{i}_b": (width, width), f"up{i}": (width, 2 * width)}
    shapes["centre_a"] = (widths[-1], widths[-1])
    for i, width in enumerate(reversed(widths[:-1])):
        shapes |= {f"down{i}": (4 * width, width), f"down{i}_a": (width, width)}
    return shapes | {"head": (2 * first_width, n_labels)}


def unfolded_operations(plan: Plan) -> int:
    """Return the floating-point operations of a row through one member before folding: two for each weight."""
    down = sum(8 * width**2 for width in plan.widths[:-1])  # four kernels a level up, as many weights down
    ends = plan.widths[0] * (plan.n_inputs + plan.n_labels)
    return 2 * (ends + down + 2 * plan.widths[-1] ** 2)


def _folded(depth: int) -> list[tuple[str, str]]:
    """Return the (unit, layer behind it) pairs that become one product."""
    downs = [f"down{i}" for i in range(depth)]
    return list(zip(["centre", *downs], [*downs, "head"], strict=True))


def _layer_names(depth: int) -> list[str]:
    ups = [name for i in range(depth) for name in (f"up{i}_a", f"up{i}_b", f"up{i}")]
    downs = [name for i in range(depth) for name in (f"down{i}", f"down{i}_a", f"down{i}_b")]
    return ["stem", *ups, "centre_a", "centre_b", *downs, "head"]


def _weights(model: "keras.Model", name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a layer in double precision, so that folding adds no rounding of its own."""
    layer = model.get_layer(name)
    kernel = layer.kernel
    if callable(kernel):  # weight norm: a direction and lengths
        direction = np.asarray(layer.direction, dtype=np.float64)
        kernel = direction * (np.asarray(layer.lengths, dtype=np.float64) / np.linalg.norm(direction, axis=0))
    return np.asarray(kernel, dtype=np.float64), np.asarray(layer.bias, dtype=np.float64)
