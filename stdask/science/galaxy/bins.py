"""The bins of the atlas: pixels of maps, windows of profiles, steps of gradients, cells that compare two sides."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from stdask.config.atlas import AtlasConfig
from stdask.science.galaxy.adaptive import LEVELS, z_order
from stdask.science.galaxy.binning import slices_of
from stdask.science.galaxy.map_grid import MapGrid, edge_on_pixels, face_on_pixels, sky_pixels
from stdask.science.galaxy.profiles import Windows, height_slices, window_bins

SKY = "all_sky"
MAPS = ("edge_on", "face_on", SKY)
PROFILES = ("radial", "vertical")  # windows overlap
# windows do not overlap: these share no stars, so that what is fitted to them has the right errors
STEPS = ("radial_steps", "vertical_steps", "azimuth_steps", "flare_steps")
TREND = "trend"  # the radial profiles of both sides of the midplane together
CELLS = "cells"
PRODUCTS = (*MAPS, *PROFILES, TREND, *STEPS, CELLS)
SIDES = ("north", "south", "both")
PARTS_OF_RING, PARTS_OF_RANGE = 2, 4  # of a cell: of a ring of R, and of a range that stars are selected by


class Stars(NamedTuple):
    """Where stars are; each array of shape (n_stars,), NaN for unknown."""

    ra_deg: np.ndarray
    dec_deg: np.ndarray
    x_kpc: np.ndarray
    y_kpc: np.ndarray
    z_kpc: np.ndarray
    radius_kpc: np.ndarray
    selected_by: tuple[np.ndarray, ...] = ()  # the quantities of [atlas] select


@dataclass(frozen=True)
class Slice:
    """The part of the Galaxy that one profile runs through."""

    low: float  # of |Z| or R in kpc, or of the azimuth in degrees
    high: float
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

    @property
    def shape(self) -> tuple[int, int]:
        """Slices and windows."""
        return len(self.slices), self.windows.number


@dataclass(frozen=True)
class CellBins:
    """Cells of (R, |Z|, what stars are selected by), each north and south: bin = side * number of cells + cell."""

    radius_edges_kpc: np.ndarray
    height_edges_kpc: np.ndarray
    other_edges: tuple[np.ndarray, ...]

    @property
    def n_cells(self) -> int:
        """Cells on one side of the midplane."""
        return int(np.prod([len(edges) - 1 for edges in self._edges]))

    @property
    def _edges(self) -> tuple[np.ndarray, ...]:
        return self.radius_edges_kpc, self.height_edges_kpc, *self.other_edges

    def bins(self, stars: Stars) -> np.ndarray:
        """Return the bin of each star, shape (n_stars,), int64; -1 for none."""
        values = (stars.radius_kpc, np.abs(stars.z_kpc), *stars.selected_by)
        numbers = [slices_of(own, edges) for own, edges in zip(values, self._edges, strict=True)]
        shape = tuple(len(edges) - 1 for edges in self._edges)
        inside = np.all([number >= 0 for number in numbers], axis=0)
        cells = np.ravel_multi_index([np.where(inside, number, 0) for number in numbers], shape)
        return np.where(inside, cells + self.n_cells * (stars.z_kpc < 0), -1)

    def rings(self, edges_kpc: Sequence[float]) -> np.ndarray:
        """Return the ring of R that each cell lies in, shape (n_cells,)."""
        centres = (self.radius_edges_kpc[1:] + self.radius_edges_kpc[:-1]) / 2
        return np.repeat(slices_of(centres, edges_kpc), self.n_cells // len(centres))


@dataclass(frozen=True)
class GalacticBins:
    """Every bin of the atlas. Source: Thomas et al. 2024, A&A 690, A54, sect. 4.2 and 4.3."""

    grids: dict[str, MapGrid]
    profiles: dict[str, ProfileBins]
    cells: CellBins
    config: AtlasConfig

    @classmethod
    def of(cls, config: AtlasConfig) -> "GalacticBins":
        """Return the bins that `[atlas]` asks for."""
        radius, height, pixel = config.max_radius_kpc, config.max_height_kpc, config.bin_kpc
        selected = [np.linspace(*limits, PARTS_OF_RANGE + 1) for limits in config.select.values()]
        return cls(
            grids={
                "edge_on": MapGrid.covering(radius, height, pixel),
                "face_on": MapGrid.covering(radius, radius, pixel),
            },
            profiles=_profiles(config),
            cells=CellBins(
                _split(config.ring_edges_kpc, PARTS_OF_RING), np.array(config.height_edges_kpc), tuple(selected)
            ),
            config=config,
        )

    def n_bins(self, name: str) -> int:
        """Return the number of bins of one of `PRODUCTS`."""
        if name == SKY:
            return 12 * 4**self.config.sky_order
        if name == CELLS:
            return 2 * self.cells.n_cells
        return z_order(*self.grids[name].halves)[1] if name in MAPS else self.profiles[name].n_bins

    def levels(self, name: str) -> int:
        """Return how many sizes of cells a map has beside its pixels."""
        return min(LEVELS, self.config.sky_order) if name == SKY else LEVELS

    def pixel_bins(self, name: str) -> np.ndarray:
        """Return the bin of each pixel of a map, row by row."""
        return np.arange(self.n_bins(name)) if name == SKY else z_order(*self.grids[name].halves)[0]

    def pixel_radii(self, name: str) -> np.ndarray:
        """Return R in the middle of each pixel of a map about the Galactic centre, row by row, in kpc."""
        columns, rows = self.grids[name].centres_kpc
        x, y = np.meshgrid(columns, rows)
        return (np.abs(x) if name == "edge_on" else np.hypot(x, y)).ravel()

    def members(self, name: str, stars: Stars) -> tuple[np.ndarray, np.ndarray]:
        """Return every (star, bin) of a product; a star can lie in several bins of it.

        Parameters
        ----------
        name
            One of `PRODUCTS`.
        stars
            n_stars of them; one without a position lies in no bin.

        Returns
        -------
        stars, bins : shape (n_members,), int64
            Bin -1: in none.
        """
        everyone = np.arange(len(stars.x_kpc))
        if name == CELLS:
            return everyone, self.cells.bins(stars)
        if name in MAPS:
            return everyone, self._pixels(name, stars)
        return self._profile_bins(name, stars)

    def _pixels(self, name: str, stars: Stars) -> np.ndarray:
        if name == SKY:
            return sky_pixels(stars.ra_deg, stars.dec_deg, self.config.sky_order)
        grid = self.grids[name]
        if name == "edge_on":
            pixels = edge_on_pixels(grid, stars.x_kpc, stars.z_kpc, stars.radius_kpc)
        else:
            pixels = face_on_pixels(grid, stars.x_kpc, stars.y_kpc, stars.z_kpc, self.config.face_on_height_kpc)
        return np.where(pixels >= 0, self.pixel_bins(name)[pixels], -1)

    def _profile_bins(self, name: str, stars: Stars) -> tuple[np.ndarray, np.ndarray]:
        config, windows = self.config, self.profiles[name].windows
        radii, z = stars.radius_kpc, stars.z_kpc
        if name == "radial":
            return window_bins(height_slices(z, config.height_edges_kpc), radii, windows)
        if name == TREND:
            return window_bins(slices_of(np.abs(z), config.height_edges_kpc), radii, windows)
        if name == "vertical":
            return window_bins(slices_of(radii, config.ring_edges_kpc), z, windows)
        if name == "radial_steps":
            return _sided(np.abs(z), config.height_edges_kpc, radii, z, windows)
        if name == "vertical_steps":
            return _sided(radii, config.ring_edges_kpc, np.abs(z), z, windows)
        near = np.abs(z) < config.face_on_height_kpc
        if name == "azimuth_steps":
            sectors = slices_of(_azimuths(stars), config.azimuth_edges_deg)
            return window_bins(np.where(near, sectors, -1), radii, windows)
        return window_bins(np.zeros(len(radii), dtype=np.int64), radii, windows)


def _profiles(config: AtlasConfig) -> dict[str, ProfileBins]:
    radius, height = config.max_radius_kpc, config.max_height_kpc
    heights, rings = list(pairwise(config.height_edges_kpc)), list(pairwise(config.ring_edges_kpc))
    along_r = Windows.between(0.0, radius, config.radial_bin_kpc, 0.0)
    overlapping = Windows.between(0.0, radius, config.radial_bin_kpc, config.overlap)
    return {
        TREND: ProfileBins(overlapping, tuple(Slice(*edges) for edges in heights)),
        "radial": ProfileBins(
            overlapping,
            tuple(Slice(low, high, side) for side, (low, high) in product(SIDES[:2], heights)),
        ),
        "vertical": ProfileBins(
            Windows.between(-height, height, config.vertical_bin_kpc, config.overlap),
            tuple(Slice(*edges) for edges in rings),
        ),
        "radial_steps": ProfileBins(
            along_r, tuple(Slice(low, high, side) for side, (low, high) in product(SIDES, heights))
        ),
        "vertical_steps": ProfileBins(
            Windows.between(0.0, config.height_edges_kpc[-1], config.vertical_bin_kpc, 0.0),
            tuple(Slice(low, high, side) for side, (low, high) in product(SIDES, rings)),
        ),
        "azimuth_steps": ProfileBins(along_r, tuple(Slice(*edges) for edges in pairwise(config.azimuth_edges_deg))),
        "flare_steps": ProfileBins(along_r, (Slice(0.0, height),)),
    }


def _sided(
    across_kpc: np.ndarray, edges_kpc: Sequence[float], along_kpc: np.ndarray, z_kpc: np.ndarray, windows: Windows
) -> tuple[np.ndarray, np.ndarray]:
    """Return every (star, bin): each star on its own side of the midplane, and again among those of both sides.

    Slices run across, between edges, windows along.
    """
    stars, bins = window_bins(slices_of(across_kpc, edges_kpc), along_kpc, windows)
    n_bins = windows.number * (len(edges_kpc) - 1)
    sides = [np.where(bins >= 0, bins + n_bins * side, -1) for side in ((z_kpc[stars] < 0).astype(np.int64), 2)]
    return np.tile(stars, 2), np.concatenate(sides)


def _azimuths(stars: Stars) -> np.ndarray:
    """Return the galactocentric azimuth from the line to the Sun, degrees, towards the Sun's rotation."""
    return np.degrees(np.arctan2(stars.y_kpc, -stars.x_kpc))


def _split(edges: Sequence[float], n: int) -> np.ndarray:
    """Return the edges with each interval cut into `n` equal ones."""
    numbers = np.arange(n * (len(edges) - 1) + 1) / n
    return np.interp(numbers, np.arange(len(edges)), edges)
