"""Between physical units and the units of a network: inputs standardised, labels as corrections to A."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import median_abs_deviation

NO_COUNTERPART = -1


@dataclass(frozen=True)
class Scaling:
    """Linear maps fitted on the training stars, each label on those that have it.

    A label is `offset + gain x own input + scale x network output`. Its own input is the counterpart in A, at
    column `own_input`; a label without one has gain 0 and starts from the training mean.
    """

    input_means: np.ndarray  # (n_inputs,)
    input_stds: np.ndarray
    own_input: np.ndarray  # (n_labels,), int
    gains: np.ndarray  # (n_labels,)
    offsets: np.ndarray
    scales: np.ndarray

    def scale_inputs(self, inputs: np.ndarray) -> np.ndarray:
        """Return standardised inputs as float32; a missing one becomes 0, the training mean (sect. 3.5)."""
        return np.nan_to_num((inputs - self.input_means) / self.input_stds).astype(np.float32)

    def untranslated(self, inputs: np.ndarray) -> np.ndarray:
        """Return the labels before any correction, shape (..., n_labels), float64.

        Parameters
        ----------
        inputs : shape (..., n_inputs)
            Physical units; a missing counterpart counts as the training mean.
        """
        own = np.where(np.isnan(inputs), self.input_means, inputs)[..., self.own_input]
        return self.offsets + self.gains * own

    def to_corrections(self, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return what the network should give for these stars, float32; NaN where a label is missing."""
        return ((labels - self.untranslated(inputs)) / self.scales).astype(np.float32)

    def to_labels(self, inputs: np.ndarray, corrections: np.ndarray) -> np.ndarray:
        """Return labels in physical units from the network's outputs."""
        return self.untranslated(inputs) + self.scales * corrections


def fit_scaling(inputs: np.ndarray, labels: np.ndarray, own_input: Sequence[int], target: str) -> Scaling:
    """Fit the scaling of a family on its training stars.

    `target` "residual": the network gives B - A in units of its own scatter (1.4826 MAD), so an untrained
    network with a zero head is the identity, and small corrections, such as those of velocities, weigh as much as
    others. "zscore": the network gives z-scored B minus z-scored A, as in the authors' code.

    Parameters
    ----------
    inputs : shape (n_stars, n_inputs)
    labels : shape (n_stars, n_labels)
        NaN where missing; each label is known for some stars.
    own_input
        For each label the column of its counterpart in `inputs`, or `NO_COUNTERPART`.
    target
        "residual" or "zscore".
    """
    own = np.asarray(own_input)
    means, stds = inputs.mean(axis=0), inputs.std(axis=0)
    label_means, label_stds = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
    has_own = own != NO_COUNTERPART
    if target == "zscore":
        gains = np.where(has_own, label_stds / _not_zero(stds[own]), 0.0)
        scales = label_stds
    else:
        gains = has_own.astype(float)
        differences = labels - inputs[:, own]
        scatter = median_abs_deviation(differences, axis=0, scale="normal", nan_policy="omit")
        # rounded labels: where most differences are equal, the MAD is 0
        scatter = np.where(scatter > 0, scatter, np.nanstd(differences, axis=0))
        scales = np.where(has_own, scatter, label_stds)
    offsets = np.where(has_own & (target != "zscore"), 0.0, label_means - gains * means[own])
    return Scaling(means, _not_zero(stds), own, gains, offsets, _not_zero(scales))


def _not_zero(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0, values, 1.0)
