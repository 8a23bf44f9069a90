"""How wrong a survey's errors are: the scatter between repeat visits of a star, in units of the errors they state."""

from typing import NamedTuple

import numpy as np

MIN_PAIRS = 50  # fewer tell a factor to no better than a sixth: none is taken
PAIRS_A_BIN = 200  # a factor to 8 per cent
MAX_BINS = 10
NORMAL_MAD = 1.4826  # standard deviation of a normal distribution over its median absolute deviation
MAD_EFFICIENCY = 0.3674  # of that estimate; Rousseeuw & Croux 1993, JASA 88, 1273


class ErrorFactors(NamedTuple):
    """What the errors of a label are multiplied by, bin by bin of the merit, the worst visits first."""

    edges: np.ndarray  # (n_bins - 1,), merits between the bins
    factors: np.ndarray  # (n_bins,)
    errors: np.ndarray  # (n_bins,), 1 sigma; NaN where there are too few pairs, and the factor is 1
    n_pairs: np.ndarray  # (n_bins,)

    def at(self, merits: np.ndarray) -> np.ndarray:
        """Return the factor of each visit, that of the worst ones where the merit is not known.

        Parameters
        ----------
        merits : shape (n_visits,)
        """
        known = np.where(np.isnan(merits), -np.inf, merits)
        return self.factors[np.searchsorted(self.edges, known, side="right")]


def pair_visits(stars: np.ndarray, merits: np.ndarray) -> np.ndarray:
    """Return pairs of visits of one star: the best two, the next two, and so on; no visit is in two pairs.

    So pairs are independent of each other, and their two visits as alike as can be.

    Parameters
    ----------
    stars : shape (n_visits,), integers
        Which star each visit is of.
    merits : shape (n_visits,)
        The larger, the better; of equals the first comes first.

    Returns
    -------
    pairs : shape (n_pairs, 2), int64
        Numbers of the better and of the worse visit.
    """
    merits = np.where(np.isnan(merits), -np.inf, merits)
    order = np.lexsort((np.arange(stars.size), -merits, stars))
    _, first, number = np.unique(stars[order], return_index=True, return_inverse=True)
    place = np.arange(stars.size) - first[number]  # of a visit among those of its star
    begins = np.flatnonzero((place[:-1] % 2 == 0) & (number[:-1] == number[1:]))
    return np.stack([order[begins], order[begins + 1]], axis=-1)


def normalised_differences(values: np.ndarray, errors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Return (x1 - x2) / sqrt(e1^2 + e2^2) of each pair: of standard deviation 1 if the errors are right.

    Parameters
    ----------
    values, errors : shape (n_visits,)
        Errors above 0.
    pairs : shape (n_pairs, 2)
        Numbers of visits.

    Returns
    -------
    differences : shape (n_pairs,)
        NaN where both visits have the same value and error: one row that stands twice in the file.
    """
    (first, second), (first_error, second_error) = values[pairs].T, errors[pairs].T
    with np.errstate(invalid="ignore"):
        differences = (first - second) / np.hypot(first_error, second_error)
    return np.where((first == second) & (first_error == second_error), np.nan, differences)


def fit_factors(differences: np.ndarray, merits: np.ndarray) -> ErrorFactors:
    """Return 1.4826 median |z| in bins of the merit that hold equally many pairs.

    About zero, not about the median: what visits of different merit differ by in the mean is an error too. One star in
    twenty that is variable, or a wrong match, moves it by six per cent.

    Parameters
    ----------
    differences : shape (n_pairs,)
        From `normalised_differences`, without NaN.
    merits : shape (n_pairs,)
        Of the worse visit, whose error counts for most.
    """
    n_bins = min(max(differences.size // PAIRS_A_BIN, 1), MAX_BINS)
    edges = np.unique(np.quantile(merits, np.arange(1, n_bins) / n_bins)) if n_bins > 1 else np.empty(0)
    bins = np.searchsorted(edges, merits, side="right")
    n_pairs = np.bincount(bins, minlength=edges.size + 1)
    factors, errors = np.ones(n_pairs.size), np.full(n_pairs.size, np.nan)
    for number in np.flatnonzero(n_pairs >= MIN_PAIRS):
        factors[number] = NORMAL_MAD * np.median(np.abs(differences[bins == number]))
        errors[number] = factors[number] / np.sqrt(2 * MAD_EFFICIENCY * n_pairs[number])
    return ErrorFactors(edges, factors, errors, n_pairs)
