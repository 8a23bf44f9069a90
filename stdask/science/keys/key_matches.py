"""Which row of a second table has the key of each row of a first one."""

from typing import NamedTuple

import numpy as np

NO_ROW = -1


class KeyMatches(NamedTuple):
    """The row of a second table for each row of a first one."""

    rows: np.ndarray  # (n_rows,), int64: the first row with the same key, or NO_ROW
    repeats: np.ndarray  # (n_repeats,), int64, ascending: further rows of the second table with a key of the first


def match_keys(keys: np.ndarray, others: np.ndarray) -> KeyMatches:
    """Find the first row of a second table with the key of each row of a first one.

    Rows of the first table may share a key: each of them gets the same row.

    Parameters
    ----------
    keys : shape (n_rows,), integers
        Keys of the first table.
    others : shape (n_others,), integers
        Keys of the second table.
    """
    found, first, codes = np.unique(others, return_index=True, return_inverse=True)
    if not found.size:
        return KeyMatches(np.full(keys.size, NO_ROW, dtype=np.int64), np.zeros(0, dtype=np.int64))
    places = np.minimum(np.searchsorted(found, keys), found.size - 1)
    matched = found[places] == keys
    wanted = np.zeros(found.size, dtype=bool)
    wanted[places[matched]] = True
    repeats = np.flatnonzero(wanted[codes] & (first[codes] != np.arange(others.size)))
    return KeyMatches(np.where(matched, first[places], NO_ROW).astype(np.int64), repeats)
