"""Offsets between surveys that observed different stars in the same small parts of the Galaxy."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

UNITS = 1 << 20  # values are added up as whole numbers of 2^-20, so that no sum depends on the order of the stars
MIN_GROUPS = 3  # groups of cells from which an error is estimated


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
    error: float  # 1 sigma; NaN for fewer than `MIN_GROUPS` groups
    n_cells: int  # shared
    n_first: int  # stars in these
    n_second: int


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


def offset_between(first: CellSums, second: CellSums, quantity: int, cells_in_group: int) -> Offset:
    """Compare two surveys cell by cell, so that it does not matter how many stars of each lie where.

    A cell with n and m stars weighs n m / (n + m), the inverse variance of a difference of means of stars that scatter
    alike in all cells. The error is that of a ratio of sums over groups of cells that are independent of each other
    (Cochran 1977, Sampling Techniques, sect. 6.3), so that it holds whatever the scatter inside a group is due to.

    Parameters
    ----------
    first, second
        Sums over different stars.
    quantity
        Number of the quantity to compare.
    cells_in_group
        Cells number 0 to `cells_in_group` - 1 are the first group, and so on.
    """
    cells = np.intersect1d(first.cells, second.cells, assume_unique=True)
    one, other = first.at(cells), second.at(cells)
    shared = (one.counts[quantity] > 0) & (other.counts[quantity] > 0)
    if not shared.any():
        return Offset(np.nan, np.nan, 0, 0, 0)
    n_first, n_second = (own.counts[quantity][shared] for own in (one, other))
    differences = (one.means(quantity) - other.means(quantity))[shared]
    weights = n_first * n_second / (n_first + n_second)
    value = float(np.average(differences, weights=weights))
    _, groups = np.unique(cells[shared] // cells_in_group, return_inverse=True)
    residuals = np.bincount(groups, weights=weights * (differences - value))
    n_groups, error = len(residuals), np.nan
    if n_groups >= MIN_GROUPS:
        error = float(np.sqrt(n_groups / (n_groups - 1) * np.sum(residuals**2)) / weights.sum())
    return Offset(value, error, int(shared.sum()), int(n_first.sum()), int(n_second.sum()))
