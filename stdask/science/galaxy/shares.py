"""Shares of stars in bins, with their confidence limits."""

import numpy as np
from scipy.stats import norm

from stdask.science.galaxy.binning import bin_starts, unpack_values


def bin_shares(
    keys: np.ndarray, n_bins: int, min_stars: int, tail: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return which share of the stars of every bin has something, and the confidence limits of the share.

    The limits are Wilson's (1927, J. Am. Stat. Assoc. 22, 209): unlike the Gaussian ones they stay between 0 and 1 and
    have the right width for a few stars, and where all or none of them have it (Brown, Cai & DasGupta 2001,
    Statist. Sci. 16, 101).

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending
        As from `binning.pack_keys`, of the values 1 for stars that have it and 0 for those that do not.
    n_bins
        Bins are numbered from 0.
    min_stars
        A bin with fewer has no share.
    tail
        Probability that the true share lies below the band, and that it lies above it; less than 0.5.

    Returns
    -------
    counts : shape (n_bins,), int64
    shares, low, high : shape (n_bins,), float32, NaN with too few stars
    """
    starts = bin_starts(keys, n_bins)
    counts = np.diff(starts)
    total = np.concatenate([[0], np.cumsum(unpack_values(keys), dtype=np.float64)])
    used = counts >= max(min_stars, 1)
    n = counts[used]
    share = np.diff(total[starts])[used] / n
    z = norm.isf(tail)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    found = np.full((3, n_bins), np.nan, dtype=np.float32)
    found[:, used] = share, np.maximum(middle - half, 0), np.minimum(middle + half, 1)
    return counts, *found
