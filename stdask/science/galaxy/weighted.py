"""Medians, bands, shares and bootstraps in bins of stars that count differently, such as by a selection function.

A weight is one over the probability that a star is in the survey. The error of a weighted median follows from the
effective number of stars, (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling, sect. 11.7).
"""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from stdask.science.galaxy.binning import NO_VALUE, BinMedians, bin_starts, ordered_bits, unpack_values
from stdask.science.keys.seeds import generator

SLACK = 1e-9  # of the weight of a bin: sums that differ by less are the same but for rounding
_SHIFT = np.uint64(32)


class WeightedKeys(NamedTuple):
    """Sorted keys of stars, as from `binning.pack_keys`, and their weights; each of shape (n_keys,)."""

    keys: np.ndarray
    weights: np.ndarray  # float64, positive

    @classmethod
    def of(cls, keys: np.ndarray, weights: np.ndarray) -> "WeightedKeys":
        """Return keys and weights in their order, which does not depend on how the stars were divided."""
        order = np.lexsort((weights, keys))
        return cls(keys[order], weights[order])


def pack_weighted(bins: np.ndarray, bits: np.ndarray, weights: np.ndarray) -> WeightedKeys:
    """Return the sorted keys and weights of the stars that lie in a bin and have a value, as `binning.pack_keys`."""
    used = (bins >= 0) & (bits < NO_VALUE)
    return WeightedKeys.of(bins[used].view(np.uint64) << _SHIFT | bits[used], weights[used].astype(np.float64))


class _Bins(NamedTuple):
    """The stars of every bin, and what their weights add up to."""

    starts: np.ndarray  # (n_bins + 1,)
    counts: np.ndarray  # (n_bins,)
    values: np.ndarray  # (n_keys,)
    totals: np.ndarray  # (n_keys + 1,), of all weights before a star
    effective: np.ndarray  # (n_bins,), number of stars

    @classmethod
    def of(cls, stars: WeightedKeys, n_bins: int) -> "_Bins":
        starts = bin_starts(stars.keys, n_bins)
        totals, squares = (np.concatenate([[0.0], np.cumsum(own)]) for own in (stars.weights, stars.weights**2))
        sums, sums_of_squares = np.diff(totals[starts]), np.diff(squares[starts])
        effective = np.divide(sums**2, sums_of_squares, where=sums_of_squares > 0, out=np.zeros(n_bins))
        return cls(starts, np.diff(starts), unpack_values(stars.keys), totals, effective)

    def quantiles(self, bins: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the value that a share of the weight of a bin lies below; of two stars between them the mean."""
        first, end = self.starts[bins], self.starts[bins + 1]
        weights = self.totals[end] - self.totals[first]
        targets, slack = self.totals[first] + levels * weights, SLACK * weights
        found = np.clip(np.searchsorted(self.totals, targets - slack, side="left") - 1, first, end - 1)
        following = np.where(self.totals[found + 1] <= targets + slack, np.minimum(found + 1, end - 1), found)
        return (self.values[found] + self.values[following]) / np.float32(2)

    def between(self, bins: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return such values, interpolated between the stars, whose middles of weight are their levels."""
        middles = (self.totals[1:] + self.totals[:-1]) / 2
        first, end = self.starts[bins], self.starts[bins + 1]
        targets = self.totals[first] + levels * (self.totals[end] - self.totals[first])
        upper = np.searchsorted(middles, targets)
        inside = (upper > first) & (upper < end)
        upper = np.where(inside, upper, np.minimum(first + 1, len(middles) - 1))
        lower = np.maximum(upper - 1, 0)
        part = (targets - middles[lower]) / np.where(upper > lower, middles[upper] - middles[lower], 1)
        found = self.values[lower] + part.astype(np.float32) * (self.values[upper] - self.values[lower])
        return np.where(inside, found, np.float32(np.nan))


def weighted_medians(stars: WeightedKeys, n_bins: int, min_stars: int = 1) -> BinMedians:
    """Return how many stars every bin holds, and the value with half of their weight on either side.

    Parameters
    ----------
    stars
    n_bins
        Bins are numbered from 0.
    min_stars
        A bin with fewer has no median.
    """
    bins = _Bins.of(stars, n_bins)
    medians = np.full(n_bins, np.nan, dtype=np.float32)
    used = np.flatnonzero(bins.counts >= max(min_stars, 1))
    medians[used] = bins.quantiles(used, np.full(len(used), 0.5))
    return BinMedians(bins.counts, medians)


def weighted_bands(stars: WeightedKeys, medians: np.ndarray, tail: float) -> np.ndarray:
    """Return confidence limits of weighted medians: the values at the limits of the level of the median.

    Source: Woodruff 1952, J. Am. Stat. Assoc. 47, 635; the level scatters by 1 / (2 sqrt(n)) for n effective stars.

    Parameters
    ----------
    stars
    medians : shape (n_bins,), float32
        NaN where no band is wanted.
    tail
        Probability that the true median lies below the band, and that it lies above it; less than 0.5.

    Returns
    -------
    bands : shape (2, n_bins), float32
        NaN where there is no median, less than 2.6 stars are effective, or a limit lies outside the stars.
    """
    bins = _Bins.of(stars, len(medians))
    bands = np.full((2, len(medians)), np.nan, dtype=np.float32)
    used = np.flatnonzero(np.isfinite(medians))
    used = used[0.5 ** bins.effective[used] <= tail]  # as of stars of one weight: fewer enclose the truth too rarely
    half = norm.isf(tail) / 2 / np.sqrt(bins.effective[used])
    for band, sign in zip(bands, (-1, 1), strict=True):
        band[used] = bins.between(used, 0.5 + sign * half)
    return bands


def weighted_deviations(stars: WeightedKeys, medians: np.ndarray) -> np.ndarray:
    """Return the weighted median of the absolute deviations from the median of every bin, shape (n_bins,), float32."""
    bins = (stars.keys >> _SHIFT).astype(np.int64)
    bits = ordered_bits(np.abs(unpack_values(stars.keys) - medians[bins]))
    known = np.isfinite(medians)[bins]
    apart = WeightedKeys.of((stars.keys >> _SHIFT << _SHIFT | bits)[known], stars.weights[known])
    return weighted_medians(apart, len(medians)).medians


def weighted_shares(
    stars: WeightedKeys, n_bins: int, min_stars: int, tail: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return weighted shares as `shares.bin_shares` does, with the limits of as many stars as are effective."""
    bins = _Bins.of(stars, n_bins)
    of_those = np.concatenate([[0.0], np.cumsum(stars.weights * bins.values)])
    used = bins.counts >= max(min_stars, 1)
    n, z = bins.effective[used], norm.isf(tail)
    share = np.diff(of_those[bins.starts])[used] / np.diff(bins.totals[bins.starts])[used]
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(np.maximum(share * (1 - share), 0) / n + z**2 / (4 * n**2))
    found = np.full((3, n_bins), np.nan, dtype=np.float32)
    found[:, used] = share, np.maximum(middle - half, 0), np.minimum(middle + half, 1)
    return bins.counts, *found


def weighted_bootstraps(
    stars: WeightedKeys, medians: np.ndarray, n_bootstraps: int, seed: int, first_bin: int
) -> np.ndarray:
    """Draw bootstrapped weighted medians, shape (n_bootstraps, n_bins), float32, NaN where there is no median.

    Of n stars of one weight, the level of the median of a bootstrap sample follows a Beta distribution with both
    parameters (n + 1) / 2, as `profiles.bootstrap_medians` draws it; here n is the effective number.
    """
    bins = _Bins.of(stars, len(medians))
    bootstraps = np.full((n_bootstraps, len(medians)), np.nan, dtype=np.float32)
    for number in np.flatnonzero(np.isfinite(medians)):
        rng = generator(seed, "bootstrap of a weighted bin", first_bin + int(number))
        half = (bins.effective[number] + 1) / 2
        levels = rng.beta(half, half, size=n_bootstraps)
        bootstraps[:, number] = bins.quantiles(np.full(n_bootstraps, number), levels)
    return bootstraps
