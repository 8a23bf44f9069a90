"""Exact medians in bins that can be put together from any partitioning, how far values scatter about them, and bands.

A star is one 64-bit key: its bin in the upper half, its value in the lower one, as an integer that sorts like
the float. Sorted keys of partitions are merged; a bin's median then stands in the middle of its keys.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

_SIGN = np.uint32(0x8000_0000)
_ALL = np.uint32(0xFFFF_FFFF)
_SHIFT = np.uint64(32)
NO_VALUE = np.uint64(1) << _SHIFT


class BinMedians(NamedTuple):
    """How many stars a bin holds and their median; each of shape (n_bins,)."""

    counts: np.ndarray  # int64
    medians: np.ndarray  # float32, NaN where a bin is empty


def slices_of(positions: np.ndarray, edges: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return which slice each star lies in, -1 for none; a slice holds its lower edge.

    Parameters
    ----------
    positions : shape (n_stars,)
    edges
        Ascending, one more than there are slices.

    Returns
    -------
    slices : shape (n_stars,), int64
    """
    slices = np.searchsorted(edges, positions, side="right") - 1
    return np.where(slices < len(edges) - 1, slices, -1)


def ordered_bits(values: np.ndarray) -> np.ndarray:
    """Return float32 values as integers that sort like them, and one beyond 32 bits where there is no value.

    Parameters
    ----------
    values : shape (n_stars,)
        Rounded to float32; not finite for none.

    Returns
    -------
    bits : shape (n_stars,), uint64
    """
    values = np.asarray(values, dtype=np.float32)
    bits = (values + np.float32(0)).view(np.uint32)  # -0 becomes +0: they are one value
    # Negative floats sort backwards as integers: flip all their bits; of the others only the sign.
    ordered = bits ^ np.where(bits & _SIGN, _ALL, _SIGN)
    return np.where(np.isfinite(values), ordered, NO_VALUE)


def pack_keys(bins: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Return the sorted keys of the stars that lie in a bin and have a value.

    Parameters
    ----------
    bins : shape (n_stars,), int64
        Bin of each star, negative for none; smaller than 2^32.
    bits : shape (n_stars,), uint64
        Their values, from `ordered_bits`.

    Returns
    -------
    keys : shape (n_keys,), uint64, ascending
    """
    used = (bins >= 0) & (bits < NO_VALUE)
    return np.sort(bins[used].view(np.uint64) << _SHIFT | bits[used])


def merge_keys(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return the sorted union of sorted keys; the result does not depend on the order of the parts.

    Parameters
    ----------
    parts
        Arrays of shape (n_keys,), uint64, ascending, as from `pack_keys`.

    Returns
    -------
    keys : shape (total n_keys,), uint64, ascending
    """
    if not parts:
        return np.empty(0, dtype=np.uint64)
    return np.sort(np.concatenate(parts), kind="stable")  # timsort: merges the runs it finds


def unpack_values(keys: np.ndarray) -> np.ndarray:
    """Return the values in keys, shape (n_keys,), float32."""
    ordered = keys.astype(np.uint32)
    return (ordered ^ np.where(ordered & _SIGN, _SIGN, _ALL)).view(np.float32)


def bin_starts(keys: np.ndarray, n_bins: int) -> np.ndarray:
    """Return where each bin begins in sorted keys, and after the last where it ends.

    Returns
    -------
    starts : shape (n_bins + 1,), int64
    """
    return np.searchsorted(keys, np.arange(n_bins + 1, dtype=np.uint64) << _SHIFT)


def range_of_bins(keys: np.ndarray, first_bin: int, end_bin: int) -> np.ndarray:
    """Return the keys of the bins from `first_bin` to before `end_bin`, their bins counted from 0 then.

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending

    Returns
    -------
    keys : shape (n_keys of these bins,), uint64, ascending; a copy
    """
    first, end = np.searchsorted(keys, np.array([first_bin, end_bin], dtype=np.uint64) << _SHIFT)
    return keys[first:end] - (np.uint64(first_bin) << _SHIFT)


def bin_medians(keys: np.ndarray, n_bins: int, min_stars: int = 1) -> BinMedians:
    """Return the exact median in every bin, equal to numpy's in float32.

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending
    n_bins
        Bins are numbered from 0.
    min_stars
        A bin with fewer has no median.
    """
    starts = bin_starts(keys, n_bins)
    counts = np.diff(starts)
    medians = np.full(n_bins, np.nan, dtype=np.float32)
    used = counts >= max(min_stars, 1)
    first, number = starts[:-1][used], counts[used]
    lower = unpack_values(keys[first + (number - 1) // 2])
    upper = unpack_values(keys[first + number // 2])
    medians[used] = np.where(number % 2, lower, (lower + upper) / np.float32(2))
    return BinMedians(counts, medians)


def bin_deviations(keys: np.ndarray, medians: np.ndarray) -> np.ndarray:
    """Return the median absolute deviation from the median in every bin, equal to numpy's in float32.

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending
    medians : shape (n_bins,), float32
        As from `bin_medians`; NaN where none is wanted.

    Returns
    -------
    deviations : shape (n_bins,), float32, NaN where there is no median
    """
    bins = (keys >> _SHIFT).astype(np.int64)
    deviations = np.abs(unpack_values(keys) - medians[bins])  # NaN is left out of the keys
    return bin_medians(pack_keys(bins, ordered_bits(deviations)), len(medians)).medians


def bin_bands(keys: np.ndarray, medians: np.ndarray, tail: float) -> np.ndarray:
    """Return confidence limits of the median of every bin from its own stars, whatever their distribution.

    The true median lies below the k-th smallest of n stars with a binomial probability. Between the two stars whose
    probabilities enclose the one that is asked for, the limit is interpolated (Hettmansperger & Sheather 1986, Stat.
    Probab. Lett. 4, 75). Percentiles of bootstrapped medians are stars themselves: they jump from one star to the next,
    so that bands of 5 to 20 stars contain the truth in 54 to 70 per cent instead of 68, and of one star have no width.

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending
    medians : shape (n_bins,), float32
        NaN where no band is wanted.
    tail
        Probability that the true median lies below the band, and that it lies above it; less than 0.5.

    Returns
    -------
    bands : shape (2, n_bins), float32
        Lower and upper limits. NaN where there is no median, or even the outermost stars leave a larger tail: of one
        or two stars nothing is known about the others with 68 per cent.
    """
    starts = bin_starts(keys, len(medians))
    n_stars = np.diff(starts)
    numbers = np.unique(n_stars[np.isfinite(medians)])
    numbers = numbers[0.5**numbers <= tail]
    rank, share = _limits(numbers, tail)
    used = np.isfinite(medians) & np.isin(n_stars, numbers)
    which = np.searchsorted(numbers, n_stars[used])
    number, rank, share = numbers[which], rank[which], share[which].astype(np.float32)
    bands = np.full((2, len(medians)), np.nan, dtype=np.float32)
    for band, place, step in zip(bands, (rank - 1, number - rank), (1, -1), strict=True):
        nearer, farther = (unpack_values(keys[starts[:-1][used] + n]) for n in (place + step, place))
        band[used] = farther + share * (nearer - farther)
    return bands


def _limits(numbers: np.ndarray, tail: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the rank of the star outside the lower limit, from 1, and the share of the way to the next one."""
    rank = binom.ppf(tail, numbers, 0.5).astype(np.int64)
    below, above = (binom.cdf(k, numbers, 0.5) for k in (rank - 1, rank))
    part = (tail - below) / (above - below)
    return rank, (numbers - rank) * part / (rank + (numbers - 2 * rank) * part)
