"""Exact medians in bins that can be put together from any partitioning, and the pixels of the maps.

A star is one 64-bit key: its bin in the upper half, its value in the lower one, as an integer that sorts like
the float. Sorted keys of partitions are merged; a bin's median then stands in the middle of its keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

_SIGN = np.uint32(0x8000_0000)
_ALL = np.uint32(0xFFFF_FFFF)
_SHIFT = np.uint64(32)


class BinMedians(NamedTuple):
    """How many stars a bin holds and their median; each of shape (n_bins,)."""

    counts: np.ndarray  # int64
    medians: np.ndarray  # float32, NaN where a bin is empty


def pack_keys(bins: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the sorted keys of the stars that lie in a bin and have a value.

    Parameters
    ----------
    bins : shape (n_stars,), int64
        Bin of each star, negative for none; smaller than 2^32.
    values : shape (n_stars,)
        Rounded to float32; a star whose value is not finite is left out.

    Returns
    -------
    keys : shape (n_keys,), uint64, ascending
    """
    values = np.asarray(values, dtype=np.float32)
    used = (bins >= 0) & np.isfinite(values)
    bits = (values[used] + np.float32(0)).view(np.uint32)  # -0 becomes +0: they are one value
    # Negative floats sort backwards as integers: flip all their bits; of the others only the sign.
    ordered = bits ^ np.where(bits & _SIGN, _ALL, _SIGN)
    return np.sort(bins[used].astype(np.uint64) << _SHIFT | ordered)


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


@dataclass(frozen=True)
class MapGrid:
    """Square pixels of a map about the Galactic centre, which is a corner of four of them.

    Pixel (row, column) has number row * n_columns + column; it holds its lower and left edge.
    """

    width_kpc: float
    half_columns: int  # on either side of the centre
    half_rows: int

    @classmethod
    def covering(cls, half_width_kpc: float, half_height_kpc: float, width_kpc: float) -> "MapGrid":
        """Return the smallest grid that reaches so far on each side, in pixels of `width_kpc`."""
        slack = 1e-9  # 20 / 0.2 is 100 pixels, whatever the last bit of the quotient
        columns, rows = (int(np.ceil(half / width_kpc - slack)) for half in (half_width_kpc, half_height_kpc))
        return cls(width_kpc, columns, rows)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the map."""
        return 2 * self.half_rows, 2 * self.half_columns

    @property
    def n_pixels(self) -> int:
        """Number of pixels."""
        return self.shape[0] * self.shape[1]

    @property
    def column_edges_kpc(self) -> np.ndarray:
        """Edges of the columns, shape (n_columns + 1,)."""
        return self.width_kpc * np.arange(-self.half_columns, self.half_columns + 1)

    @property
    def row_edges_kpc(self) -> np.ndarray:
        """Edges of the rows, shape (n_rows + 1,)."""
        return self.width_kpc * np.arange(-self.half_rows, self.half_rows + 1)

    def pixels(self, across_kpc: np.ndarray, up_kpc: np.ndarray) -> np.ndarray:
        """Return the pixel of each star, -1 outside the map or without a position.

        Parameters
        ----------
        across_kpc, up_kpc : shape (n_stars,), kpc

        Returns
        -------
        pixels : shape (n_stars,), int64
        """
        columns = _bin_of(across_kpc, self.column_edges_kpc)
        rows = _bin_of(up_kpc, self.row_edges_kpc)
        return np.where((columns >= 0) & (rows >= 0), rows * self.shape[1] + columns, -1)


def edge_on_pixels(grid: MapGrid, x_kpc: np.ndarray, z_kpc: np.ndarray, radius_kpc: np.ndarray) -> np.ndarray:
    """Return each star's pixel in the map of R, with the sign of X, against Z.

    Source: Thomas et al. 2024, A&A 690, A54, Fig. 15.

    Parameters
    ----------
    grid
        Columns along R, rows along Z.
    x_kpc, z_kpc, radius_kpc : shape (n_stars,), galactocentric, kpc

    Returns
    -------
    pixels : shape (n_stars,), int64, -1 for none
    """
    return grid.pixels(np.copysign(radius_kpc, x_kpc), z_kpc)


def face_on_pixels(
    grid: MapGrid, x_kpc: np.ndarray, y_kpc: np.ndarray, z_kpc: np.ndarray, max_height_kpc: float
) -> np.ndarray:
    """Return each star's pixel in the map of X against Y, of the stars closer to the midplane than a limit.

    Source: Thomas et al. 2024, A&A 690, A54, Fig. 16.

    Parameters
    ----------
    grid
        Columns along X, rows along Y.
    x_kpc, y_kpc, z_kpc : shape (n_stars,), galactocentric, kpc
    max_height_kpc
        Stars at |Z| of this or more are left out.

    Returns
    -------
    pixels : shape (n_stars,), int64, -1 for none
    """
    return np.where(np.abs(z_kpc) < max_height_kpc, grid.pixels(x_kpc, y_kpc), -1)


def _bin_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of each value between ascending edges, -1 outside or for NaN, which sorts last."""
    bins = np.searchsorted(edges, values, side="right") - 1
    return np.where(bins < len(edges) - 1, bins, -1)
