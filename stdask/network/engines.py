"""Which engine runs a plan: the processor's, or a GPU's where there is one."""

from pathlib import Path
from typing import Protocol

import numpy as np

from stdask.errors import EnsembleError
from stdask.network.cpu.engine import CpuEngine
from stdask.network.plan import Plan

GPU_DEVICES = ("nvidia[0-9]*", "kfd", "dxg")  # in /dev, of the drivers of NVIDIA, AMD and Windows


class Engine(Protocol):
    """Runs the members of a plan."""

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of all members, (n_members, ..., n_labels), for scaled inputs (..., n_inputs), float32."""


def make_engine(plan: Plan, kind: str, tf32: bool) -> Engine:
    """Return an engine for a plan.

    Parameters
    ----------
    plan
        What to run.
    kind
        "cpu"; "gpu"; or "auto": a GPU if TensorFlow sees one, which is asked only where /dev has a GPU.
    tf32
        Let a GPU round the factors of products to 10 bits.

    Raises
    ------
    EnsembleError
        If `kind` is "gpu" and TensorFlow sees none.
    """
    may_see_gpu = any(True for pattern in GPU_DEVICES for _ in Path("/dev").glob(pattern))
    if kind == "cpu" or (kind == "auto" and not may_see_gpu):
        return CpuEngine(plan)
    from stdask.network import gpu

    devices = gpu.visible_gpus()
    if devices:
        return gpu.GpuEngine(plan, devices[0], tf32)
    if kind == "gpu":
        raise EnsembleError(
            'TensorFlow sees no GPU here. Set [translate] engine = "auto", or install its CUDA libraries.'
        )
    return CpuEngine(plan)
