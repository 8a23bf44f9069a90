"""Labels that B lacks for a part of the stars: which labels are known for the same stars, and values to start from."""

from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree


class LabelGroup(NamedTuple):
    """Labels that are known for the same stars."""

    labels: np.ndarray  # (n_labels_of_the_group,), their columns
    stars: np.ndarray  # (n_stars,), bool


def group_labels(labels: np.ndarray) -> list[LabelGroup]:
    """Return the labels in groups that are known for the same stars: a single group where no label is missing.

    What is fitted to several labels at once is fitted to one group after the other, each on all stars that have it.

    Parameters
    ----------
    labels : shape (n_stars, n_labels)
        NaN where missing.
    """
    patterns, which = np.unique(np.isfinite(labels), axis=1, return_inverse=True)
    which = which.reshape(-1)
    return [LabelGroup(np.flatnonzero(which == group), stars) for group, stars in enumerate(patterns.T)]


def take_from_neighbours(labels: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return labels with each missing one taken from the star with the nearest inputs that has it.

    Hot-deck imputation (Andridge & Little 2010, International Statistical Review 78, 40). It keeps the relation
    between labels and inputs and the scatter of the labels, which their mean would not. It is a start, to which
    whoever uses it gives next to no weight.

    Parameters
    ----------
    labels : shape (n_stars, n_labels)
        NaN where missing; each label is known for at least one star.
    inputs : shape (n_stars, n_inputs)
        Finite; in units in which distances between stars have a meaning.
    """
    filled = labels.copy()
    for own in filled.T:
        missing = np.isnan(own)
        if missing.any():
            own[missing] = own[~missing][KDTree(inputs[~missing]).query(inputs[missing])[1]]
    return filled
