"""Running medians along R and Z in overlapping bins, with their bands, and bootstraps for what is fitted to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stdask.science.galaxy.binning import bin_starts, slices_of, unpack_values
from stdask.science.keys.seeds import generator

TAIL = 0.16  # probability of the truth on either side of a band; Thomas et al. 2024, sect. 4.3


@dataclass(frozen=True)
class Windows:
    """Bins of one width along a coordinate that overlap; each holds its lower edge."""

    low_kpc: float
    width_kpc: float
    step_kpc: float
    number: int

    @classmethod
    def between(cls, low_kpc: float, high_kpc: float, width_kpc: float, overlap: float) -> "Windows":
        """Return the windows that lie between two limits, `overlap` being the part shared by neighbours."""
        step = width_kpc * (1 - overlap)
        slack = 1e-9  # a window that ends at the limit but for the last bit lies between them
        number = int(np.floor((high_kpc - low_kpc - width_kpc) / step + slack)) + 1
        return cls(low_kpc, width_kpc, step, max(number, 1))

    @property
    def starts_kpc(self) -> np.ndarray:
        """Lower edges, shape (number,)."""
        return self.low_kpc + self.step_kpc * np.arange(self.number)

    @property
    def ends_kpc(self) -> np.ndarray:
        """Upper edges, shape (number,)."""
        return self.starts_kpc + self.width_kpc

    @property
    def centres_kpc(self) -> np.ndarray:
        """Middles, shape (number,)."""
        return self.starts_kpc + self.width_kpc / 2

    def members(self, positions_kpc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return every (star, window) with the star inside the window.

        Parameters
        ----------
        positions_kpc : shape (n_stars,), kpc
            NaN lies in no window.

        Returns
        -------
        stars, windows : shape (n_members,), int64
        """
        last = np.searchsorted(self.starts_kpc, positions_kpc, side="right") - 1
        first = np.searchsorted(self.ends_kpc, positions_kpc, side="right")  # NaN sorts behind all of them
        n_windows = np.maximum(last - first + 1, 0)
        stars = np.repeat(np.arange(len(first)), n_windows)
        before = np.repeat(np.cumsum(n_windows) - n_windows, n_windows)
        return stars, first[stars] + np.arange(len(stars)) - before


def height_slices(z_kpc: np.ndarray, edges_kpc: Sequence[float]) -> np.ndarray:
    """Return the slice of |Z| of each star: first those north of the midplane, then those south of it.

    Source: Thomas et al. 2024, A&A 690, A54, sect. 4.3.

    Parameters
    ----------
    z_kpc : shape (n_stars,), kpc
    edges_kpc
        Of |Z|, ascending, n_slices + 1 of them.

    Returns
    -------
    slices : shape (n_stars,), int64
        0 ... n_slices - 1 north (Z >= 0), n_slices ... 2 n_slices - 1 south, -1 for none.
    """
    slices = slices_of(np.abs(z_kpc), edges_kpc)
    return np.where((slices >= 0) & (z_kpc < 0), slices + len(edges_kpc) - 1, slices)


def window_bins(slices: np.ndarray, positions_kpc: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """Return every (star, bin) of a set of profiles, one profile a slice.

    Parameters
    ----------
    slices : shape (n_stars,), int64, -1 for none
    positions_kpc : shape (n_stars,), kpc
    windows
        Along the profile.

    Returns
    -------
    stars, bins : shape (n_members,), int64
        Bin = slice * number of windows + window, -1 for stars in no slice.
    """
    stars, numbers = windows.members(positions_kpc)
    return stars, np.where(slices[stars] >= 0, slices[stars] * windows.number + numbers, -1)


def bin_bootstraps(
    keys: np.ndarray, medians: np.ndarray, n_bootstraps: int, seed: int, first_bin: int = 0
) -> np.ndarray:
    """Return bootstrapped medians of every bin.

    The random numbers of a bin depend on (seed, bin) alone, so that neither partitioning nor order matter.
    Source: Thomas et al. 2024, A&A 690, A54, sect. 4.3.

    Parameters
    ----------
    keys : shape (n_keys,), uint64, ascending
        As from `binning.pack_keys`.
    medians : shape (n_bins,)
        NaN where none are wanted.
    n_bootstraps, seed
        Bootstrap samples a bin; seed of the run.
    first_bin
        Number of bin 0 among all bins, where these are some of them.

    Returns
    -------
    bootstraps : shape (n_bootstraps, n_bins), float32, NaN where there is no median
        Bins that share no stars are drawn independently of one another, as resampling all stars would draw them.
    """
    starts = bin_starts(keys, len(medians))
    bootstraps = np.full((n_bootstraps, len(medians)), np.nan, dtype=np.float32)
    for number in np.flatnonzero(np.isfinite(medians)):
        values = unpack_values(keys[starts[number] : starts[number + 1]])
        rng = generator(seed, "bootstrap of a bin", first_bin + int(number))
        bootstraps[:, number] = bootstrap_medians(values, n_bootstraps, rng)
    return bootstraps


def bootstrap_medians(values: np.ndarray, n_bootstraps: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the medians of bootstrap samples without drawing the samples.

    A bootstrap sample takes the star number floor(n U) of the sorted stars for n uniform U, so that its order
    statistics are those stars at the order statistics of U, which follow Beta distributions
    (David & Nagaraja 2003, Order Statistics, sect. 2.1 and 2.5). The distribution is exactly that of
    resampling, at a cost that does not grow with the number of stars.

    Parameters
    ----------
    values : shape (n_stars,), ascending, at least one
    n_bootstraps, rng
        Number of medians; where the random numbers come from.

    Returns
    -------
    medians : shape (n_bootstraps,), dtype of `values`
    """
    n_stars = len(values)
    rank = (n_stars + 1) // 2  # of the lower middle star, from 1
    lower = rng.beta(rank, n_stars - rank + 1, size=n_bootstraps)
    if n_stars % 2:
        return values[_index(lower, n_stars)]
    # Given the lower middle one, the n - rank larger ones are uniform above it; the next is their smallest.
    upper = lower + (1 - lower) * rng.beta(1, n_stars - rank, size=n_bootstraps)
    return (values[_index(lower, n_stars)] + values[_index(upper, n_stars)]) / values.dtype.type(2)


def _index(uniforms: np.ndarray, n_stars: int) -> np.ndarray:
    return np.minimum((n_stars * uniforms).astype(np.int64), n_stars - 1)  # a Beta can round up to 1
