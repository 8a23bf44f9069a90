"""Medians in cells of a quad-tree: small where stars are many, large where they are few.

Pixels are numbered along a Z-shaped curve (Morton order), as nested HEALPix pixels are: without the last two bits a
level, the number of a pixel is that of its cell.
"""

from typing import NamedTuple

import numpy as np

from stdask.science.galaxy.binned import BinnedStars

LEVELS = 3  # cells are 1, 2, 4 or 8 pixels wide


class CellMedians(NamedTuple):
    """What each pixel shows of the smallest cell around it that has enough stars; each of shape (n_bins,)."""

    counts: np.ndarray  # int64, stars in the cell; 0 where even the largest has too few
    medians: np.ndarray  # float32, NaN there
    low: np.ndarray  # lower 68 % confidence limit
    high: np.ndarray  # upper limit


def z_order(half_rows: int, half_columns: int) -> tuple[np.ndarray, int]:
    """Return the number of every pixel of a map along a curve through its cells, and how many numbers there are.

    The middle of the map is a corner of cells of every size, so that no cell has stars of both sides of the Galactic
    midplane or centre. Cells at the rim reach beyond the map, so that there are more numbers than pixels.

    Parameters
    ----------
    half_rows, half_columns
        On either side of the middle.

    Returns
    -------
    numbers : shape (4 half_rows half_columns,), int64
        Of the pixels row by row.
    n_bins
        A multiple of 4^`LEVELS`.
    """
    width = 1 << LEVELS
    wide = [-(-half // width) for half in (half_rows, half_columns)]  # largest cells on either side
    rows, columns = (
        np.arange(2 * half) - half + own * width for half, own in zip((half_rows, half_columns), wide, strict=True)
    )
    cells = (rows // width)[:, None] * 2 * wide[1] + columns // width
    inside = _spread(rows % width)[:, None] * 2 + _spread(columns % width)
    return (cells * width**2 + inside).ravel(), 4 * wide[0] * wide[1] * width**2


def _spread(numbers: np.ndarray) -> np.ndarray:
    """Return numbers with a zero before each of their bits."""
    return np.sum([(numbers >> bit & 1) << 2 * bit for bit in range(LEVELS)], axis=0)


def cell_medians(stars: BinnedStars, min_stars: int, levels: int, tail: float) -> CellMedians:
    """Return the median of the smallest cell around every pixel that has enough stars, equal to numpy's in float32.

    Parameters
    ----------
    stars
        In bins in the order of `z_order` or of nested HEALPix pixels, a multiple of 4^levels.
    min_stars
        That a cell needs for a median.
    levels
        The largest cell is 2^levels pixels wide.
    tail
        Probability that the true median lies below the band, and that it lies above it.
    """
    counts, medians = stars.medians(min_stars)
    low, high = stars.bands(medians, tail)
    found = CellMedians(np.where(np.isfinite(medians), counts, 0), medians, low, high)
    bins = np.arange(stars.n_bins)
    for level in range(1, levels + 1):
        parents = bins >> 2 * level
        wanted = np.zeros(stars.n_bins >> 2 * level, dtype=bool)
        wanted[parents[found.counts == 0]] = True
        coarse = stars.coarser(wanted, level)
        numbers, own = coarse.medians(min_stars)
        filled = (found.counts == 0) & np.isfinite(own)[parents]
        for target, values in zip(found, (numbers, own, *coarse.bands(own, tail)), strict=True):
            target[filled] = values[parents[filled]]
    return found
