"""What is left of a map when the radial trend at the same height is taken away: arms, bars, warps and seams.

Sources: Poggio et al. 2022, A&A 666, L4; Hawkins 2023, MNRAS 525, 3318.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from stdask.science.galaxy.binning import slices_of
from stdask.science.galaxy.profiles import Windows

SMOOTHING_KPC = 0.5  # sigma of the Gaussian of smoothed maps
REACH = 3.0  # sigma: a Gaussian has 1 per cent of its mass beyond, in two dimensions


@dataclass(frozen=True)
class Trend:
    """Running medians along R in slices of |Z|; each array of shape (n_slices, n_windows), NaN with too few stars."""

    windows: Windows
    height_edges_kpc: tuple[float, ...]
    medians: np.ndarray
    errors: np.ndarray  # 1-sigma
    heights_kpc: np.ndarray  # median |Z|

    def at(self, radii_kpc: np.ndarray, heights_kpc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the trend and its 1-sigma error at some places.

        Between the middles of windows, and between the median heights of slices, it is a straight line; below the
        lowest height and above the highest one the line of the nearest two goes on. So the trend of stars whose
        label falls linearly with R and |Z| is exact.

        Parameters
        ----------
        radii_kpc, heights_kpc : shape (n,)
            R and |Z|.

        Returns
        -------
        values, errors : shape (n,)
            NaN beyond the slices, or where a window around has too few stars.
        """
        values, errors, heights = (self._along(own, radii_kpc) for own in (self.medians, self.errors, self.heights_kpc))
        own = slices_of(heights_kpc, self.height_edges_kpc)
        places, n_slices = np.arange(len(own)), len(values)
        above = heights_kpc >= heights[own, places]
        first, second = np.where(above, own + 1, own - 1), np.where(above, own - 1, own + 1)
        other = np.where(_known(values, first, places), first, np.where(_known(values, second, places), second, own))
        rise, run = (own_values[other, places] - own_values[own, places] for own_values in (values, heights))
        slopes = np.divide(rise, run, where=other != own, out=np.zeros(len(own)))
        found = values[own, places] + slopes * (heights_kpc - heights[own, places])
        inside = (own >= 0) & (own < n_slices)
        return np.where(inside, found, np.nan), np.where(inside, errors[own, places], np.nan)

    def _along(self, numbers: np.ndarray, radii_kpc: np.ndarray) -> np.ndarray:
        """Return the numbers of every slice at some radii, shape (n_slices, n)."""
        windows = self.windows
        steps = (radii_kpc - windows.centres_kpc[0]) / windows.step_kpc
        steps = np.clip(np.nan_to_num(steps), 0, windows.number - 1)
        first = np.minimum(steps.astype(np.int64), max(windows.number - 2, 0))
        second = np.minimum(first + 1, windows.number - 1)
        share = steps - first
        return (1 - share) * numbers[:, first] + share * numbers[:, second]


def _known(values: np.ndarray, slices: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Tell where a slice is one of those that there are and has a value."""
    inside = (slices >= 0) & (slices < len(values))
    return inside & np.isfinite(values[np.where(inside, slices, 0), places])


def smooth_excess(excess: np.ndarray, counts: np.ndarray, sigma_pixels: float, min_stars: float) -> np.ndarray:
    """Return the weighted median of the pixels around each, with a Gaussian and the inverse variance as weights.

    The variance of a median is taken to be that of stars which scatter alike in all pixels, over their number: the
    variance of a few stars themselves is too uncertain for a weight. It is a median and not a mean, because the medians
    of a few stars of a skewed distribution lie as often above as below its median, but not so on average: a mean
    is 0.02 dex too low where pixels have three stars of a disc with a metal-poor tail, and right where they have many.

    Parameters
    ----------
    excess : shape (n_rows, n_columns)
        NaN where it is not known.
    counts : shape (n_rows, n_columns)
        Number of stars of each pixel.
    sigma_pixels
        Of the Gaussian, which ends at `REACH` of them.
    min_stars
        Number of stars, each weighted by the Gaussian (1 in its middle), that a pixel of the result needs.

    Returns
    -------
    smoothed : shape (n_rows, n_columns), float32
        NaN where there are too few stars, or where they lie on one side: their mean place is then over half a sigma
        away.
    """
    stars = np.where(np.isfinite(excess), counts, 0).astype(np.float64)
    supported = _supported(stars, sigma_pixels, min_stars)
    reach = int(np.ceil(REACH * sigma_pixels))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-(np.hypot(offsets[:, None], offsets) ** 2) / 2 / sigma_pixels**2)
    values, stars = (np.pad(own, reach) for own in (np.nan_to_num(excess), stars))
    smoothed = np.full(excess.shape, np.nan, dtype=np.float32)
    for row, column in np.argwhere(supported):
        around = np.s_[row : row + len(offsets), column : column + len(offsets)]
        weights = stars[around] * kernel
        smoothed[row, column] = _middle(values[around][weights > 0], weights[weights > 0])
    return smoothed


def _supported(stars: np.ndarray, sigma_pixels: float, min_stars: float) -> np.ndarray:
    """Tell which pixels have enough stars around them, on all sides."""

    def near(values: np.ndarray) -> np.ndarray:
        return gaussian_filter(values, sigma_pixels, mode="constant", truncate=REACH)

    middle = np.zeros(stars.shape)
    middle[stars.shape[0] // 2, stars.shape[1] // 2] = 1.0
    weights = near(stars)
    enough = weights >= min_stars * near(middle).max() * (1 - 1e-9)  # whatever the last bit of the sum
    rows, columns = np.arange(stars.shape[0])[:, None], np.arange(stars.shape[1])

    def aside(places: np.ndarray) -> np.ndarray:
        return np.divide(near(stars * places), weights, where=enough, out=np.full(stars.shape, np.inf)) - places

    return enough & (np.hypot(aside(rows), aside(columns)) <= sigma_pixels / 2)


def _middle(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the weighted median, interpolated between the two values whose middles of weight enclose the half."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(np.interp(total[-1] / 2, total - weights[order] / 2, values[order]))


def smooth_errors(errors: np.ndarray, counts: np.ndarray, sigma_pixels: float) -> np.ndarray:
    """Return the 1-sigma errors of a map smoothed by `smooth_excess`, whose pixels have independent Gaussian errors.

    A weighted median scatters by sqrt(pi / 2) sqrt(sum w^2) / sum (w / error): its level scatters by
    sqrt(sum w^2) / (2 sum w), and each pixel adds its density at the median. The square of a Gaussian is a Gaussian
    narrower by the root of two, over 4 pi sigma^2.

    Parameters
    ----------
    errors : shape (n_rows, n_columns)
        1-sigma errors of the excess, NaN where it is not known.
    counts : shape (n_rows, n_columns)
        Number of stars of each pixel.
    sigma_pixels
        Of the Gaussian; at least one pixel.

    Returns
    -------
    errors : shape (n_rows, n_columns), float32
        NaN where no pixel nearby has an error.
    """
    known = np.isfinite(errors) & (errors > 0)
    stars = np.where(known, counts, 0).astype(np.float64)
    squares = gaussian_filter(stars**2, sigma_pixels / np.sqrt(2), mode="constant", truncate=6.0)
    densities = np.divide(stars, errors, where=known, out=np.zeros(stars.shape))
    densities = gaussian_filter(densities, sigma_pixels, mode="constant", truncate=4.0)
    roots = np.sqrt(np.maximum(squares, 0) / 8) / sigma_pixels  # sqrt(pi / 2) of a root over sqrt(4 pi)
    return np.divide(roots, densities, where=densities > 0, out=np.full(stars.shape, np.nan)).astype(np.float32)
