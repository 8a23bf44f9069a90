"""How far stated errors are off, by stars that were visited more than once: a factor for each range of a merit.

Two visits to a star differ by z = (x1 - x2) / sqrt(e1^2 + e2^2) in units of their errors. If these are right, z
scatters by 1; if z scatters by k, the errors must be multiplied by k. Tsantaki et al. 2022, A&A 659, A95, rescale
errors from repeat visits.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import median_abs_deviation

from stdask.science.keys.star_keys import star_keys

MIN_PAIRS = 50  # of fewer a factor is uncertain by over 16 %
PAIRS_PER_BIN = 200  # give a factor to 8 %
MAX_BINS = 10
MAD_ERROR = 1.1664  # relative error of 1.4826 MAD, times sqrt(n), of n Gaussian numbers: 1 / (4 q phi(q)), q = 0.6745


class Pairs(NamedTuple):
    """Pairs of visits of one star each, no visit in two of them; each of shape (n_pairs,)."""

    keys: np.ndarray  # uint64, random, no two alike, of the pair alone
    merits: np.ndarray  # float64
    z: np.ndarray  # float64, difference in units of its stated error


class ErrorFactors(NamedTuple):
    """What the stated errors of a label are to be multiplied by, in bins of merit."""

    edges: np.ndarray  # (n_bins - 1,), ascending; a bin holds its lower edge, and the outermost ones are open
    n_pairs: np.ndarray  # (n_bins,), int64
    factors: np.ndarray  # (n_bins,)
    errors: np.ndarray  # (n_bins,), 1 sigma; NaN where the pairs do not constrain the factor, which is then 1

    def at(self, merits: np.ndarray) -> np.ndarray:
        """Return the factor at each merit; where that is NaN the largest, so that no error comes out too small."""
        factors = self.factors[np.searchsorted(self.edges, merits, side="right")]
        return np.where(np.isnan(merits), self.factors.max(), factors)


def compare_visits(
    stars: np.ndarray, rows: np.ndarray, merits: np.ndarray, values: np.ndarray, errors: np.ndarray
) -> Pairs:
    """Return pairs of visits with what they differ by.

    The visits to a star that have a value, an error and a merit are taken in order of merit: the first and the second
    are a pair, the third and the fourth, and so on. So visits of a pair are about equally good, and no visit is in two
    pairs: n of them are n independent numbers, as the error of a factor assumes. Visits that agree in merit,
    value and error are one visit that is listed again: the first row counts.

    A pair counts at the mean merit of its visits, weighted by the squares of their errors: if the square of the factor
    is linear in the merit, z scatters by the factor at that merit.

    Parameters
    ----------
    stars : shape (n_visits,), integers
        Star of each visit.
    rows : shape (n_visits,), int64
        Of the survey file, no two alike: of equal merits the first row is first.
    merits : shape (n_visits,), float64
        Quality of each visit, e.g. S/N.
    values, errors : shape (n_visits,), floats
        As the survey states them, NaN where it does not.

    Returns
    -------
    pairs
        Ascending in their keys.
    """
    good = np.flatnonzero(np.isfinite(values) & (errors > 0) & np.isfinite(errors) & np.isfinite(merits))
    good = good[~_is_copy(stars[good], rows[good], merits[good], values[good], errors[good])]
    order = good[np.lexsort((rows[good], -merits[good], stars[good]))]
    begins = np.ones(order.size, dtype=bool)
    begins[1:] = stars[order[1:]] != stars[order[:-1]]
    place = np.arange(order.size) - np.flatnonzero(begins)[np.cumsum(begins) - 1]  # within the star, from 0
    second = np.flatnonzero(place % 2)
    both = np.stack([order[second - 1], order[second]])
    (one, other), sigma = values[both].astype(np.float64), errors[both].astype(np.float64)
    weights = (sigma / sigma.max(axis=0)) ** 2  # of a ratio: squares of errors may be beyond what floats hold
    merit = (weights * merits[both]).sum(axis=0) / weights.sum(axis=0)
    pairs = Pairs(star_keys(rows[both[0]]), merit, (one - other) / np.hypot(*sigma))
    return Pairs(*(column[np.argsort(pairs.keys)] for column in pairs))


def sample_pairs(parts: Sequence[Pairs], most: int) -> Pairs:
    """Return the pairs of all parts, or at random `most` of them: those with the smallest keys.

    Which ones does not depend on how the pairs were shared out, nor on whether parts are such samples themselves.
    Source: Cohen & Kaplan 2007, PODC '07, 225 (bottom-k sketches).
    """
    together = Pairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    order = np.argsort(together.keys)[:most]
    return Pairs(*(column[order] for column in together))


def fit_factors(pairs: Pairs) -> ErrorFactors:
    """Return the factor of the errors, 1.4826 MAD of z, in bins of about equally many pairs.

    Up to `MAX_BINS` bins hold at least `PAIRS_PER_BIN` pairs each, or one bin holds all. The factor is 1 with fewer
    than `MIN_PAIRS`, or where most pairs of a bin agree to the last digit: such coarsely rounded values do not give it.
    Gross outliers among 5 % of the pairs raise it by 6 %, however far out they are. Its error is that of Gaussian z
    (Rousseeuw & Croux 1993, JASA 88, 1273: the efficiency of the MAD is 37 %).

    Parameters
    ----------
    pairs
        In any order.
    """
    edges = _merit_edges(np.sort(pairs.merits))
    bins = np.searchsorted(edges, pairs.merits, side="right")
    n_pairs = np.bincount(bins, minlength=edges.size + 1)
    found = np.zeros(n_pairs.size)
    if pairs.z.size >= MIN_PAIRS:
        found = np.array([median_abs_deviation(pairs.z[bins == n], scale="normal") for n in range(n_pairs.size)])
    known = found > 0
    errors = np.where(known, found * MAD_ERROR / np.sqrt(np.maximum(n_pairs, 1)), np.nan)
    return ErrorFactors(edges, n_pairs, np.where(known, found, 1.0), errors)


def _merit_edges(merits: np.ndarray) -> np.ndarray:
    """Return where to part ascending merits into bins; equal merits lie in one bin."""
    n_bins = min(MAX_BINS, merits.size // PAIRS_PER_BIN)
    edges, begin = [], 0
    for edge in np.unique(merits[np.arange(1, n_bins) * merits.size // max(n_bins, 1)]):
        end = int(np.searchsorted(merits, edge))
        if min(end - begin, merits.size - end) >= PAIRS_PER_BIN:
            edges.append(edge)
            begin = end
    return np.array(edges, dtype=np.float64)


def _is_copy(*columns: np.ndarray) -> np.ndarray:
    """Return which visits an earlier row has in the same words; columns: stars, rows, and what is compared."""
    stars, rows, *compared = columns
    order = np.lexsort((rows, *compared, stars))
    copies = np.zeros(stars.size, dtype=bool)
    copies[order[1:]] = np.logical_and.reduce(
        [column[order[1:]] == column[order[:-1]] for column in (stars, *compared)]
    )
    return copies
