"""Which stars of the mock Galaxy a survey reaches: fields on the sky, dust, magnitude limits, star clusters."""

from dataclasses import dataclass
from typing import NamedTuple

import astropy.units as u
import healpy as hp
import numpy as np
from astropy.coordinates import ICRS, Galactic, offset_by

from stdask.mock.galaxy import (
    GALAXY,
    binary_amplitudes,
    disc_densities,
    draw_ages,
    draw_populations,
    draw_velocities,
    soft_step,
    true_magnesium,
)
from stdask.mock.stars import (
    BRIGHTEST,
    FAINTEST,
    apparent_magnitudes,
    atmospheres,
    distance_moduli,
    draw_clump,
    intrinsic_colours,
    luminosity_function,
)
from stdask.science.galaxy.galactocentric import SUN_X_KPC, galactic_positions

Stars = dict[str, np.ndarray]
DISTANCE_EDGES_KPC = np.geomspace(0.03, 20.0, 181)
DUST_MAG_PER_KPC, DUST_LENGTH_KPC, DUST_HEIGHT_KPC = 0.35, 4.2, 0.10  # E(B-V), in the plane at the Sun
DUST_PATCHINESS = 0.5  # lognormal scatter from field to field
EBV_ERROR = 0.05  # relative, of the E(B-V) that the surveys know
# stars leave `intrinsic_colours` along the locus (spots, helium: as if hotter or cooler), hardly across it: of 724
# giants with Gaia and LAMOST data BP - G scatters by 0.006 mag at given G - RP, by 0.025 at given Teff, log g, [Fe/H]
COLOUR_SCATTER_K = 40.0
COLOUR_SCATTER_MAG = 0.002
BINARY_SHARE = 0.25
CLUSTER_SHARE = 0.006  # of the stars of each survey
FIELD_NSIDE = 32  # fields lie at the centres of these HEALPix pixels, 1.8 degrees apart


@dataclass(frozen=True)
class Reach:
    """How deep a survey sees, and what it prefers."""

    bright: float  # magnitude limits
    faint: float
    dust: float  # extinction over E(B-V) in the survey's band
    dwarf_weight: float  # chance of a dwarf to be taken, against a giant of the same magnitude
    field_radius_deg: float


OPTICAL = Reach(bright=11.0, faint=14.2, dust=2.36, dwarf_weight=1.0, field_radius_deg=1.0)
# magnitudes as G, but in the dust of the H band: A_H = 0.17 A_V
INFRARED = Reach(bright=8.0, faint=15.3, dust=0.46, dwarf_weight=0.12, field_radius_deg=1.5)
BOTH = Reach(bright=11.0, faint=14.2, dust=2.36, dwarf_weight=0.12, field_radius_deg=1.0)


class Fields(NamedTuple):
    """Centres of a survey's fields, degrees (ICRS), and what their dust is thicker by; each shape (n_fields,)."""

    ra_deg: np.ndarray
    dec_deg: np.ndarray
    dustiness: np.ndarray

    def where(self, mask: np.ndarray) -> "Fields":
        """Return the fields of a mask."""
        return Fields(*(values[mask] for values in self))


class Footprints(NamedTuple):
    """The fields of survey A, of survey B, and those that both have."""

    a: Fields
    b: Fields
    both: Fields


# Globular clusters: positions, distances and velocities of Baumgardt & Vasiliev 2021 (MNRAS 505, 5957), half-light
# radii of Vitral 2021 (MNRAS 504, 1355); [Fe/H] and [Mg/Fe] of the first four as APOGEE has them in Thomas et al.
# 2024, table 1, else [Fe/H] and all E(B-V) of Harris 2010 (arXiv:1012.3224) and a typical [Mg/Fe].
CLUSTERS = {
    "name": np.array(["NGC104", "NGC288", "NGC362", "NGC6397", "NGC5904", "NGC6121", "NGC6752", "NGC7089"]),
    "ra": np.array([6.024, 13.188, 15.809, 265.175, 229.638, 245.897, 287.717, 323.363]),
    "dec": np.array([-72.081, -26.583, -70.849, -53.674, 2.081, -26.526, -59.985, -0.823]),
    "distance": np.array([4.52, 8.99, 8.83, 2.48, 7.48, 1.85, 4.12, 11.69]),
    "rhalf_arcmin": np.array([7.84, 2.57, 2.49, 5.77, 4.26, 6.17, 5.17, 2.54]),
    "vlos": np.array([-17.45, -44.45, 223.12, 18.51, 53.50, 71.21, -26.01, -3.78]),
    "fe_h": np.array([-0.74, -1.27, -1.12, -1.92, -1.29, -1.16, -1.54, -1.65]),
    "mg_fe": np.array([0.34, 0.27, 0.09, 0.27, 0.28, 0.38, 0.30, 0.30]),
    "ebv": np.array([0.04, 0.03, 0.05, 0.18, 0.03, 0.35, 0.04, 0.06]),
}
CLUSTER_SCATTER_DEX, CLUSTER_SCATTER_KM_S = 0.03, 5.0


def all_fields(rng: np.random.Generator) -> Fields:
    """Return fields all over the sky, with dust drawn for each."""
    ra, dec = hp.pix2ang(FIELD_NSIDE, np.arange(hp.nside2npix(FIELD_NSIDE)), lonlat=True)
    return Fields(ra, dec, np.exp(rng.normal(0.0, DUST_PATCHINESS, ra.size)))


def draw_footprints(rng: np.random.Generator) -> Footprints:
    """Draw the fields: A off the plane in the southern sky, B in the plane and sparsely everywhere else."""
    fields = all_fields(rng)
    ra, dec = fields.ra_deg, fields.dec_deg
    galactic = ICRS(ra * u.deg, dec * u.deg).transform_to(Galactic())
    latitude = np.abs(galactic.b.deg)
    outward = (latitude < 30) & (np.abs(galactic.l.deg - 180) < 60)  # A's window on the outer disc
    in_a = (latitude > 8) & (dec < 10) & (rng.random(ra.size) < np.where(outward, 0.9, 0.25))
    in_b = rng.random(ra.size) < np.where(latitude < 16, 0.25, 0.06)
    return Footprints(fields.where(in_a), fields.where(in_b), fields.where(in_a & in_b))


def draw_field_stars(n_stars: int, fields: Fields, reach: Reach, rng: np.random.Generator) -> Stars:
    """Draw disc stars as a fibre survey sees them: equally many in every field, brighter than its limit.

    Along a line of sight the chance of a distance goes with distance^2 x density x the share of the
    luminosity function between the magnitude limits behind the dust; the M_G of the star is then drawn between them.

    Parameters
    ----------
    n_stars
        How many.
    fields, reach
        Where the survey looks and how deep.
    rng
        Source of the randomness.

    Returns
    -------
    stars
        ra, dec [deg], DISTANCE [kpc], M_G, ebv [mag], population, FE_H, MG_FE, cluster (empty),
        X_GC, Y_GC, Z_GC, R_GC [kpc], RV [km/s]; each of shape (n_stars,).
    """
    reddening = _reddening_at_edges(fields)
    chances = _distance_chances(fields, reddening, reach)
    field = rng.integers(fields.ra_deg.size, size=n_stars)
    distance, ebv = _draw_distances(field, chances, reddening, rng)
    ra, dec = _scatter_around(
        fields.ra_deg[field],
        fields.dec_deg[field],
        reach.field_radius_deg * np.sqrt(rng.random(n_stars)),
        rng,
    )
    stars = {"ra": ra, "dec": dec, "DISTANCE": distance, "ebv": ebv}
    stars |= {"M_G": _draw_absolute_magnitudes(distance, ebv, reach, rng)} | _places(ra, dec, distance)
    stars["population"], stars["FE_H"] = draw_populations(stars["R_GC"], stars["Z_GC"], rng)
    scatter = rng.normal(0.0, GALAXY.magnesium_scatter, n_stars)
    stars["MG_FE"] = true_magnesium(stars["population"], stars["FE_H"]) + scatter
    xyz = np.stack([stars["X_GC"], stars["Y_GC"], stars["Z_GC"]], axis=1)
    stars["RV"] = draw_velocities(stars["population"], xyz, rng)
    stars["cluster"] = np.full(n_stars, "", dtype=CLUSTERS["name"].dtype)
    return stars


def draw_cluster_stars(n_stars: int, reach: Reach, rng: np.random.Generator) -> Stars:
    """Draw members of `CLUSTERS`, equally many of each, as Plummer spheres cut at five half-light radii.

    Returns
    -------
    stars
        As from `draw_field_stars`, population "cluster" and `cluster` its name.
    """
    number = rng.integers(CLUSTERS["name"].size, size=n_stars)
    own = {name: values[number] for name, values in CLUSTERS.items()}
    share = rng.random(n_stars) * 25 / 26  # of the light within 5 half-light radii: r^2 / (1 + r^2)
    radius_deg = own["rhalf_arcmin"] / 60 * np.sqrt(share / (1 - share))
    ra, dec = _scatter_around(own["ra"], own["dec"], radius_deg, rng)
    depth = np.radians(own["rhalf_arcmin"] / 60) * own["distance"]
    distance = own["distance"] + depth * rng.normal(size=n_stars)
    stars = {"ra": ra, "dec": dec, "DISTANCE": distance, "ebv": own["ebv"]}
    stars |= {"M_G": _draw_absolute_magnitudes(distance, own["ebv"], reach, rng)} | _places(ra, dec, distance)
    stars["population"] = np.full(n_stars, "cluster")
    stars["FE_H"] = own["fe_h"] + CLUSTER_SCATTER_DEX * rng.normal(size=n_stars)
    stars["MG_FE"] = own["mg_fe"] + CLUSTER_SCATTER_DEX * rng.normal(size=n_stars)
    stars["RV"] = own["vlos"] + CLUSTER_SCATTER_KM_S * rng.normal(size=n_stars)
    stars["cluster"] = own["name"]
    return stars


def draw_stars(n_stars: int, fields: Fields, reach: Reach, first_number: int, rng: np.random.Generator) -> Stars:
    """Draw all that a survey sees of the Galaxy, and what its stars look like.

    Parameters
    ----------
    n_stars
        How many, `CLUSTER_SHARE` of them in star clusters.
    fields, reach
        Where the survey looks and how deep.
    first_number
        Number of the first star: makes `gaia_id` unique among several calls.
    rng
        Source of the randomness.

    Returns
    -------
    stars
        As from `draw_field_stars`, and gaia_id, TEFF [K], LOGG [dex], g, bp, rp, stated_ebv [mag], binary
        (half-amplitude of the velocity, km/s), throughput (of its fibre); in random order.
    """
    in_clusters = int(CLUSTER_SHARE * n_stars)
    groups = [
        draw_field_stars(n_stars - in_clusters, fields, reach, rng),
        draw_cluster_stars(in_clusters, reach, rng),
    ]
    order = rng.permutation(n_stars)
    stars = {name: np.concatenate([group[name] for group in groups])[order] for name in groups[0]}
    # as in Gaia, the upper bits are the HEALPix pixel of level 12; the running number makes it unique
    pixel = hp.ang2pix(4096, stars["ra"], stars["dec"], nest=True, lonlat=True).astype(np.int64)
    stars["gaia_id"] = (pixel << 35) + first_number + np.arange(n_stars)
    return _add_appearance(stars, rng)


def _add_appearance(stars: Stars, rng: np.random.Generator) -> Stars:
    """Return stars with what follows from luminosity, age and dust."""
    n_stars = stars["ra"].size
    ages = draw_ages(stars["population"], rng)
    teff, logg = atmospheres(stars["M_G"], stars["FE_H"], ages, draw_clump(stars["M_G"], rng))
    scatter = rng.normal(0.0, COLOUR_SCATTER_MAG, (2, n_stars))
    seen_teff = teff + rng.normal(0.0, COLOUR_SCATTER_K, n_stars)
    bp_g, g_rp = intrinsic_colours(seen_teff, logg, stars["FE_H"]) + scatter
    stated_ebv = stars["ebv"] * np.maximum(0.0, 1 + EBV_ERROR * rng.normal(size=n_stars))
    magnitudes = apparent_magnitudes(stars["M_G"], stars["DISTANCE"], stars["ebv"], (bp_g, g_rp))
    derived = {
        "TEFF": teff,
        "LOGG": logg,
        "stated_ebv": stated_ebv,
        "binary": binary_amplitudes(n_stars, BINARY_SHARE, rng),
        "throughput": np.exp(0.3 * rng.standard_normal(n_stars)),
    }
    return stars | magnitudes | derived


def _places(ra: np.ndarray, dec: np.ndarray, distance: np.ndarray) -> Stars:
    place = galactic_positions(ra, dec, distance)
    return {"X_GC": place.x_kpc, "Y_GC": place.y_kpc, "Z_GC": place.z_kpc, "R_GC": place.radius_kpc}


def _along_sight(fields: Fields, distances_kpc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return R and Z [kpc], each of shape (n_fields, n_distances)."""
    shape = (fields.ra_deg.size, distances_kpc.size)
    ra, dec, distance = (
        np.broadcast_to(values, shape).ravel()
        for values in (fields.ra_deg[:, None], fields.dec_deg[:, None], distances_kpc)
    )
    place = galactic_positions(ra, dec, distance)
    return place.radius_kpc.reshape(shape), place.z_kpc.reshape(shape)


def _reddening_at_edges(fields: Fields) -> np.ndarray:
    """Return E(B-V) at `DISTANCE_EDGES_KPC`, shape (n_fields, n_edges): the integral over an exponential layer."""
    middles = 0.5 * (DISTANCE_EDGES_KPC[1:] + DISTANCE_EDGES_KPC[:-1])
    radii, heights = _along_sight(fields, middles)
    from_sun = radii + SUN_X_KPC
    dust = DUST_MAG_PER_KPC * np.exp(-from_sun / DUST_LENGTH_KPC - np.abs(heights) / DUST_HEIGHT_KPC)
    summed = np.cumsum(dust * np.diff(DISTANCE_EDGES_KPC), axis=1)
    return np.pad(summed, ((0, 0), (1, 0))) * fields.dustiness[:, None]


def _luminosity_integral(reach: Reach) -> tuple[np.ndarray, np.ndarray]:
    """Return M_G and the stars per pc^3 brighter than it that the survey would take."""
    absolute = np.linspace(BRIGHTEST, FAINTEST, 1001)
    wanted = 1 - (1 - reach.dwarf_weight) * soft_step(absolute, 3.0, 0.3)
    density = sum(luminosity_function(absolute)) * wanted
    step = absolute[1] - absolute[0]
    return absolute, np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1])) * step])


def _limits(distance: np.ndarray, ebv: np.ndarray, reach: Reach) -> tuple[np.ndarray, np.ndarray]:
    """Return the brightest and faintest M_G that the survey sees at a distance behind dust."""
    dimming = distance_moduli(distance) + reach.dust * ebv
    return reach.bright - dimming, reach.faint - dimming


def _distance_chances(fields: Fields, reddening: np.ndarray, reach: Reach) -> np.ndarray:
    """Return the cumulative chance of a distance at `DISTANCE_EDGES_KPC`, shape (n_fields, n_edges), 0 to 1."""
    middles = 0.5 * (DISTANCE_EDGES_KPC[1:] + DISTANCE_EDGES_KPC[:-1])
    density = sum(disc_densities(*_along_sight(fields, middles)))
    absolute, integral = _luminosity_integral(reach)
    bright, faint = _limits(middles, 0.5 * (reddening[:, 1:] + reddening[:, :-1]), reach)
    seen = np.interp(faint, absolute, integral) - np.interp(bright, absolute, integral)
    summed = np.cumsum(middles**2 * np.diff(DISTANCE_EDGES_KPC) * density * seen, axis=1)
    return np.pad(summed / summed[:, -1:], ((0, 0), (1, 0)))


def _draw_distances(
    field: np.ndarray, chances: np.ndarray, reddening: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return distance [kpc] and E(B-V) of a star in each field of `field`, by inverting `chances`."""
    n_edges = chances.shape[1]
    ascending = (chances + np.arange(len(chances))[:, None]).ravel()  # one search serves all fields
    edge = np.searchsorted(ascending, field + rng.random(field.size), side="right") - 1 - field * n_edges
    edge = np.minimum(edge, n_edges - 2)  # a draw next to 1 may be rounded to the last edge, which opens no bin
    fraction = rng.random(field.size)  # evenly inside a bin, which is 4 % wide
    near, far = DISTANCE_EDGES_KPC[edge], DISTANCE_EDGES_KPC[edge + 1]
    ebv_near, ebv_far = reddening[field, edge], reddening[field, edge + 1]
    return near + fraction * (far - near), ebv_near + fraction * (ebv_far - ebv_near)


def _draw_absolute_magnitudes(
    distance: np.ndarray, ebv: np.ndarray, reach: Reach, rng: np.random.Generator
) -> np.ndarray:
    absolute, integral = _luminosity_integral(reach)
    low, high = (np.interp(limit, absolute, integral) for limit in _limits(distance, ebv, reach))
    return np.interp(low + rng.random(distance.size) * (high - low), integral, absolute)


def _scatter_around(
    ra_deg: np.ndarray, dec_deg: np.ndarray, radius_deg: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return positions at an angle `radius_deg` from the given ones, in any direction."""
    direction = rng.uniform(0, 2 * np.pi, radius_deg.size)
    ra, dec = offset_by(*np.radians([ra_deg, dec_deg]), direction, np.radians(radius_deg))
    return ra.to_value(u.deg) % 360, dec.to_value(u.deg)
