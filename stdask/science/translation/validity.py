"""Where a translation is valid: the pairwise bitmask of Thomas et al. 2024, sect. 2.2."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

MOST_BINS, FEWEST_BINS = 30, 5  # fewer: a bin as wide as the relations between columns would rule nothing out
WANTED_INSIDE = 0.95  # share of new stars like the training stars: as many pass the domain index


@dataclass(frozen=True)
class Domain:
    """The bins that the training stars occupy, for every pair of columns (or the one column there is)."""

    names: tuple[str, ...]
    minima: np.ndarray  # (n_columns,)
    maxima: np.ndarray
    occupied: np.ndarray  # (n_pairs, n_bins, n_bins), bool

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """The pairs of columns; a lone column is paired with itself."""
        return _pairs(len(self.names))

    @property
    def n_bins(self) -> int:
        """The number of bins along each axis."""
        return self.occupied.shape[1]

    @property
    def pair_names(self) -> list[str]:
        """The pairs in words, e.g. TEFF-LOGG."""
        return [self.names[i] if i == j else f"{self.names[i]}-{self.names[j]}" for i, j in self.pairs]

    @property
    def edges(self) -> np.ndarray:
        """The edges of the bins, shape (n_columns, n_bins + 1)."""
        return np.linspace(self.minima, self.maxima, self.n_bins + 1, axis=1)

    def contains(self, values: np.ndarray) -> np.ndarray:
        """Tell for each star and pair whether the star lies in an occupied bin.

        Edges are closed: every training star is inside. A missing value is outside.

        Parameters
        ----------
        values : shape (n_stars, n_columns)

        Returns
        -------
        inside : shape (n_stars, n_pairs), bool
        """
        bins, in_range = _bin_numbers(values, self.minima, self.maxima, self.n_bins)
        inside = np.empty((len(values), len(self.pairs)), dtype=bool)
        for n, (i, j) in enumerate(self.pairs):
            inside[:, n] = self.occupied[n, bins[:, i], bins[:, j]] & in_range[:, i] & in_range[:, j]
        return inside


def fit_domain(values: np.ndarray, names: Sequence[str], n_bins: int, min_stars: int) -> Domain:
    """Return the domain that the training stars span.

    Parameters
    ----------
    values : shape (n_stars, n_columns)
        A star that lacks a value counts for the pairs of its other columns.
    names
        Of the columns.
    n_bins, min_stars
        Bins between the minimum and the maximum of each column; stars that make a bin valid.
    """
    minima, maxima, _, counts = _count_bins(values, n_bins)
    return Domain(tuple(names), minima, maxima, counts >= min_stars)


def choose_n_bins(values: np.ndarray, min_stars: int) -> int:
    """Return the largest number of bins along each axis with which new stars like the training stars are inside.

    Inside are at least `WANTED_INSIDE` of them, by `share_held_out_inside`. There are never fewer bins than
    `FEWEST_BINS`, with which the share may be smaller.

    Parameters
    ----------
    values, min_stars
        As for `fit_domain`.
    """
    for n_bins in range(MOST_BINS, FEWEST_BINS, -1):
        if share_held_out_inside(values, n_bins, min_stars) >= WANTED_INSIDE:
            return n_bins
    return FEWEST_BINS


def share_held_out_inside(values: np.ndarray, n_bins: int, min_stars: int) -> float:
    """Return which share of the training stars lies inside the domain of the other ones, in every pair of columns.

    Each star is held out in turn (leave-one-out cross-validation). A lone extreme of a column is then beyond the range;
    without any other star the range stays, and the bins of a star hold one star less.

    Parameters
    ----------
    values, n_bins, min_stars
        As for `fit_domain`. A value that a star lacks is not counted against it.
    """
    minima, maxima, bins, counts = _count_bins(values, n_bins)
    known = np.isfinite(values)
    inside = np.ones(len(values), dtype=bool)
    for extreme in (minima, maxima):
        at_extreme = values == extreme
        inside &= ~(at_extreme & (at_extreme.sum(axis=0) == 1)).any(axis=1)
    for n, (i, j) in enumerate(_pairs(values.shape[1])):
        both = known[:, i] & known[:, j]
        inside &= ~both | (counts[n, bins[:, i], bins[:, j]] > min_stars)
    return float(inside.mean())


def _pairs(n_columns: int) -> list[tuple[int, int]]:
    """Return the pairs of columns; a lone column is paired with itself."""
    return list(combinations(range(n_columns), 2)) or [(0, 0)]


def _count_bins(values: np.ndarray, n_bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return minima, maxima, the bin numbers of the stars, and the stars in the bins of each pair of columns."""
    minima, maxima = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    bins, in_range = _bin_numbers(values, minima, maxima, n_bins)
    pairs = _pairs(values.shape[1])
    counts = np.zeros((len(pairs), n_bins, n_bins), dtype=np.int64)
    for n, (i, j) in enumerate(pairs):
        both = in_range[:, i] & in_range[:, j]
        np.add.at(counts[n], (bins[both, i], bins[both, j]), 1)
    return minima, maxima, bins, counts


def _bin_numbers(
    values: np.ndarray, minima: np.ndarray, maxima: np.ndarray, n_bins: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return bin numbers, clipped, and whether each value is within the range; NaN is not."""
    widths = np.where(maxima > minima, maxima - minima, 1.0)
    with np.errstate(invalid="ignore"):
        in_range = (values >= minima) & (values <= maxima)
        scaled = np.where(in_range, (values - minima) / widths * n_bins, 0.0)
    return np.minimum(scaled.astype(np.int64), n_bins - 1), in_range


def describe_flags(parts: Sequence[tuple[str, Sequence[str], np.ndarray]]) -> np.ndarray:
    """Return for each star in words which flags are set: QFLAG_COMMENTS.

    Parameters
    ----------
    parts
        (title, names, wrong) each, `wrong` of shape (n_stars, len(names)), bool: e.g. ("intrinsic input
        outside", ["TEFF-LOGG", ...], ~inside).

    Returns
    -------
    comments : shape (n_stars,), str; empty where nothing is wrong
    """
    comments = np.full(len(parts[0][2]), "", dtype=object)
    for title, names, wrong in parts:
        stars = np.flatnonzero(wrong.any(axis=1))
        # few patterns, many stars: each pattern is put into words once
        patterns = np.packbits(wrong[stars], axis=1)
        codes = patterns.view(f"S{patterns.shape[1]}")[:, 0]
        _, first, which = np.unique(codes, return_index=True, return_inverse=True)
        texts = [", ".join(np.array(names, dtype=object)[wrong[star]]) for star in stars[first]]
        comments[stars] += np.array([f"{title} {text}; " for text in texts], dtype=object)[which]
    return np.array([comment.removesuffix("; ") for comment in comments], dtype=object)
