"""Densities of stars in a plane of two labels: integer histograms that add up, and kernel densities from them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.signal import fftconvolve

CONTOURS = (0.01, 0.05, 0.1, 0.3, 0.5, 0.7)  # of the maximum; Thomas et al. 2024, figs. 13 and 14
KERNEL_REACH = 5.0  # sigma: a Gaussian has 4e-6 of its mass beyond, in two dimensions
NARROWEST = 1.0  # bin widths, the sigma of the kernel at least: a narrower one cannot be drawn on the bins


class Counted(NamedTuple):
    """The bins that hold stars and how many; each of shape (n_filled,), int64."""

    bins: np.ndarray
    numbers: np.ndarray


@dataclass(frozen=True)
class PlaneGrid:
    """Bins of equal size over two labels; bin (row, column) has number row * n_columns + column.

    The first label runs along the columns, the second along the rows. A bin holds its lower edges.
    """

    lows: tuple[float, float]
    widths: tuple[float, float]
    numbers: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.numbers[1], self.numbers[0]

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.numbers[0] * self.numbers[1]

    @property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """Edges along the first and the second label, shape (n + 1,) each."""
        first, second = zip(self.lows, self.widths, self.numbers, strict=True)
        return _edges(*first), _edges(*second)

    @property
    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Middles of the bins along the first and the second label, shape (n,) each."""
        along, up = self.edges
        return (along[:-1] + along[1:]) / 2, (up[:-1] + up[1:]) / 2

    def coarser(self, factor: int) -> "PlaneGrid":
        """Return bins `factor` times as wide from the same lower edges; `factor` divides both numbers."""
        widths, numbers = ((self.widths[0] * factor, self.widths[1] * factor), [n // factor for n in self.numbers])
        return PlaneGrid(self.lows, widths, (numbers[0], numbers[1]))

    def bins_of(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the bin of each star, -1 outside the plane or where a label is NaN.

        Parameters
        ----------
        first, second : shape (n_stars,), in the units of the labels

        Returns
        -------
        bins : shape (n_stars,), int64
        """
        columns, rows = (
            np.searchsorted(edges, values, side="right") - 1  # NaN sorts behind the last edge
            for edges, values in zip(self.edges, (first, second), strict=True)
        )
        inside = (columns >= 0) & (columns < self.numbers[0]) & (rows >= 0) & (rows < self.numbers[1])
        return np.where(inside, rows * self.numbers[0] + columns, -1)


def _edges(low: float, width: float, number: int) -> np.ndarray:
    return low + width * np.arange(number + 1)


def count_bins(bins: np.ndarray) -> Counted:
    """Count the stars of each bin that holds any; negative bins are left out.

    Parameters
    ----------
    bins : shape (n_stars,), int64
    """
    return Counted(*np.unique(bins[bins >= 0], return_counts=True))


def add_bins(parts: Iterable[Counted], n_bins: int) -> np.ndarray:
    """Add up counts of parts; integers, so that neither the parting nor the order matters.

    Returns
    -------
    counts : shape (n_bins,), int64
    """
    total = np.zeros(n_bins, dtype=np.int64)
    for part in parts:
        total[part.bins] += part.numbers
    return total


def kernel_density(counts: np.ndarray, grid: PlaneGrid) -> np.ndarray:
    """Return the density of stars in a plane, smoothed with a Gaussian shaped like their distribution.

    The covariance of the kernel is that of the stars times n^(-1/3): the rule of Scott, which in two dimensions
    is that of Silverman too, as in `scipy.stats.gaussian_kde`. The bins have smoothed the stars by 1/12 of their
    width squared already (Sheppard), which the kernel leaves out.

    Parameters
    ----------
    counts : shape (n_rows, n_columns), int64
        Stars in each bin.
    grid
        The bins.

    Returns
    -------
    densities : shape (n_rows, n_columns)
        At the middles of the bins, per unit of both labels; 0 everywhere without a star. The part of the kernels
        that reaches out of the plane is lost.
        Source: Silverman 1986, Density Estimation, sect. 3.5 (by FFT) and 4.3.2 (bandwidth); Scott 2015,
        Multivariate Density Estimation, sect. 6.5.2.
    """
    n_stars = counts.sum()
    if not n_stars:
        return np.zeros(grid.shape)
    kernel = _kernel(_covariance(counts) * n_stars ** (-1 / 3))
    smooth = fftconvolve(counts.astype(float), kernel, mode="same").clip(min=0.0)  # the FFT leaves -1e-16 of the peak
    return smooth / (n_stars * grid.widths[0] * grid.widths[1])


def contour_levels(densities: np.ndarray) -> np.ndarray:
    """Return the densities at `CONTOURS` of the maximum, shape (n_contours,)."""
    return np.array(CONTOURS) * densities.max()


def _covariance(counts: np.ndarray) -> np.ndarray:
    """Return the covariance of the stars' columns and rows, in squares of the bin width."""
    filled = np.nonzero(counts)
    numbers = counts[filled]
    if numbers.sum() < 2:
        return np.zeros((2, 2))
    return np.cov(np.stack(filled[::-1]), fweights=numbers)


def _kernel(covariance: np.ndarray) -> np.ndarray:
    """Return a Gaussian on the bins, of sum 1 and odd shape; `covariance` is that of columns and rows."""
    sizes, axes = np.linalg.eigh(covariance)
    wide = axes * np.maximum(sizes, NARROWEST**2) @ axes.T - np.eye(2) / 12
    reach = np.ceil(KERNEL_REACH * np.sqrt(np.diag(wide))).astype(int)
    columns, rows = np.arange(-reach[0], reach[0] + 1), np.arange(-reach[1], reach[1] + 1)
    places = np.stack(np.meshgrid(columns, rows), axis=-1)
    kernel = np.exp(-0.5 * np.einsum("...i,ij,...j", places, np.linalg.inv(wide), places))
    return kernel / kernel.sum()
