"""What is trained, on what and how: plain values, so that the driver needs no TensorFlow."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Architecture:
    """Shape of the network: `depth` doublings of `first_width`, and as many halvings.

    Units of `dropout_widths` features, both ends included, drop a share `dropout` of their activations in training.
    """

    n_inputs: int
    n_labels: int
    first_width: int
    depth: int
    dropout: float
    dropout_widths: tuple[int, int]


@dataclass(frozen=True)
class Schedule:
    """Learning rates and length of the training of a member. Thomas et al. 2024, sect. 3.2."""

    learning_rates: tuple[float, ...]
    max_epochs: int  # for each learning rate
    patience: int  # epochs without a smaller validation loss
    batch_size: int


@dataclass(frozen=True)
class Sample:
    """Scaled inputs (n_stars, n_inputs), and label corrections (n_stars, n_labels) in scaled units, all finite.

    `weights` says how much each star counts for each label: nothing, 0, where B lacks the label.
    """

    inputs: np.ndarray
    corrections: np.ndarray
    weights: np.ndarray  # (n_stars, n_labels), float32


@dataclass(frozen=True)
class Epoch:
    """One point of a learning curve."""

    epoch: int
    learning_rate: float
    loss: float
    val_loss: float
