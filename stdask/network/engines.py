"""Which engine runs a plan: the processor's, or a GPU's where there is one."""

from pathlib import Path
from typing import Protocol

import numpy as np

from stdask.errors import EnsembleError
from stdask.network.inference import CpuEngine
from stdask.network.plan import Plan

GPU_DEVICES = ("/dev/nvidia0", "/dev/kfd")  # what the drivers of NVIDIA and AMD make


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
        "cpu"; "gpu"; or "auto": a GPU if TensorFlow sees one. TensorFlow is loaded only where a GPU may be.
    tf32
        Let a GPU round the factors of products to 10 bits.

    Raises
    ------
    EnsembleError
        If `kind` is "gpu" and TensorFlow sees none.
    """
    if kind == "cpu" or (kind == "auto" and not any(Path(device).exists() for device in GPU_DEVICES)):
        return CpuEngine(plan)
    from stdask.network import gpu  # loads TensorFlow: 6 s, 780 MB

    devices = gpu.visible_gpus()
    if devices:
        return gpu.GpuEngine(plan, devices[0], tf32)
    if kind == "gpu":
        raise EnsembleError(
            'TensorFlow sees no GPU here. Set [translate] engine = "auto", or install its CUDA libraries.'
        )
    return CpuEngine(plan)
