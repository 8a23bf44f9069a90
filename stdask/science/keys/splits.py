"""The split of stars into test, training and validation stars."""

import numpy as np

from stdask.science.keys.random_keys import uniforms
from stdask.science.keys.seeds import generator


def is_test_star(star_keys: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Return which stars are test stars: decided star by star, so a new pair never moves an old one.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    fraction, seed
        Fraction of test stars; seed of the run.

    Returns
    -------
    is_test : shape (n_stars,), bool
    """
    return uniforms(star_keys, seed, "test split") < fraction


def split_for_member(n_stars: int, fraction: float, seed: int, member: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers of the training and validation stars of one member (Thomas et al. 2024, sect. 3.2).

    Parameters
    ----------
    n_stars
        Stars that are not test stars.
    fraction
        Fraction of validation stars: at least one star, and not all.
    seed, member
        Seed of the run, and number of the member: each has its own split.
    """
    order = generator(seed, "validation split", member).permutation(n_stars)
    n_validation = min(max(1, round(fraction * n_stars)), n_stars - 1)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def fold_of_star(star_keys: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return the fold in which each star is a test star, 0 to `n_folds` - 1: decided star by star.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    n_folds, seed
        Number of folds; seed of the run.
    """
    return (uniforms(star_keys, seed, "fold") * n_folds).astype(np.int64)
