"""The residual network of Thomas et al. 2024 (sect. 2.1, fig. 1), in Keras."""

import itertools
from collections.abc import Iterator

from stdask.network import quiet_start
from stdask.network.recipe import Architecture
from stdask.science.keys.seeds import integer_seed

with quiet_start():
    import keras


class WeightNormDense(keras.layers.Layer):
    """A dense layer whose kernel is a direction times a length, both trained (Salimans & Kingma 2016)."""

    def __init__(self, units: int, seed: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.seed = seed

    def build(self, input_shape: tuple[int, ...]) -> None:
        """Create the direction, the lengths (those of the initial direction) and the bias."""
        initializer = keras.initializers.GlorotUniform(self.seed)
        self.direction = self.add_weight(shape=(input_shape[-1], self.units), initializer=initializer)
        lengths = keras.ops.norm(self.direction, axis=0)
        self.lengths = self.add_weight(
            shape=(self.units,),
            initializer=lambda *_, **__: lengths,  # starts as a plain dense layer
        )
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros")

    def kernel(self) -> keras.KerasTensor:
        """Return the kernel of this direction and these lengths."""
        norms = keras.ops.norm(self.direction, axis=0)
        return self.direction * (self.lengths / keras.ops.maximum(norms, keras.config.epsilon()))

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Apply the layer."""
        return keras.ops.matmul(inputs, self.kernel()) + self.bias


def build(architecture: Architecture, seed: int) -> keras.Model:
    """Return an untrained network: scaled inputs to scaled corrections, all zero at first.

    Layers `stem`, then for each width going up a unit `up{i}_a`, `up{i}_b` and a dense `up{i}`, the unit
    `centre_a`, `centre_b`, for each width going down a dense `down{i}` and a unit, and `head`.

    Parameters
    ----------
    architecture
        The shape.
    seed
        Of the initial weights and of the dropout.
    """
    seeds = (integer_seed(seed, "layer", number) for number in itertools.count())
    inputs = keras.Input((architecture.n_inputs,))
    width = architecture.first_width
    x = _dense(inputs, width, "stem", seeds)
    for i in range(architecture.depth):
        x = _unit(x, width, f"up{i}", architecture, seeds)
        width *= 2
        x = _dense(x, width, f"up{i}", seeds)
    x = _unit(x, width, "centre", architecture, seeds)
    for i in range(architecture.depth):
        width //= 2
        x = _dense(x, width, f"down{i}", seeds)
        x = _unit(x, width, f"down{i}", architecture, seeds)
    # With a head of zeros the untrained network is the identity, which is right where the surveys agree.
    head = keras.layers.Dense(architecture.n_labels, name="head", kernel_initializer="zeros")
    return keras.Model(inputs, head(x))


def _dense(x: keras.KerasTensor, width: int, name: str, seeds: Iterator[int]) -> keras.KerasTensor:
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return keras.layers.Dense(width, name=name, kernel_initializer=initializer)(x)


def _unit(
    x: keras.KerasTensor, width: int, name: str, architecture: Architecture, seeds: Iterator[int]
) -> keras.KerasTensor:
    narrowest, widest = architecture.dropout_widths
    h = x
    for half in ("a", "b"):
        h = keras.layers.ReLU()(h)
        if architecture.dropout and narrowest <= width <= widest:
            h = keras.layers.Dropout(architecture.dropout, seed=next(seeds))(h)
        h = WeightNormDense(width, next(seeds), name=f"{name}_{half}")(h)
    return keras.layers.Add()([x, h])
