"""The bins of the atlas: pixels of the two maps, windows of the radial and of the vertical profiles."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stdask.config import AtlasConfig
from stdask.science.binning import MapGrid, edge_on_pixels, face_on_pixels
from stdask.science.profiles import Windows, height_slices, slices_of, window_bins

MAPS = ("edge_on", "face_on")
PROFILES = ("radial", "vertical")


@dataclass(frozen=True)
class Positions:
    """Galactocentric positions of stars; each array of shape (n_stars,), kpc."""

    x_kpc: np.ndarray
    y_kpc: np.ndarray
    z_kpc: np.ndarray
    radius_kpc: np.ndarray


@dataclass(frozen=True)
class Slice:
    """The part of the Galaxy that one profile runs through."""

    low_kpc: float  # of |Z| for radial profiles, of R for vertical ones
    high_kpc: float
    side: str = "both"  # of the midplane: north, south or both


@dataclass(frozen=True)
class ProfileBins:
    """A set of profiles: bin = slice * number of windows + window."""

    windows: Windows
    slices: tuple[Slice, ...]

    @property
    def n_bins(self) -> int:
        """Number of bins of all slices."""
        return len(self.slices) * self.windows.number


@dataclass(frozen=True)
class GalacticBins:
    """Every bin of the atlas. Source: Thomas et al. 2024, A&A 690, A54, sect. 4.2 and 4.3."""

    grids: dict[str, MapGrid]
    profiles: dict[str, ProfileBins]
    config: AtlasConfig

    @classmethod
    def of(cls, config: AtlasConfig) -> "GalacticBins":
        """Return the bins that `[atlas]` asks for."""
        radius, height, pixel = config.max_radius_kpc, config.max_height_kpc, config.bin_kpc
        heights, rings = config.height_edges_kpc, config.ring_edges_kpc
        radial = Windows.between(0.0, radius, config.radial_bin_kpc, config.overlap)
        vertical = Windows.between(-height, height, config.vertical_bin_kpc, config.overlap)
        sides = [Slice(low, high, side) for side in ("north", "south") for low, high in pairwise(heights)]
        return cls(
            grids={
                "edge_on": MapGrid.covering(radius, height, pixel),
                "face_on": MapGrid.covering(radius, radius, pixel),
            },
            profiles={
                "radial": ProfileBins(radial, tuple(sides)),
                "vertical": ProfileBins(vertical, tuple(Slice(*ring) for ring in pairwise(rings))),
            },
            config=config,
        )

    def n_bins(self, product: str) -> int:
        """Return the number of bins of one of `MAPS` or `PROFILES`."""
        return self.grids[product].n_pixels if product in MAPS else self.profiles[product].n_bins

    def members(self, product: str, positions: Positions) -> tuple[np.ndarray, np.ndarray]:
        """Return every (star, bin) of a product; a star can lie in several bins of a profile.

        Parameters
        ----------
        product
            One of `MAPS` or `PROFILES`.
        positions
            Of n_stars stars; NaN lies in no bin.

        Returns
        -------
        stars, bins : shape (n_members,), int64
            Bin -1: in none.
        """
        x, y, z, radii = positions.x_kpc, positions.y_kpc, positions.z_kpc, positions.radius_kpc
        if product == "edge_on":
            return np.arange(len(x)), edge_on_pixels(self.grids[product], x, z, radii)
        if product == "face_on":
            limit = self.config.face_on_height_kpc
            return np.arange(len(x)), face_on_pixels(self.grids[product], x, y, z, limit)
        windows = self.profiles[product].windows
        if product == "radial":
            return window_bins(height_slices(z, self.config.height_edges_kpc), radii, windows)
        return window_bins(slices_of(radii, self.config.ring_edges_kpc), z, windows)
