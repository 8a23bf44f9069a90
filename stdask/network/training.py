"""Train one member of an ensemble: weighted mean absolute error, Adam, learning rates in turn, early stopping."""

from collections.abc import Callable

import numpy as np

from stdask.network import quiet_start
from stdask.network.recipe import Architecture, Epoch, Sample, Schedule
from stdask.network.resnet import build
from stdask.science.keys.seeds import generator

with quiet_start():
    import keras
    import tensorflow as tf


def start_tensorflow() -> None:
    """Start TensorFlow so that the same seed gives the same weights."""
    tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)  # members side by side share a card
    tf.config.list_logical_devices()


def train_member(
    architecture: Architecture,
    schedule: Schedule,
    training: Sample,
    validation: Sample,
    seed: int,
    on_epoch: Callable[[Epoch], None],
) -> tuple[keras.Model, list[Epoch]]:
    """Train one network; return it with its best weights, and its learning curve.

    The same seed gives the same weights bit for bit on one machine, after `start_tensorflow`.

    Parameters
    ----------
    architecture, schedule
        What is trained, and how.
    training, validation
        Training stars, and stars whose loss decides when to stop and which weights are kept.
    seed
        Of the initial weights, the dropout and the order of the stars.
    on_epoch
        Called after each epoch.
    """
    model = build(architecture, seed)
    optimizer = keras.optimizers.Adam()
    optimizer.build(model.trainable_variables)
    run_epoch = _compile_epoch(model, optimizer, training, validation)
    order = generator(seed, "order of the stars")
    history: list[Epoch] = []
    # The loss of an untrained network, whose outputs are 0: training never ends worse than leaving A as it is.
    best_loss = float(np.average(np.abs(validation.corrections), weights=validation.weights))
    best_weights = model.get_weights()
    for learning_rate in schedule.learning_rates:
        # each rate starts from the best weights so far, with a fresh Adam, not from the last ones
        model.set_weights(best_weights)
        for variable in optimizer.variables:
            variable.assign(keras.ops.zeros_like(variable))
        optimizer.learning_rate.assign(learning_rate)
        waited = 0
        for _ in range(schedule.max_epochs):
            batches = _batches(order, len(training.inputs), schedule.batch_size)
            loss, val_loss = (float(value) for value in run_epoch(tf.constant(batches)))
            history.append(Epoch(len(history), learning_rate, loss, val_loss))
            on_epoch(history[-1])
            if val_loss < best_loss:
                best_loss, best_weights, waited = val_loss, model.get_weights(), 0
            elif (waited := waited + 1) >= schedule.patience:
                break
    model.set_weights(best_weights)
    return model, history


def _batches(order: np.random.Generator, n_stars: int, batch_size: int) -> np.ndarray:
    """Return one epoch of reshuffled star numbers, (n_batches, batch_size); a short rest waits its turn."""
    size = min(batch_size, n_stars)
    n_batches = n_stars // size
    return order.permutation(n_stars)[: n_batches * size].reshape(n_batches, size)


def _compile_epoch(
    model: keras.Model, optimizer: keras.Optimizer, training: Sample, validation: Sample
) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    """Return a function that runs a whole epoch inside TensorFlow.

    Keras's own `fit` hands over every batch from Python: for networks this small that took ten times as long.
    """
    inputs, corrections, weights = (tf.constant(values) for values in vars(training).values())
    unseen, unseen_corrections, unseen_weights = (tf.constant(values) for values in vars(validation).values())

    @tf.function
    def step(stars: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            predicted = model(tf.gather(inputs, stars), training=True)
            loss = _loss(predicted, tf.gather(corrections, stars), tf.gather(weights, stars))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    @tf.function
    def run_epoch(batches: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        total = tf.constant(0.0)
        for stars in batches:
            total += step(stars)
        val_loss = _loss(model(unseen, training=False), unseen_corrections, unseen_weights)
        return total / tf.cast(tf.shape(batches)[0], tf.float32), val_loss

    return run_epoch


def _loss(predicted: tf.Tensor, corrections: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Return the weighted mean absolute error over stars and labels; 0 for a batch in which nothing counts."""
    return tf.math.divide_no_nan(tf.reduce_sum(weights * tf.abs(predicted - corrections)), tf.reduce_sum(weights))
