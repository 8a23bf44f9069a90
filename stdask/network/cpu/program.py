"""A plan as steps on a workspace: which layer reads and writes where, and the numbers of all layers in a row."""

from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from stdask.network.cpu.kernel import pack, padded
from stdask.network.plan import Plan

NOWHERE = -1


class Step(NamedTuple):
    """One layer. Places are features of the workspace; `out` or `rectified` is `NOWHERE` where it is not wanted."""

    source: int
    n_in: int
    numbers: int  # where the layer's begin
    n_out: int
    out: int
    rectified: int
    add: int  # 1: to what stands at `out`


@dataclass(frozen=True)
class Program:
    """What a plan makes a panel of rows go through."""

    steps: np.ndarray  # (n_steps, len(Step)), int64
    numbers: np.ndarray  # (n_members, n_numbers), float32
    outputs: int  # place of the outputs; the inputs stand at 0
    n_inputs: int
    n_labels: int
    n_features: int  # of the workspace


def write_program(plan: Plan) -> Program:
    """Return the steps of a plan.

    For each width the workspace holds `[x | h]`, which the layers on the way down read together, and ReLU(x).
    """
    widths = [padded(width) for width in plan.widths]
    sizes = [padded(plan.n_inputs), *(3 * width for width in widths), padded(plan.n_labels)]
    _, *x, outputs, n_features = accumulate(sizes, initial=0)
    h = [place + width for place, width in zip(x, widths, strict=True)]
    rectified = [place + 2 * width for place, width in zip(x, widths, strict=True)]
    writer = _Writer(plan)
    writer.add("stem", 0, x[0], rectified[0])
    for i in range(plan.depth):
        writer.add(f"up{i}_a", rectified[i], NOWHERE, h[i])
        writer.add(f"up{i}_b", h[i], x[i], NOWHERE, to_old=True)
        writer.add(f"up{i}", x[i], x[i + 1], rectified[i + 1])
    writer.add("centre_a", rectified[-1], NOWHERE, h[-1])
    for i, level in enumerate(reversed(range(plan.depth))):
        writer.add(f"down{i}", x[level + 1], x[level], rectified[level], n_parts=2)
        writer.add(f"down{i}_a", rectified[level], NOWHERE, h[level])
    writer.add("head", x[0], outputs, NOWHERE, n_parts=2)
    return Program(
        np.array(writer.steps), np.concatenate(writer.packed, axis=1), outputs, plan.n_inputs, plan.n_labels, n_features
    )


class _Writer:
    """Collects steps, and the numbers of all members, (n_members, n_numbers) each."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.steps: list[Step] = []
        self.packed: list[np.ndarray] = []

    def add(self, layer: str, source: int, out: int, rectified: int, *, n_parts: int = 1, to_old: bool = False) -> None:
        kernels, biases = (self._plan.arrays[f"{layer}.{part}"] for part in ("kernel", "bias"))
        n_in, n_out = n_parts * padded(kernels.shape[1] // n_parts), padded(kernels.shape[2])
        begin = sum(numbers.shape[1] for numbers in self.packed)
        self.steps.append(Step(source, n_in, begin, n_out, out, rectified, int(to_old)))
        self.packed.append(np.stack([pack(*own, n_parts) for own in zip(kernels, biases, strict=True)]))
