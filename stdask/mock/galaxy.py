"""The mock Galaxy: where its discs lie, what their stars are made of, how they move. Pure functions of position."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from stdask.science.galaxy.galactocentric import SUN_X_KPC, SUN_Z_KPC


@dataclass(frozen=True)
class Galaxy:
    """The true parameters of the mock; lengths in kpc, abundances in dex, velocities in km/s.

    Sizes are of the order of the Milky Way's (Bland-Hawthorn & Gerhard 2016, ARA&A 54, 529); the
    metallicities follow the trends of Thomas et al. 2024, sect. 4.3: a plateau inside a break, -0.4 far out.
    """

    thin_length: float = 2.6
    thin_height: float = 0.28  # inside the flare
    flare_radius: float = 6.0
    flare_length: float = 8.0  # e-folding length of the thin disc's height outside flare_radius
    thick_length: float = 2.2
    thick_height: float = 0.85
    thick_share: float = 0.10  # of the density in the plane at the Sun
    bend_radius: float = 12.0
    bend_height: float = 0.6  # that the thin disc's midplane rises to the north, far outside bend_radius
    bend_length: float = 1.5  # over which it rises
    plateau: float = 0.18  # [Fe/H] of the thin disc's midplane at the break
    break_radius: float = 6.0
    inner_gradient: float = 0.0  # [Fe/H] per kpc of R, inside the break
    outer_gradient: float = -0.065
    thin_vertical: float = -0.25  # [Fe/H] per kpc from the midplane
    thick_metallicity: float = -0.45  # at Z = 0, at all radii
    thick_vertical: float = -0.08
    thin_scatter: tuple[float, float] = (0.17, 0.13)  # below and above the median
    thick_scatter: tuple[float, float] = (0.38, 0.20)
    thin_magnesium: float = 0.02  # [Mg/Fe] at [Fe/H] = 0
    thin_magnesium_slope: float = -0.14
    thick_magnesium: float = 0.33  # of the plateau
    thick_knee: float = -0.55  # [Fe/H] where [Mg/Fe] begins to fall
    thick_magnesium_slope: float = -0.36
    magnesium_scatter: float = 0.025
    thin_rotation: float = 222.0
    thick_rotation: float = 180.0
    thin_dispersion: tuple[float, float, float] = (35.0, 24.0, 18.0)  # radial, azimuthal, vertical
    thick_dispersion: tuple[float, float, float] = (62.0, 48.0, 40.0)


GALAXY = Galaxy()
SUN_KPC = np.array([SUN_X_KPC, 0.0, SUN_Z_KPC])
SUN_KM_S = np.array([12.9, 245.6, 7.78])  # as in galactocentric.FRAME
KNEE_WIDTH = 0.08  # dex: the knee is rounded, so that the track is smooth


def midplane_heights(radii_kpc: np.ndarray) -> np.ndarray:
    """Return the height Z [kpc] of the thin disc's midplane: bent to the north outside `bend_radius`.

    Above and below Z = 0 the stars then differ, as in Thomas et al. 2024, sect. 4.3.
    """
    outside = np.maximum(0.0, np.asarray(radii_kpc) - GALAXY.bend_radius)
    return GALAXY.bend_height * np.tanh(outside / GALAXY.bend_length)


def thin_scale_heights(radii_kpc: np.ndarray) -> np.ndarray:
    """Return the scale height [kpc] of the thin disc, which flares outside `flare_radius`."""
    outside = np.maximum(0.0, np.asarray(radii_kpc) - GALAXY.flare_radius)
    return GALAXY.thin_height * np.exp(outside / GALAXY.flare_length)


def disc_densities(radii_kpc: np.ndarray, heights_kpc: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the densities of the thin and the thick disc, in units of both together near the Sun.

    Each is a double exponential; the flare keeps the thin disc's surface density exponential.

    Parameters
    ----------
    radii_kpc, heights_kpc : any shape
        Cylindrical galactocentric radius R and signed height Z.

    Returns
    -------
    thin, thick : the same shape
    """
    scale = thin_scale_heights(radii_kpc)
    from_midplane = np.abs(heights_kpc - midplane_heights(radii_kpc))
    from_sun = np.asarray(radii_kpc) + SUN_X_KPC
    local = thin_scale_heights(np.array(-SUN_X_KPC))
    thin = local / scale * np.exp(-from_sun / GALAXY.thin_length - from_midplane / scale)
    thick = np.exp(-from_sun / GALAXY.thick_length - np.abs(heights_kpc) / GALAXY.thick_height)
    return (1 - GALAXY.thick_share) * thin, GALAXY.thick_share * thick


def thin_shares(radii_kpc: np.ndarray, heights_kpc: np.ndarray) -> np.ndarray:
    """Return the share of thin-disc stars among the field stars at (R, Z), from 0 to 1."""
    thin, thick = disc_densities(radii_kpc, heights_kpc)
    return thin / (thin + thick)


def true_metallicity(population: np.ndarray | str, radii_kpc: np.ndarray, heights_kpc: np.ndarray) -> np.ndarray:
    """Return the median [Fe/H] of a disc at (R, Z).

    Parameters
    ----------
    population : shape (n_stars,), or one name
        "thin" or "thick".
    radii_kpc, heights_kpc : shape (n_stars,)
        Cylindrical galactocentric radius R and signed height Z.

    Returns
    -------
    fe_h : shape (n_stars,), dex
    """
    beyond = np.asarray(radii_kpc) - GALAXY.break_radius
    slope = np.where(beyond > 0, GALAXY.outer_gradient, GALAXY.inner_gradient)
    from_midplane = np.abs(heights_kpc - midplane_heights(radii_kpc))
    thin = GALAXY.plateau + slope * beyond + GALAXY.thin_vertical * from_midplane
    thick = GALAXY.thick_metallicity + GALAXY.thick_vertical * np.abs(heights_kpc)
    return np.where(np.asarray(population) == "thin", thin, thick)


def true_magnesium(population: np.ndarray | str, fe_h: np.ndarray) -> np.ndarray:
    """Return the median [Mg/Fe] of a disc at [Fe/H]: its track in the abundance plane.

    Parameters
    ----------
    population : shape (n_stars,), or one name
        "thin" or "thick".
    fe_h : shape (n_stars,), dex

    Returns
    -------
    mg_fe : shape (n_stars,), dex
    """
    thin = GALAXY.thin_magnesium + GALAXY.thin_magnesium_slope * fe_h
    past_knee = KNEE_WIDTH * np.logaddexp(0.0, (fe_h - GALAXY.thick_knee) / KNEE_WIDTH)
    thick = GALAXY.thick_magnesium + GALAXY.thick_magnesium_slope * past_knee
    # thin-disc stars as poor as the knee have not left the low track by more than 0.1 dex
    return np.where(np.asarray(population) == "thin", np.minimum(thin, 0.13), thick)


def draw_populations(
    radii_kpc: np.ndarray, heights_kpc: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw population and [Fe/H] of field stars from their positions.

    Parameters
    ----------
    radii_kpc, heights_kpc : shape (n_stars,)
    rng
        Source of the randomness.

    Returns
    -------
    population : shape (n_stars,), "thin" or "thick"
    fe_h : shape (n_stars,), dex
        Scattered about `true_metallicity` by two half-normals of equal weight: the median stays.
    """
    is_thin = rng.random(radii_kpc.size) < thin_shares(radii_kpc, heights_kpc)
    population = np.where(is_thin, "thin", "thick")
    normals = rng.standard_normal(radii_kpc.size)
    side = (normals > 0).astype(int)
    scatter = np.where(is_thin, np.array(GALAXY.thin_scatter)[side], np.array(GALAXY.thick_scatter)[side])
    fe_h = true_metallicity(population, radii_kpc, heights_kpc) + scatter * normals
    return population, np.clip(fe_h, -2.5, 0.6)


def draw_ages(population: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw ages [Gyr]: 1 to 10 in the thin disc, 9 to 12 elsewhere."""
    share = rng.beta(1.3, 1.3, population.size)
    return np.where(population == "thin", 1.0 + 9.0 * share, 9.0 + 3.0 * share)


def draw_velocities(population: np.ndarray, positions_kpc: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw heliocentric line-of-sight velocities of disc stars: rotation, dispersion, the Sun's motion.

    Parameters
    ----------
    population : shape (n_stars,)
        "thin"; anything else moves as the thick disc.
    positions_kpc : shape (n_stars, 3)
        Galactocentric X, Y, Z.
    rng
        Source of the randomness.

    Returns
    -------
    rv : shape (n_stars,), km/s
    """
    is_thin = (population == "thin")[:, None]
    noise = rng.standard_normal((population.size, 3))
    noise *= np.where(is_thin, GALAXY.thin_dispersion, GALAXY.thick_dispersion)
    radii = np.hypot(positions_kpc[:, 0], positions_kpc[:, 1])
    rotation = np.where(is_thin[:, 0], GALAXY.thin_rotation, GALAXY.thick_rotation)
    azimuthal = rotation * (1 - np.exp(-radii / 1.0)) + noise[:, 1]  # the curve rises within 1 kpc
    cos, sin = positions_kpc[:, 0] / radii, positions_kpc[:, 1] / radii
    velocity = np.stack([noise[:, 0] * cos + azimuthal * sin, noise[:, 0] * sin - azimuthal * cos, noise[:, 2]], axis=1)
    line_of_sight = positions_kpc - SUN_KPC
    line_of_sight /= np.linalg.norm(line_of_sight, axis=1, keepdims=True)
    return ((velocity - SUN_KM_S) * line_of_sight).sum(axis=1)


def binary_amplitudes(n_stars: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Draw RV half-amplitudes [km/s]: lognormal about 2 km/s for a `share` of the stars, 0 for the others."""
    amplitude = np.exp(rng.normal(np.log(2.0), 1.2, n_stars))
    return np.where(rng.random(n_stars) < share, amplitude, 0.0)


def soft_step(values: np.ndarray, centre: float, width: float) -> np.ndarray:
    """Return a smooth step from 0 to 1 at `centre`."""
    return expit((np.asarray(values) - centre) / width)
