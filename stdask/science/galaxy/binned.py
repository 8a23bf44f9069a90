"""Stars in bins, all alike or weighted: what is known of the values of every bin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stdask.science.galaxy.binning import BinMedians, bin_bands, bin_deviations, bin_medians, bin_starts, merge_keys
from stdask.science.galaxy.profiles import bin_bootstraps
from stdask.science.galaxy.shares import bin_shares
from stdask.science.galaxy.weighted import (
    WeightedKeys,
    weighted_bands,
    weighted_bootstraps,
    weighted_deviations,
    weighted_medians,
    weighted_shares,
)

_SHIFT, _VALUE = np.uint64(32), np.uint64(0xFFFF_FFFF)


@dataclass(frozen=True)
class BinnedStars:
    """Sorted keys of stars, as from `binning.pack_keys`, in bins that are numbered from 0."""

    keys: np.ndarray  # shape (n_keys,), uint64, ascending
    n_bins: int
    weights: np.ndarray | None = None  # shape (n_keys,); None: all stars count alike

    @classmethod
    def merge(cls, parts: Sequence["BinnedStars"], n_bins: int) -> "BinnedStars":
        """Return the stars of all parts; the result does not depend on their order."""
        weights = [part.weights for part in parts if part.weights is not None]
        if not weights:
            return cls(merge_keys([part.keys for part in parts]), n_bins)
        own = WeightedKeys.of(np.concatenate([part.keys for part in parts]), np.concatenate(weights))
        return cls(own.keys, n_bins, own.weights)

    def medians(self, min_stars: int = 1) -> BinMedians:
        """Return how many stars every bin holds and their median, NaN with fewer than `min_stars`."""
        if self.weights is None:
            return bin_medians(self.keys, self.n_bins, min_stars)
        return weighted_medians(WeightedKeys(self.keys, self.weights), self.n_bins, min_stars)

    def bands(self, medians: np.ndarray, tail: float) -> np.ndarray:
        """Return the limits, shape (2, n_bins), with the truth below or above in a share `tail` of all cases each."""
        if self.weights is None:
            return bin_bands(self.keys, medians, tail)
        return weighted_bands(WeightedKeys(self.keys, self.weights), medians, tail)

    def deviations(self, medians: np.ndarray) -> np.ndarray:
        """Return the median absolute deviation from the median of every bin."""
        if self.weights is None:
            return bin_deviations(self.keys, medians)
        return weighted_deviations(WeightedKeys(self.keys, self.weights), medians)

    def shares(self, min_stars: int, tail: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return how many stars every bin holds, the share of those of value 1, and its limits."""
        if self.weights is None:
            return bin_shares(self.keys, self.n_bins, min_stars, tail)
        return weighted_shares(WeightedKeys(self.keys, self.weights), self.n_bins, min_stars, tail)

    def bootstraps(self, medians: np.ndarray, n_bootstraps: int, seed: int, first_bin: int) -> np.ndarray:
        """Return bootstrapped medians, shape (n_bootstraps, n_bins), NaN where there is no median.

        The random numbers of a bin depend on (seed, bin) alone; `first_bin` is the number of bin 0 among all bins.
        """
        if self.weights is None:
            return bin_bootstraps(self.keys, medians, n_bootstraps, seed, first_bin)
        return weighted_bootstraps(WeightedKeys(self.keys, self.weights), medians, n_bootstraps, seed, first_bin)

    def coarser(self, wanted: np.ndarray, level: int) -> "BinnedStars":
        """Return the stars of some cells of 4^level bins each, with these as their bins.

        Parameters
        ----------
        wanted : shape (n_bins / 4^level,), bool
        level
        """
        starts = bin_starts(self.keys, self.n_bins)[:: 1 << 2 * level]
        chosen = np.repeat(wanted, np.diff(starts))
        keys = self.keys[chosen]
        keys = (keys >> _SHIFT + np.uint64(2 * level)) << _SHIFT | keys & _VALUE
        if self.weights is None:
            return BinnedStars(np.sort(keys, kind="stable"), len(wanted))
        own = WeightedKeys.of(keys, self.weights[chosen])
        return BinnedStars(own.keys, len(wanted), own.weights)
