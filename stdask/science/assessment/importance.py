"""Which inputs a translation rests on: exact Shapley values, of inputs one by one or of several as one player."""

from collections.abc import Callable, Sequence
from math import factorial

import numpy as np

from stdask.science.keys.seeds import generator
from stdask.science.translation.scaling import NO_COUNTERPART


def coalition_means(
    predict: Callable[[np.ndarray], np.ndarray], stars: np.ndarray, background: np.ndarray
) -> np.ndarray:
    """Return what is predicted on average where only some inputs of a star are known, for every such coalition.

    The value of a coalition is the mean prediction over the background stars with the inputs of the coalition
    replaced by the star's (Lundberg & Lee 2017, with the inputs taken as independent). All 2^n coalitions of n
    inputs are evaluated: nothing is sampled.

    Parameters
    ----------
    predict
        (n_rows, n_inputs) -> (n_rows, n_labels). Called once, with all rows.
    stars : shape (n_stars, n_inputs)
        Stars to explain.
    background : shape (n_background, n_inputs)
        Background stars, which represent "input not known".

    Returns
    -------
    means : shape (2^n_inputs, n_stars, n_labels), in the units of the labels
        In coalition number c, input i is known if bit i of c is set.
    """
    n_stars, n_inputs = stars.shape
    partial = _members(n_inputs)[1:-1].astype(bool)  # nothing known needs no star, and everything no background
    mixed = np.where(partial[:, None, None], stars[:, None], background)
    predicted = predict(np.concatenate([background, stars, mixed.reshape(-1, n_inputs)]))
    unknown, known, mixed = np.split(predicted, [len(background), len(background) + n_stars])
    means = np.empty((1 << n_inputs, n_stars, predicted.shape[1]))
    means[0], means[-1] = unknown.mean(axis=0), known
    means[1:-1] = mixed.reshape(len(partial), n_stars, len(background), predicted.shape[1]).mean(axis=2)
    return means


def shapley_values(means: np.ndarray, players: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the Shapley value of each player for each star and label, from the means of all coalitions.

    A player is a set of inputs that become known together. Its value is its mean gain over all orders in which the
    players can come (Shapley 1953), summed over coalitions. The coalitions of players are among those of inputs, so
    the same means serve every division into players.

    Parameters
    ----------
    means : shape (2^n_inputs, n_stars, n_labels)
        Of `coalition_means`.
    players
        The input columns of each player; every column belongs to one.

    Returns
    -------
    values : shape (n_stars, n_players, n_labels), in the units of the labels
        They add up to the prediction minus the mean prediction of the background.
    """
    n_players = len(players)
    members = _members(n_players)
    game = means[members @ [sum(1 << column for column in player) for player in players]]
    sizes = members.sum(axis=1)
    weights = np.array([factorial(s) * factorial(n_players - s - 1) / factorial(n_players) for s in range(n_players)])
    values = np.empty((means.shape[1], n_players, means.shape[2]))
    for i in range(n_players):
        without = np.flatnonzero(members[:, i] == 0)
        gains = game[without | 1 << i] - game[without]
        values[:, i] = np.tensordot(weights[sizes[without]], gains, axes=1)
    return values


def values_of_correction(
    values: np.ndarray,
    players: Sequence[tuple[int, ...]],
    stars: np.ndarray,
    background: np.ndarray,
    own_input: Sequence[int],
) -> np.ndarray:
    """Return the Shapley values of the correction X' - X_A from those of the translated label X'.

    Shapley values are linear in what is predicted, and those of X_A alone are known: its own column has the star's
    value minus the mean of the background, all others have zero. A label without a counterpart in A is corrected
    from a constant, and its values stay.

    Parameters
    ----------
    values : shape (n_stars, n_players, n_labels)
        Of X', in the units of the labels.
    players
        The input columns of each player.
    stars, background : shape (n_stars, n_inputs), (n_background, n_inputs)
        As explained, in the units of the labels where they are counterparts.
    own_input
        For each label the column of its counterpart, or `NO_COUNTERPART`.

    Returns
    -------
    values : shape (n_stars, n_players, n_labels)
    """
    shifts = stars - background.mean(axis=0)
    corrected = values.copy()
    for label, column in enumerate(own_input):
        if column != NO_COUNTERPART:
            owner = next(i for i, player in enumerate(players) if column in player)
            corrected[:, owner, label] -= shifts[:, column]
    return corrected


def relative_importance(values: np.ndarray) -> np.ndarray:
    """Return 100 mean|SHAP| / sum over the players (Thomas et al. 2024, sect. 3.3.2), per cent.

    Parameters
    ----------
    values : shape (n_stars, n_players, n_labels)

    Returns
    -------
    importance : shape (n_players, n_labels)
        All 0 for a label that no player moves.
    """
    return _shares(np.abs(values).mean(axis=0))


def importance_errors(values: np.ndarray, n_bootstraps: int, seed: int) -> np.ndarray:
    """Return the bootstrap errors of `relative_importance`: what other stars of the same kind would change.

    Parameters
    ----------
    values : shape (n_stars, n_players, n_labels)
    n_bootstraps, seed
        Resamplings of the stars, and their seed.

    Returns
    -------
    errors : shape (n_players, n_labels), per cent, 1 sigma
    """
    n_stars = len(values)
    # how often each star is drawn, instead of the draws: all resamplings are one matrix product
    rng = generator(seed, "bootstrap of importances")
    counts = rng.multinomial(n_stars, np.full(n_stars, 1 / n_stars), n_bootstraps)
    return _shares(np.tensordot(counts / n_stars, np.abs(values), axes=1)).std(axis=0, ddof=1)


def _members(n_players: int) -> np.ndarray:
    """Return who is in each coalition, shape (2^n_players, n_players), 0 or 1."""
    return np.arange(1 << n_players)[:, None] >> np.arange(n_players) & 1


def _shares(sizes: np.ndarray) -> np.ndarray:
    """Return sizes (..., n_players, n_labels) in per cent of their sum over the players."""
    totals = sizes.sum(axis=-2, keepdims=True)
    return 100 * sizes / np.where(totals > 0, totals, 1.0)
