"""Which of the rows of one star is kept."""

import numpy as np


def superseded(stars: np.ndarray, merits: np.ndarray) -> np.ndarray:
    """Return the rows that are replaced by a better row of the same star.

    The largest merit wins; NaN loses against any number; of equals the first row wins.

    Parameters
    ----------
    stars : shape (n_rows,), integers
        Which star each row belongs to.
    merits : shape (n_rows,), float64

    Returns
    -------
    superseded : shape (n_rows,), bool
    """
    merits = np.where(np.isnan(merits), -np.inf, merits)
    order = np.lexsort((np.arange(stars.size), -merits, stars))
    repeats = np.zeros(stars.size, dtype=bool)
    repeats[order[1:]] = stars[order[1:]] == stars[order[:-1]]
    return repeats
