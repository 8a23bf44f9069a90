"""Offsets between surveys that observed different stars in the same small parts of the Galaxy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from stdask.science.assessment.groups import student

UNITS = 1 << 20  # values are added up as whole numbers of 2^-20, so that no sum depends on the order of the stars
MIN_FREE = 2.0  # degrees of freedom with which an error is estimated: as of three groups of cells of equal weight


class CellSums(NamedTuple):
    """Numbers of stars, and sums of several quantities over them, in the cells that hold stars."""

    cells: np.ndarray  # (n_cells,), int64, ascending, none twice
    counts: np.ndarray  # (n_quantities, n_cells), int64: stars in which the quantity is known
    sums: np.ndarray  # (n_quantities, n_cells), int64, in 1 / UNITS

    def at(self, cells: np.ndarray) -> "CellSums":
        """Return those of some of the cells, all of which there are."""
        places = np.searchsorted(self.cells, cells)
        return CellSums(cells, self.counts[:, places], self.sums[:, places])

    def means(self, quantity: int) -> np.ndarray:
        """Return the means of a quantity, (n_cells,); NaN where it is known of no star."""
        unknown = np.full(len(self.cells), np.nan)
        counts = self.counts[quantity]
        return np.divide(self.sums[quantity] / UNITS, counts, where=counts > 0, out=unknown)


class Offset(NamedTuple):
    """Mean difference of two surveys in the cells in which both have stars, first minus second."""

    value: float  # NaN without shared cells
    standard_error: float  # estimated; NaN for fewer than `MIN_FREE` degrees of freedom
    n_free: float  # degrees of freedom of the estimate
    n_cells: int  # shared
    n_first: int  # stars in these
    n_second: int

    @property
    def error(self) -> float:
        """The 1-sigma error: that which contains the truth in 68 % of all cases."""
        return self.within(1.0)

    def within(self, sigma: float) -> float:
        """Return what the truth differs by at most, as often as `sigma` errors of a normal distribution say."""
        return self.standard_error * student(sigma, self.n_free)


UNKNOWN = Offset(np.nan, np.nan, np.nan, 0, 0, 0)


def sum_in_cells(cells: np.ndarray, values: np.ndarray) -> CellSums:
    """Add up quantities in the cells that hold stars.

    Parameters
    ----------
    cells : shape (n_stars,), int64
        Of each star; below 0: none.
    values : shape (n_quantities, n_stars)
        NaN where unknown.
    """
    inside = cells >= 0
    found, places = np.unique(cells[inside], return_inverse=True)
    values = values[:, inside]
    known = np.isfinite(values)
    whole = np.rint(np.where(known, values, 0).astype(np.float64) * UNITS).astype(np.int64)
    counts, sums = (np.zeros((len(values), len(found)), dtype=np.int64) for _ in range(2))
    for number in range(len(values)):
        np.add.at(counts[number], places, known[number])
        np.add.at(sums[number], places, whole[number])
    return CellSums(found, counts, sums)


def add_sums(parts: Sequence[CellSums]) -> CellSums:
    """Return the sums over the stars of all parts, at least one."""
    cells = np.concatenate([part.cells for part in parts])
    found, places = np.unique(cells, return_inverse=True)
    totals = [np.zeros((len(parts[0].counts), len(found)), dtype=np.int64) for _ in range(2)]
    for total, own in zip(totals, ("counts", "sums"), strict=True):
        np.add.at(total.T, places, np.concatenate([getattr(part, own) for part in parts], axis=1).T)
    return CellSums(found, *totals)


def offset_between(first: CellSums, second: CellSums, quantities: tuple[int, int], cells_in_group: int) -> Offset:
    """Compare two surveys cell by cell, so that it does not matter how many stars of each lie where.

    A cell with n and m stars weighs n m / (n + m), the inverse variance of a difference of means of stars that scatter
    alike in all cells.

    Parameters
    ----------
    first, second
        Sums over different stars.
    quantities
        Number of the quantity of the first survey that is compared with one of the second, and of this one.
    cells_in_group
        Cells number 0 to `cells_in_group` - 1 are the first group, and so on: cells of a group need not be independent
        of each other.
    """
    cells = np.intersect1d(first.cells, second.cells, assume_unique=True)
    one, other = first.at(cells), second.at(cells)
    shared = (one.counts[quantities[0]] > 0) & (other.counts[quantities[1]] > 0)
    if not shared.any():
        return UNKNOWN
    n_first, n_second = one.counts[quantities[0]][shared], other.counts[quantities[1]][shared]
    differences = (one.means(quantities[0]) - other.means(quantities[1]))[shared]
    weights = n_first * n_second / (n_first + n_second)
    value = float(np.average(differences, weights=weights))
    _, groups = np.unique(cells[shared] // cells_in_group, return_inverse=True)
    shares = np.bincount(groups, weights=weights) / weights.sum()
    residuals = np.bincount(groups, weights=weights * (differences - value)) / weights.sum()
    found = (int(shared.sum()), int(n_first.sum()), int(n_second.sum()))
    return Offset(value, *_error_by_groups(shares, residuals), *found)


def _error_by_groups(shares: np.ndarray, residuals: np.ndarray) -> tuple[float, float]:
    """Return the standard error of a weighted mean by groups of values, and its degrees of freedom.

    It holds whatever the scatter inside a group is due to. Each residual is enlarged by what its group pulls the mean
    towards itself, which is much where one group has most of the weight; then few degrees of freedom are left. Source:
    Bell & McCaffrey 2002, Survey Methodology 28, 169: bias-reduced linearisation, for a mean.

    Parameters
    ----------
    shares, residuals : shape (n_groups,)
        Of the weight, with sum 1; and each share times the difference of the group's mean from that of all.
    """
    if len(shares) < 2:
        return np.nan, np.nan
    pulls = shares**2 / (1 - shares)
    n_free = 1 / float(np.sum(shares**2) + np.sum(pulls) ** 2 - np.sum(pulls**2))
    error = float(np.sqrt(np.sum(residuals**2 / (1 - shares))))
    return (error if round(n_free, 6) >= MIN_FREE else np.nan), n_free
