"""How two sets of stars differ where both have stars: medians of the same bins, one set minus the other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import wilcoxon

MIN_PAIRS = 6  # for a signed-rank test: with fewer its p-value cannot fall below 0.03


class BinSample(NamedTuple):
    """Medians of one set of stars in bins that share no stars."""

    counts: np.ndarray  # (n_bins,), int64
    medians: np.ndarray  # (n_bins,), NaN where there are too few stars
    bootstraps: np.ndarray  # (n_bootstraps, n_bins), of the medians

    def take(self, bins: np.ndarray) -> "BinSample":
        """Return some of the bins."""
        return BinSample(self.counts[bins], self.medians[bins], self.bootstraps[:, bins])


class Difference(NamedTuple):
    """Mean difference of the medians, first minus second."""

    value: float  # NaN without shared bins, as all but the numbers
    error: float  # standard deviation over the bootstraps of the stars
    n_bins: int  # that both have
    n_first: int  # stars in these
    n_second: int
    p_value: float  # Wilcoxon's signed-rank test: that the bins differ in neither direction; NaN for few bins
    bootstraps: np.ndarray  # (n_bootstraps,), of the value


class SharedMeans(NamedTuple):
    """Means of the medians of several sets of stars over the bins in which all of them have one."""

    values: np.ndarray  # (n_sets,), NaN without shared bins
    errors: np.ndarray  # (n_sets,), standard deviation over the bootstraps of the stars
    weights: np.ndarray  # (n_bins,), 0 for bins that are not shared


def shared_means(sets: Sequence[BinSample]) -> SharedMeans:
    """Average sets of stars over the bins that they share, each bin with the same weight in all sets.

    The mean of the first set minus that of the last is their `paired_difference` in these bins.

    Parameters
    ----------
    sets
        The same bins; the first and the last have no star in common.
    """
    shared = np.all([np.isfinite(own.medians) for own in sets], axis=0)
    if not shared.any():
        unknown = np.full(len(sets), np.nan)
        return SharedMeans(unknown, unknown, np.zeros(len(shared)))
    weights = _weigh(sets[0].counts[shared], sets[-1].counts[shared])
    values, errors = [], []
    for own in sets:
        values.append(np.average(own.medians[shared].astype(np.float64), weights=weights))
        errors.append(np.average(own.bootstraps[:, shared].astype(np.float64), axis=1, weights=weights).std())
    everywhere = np.zeros(len(shared))
    everywhere[shared] = weights
    return SharedMeans(np.array(values), np.array(errors), everywhere)


def _weigh(n_first: np.ndarray, n_second: np.ndarray) -> np.ndarray:
    """Return the inverse variances of differences of means, of stars that scatter alike by 1."""
    return n_first * n_second / (n_first + n_second)


def paired_difference(first: BinSample, second: BinSample) -> Difference:
    """Compare two sets of stars bin by bin, so that it does not matter how many stars of each lie where.

    A bin with n and m stars weighs n m / (n + m), the inverse variance of a difference of means of stars that scatter
    alike in all bins.

    Parameters
    ----------
    first, second
        The same bins; sets without a star in common.
    """
    shared = np.isfinite(first.medians) & np.isfinite(second.medians)
    if not shared.any():
        return Difference(np.nan, np.nan, 0, 0, 0, np.nan, np.full(len(first.bootstraps), np.nan))
    first, second = first.take(shared), second.take(shared)
    weights = _weigh(first.counts, second.counts)
    differences = first.medians.astype(np.float64) - second.medians
    drawn = first.bootstraps.astype(np.float64) - second.bootstraps[::-1]  # the sets share seeds: not the draws
    means = np.average(drawn, axis=1, weights=weights)
    enough = len(differences) >= MIN_PAIRS and differences.any()
    return Difference(
        value=float(np.average(differences, weights=weights)),
        error=float(means.std()),
        n_bins=int(shared.sum()),
        n_first=int(first.counts.sum()),
        n_second=int(second.counts.sum()),
        p_value=float(wilcoxon(differences).pvalue) if enough else np.nan,
        bootstraps=means,
    )


def has_grown(after: Difference, before: Difference, n_sigma: float, further_error: float = 0.0) -> bool:
    """Tell whether a difference has become larger by more than chance, whatever its sign.

    |a| > |b| if a + b and a - b have the same sign, so both of them must be known: a change that is well known does not
    make a difference larger whose sign is not.

    Parameters
    ----------
    after, before
        Of the same stars with other values for the first set. Both were resampled with the same random numbers, so that
        chance which moves both alike is no error of their change.
    n_sigma
        How far from 0 counts as known.
    further_error
        1-sigma error of `after` that resampled stars do not know.
    """
    if not abs(after.value) > abs(before.value):
        return False
    for sign in (1, -1):
        error = np.hypot((after.bootstraps + sign * before.bootstraps).std(), further_error)
        if abs(after.value + sign * before.value) <= n_sigma * error:
            return False
    return True
