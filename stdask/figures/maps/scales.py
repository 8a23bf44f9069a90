"""The colours of maps: what they mean, and where their scales end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, LogNorm, Normalize

ENDS = (0.02, 0.98)  # of the stars: values at the ends of a colour scale
FEWEST = 10  # stars: a scale of counts reaches at least so far
FINEST = 0.01  # a change or an error of less than this in dex, km/s or kpc is not stretched over all colours


def _part(name: str, start: float, end: float = 1.0) -> LinearSegmentedColormap:
    """Return a part of a colour map: not the colours that cannot be told from the paper."""
    colours = colormaps[name](np.linspace(start, end, 256))
    return LinearSegmentedColormap.from_list(f"{name} from {start:g}", colours)


# All get darker or paler from one end to the other, so that they can be read in greyscale; few stars are pale, many
# dark. Of differences both sides get darker, the negative ones more.
COUNTS, HEIGHTS, ERRORS = _part("Blues", 0.2), _part("YlGn", 0.1), _part("YlOrBr", 0.1)
VALUES = _part("viridis", 0.0, 0.92)  # in grey, its last colours are those of pixels without a value
DIFFERENCES = LinearSegmentedColormap.from_list(
    "blue to orange", ["#06205c", "#2f62a8", "#93b7dc", "#ffffff", "#f8bf86", "#e2760f", "#a84300"]
)


@dataclass(frozen=True)
class Scale:
    """What the colours of a map mean."""

    title: str  # of the colour bar
    limits: tuple[float, float]
    colours: Colormap
    logarithmic: bool = False

    @property
    def diverging(self) -> bool:
        """Whether zero has the colour of paper, so that pixels without a value need another."""
        return self.limits[0] == -self.limits[1]

    @property
    def norm(self) -> Normalize:
        """Return what turns values into colours."""
        return LogNorm(*self.limits) if self.logarithmic else Normalize(*self.limits)

    def beyond(self, images: Sequence[np.ndarray]) -> str:
        """Return which ends of the colour bar have values beyond them, as Matplotlib names them."""
        values = np.concatenate([image[np.isfinite(image)].ravel() for image in images])
        below, above = bool((values < self.limits[0]).any()), bool((values > self.limits[1]).any())
        return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[
            below, above
        ]


def count_scale(title: str, counts: Sequence[np.ndarray]) -> Scale:
    """Return the logarithmic scale of numbers of stars, from 1 to the largest."""
    most = max((float(np.nanmax(own, initial=0)) for own in counts), default=0.0)
    return Scale(title, (1.0, max(most, FEWEST)), COUNTS, logarithmic=True)


def value_limits(values: Sequence[np.ndarray], stars: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the values at the ends of a scale: 2 and 98 per cent of the stars lie in pixels below them.

    Parameters
    ----------
    values
        Of the pixels of several images, NaN for none.
    stars
        Numbers of stars in these pixels. Many pixels of few stars do not widen the scale.
    """
    low, high = _percentiles(values, stars, ENDS)
    if not high > low:
        return (0.0, 1.0) if np.isnan(low) else (low - 0.05, low + 0.05)
    step = 10.0 ** np.floor(np.log10(high - low)) / 10
    return float(np.floor(low / step) * step), float(np.ceil(high / step) * step)


def difference_limits(differences: Sequence[np.ndarray], stars: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the ends of a scale of differences, as far from zero on both sides: zero has the middle colour."""
    low, high = _percentiles(differences, stars, ENDS)
    end = np.nanmax([-low, high, FINEST])
    step = 10.0 ** np.floor(np.log10(end)) / 10
    end = float(np.ceil(end / step - 1e-6) * step)  # 0.2 / 0.01 is 20, whatever the last bit of the quotient
    return -end, end


def error_limits(errors: Sequence[np.ndarray], stars: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the ends of a scale of errors, which starts at zero."""
    return 0.0, difference_limits(errors, stars)[1]


def _percentiles(
    values: Sequence[np.ndarray], stars: Sequence[np.ndarray], shares: tuple[float, float]
) -> tuple[float, float]:
    """Return the values below which these shares of all stars lie; NaN without stars."""
    everything = np.concatenate([np.ravel(own) for own in values]).astype(float)
    weights = np.where(np.isfinite(everything), np.concatenate([np.ravel(own) for own in stars]), 0)
    order = np.argsort(everything)
    reached = np.cumsum(weights[order])
    if not reached.size or not reached[-1]:
        return np.nan, np.nan
    places = np.searchsorted(reached, np.array(shares) * reached[-1])
    low, high = everything[order][places]
    return float(low), float(high)
