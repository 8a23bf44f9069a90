"""Which inputs a translation rests on: exact Shapley values."""

from collections.abc import Callable
from math import factorial

import numpy as np


def shapley_values(
    predict: Callable[[np.ndarray], np.ndarray], stars: np.ndarray, background: np.ndarray
) -> np.ndarray:
    """Return the Shapley value of each input for each star and label, by enumerating all coalitions.

    The value of a coalition is the mean prediction over the background stars with the inputs of the coalition
    replaced by the star's (Lundberg & Lee 2017). With n inputs that is 2^n means: exact, nothing is sampled.

    Parameters
    ----------
    predict
        (n_rows, n_inputs) -> (n_rows, n_labels).
    stars : shape (n_stars, n_inputs)
        Stars to explain.
    background : shape (n_background, n_inputs)
        Stars that stand for "input not known".

    Returns
    -------
    values : shape (n_stars, n_inputs, n_labels), in the units of the labels
        They add up to the prediction minus the mean prediction of the background.
    """
    n_inputs = stars.shape[1]
    coalitions = (np.arange(1 << n_inputs)[:, None] >> np.arange(n_inputs) & 1).astype(bool)
    means = np.stack([_coalition_mean(predict, stars, background, known) for known in coalitions])
    sizes = coalitions.sum(axis=1)
    weights = np.array([factorial(s) * factorial(n_inputs - s - 1) / factorial(n_inputs) for s in range(n_inputs)])
    values = np.zeros((len(stars), n_inputs, means.shape[2]))
    for i in range(n_inputs):
        without = np.flatnonzero(~coalitions[:, i])
        gains = means[without | 1 << i] - means[without]
        values[:, i] = np.tensordot(weights[sizes[without]], gains, axes=1)
    return values


def _coalition_mean(
    predict: Callable[[np.ndarray], np.ndarray], stars: np.ndarray, background: np.ndarray, known: np.ndarray
) -> np.ndarray:
    rows = np.where(known, stars[:, None], background[None])
    predicted = predict(rows.reshape(-1, stars.shape[1]))
    return predicted.reshape(len(stars), len(background), -1).mean(axis=1)


def relative_importance(values: np.ndarray) -> np.ndarray:
    """Return 100 mean|SHAP| / sum over the inputs (Thomas et al. 2024, sect. 3.3.2), per cent.

    Parameters
    ----------
    values : shape (n_stars, n_inputs, n_labels)

    Returns
    -------
    importance : shape (n_inputs, n_labels)
    """
    sizes = np.abs(values).mean(axis=0)
    return 100 * sizes / sizes.sum(axis=0)
