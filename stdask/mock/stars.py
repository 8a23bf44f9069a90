"""The stars of the mock: luminosity function, Kiel tracks, colours and extinction. Smooth functions throughout.

The tracks are drawn by hand through the well-known places (Sun, turn-off, red clump, tip of the giant branch);
the gravity then follows from luminosity, temperature and mass, so that the Kiel diagram is consistent.
"""

import numpy as np
from scipy.interpolate import PchipInterpolator

from stdask.mock.galaxy import soft_step
from stdask.schema import BANDS, VISUAL_EXTINCTION

SOLAR_TEFF_K = 5772.0
SOLAR_LOGG = 4.438
SOLAR_MBOL = 4.74
FAINTEST, BRIGHTEST = 7.5, -2.8  # M_G of the faintest dwarfs and of the tip of the giant branch
CLUMP = (0.5, 0.12, 3.3e-4)  # M_G of the red clump, its width, its peak in stars per pc^3 and mag
CLUMP_TEFF_K = 120.0  # hotter than the giant branch at the same M_G
# Andrae et al. 2018, A&A 616, A8, eq. 7 and table 4: 4000 to 8000 K, in powers of Teff - 5772 K
BOLOMETRIC_G = (6.000e-02, 6.731e-05, -6.647e-08, 2.859e-11, -7.197e-15)

_LOG_LUMINOSITY_FUNCTION = PchipInterpolator(
    [-2.8, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5],
    [-6.0, -5.3, -4.75, -4.35, -4.1, -3.75, -3.2, -2.75, -2.6, -2.5, -2.4],
)
_MAIN_SEQUENCE_K = PchipInterpolator(
    [-2.8, 1.0, 2.0, 3.0, 4.0, 4.66, 5.5, 6.0, 7.0, 7.5],
    [10000, 8300, 7500, 6750, 6130, 5772, 5330, 5080, 4500, 4250],
)
_GIANT_BRANCH_K = PchipInterpolator(
    [-2.8, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 7.5], [3650, 3920, 4230, 4500, 4740, 4880, 4990, 5080, 5300]
)


def luminosity_function(absolute_g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the stars per pc^3 and mag at M_G: on the sequence dwarf - giant, and in the red clump."""
    centre, width, peak = CLUMP
    clump = peak * np.exp(-0.5 * ((absolute_g - centre) / width) ** 2)
    return 10 ** _LOG_LUMINOSITY_FUNCTION(absolute_g), clump


def draw_clump(absolute_g: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw which stars are in the red clump, given their M_G."""
    sequence, clump = luminosity_function(absolute_g)
    return rng.random(absolute_g.size) < clump / (sequence + clump)


def atmospheres(
    absolute_g: np.ndarray, fe_h: np.ndarray, ages_gyr: np.ndarray, is_clump: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return effective temperature and gravity of stars on the mock's tracks.

    log g = log g_sun + log(M / M_sun) + 4 log(Teff / Teff_sun) + 0.4 (M_bol - M_bol,sun).

    Parameters
    ----------
    absolute_g, fe_h, ages_gyr : shape (n_stars,)
        M_G [mag] says how far a star has come; age where it leaves the main sequence.
    is_clump : shape (n_stars,), bool

    Returns
    -------
    teff : shape (n_stars,), K
    logg : shape (n_stars,), dex
    """
    turn_off = 2.0 + 2.1 * np.log10(ages_gyr)  # M_G: 2.0 at 1 Gyr, the Sun's neighbourhood at 10
    dwarf = soft_step(absolute_g, turn_off - 0.4, 0.2)
    metals = 1.5 * np.tanh(fe_h / 1.5)  # metals lose their effect where there are few
    dwarf_k = _MAIN_SEQUENCE_K(absolute_g) - 330.0 * metals
    giant_k = _GIANT_BRANCH_K(absolute_g) - 480.0 * metals - 80.0 * np.log10(ages_gyr / 5.0)
    teff = dwarf * dwarf_k + (1 - dwarf) * (giant_k + CLUMP_TEFF_K * is_clump)
    log_mass = -0.1 * dwarf * (absolute_g - 4.66) - (1 - dwarf) * np.log10(ages_gyr / 10.0) / 3
    bolometric = absolute_g + np.polynomial.polynomial.polyval(teff - SOLAR_TEFF_K, BOLOMETRIC_G)
    logg = SOLAR_LOGG + log_mass + 4 * np.log10(teff / SOLAR_TEFF_K) + 0.4 * (bolometric - SOLAR_MBOL)
    return teff, logg


def intrinsic_colours(teff: np.ndarray, logg: np.ndarray, fe_h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the dereddened Gaia colours BP - G and G - RP [mag] of stars.

    A polynomial in 5040 K / Teff through the Sun (BP - RP = 0.82), a clump giant (1.24 at 4750 K) and a
    cool giant (1.77 at 4000 K), with small terms in log g and [Fe/H].

    Parameters
    ----------
    teff, logg, fe_h : shape (n_stars,)
        K, dex, dex.

    Returns
    -------
    bp_g, g_rp : shape (n_stars,), mag
    """
    theta = 5040.0 / teff - 5040.0 / SOLAR_TEFF_K
    bp_rp = 0.82 + 2.0 * theta + 1.2 * theta**2 - 0.012 * (logg - SOLAR_LOGG) + 0.03 * fe_h
    g_rp = 0.14 + 0.46 * bp_rp - 0.03 * bp_rp**2 - 0.012 * fe_h
    return bp_rp - g_rp, g_rp


def apparent_magnitudes(
    absolute_g: np.ndarray, distances_kpc: np.ndarray, ebv: np.ndarray, colours: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return G, BP and RP [mag] as seen through the dust.

    Parameters
    ----------
    absolute_g, distances_kpc, ebv : shape (n_stars,)
        mag, kpc, mag.
    colours
        BP - G and G - RP as from `intrinsic_colours`.

    Returns
    -------
    magnitudes
        "g", "bp" and "rp", each of shape (n_stars,).
    """
    bp_g, g_rp = colours
    g = absolute_g + distance_moduli(distances_kpc)
    unreddened = {"g": g, "bp": g + bp_g, "rp": g - g_rp}
    extinction = VISUAL_EXTINCTION * ebv
    return {band: magnitude + BANDS[band.upper()].extinction * extinction for band, magnitude in unreddened.items()}


def distance_moduli(distances_kpc: np.ndarray) -> np.ndarray:
    """Return m - M [mag] without extinction."""
    return 5 * np.log10(distances_kpc) + 10
