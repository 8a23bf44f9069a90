"""Run a plan through TensorFlow, all members in one call: meant for a GPU, but correct on any device."""

import numpy as np

from stdask.network import quiet_start
from stdask.network.plan import Plan

with quiet_start():
    import tensorflow as tf

ROWS = 1 << 16  # at once; the widest layer of the paper's network is then 5 x 65,536 x 1024 floats, 1.3 GB


def visible_gpus() -> list[str]:
    """Return the names of the GPUs that TensorFlow sees, each shared with other processes that want some of it."""
    with quiet_start():
        for device in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(device, True)
        return [device.name for device in tf.config.list_logical_devices("GPU")]


class GpuEngine:
    """Runs the members of a plan on a device of TensorFlow.

    Rounding is the device's own: results agree with those of the processor to 2e-5 of their scatter, with `tf32` to
    some 1e-3.

    Parameters
    ----------
    plan
        What to run.
    device
        Name of the device, as TensorFlow gives it.
    tf32
        Let the device round the factors of products to 10 bits.
    """

    def __init__(self, plan: Plan, device: str, tf32: bool) -> None:
        self._tf32 = tf32
        self._plan = plan
        self._device = device
        with tf.device(device):
            self._arrays = {name: tf.constant(array) for name, array in plan.arrays.items()}
        signature = tf.TensorSpec((None, plan.n_inputs), tf.float32)
        self._forward = tf.function(self._run_members, input_signature=[signature])

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """Return the outputs of all members.

        Parameters
        ----------
        inputs : shape (..., n_inputs), float32
            Scaled inputs.

        Returns
        -------
        outputs : shape (n_members, ..., n_labels), float32
        """
        plan = self._plan
        rows = inputs.reshape(-1, plan.n_inputs)
        outputs = np.empty((plan.n_members, len(rows), plan.n_labels), np.float32)
        tf.config.experimental.enable_tensor_float_32_execution(self._tf32)  # of the whole process, so each time
        with tf.device(self._device):
            for start in range(0, len(rows), ROWS):
                outputs[:, start : start + ROWS] = self._forward(rows[start : start + ROWS])
        return outputs.reshape(plan.n_members, *inputs.shape[:-1], plan.n_labels)

    def _run_members(self, rows: tf.Tensor) -> tf.Tensor:
        x = self._dense(rows[None], "stem")
        for i in range(self._plan.depth):
            h = self._dense(tf.nn.relu(self._dense(tf.nn.relu(x), f"up{i}_a")), f"up{i}_b")
            x = self._dense(x + h, f"up{i}")
        pair = self._pair(x, "centre_a")
        for i in range(self._plan.depth):
            pair = self._pair(self._dense(pair, f"down{i}"), f"down{i}_a")
        return self._dense(pair, "head")

    def _pair(self, x: tf.Tensor, layer: str) -> tf.Tensor:
        return tf.concat([x, tf.nn.relu(self._dense(tf.nn.relu(x), layer))], axis=-1)

    def _dense(self, x: tf.Tensor, layer: str) -> tf.Tensor:
        return tf.matmul(x, self._arrays[f"{layer}.kernel"]) + self._arrays[f"{layer}.bias"][:, None]
