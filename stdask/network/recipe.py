"""What is trained, on what and how: plain values, so that the driver needs no TensorFlow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from stdask.config.training import TrainConfig


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
    """How long and how fast a member learns. Thomas et al. 2024, sect. 3.2."""

    learning_rates: tuple[float, ...]
    max_epochs: int  # for each learning rate
    patience: int  # epochs without a smaller validation loss
    batch_size: int


@dataclass(frozen=True)
class Sample:
    """Scaled inputs (n_stars, n_inputs), and label corrections (n_stars, n_labels) in scaled units."""

    inputs: np.ndarray
    corrections: np.ndarray


@dataclass(frozen=True)
class Epoch:
    """One point of a learning curve."""

    epoch: int
    learning_rate: float
    loss: float
    val_loss: float


# realisations of a star: the published number, and how many Sobol points keep its percentiles, by
# their mean absolute error (docs/speed.md)
N_DRAWS = {"paper": 100, "compact": 56}
ANY = 1 << 30  # wider than any unit
PRESETS: dict[str, dict[str, Any]] = {
    # fig. 1 of the paper; the units that drop out are those of the authors' code (256 and wider), not of the text
    # (256 and narrower)
    "paper": {"first_width": 64, "depth": 3, "dropout": 0.5, "dropout_widths": (256, ANY)},
    # as accurate on unseen stars at 1/16 of the floating-point operations
    "compact": {"first_width": 32, "depth": 2, "dropout": 0.1, "dropout_widths": (64, ANY)},
}


def shape_of(train: TrainConfig) -> dict[str, Any]:
    """Return the shape of the network: the preset's, where `[train]` does not say otherwise."""
    own = train.model_dump(include={"first_width", "depth", "dropout", "dropout_widths"}, exclude_none=True)
    return PRESETS[train.preset] | own


def relative_cost(train: TrainConfig) -> float:
    """Return what one pass through one network costs, in units that all shapes share: its layers' widths squared."""
    shape = shape_of(train)
    return float(sum((shape["first_width"] << level) ** 2 for level in range(shape["depth"] + 1)))
