"""The bins of the atlas, against plain loops over stars, slices and windows."""

import healpy as hp
import numpy as np
import pytest

from stdask.config.atlas import AtlasConfig
from stdask.science.galaxy.bins import CELLS, MAPS, PRODUCTS, PROFILES, SKY, STEPS, GalacticBins, Slice, Stars

CONFIG = AtlasConfig.model_validate(
    {
        "bin_kpc": 0.7,
        "max_radius_kpc": 12.0,
        "max_height_kpc": 3.0,
        "height_edges_kpc": [0.0, 0.5, 2.0],
        "ring_edges_kpc": [2.0, 6.0, 11.0],
        "azimuth_edges_deg": [-40.0, -5.0, 25.0],
        "select": {"LOGG": [1.5, 2.5]},
        "sky_order": 2,
    }
)
BINS = GalacticBins.of(CONFIG)
N_STARS = 400


def made_up_stars() -> Stars:
    """Return stars all over the disc, some on edges of bins, some without a position."""
    rng = np.random.default_rng(2)
    radius, azimuth = rng.uniform(0, 14, N_STARS), rng.uniform(-np.pi, np.pi, N_STARS)
    z = rng.laplace(0, 0.8, N_STARS)
    radius[:6], z[:6] = (2.0, 6.0, 11.0, 4.0, 12.0, 0.0), (0.5, -0.5, 0.0, 2.0, -2.0, 1.0)
    x, y = -radius * np.cos(azimuth), radius * np.sin(azimuth)
    logg = rng.uniform(1.0, 3.0, N_STARS)
    for values in (x, y, z, radius):
        values[-10:] = np.nan
    ra, dec = rng.uniform(0, 360, N_STARS), np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS)))
    return Stars(ra, dec, x, y, z, radius, (logg,))


STARS = made_up_stars()


def members_of(name: str) -> set[tuple[int, int]]:
    """Return every (star, bin), without the stars in none."""
    stars, bins = BINS.members(name, STARS)
    pairs = [(int(star), int(number)) for star, number in zip(stars, bins, strict=True) if number >= 0]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def on_side(z: float, side: str) -> bool:
    return side == "both" or (z < 0) == (side == "south")


def azimuth_of(x: float, y: float) -> float:
    """Return the angle between the directions of a star and of the Sun, which lies at -X, positive towards +Y."""
    return float(np.copysign(np.degrees(np.arccos(-x / np.hypot(x, y))), y)) if x or y else 0.0


def places(name: str, part: Slice, star: int) -> float | None:
    """Return where a star lies along a profile, None if not in this slice of it: the definition of each product."""
    x, y, z, radius = (float(values[star]) for values in (STARS.x_kpc, STARS.y_kpc, STARS.z_kpc, STARS.radius_kpc))
    across, along = {
        "radial": (abs(z), radius),
        "radial_steps": (abs(z), radius),
        "vertical": (radius, z),
        "vertical_steps": (radius, abs(z)),
        "azimuth_steps": (azimuth_of(x, y) if abs(z) < CONFIG.face_on_height_kpc else np.nan, radius),
        "flare_steps": (part.low, radius),  # all heights
    }[name]
    return along if part.low <= across < part.high and on_side(z, part.side) else None


@pytest.mark.parametrize("name", [*PROFILES, *STEPS])
def test_profiles_hold_the_stars_of_each_slice_in_each_window(name: str):
    profile = BINS.profiles[name]
    starts, ends = profile.windows.starts_kpc, profile.windows.ends_kpc
    expected = {
        (star, number * len(starts) + window)
        for star in range(N_STARS)
        for number, part in enumerate(profile.slices)
        if (along := places(name, part, star)) is not None
        for window in range(len(starts))
        if starts[window] <= along < ends[window]
    }
    assert members_of(name) == expected
    assert len(expected) > 20


@pytest.mark.parametrize("name", STEPS)
def test_steps_share_no_stars_on_one_side(name: str):
    sided = {Slice(part.low, part.high): [] for part in BINS.profiles[name].slices}
    n_windows = BINS.profiles[name].windows.number
    for star, number in members_of(name):
        part = BINS.profiles[name].slices[number // n_windows]
        sided[Slice(part.low, part.high)].append((star, part.side))
    assert all(len(found) == len(set(found)) for found in sided.values())


def test_cells_are_compared_side_by_side_at_the_same_radius_height_and_gravity():
    z, logg = STARS.z_kpc, STARS.selected_by[0]
    # Rings are cut in two, the range of log g in four.
    edges = [[2.0, 4.0, 6.0, 8.5, 11.0], [0.0, 0.5, 2.0], [1.5, 1.75, 2.0, 2.25, 2.5]]
    values = np.column_stack([STARS.radius_kpc, np.abs(z), logg])
    assert BINS.cells.n_cells == 4 * 2 * 4
    expected = set()
    for star, place in enumerate(values):
        cell = [
            np.flatnonzero((np.array(e[:-1]) <= v) & (v < np.array(e[1:]))) for v, e in zip(place, edges, strict=True)
        ]
        if all(found.size for found in cell):
            ring, height, gravity = (int(found[0]) for found in cell)
            expected.add((star, ring * 8 + height * 4 + gravity + 32 * bool(z[star] < 0)))
    assert members_of(CELLS) == expected
    assert len(expected) > 20


def test_each_cell_belongs_to_the_ring_that_it_was_cut_from():
    rings = BINS.cells.rings(CONFIG.ring_edges_kpc)
    assert rings.tolist() == [0] * 16 + [1] * 16


def test_the_map_of_the_sky_has_healpy_s_pixels():
    pixels = hp.ang2pix(2**CONFIG.sky_order, STARS.ra_deg, STARS.dec_deg, nest=True, lonlat=True)
    assert members_of(SKY) == set(enumerate(pixels.tolist()))


@pytest.mark.parametrize("name", PRODUCTS)
def test_bins_are_numbered_from_zero_to_as_many_as_there_are(name: str):
    numbers = [number for _, number in members_of(name)]
    assert 0 <= min(numbers) <= max(numbers) < BINS.n_bins(name)
    lost = set(range(N_STARS - 10, N_STARS)) & {star for star, _ in members_of(name)}
    assert not lost or name == SKY  # A star without a distance still has a place on the sky.


def test_maps_reach_as_far_as_asked():
    for name in set(MAPS) - {SKY}:
        grid = BINS.grids[name]
        assert grid.column_edges_kpc[-1] >= 12.0
        assert grid.row_edges_kpc[-1] >= (3.0 if name == "edge_on" else 12.0)
