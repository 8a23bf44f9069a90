"""Run a plan with numpy: one thread, blocks of whole stars, buffers reused."""

import numpy as np
from threadpoolctl import threadpool_limits

from stdask.network.plan import Plan

PERIODS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)  # candidates for the row groups of a BLAS


class Engine:
    """Runs a plan on blocks of whole stars.

    BLAS works on rows in groups, and rounds differently at different places of a group (seen with OpenBLAS
    0.3.31: twelve rows, two roundings) and in a group that is not full. So each star's draws are padded to whole
    groups and every block is full and made of whole groups: a star's result does not depend, to the last bit, on
    its neighbours or its place. It may on the size of the block: OpenBLAS takes another kernel for small matrices.
    Threads of a BLAS would share the rows out anew each time: an engine holds its process to one, from then on.

    Parameters
    ----------
    plan
        What to run.
    n_draws
        Rows a star.
    rows_per_block
        Rows evaluated at once, at least those of one star; they should fit the processor's cache.
    """

    def __init__(self, plan: Plan, n_draws: int, rows_per_block: int) -> None:
        self.plan = plan
        self.n_draws = n_draws
        threadpool_limits(1, user_api="blas")
        self._allocate(768)  # a multiple of all candidates, so that the last rows are no rest
        period = self._row_period()
        self.rows_per_star = -(-n_draws // period) * period
        self.stars_per_block = max(1, rows_per_block // self.rows_per_star)
        self._used = self.stars_per_block * self.rows_per_star
        self._allocate(-(-self._used // PERIODS[-1]) * PERIODS[-1])

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of all members.

        Parameters
        ----------
        inputs : shape (n_stars, n_draws, n_inputs), float32
            Scaled inputs.

        Returns
        -------
        outputs : shape (n_members, n_stars, n_draws, n_labels), float32
        """
        n_stars = len(inputs)
        shape = (self.stars_per_block, self.rows_per_star, -1)
        outputs = np.empty((self.plan.n_members, n_stars, self.n_draws, self.plan.n_labels), np.float32)
        self._block[:] = 0
        for start in range(0, n_stars, self.stars_per_block):
            stars = slice(start, min(start + self.stars_per_block, n_stars))
            n_used = stars.stop - stars.start
            self._block[: self._used].reshape(shape)[:n_used, : self.n_draws] = inputs[stars]
            for member in range(self.plan.n_members):
                result = self._run_member(member)[: self._used].reshape(shape)
                outputs[member, stars] = result[:n_used, : self.n_draws]
        return outputs

    def _allocate(self, n_rows: int) -> None:
        """Make the buffers: [x | h] of each width, the rectified x, inputs and outputs."""
        widths = self.plan.widths
        self._pairs = {width: np.empty((n_rows, 2 * width), np.float32) for width in widths}
        self._rectified = {width: np.empty((n_rows, width), np.float32) for width in widths}
        self._block = np.zeros((n_rows, self.plan.arrays["stem.kernel"].shape[1]), np.float32)
        self._output = np.empty((n_rows, self.plan.n_labels), np.float32)

    def _row_period(self) -> int:
        """Return after how many rows BLAS rounds alike again, seen on rows that are all the same."""
        n_inputs = self._block.shape[1]
        self._block[:] = np.random.default_rng(0).normal(size=n_inputs)
        result = self._run_member(0)
        for period in PERIODS:
            if (result[period:] == result[:-period]).all():
                return period
        return PERIODS[-1]

    def _run_member(self, member: int) -> np.ndarray:
        widths = self.plan.widths
        x = self._pairs[widths[0]][:, : widths[0]]
        self._dense(member, "stem", self._block, x)
        for i, width in enumerate(widths[:-1]):
            pair = self._first_half(member, f"up{i}", width)
            x, h = pair[:, :width], pair[:, width:]
            correction = self._rectified[width]
            self._dense(member, f"up{i}_b", h, correction)
            x += correction
            self._dense(member, f"up{i}", x, self._pairs[2 * width][:, : 2 * width])
        pair = self._first_half(member, "centre", widths[-1])
        for i, width in enumerate(reversed(widths[:-1])):
            self._dense(member, f"down{i}", pair, self._pairs[width][:, :width])
            pair = self._first_half(member, f"down{i}", width)
        return self._dense(member, "head", pair, self._output)

    def _first_half(self, member: int, unit: str, width: int) -> np.ndarray:
        """Fill in h = ReLU(W1 ReLU(x) + b1) beside x."""
        pair = self._pairs[width]
        rectified = np.maximum(pair[:, :width], 0, out=self._rectified[width])
        h = self._dense(member, f"{unit}_a", rectified, pair[:, width:])
        np.maximum(h, 0, out=h)
        return pair

    def _dense(self, member: int, layer: str, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        np.matmul(x, self.plan.arrays[f"{layer}.kernel"][member], out=out)
        out += self.plan.arrays[f"{layer}.bias"][member]
        return out
