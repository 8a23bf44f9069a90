"""Which stars test, train and validate."""

import numpy as np

from stdask.science.keys.random_keys import uniforms


def is_test_star(star_keys: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Tell which stars are kept for the test: by star, so a new pair never moves an old one.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    fraction, seed
        Share of the stars that test; seed of the run.

    Returns
    -------
    is_test : shape (n_stars,), bool
    """
    return uniforms(star_keys, seed, "test split") < fraction


def split_for_member(n_stars: int, fraction: float, seed: int, member: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the star numbers that train and that validate one member (Thomas et al. 2024, sect. 3.2).

    Parameters
    ----------
    n_stars
        Stars that are not test stars.
    fraction
        Share of them that validates: at least one star, and not all.
    seed, member
        Seed of the run, and number of the member: each has its own split.
    """
    order = np.random.default_rng([seed, member]).permutation(n_stars)
    n_validation = min(max(1, round(fraction * n_stars)), n_stars - 1)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def fold_of_star(star_keys: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Return the fold in which each star tests, 0 to `n_folds` - 1: by star, as the test split.

    Parameters
    ----------
    star_keys : shape (n_stars,), uint64
    n_folds, seed
        Number of folds; seed of the run.
    """
    return (uniforms(star_keys, seed, "fold") * n_folds).astype(np.int64)
