"""Running medians with their bands and bootstraps, as the atlas takes them for profiles and slopes."""

from typing import NamedTuple

import numpy as np

from stdask.science.galaxy.binning import bin_bands, bin_medians
from stdask.science.galaxy.profiles import TAIL, bin_bootstraps


class RunningMedians(NamedTuple):
    """Medians along a profile; each array of shape (n_bins,)."""

    counts: np.ndarray
    medians: np.ndarray
    low: np.ndarray
    high: np.ndarray


def running_medians(keys, n_bins, min_stars, n_bootstraps, seed, first_bin=0):
    """Return the median of every bin with its band, and bootstrapped medians."""
    counts, medians = bin_medians(keys, n_bins, min_stars)
    bands = bin_bands(keys, medians, TAIL)
    return RunningMedians(counts, medians, *bands), bin_bootstraps(keys, medians, n_bootstraps, seed, first_bin)
