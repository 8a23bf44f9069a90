"""Run a plan on the processor: member by member, layer by layer, a block of panels at a time."""

import numpy as np
from numba import njit

from stdask.network.cpu.compiling import call
from stdask.network.cpu.kernel import FLOAT_BYTES, PANEL_ROWS, dense
from stdask.network.cpu.program import NOWHERE, write_program
from stdask.network.plan import Plan

# panels that go through a layer together, so that its numbers are read from memory a fourth as often; 1 to 64 panels
# were within 4 % of one another
BLOCK_PANELS = 4


class CpuEngine:
    """Runs the members of a plan, on one thread.

    A row's outputs depend on the row alone, to the last bit: not on its neighbours, its place or the size of a block.

    Parameters
    ----------
    plan
        What to run.
    """

    def __init__(self, plan: Plan) -> None:
        self._program = write_program(plan)

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of all members.

        Parameters
        ----------
        inputs : shape (..., n_inputs), float32
            Scaled inputs.

        Returns
        -------
        outputs : shape (n_members, ..., n_labels), float32

        Raises
        ------
        ValueError
            If the inputs are not those of the plan in number.
        """
        program = self._program
        if inputs.shape[-1] != program.n_inputs:
            raise ValueError(f"{inputs.shape[-1]} inputs a row, but the plan has {program.n_inputs}")
        rows = np.ascontiguousarray(inputs.reshape(-1, inputs.shape[-1]))
        outputs = np.empty((len(program.numbers), len(rows), program.n_labels), np.float32)
        workspace = np.zeros((BLOCK_PANELS, program.n_features, PANEL_ROWS), np.float32)
        call(_run_members, rows, program.steps, program.numbers, workspace, program.outputs, outputs)
        return outputs.reshape(len(outputs), *inputs.shape[:-1], program.n_labels)


@njit(error_model="numpy", no_cfunc_wrapper=True, nogil=True)  # threads of one process run at the same time
def _run_members(
    rows: np.ndarray, steps: np.ndarray, numbers: np.ndarray, workspace: np.ndarray, place: int, outputs: np.ndarray
) -> None:
    """Fill in `outputs`, (n_members, n_rows, n_labels)."""
    n_panels, _, panel_rows = workspace.shape
    for member in range(len(numbers)):
        for start in range(0, len(rows), n_panels * panel_rows):
            block = rows[start : start + n_panels * panel_rows]
            used = (len(block) + panel_rows - 1) // panel_rows
            for row in range(len(block)):
                for n in range(rows.shape[1]):
                    workspace[row // panel_rows, n, row % panel_rows] = block[row, n]
            _run_block(steps, numbers[member], workspace[:used])
            for row in range(len(block)):
                for n in range(outputs.shape[2]):
                    outputs[member, start + row, n] = workspace[row // panel_rows, place + n, row % panel_rows]


@njit(error_model="numpy", no_cfunc_wrapper=True, no_cpython_wrapper=True)
def _run_block(steps: np.ndarray, numbers: np.ndarray, workspace: np.ndarray) -> None:
    """Take the panels of a block through all layers."""
    feature_bytes = FLOAT_BYTES * workspace.shape[2]
    for source, n_in, begin, n_out, out, rectified, add in steps:
        for panel in range(len(workspace)):
            base = workspace.ctypes.data + panel * workspace.shape[1] * feature_bytes
            dense(
                base + source * feature_bytes,
                n_in,
                numbers.ctypes.data + FLOAT_BYTES * begin,
                n_out,
                base + out * feature_bytes if out != NOWHERE else 0,
                base + rectified * feature_bytes if rectified != NOWHERE else 0,
                add != 0,
            )
