"""What the two mock surveys make of a star: offsets, noise, stated errors, flags, missing values."""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from stdask.mock.galaxy import soft_step
from stdask.mock.sky import INFRARED
from stdask.mock.stars import distance_moduli

Table = dict[str, np.ndarray]

NOISE_A = {"teff": 66.0, "logg": 0.085, "fe_h": 0.055, "mg_fe": 0.052, "rv_galah": 0.36}  # at S/N 50
NOISE_B = {"TEFF": 60.0, "LOGG": 0.065, "M_H": 0.028, "MG_FE": 0.018, "VHELIO_AVG": 0.05}  # at S/N 150
POOR_FACTOR_A, POOR_FACTOR_B = 0.6, 0.3  # more noise for each dex below [Fe/H] = -0.4
STATED_ERROR_SCATTER = 0.15  # natural logarithm: surveys know their errors roughly
BAD_FACTOR = 4.0  # noise of flagged values over that of the others; their stated errors do not show it
FLAG_SP_SHARE, FLAG_FE_H_SHARE, UPPER_LIMIT_SHARE = 0.17, 0.06, 0.01
NOT_MEASURED, UPPER_LIMIT = 32, 1  # flag_mg_fe, as in GALAH DR3
UPPER_LIMIT_BIAS = 0.2  # dex
STAR_BAD, M_H_BAD, ALPHA_M_BAD, STAR_WARN = 1 << 23, 1 << 19, 1 << 20, 1 << 7  # APOGEE's ASPCAPFLAG
FLAG_SHARES_B = {STAR_BAD: 0.10, M_H_BAD: 0.02, ALPHA_M_BAD: 0.03, STAR_WARN: 0.15}
SINGLE_VISIT_SHARE = 0.10  # of B's stars: their VSCATTER is 0 whatever they are
POSITION_ERROR_DEG = 0.1 / 3600  # of B, whose positions are 2MASS's


class Offsets(NamedTuple):
    """What A reads more than the truth; each of shape (n_stars,)."""

    teff: np.ndarray  # K
    logg: np.ndarray  # dex
    fe_h: np.ndarray  # dex
    mg_fe: np.ndarray  # dex
    rv: np.ndarray  # km/s


def offsets_a(teff: np.ndarray, logg: np.ndarray, fe_h: np.ndarray, mg_fe: np.ndarray) -> Offsets:
    """Return the systematic differences of survey A from the truth, i.e. from survey B's scale.

    Smooth, not linear, and dependent on one another: a translation has to reproduce them. With the noise they
    add up to the differences between GALAH DR3 and APOGEE DR17 in Thomas et al. 2024, sect. 3.3.

    Parameters
    ----------
    teff, logg, fe_h, mg_fe : shape (n_stars,)
        True parameters: K, dex, dex, dex.

    Returns
    -------
    offsets
        A - truth, noise left aside.
    """
    warm = np.tanh((teff - 5000.0) / 800.0)
    dwarf = np.tanh(logg - 3.0)
    poor = np.tanh(-(fe_h + 0.4) / 0.6)
    alpha = np.tanh((mg_fe - 0.15) / 0.15)
    return Offsets(
        teff=15.0 + 130.0 * warm - 60.0 * dwarf + 90.0 * poor * (1 + dwarf) - 50.0 * warm**2,
        logg=0.01 + 0.08 * np.sin(2.2 * (logg - 2.4)) - 0.06 * poor * warm + 0.03 * alpha,
        fe_h=-0.02 + 0.13 * poor - 0.08 * dwarf + 0.10 * warm * poor - 0.05 * alpha,
        mg_fe=0.01 - 0.04 * alpha + 0.11 * warm - 0.08 * dwarf * poor + 0.06 * warm * dwarf,
        rv=0.33 + 0.30 * warm + 0.20 * poor,  # of the 0.47 km/s they scatter by, 0.15: noise leaves 0.45 at best
    )


def observe_a(stars: Table, rng: np.random.Generator, is_repeat: bool = False) -> Table:
    """Return survey A's rows of stars, in the columns of GALAH DR3.

    Parameters
    ----------
    stars
        As from `mock_sky.draw_stars`.
    rng
        Source of the randomness.
    is_repeat
        A second observation of each star, of lower S/N than the first.

    Returns
    -------
    table
        One array of shape (n_stars,) a column; values without a measurement are NaN.
    """
    n_stars = stars["ra"].size
    snr = 48 * 10 ** (-0.2 * (stars["g"] - 13)) * stars["throughput"] * visit_shares(n_stars, is_repeat, rng)
    bad = rng.random(n_stars) < FLAG_SP_SHARE
    bad_iron = rng.random(n_stars) < FLAG_FE_H_SHARE
    magnesium = _magnesium_flags(stars, snr, rng)
    offsets = offsets_a(stars["TEFF"], stars["LOGG"], stars["FE_H"], stars["MG_FE"])
    expected = {
        "teff": stars["TEFF"] + offsets.teff,
        "logg": stars["LOGG"] + offsets.logg,
        "fe_h": stars["FE_H"] + offsets.fe_h,
        "mg_fe": stars["MG_FE"] + offsets.mg_fe + UPPER_LIMIT_BIAS * (magnesium == UPPER_LIMIT),
        "rv_galah": stars["RV"] + offsets.rv + stars["binary"] * orbital_phases(n_stars, rng),
    }
    noise = noise_at(NOISE_A, 50.0 / snr, 1 + POOR_FACTOR_A * poverty(stars["FE_H"]))
    spoilt = {name: np.where(bad, BAD_FACTOR, 1.0) for name in expected}
    spoilt["fe_h"] = np.where(bad | bad_iron, BAD_FACTOR, 1.0)
    rotation = 7 + 20 * soft_step(stars["TEFF"], 6400.0, 150.0) * (stars["LOGG"] > 3.7)
    table = {
        "sobject_id": 131_000_000_000_101 + 1000 * (stars["gaia_id"] & (1 << 35) - 1) + is_repeat,
        "dr3_source_id": stars["gaia_id"],
        "ra": stars["ra"],
        "dec": stars["dec"],
        "snr_c3_iraf": snr,
        "vbroad": rotation * np.exp(0.25 * rng.standard_normal(n_stars)),
        "flag_sp": np.where(bad, 1 << rng.integers(0, 10, n_stars), 0),
        "flag_fe_h": bad_iron.astype(np.int64),
        "flag_mg_fe": magnesium,
    }
    for name, values in expected.items():
        missing = (magnesium == NOT_MEASURED) & (name == "mg_fe")
        measured = measure(values, noise[name], spoilt[name], missing, rng)
        table[name], table[f"e_{name}"] = measured
    return compact(table | photometry(stars, rng) | {"ebv": stars["stated_ebv"]} | measured_distances(stars, rng))


def observe_b(stars: Table, rng: np.random.Generator, is_repeat: bool = False) -> Table:
    """Return survey B's rows of stars, in the columns of APOGEE DR17: the truth plus noise.

    Parameters
    ----------
    stars, rng, is_repeat
        As for `observe_a`.

    Returns
    -------
    table
        One array of shape (n_stars,) a column; values without a measurement are NaN.
    """
    n_stars = stars["ra"].size
    seen = stars["M_G"] + distance_moduli(stars["DISTANCE"]) + INFRARED.dust * stars["ebv"]
    snr = 250 * 10 ** (-0.2 * (seen - 13)) * stars["throughput"] * visit_shares(n_stars, is_repeat, rng)
    flags = sum(np.where(rng.random(n_stars) < share, bit, 0) for bit, share in FLAG_SHARES_B.items())
    is_single = rng.random(n_stars) < SINGLE_VISIT_SHARE
    orbit = stars["binary"] * np.where(is_single, 1.0, 0.3) * orbital_phases(n_stars, rng)  # visits average it
    expected = {
        "TEFF": (stars["TEFF"], "TEFF_ERR", STAR_BAD),
        "LOGG": (stars["LOGG"], "LOGG_ERR", STAR_BAD),
        "M_H": (stars["FE_H"], "M_H_ERR", STAR_BAD),
        "MG_FE": (stars["MG_FE"], "MG_FE_ERR", STAR_BAD | ALPHA_M_BAD),
        "VHELIO_AVG": (stars["RV"] + orbit, "VERR", 0),
    }
    noise = noise_at(NOISE_B, 150.0 / snr, 1 + POOR_FACTOR_B * poverty(stars["FE_H"]))
    spoilt = np.where(flags & M_H_BAD, BAD_FACTOR, 1.0)
    jitter = 0.02 + 0.08 * np.abs(rng.standard_normal(n_stars))
    offset_ra, offset_dec = POSITION_ERROR_DEG * rng.standard_normal((2, n_stars))
    table = {
        "APOGEE_ID": _position_names(stars["ra"], stars["dec"]),
        "GAIAEDR3_SOURCE_ID": stars["gaia_id"],
        "RA": (stars["ra"] + offset_ra / np.cos(np.radians(stars["dec"]))) % 360,
        "DEC": np.clip(stars["dec"] + offset_dec, -90, 90),
        "SNR": snr,
        "VSCATTER": np.where(is_single, 0.0, np.hypot(jitter, stars["binary"] / np.sqrt(2))),
        "ASPCAPFLAG": flags,
        "EBV": stars["stated_ebv"],
    }
    for name, (values, error, fatal) in expected.items():
        missing = flags & fatal != 0
        table[name], table[error] = measure(values, noise[name], spoilt, missing, rng)
    return compact(table | measured_distances(stars, rng))


def visit_shares(n_stars: int, is_repeat: bool, rng: np.random.Generator) -> np.ndarray:
    return rng.uniform(0.4, 0.95, n_stars) if is_repeat else np.ones(n_stars)


def orbital_phases(n_stars: int, rng: np.random.Generator) -> np.ndarray:
    return np.sin(rng.uniform(0, 2 * np.pi, n_stars))


def poverty(fe_h: np.ndarray) -> np.ndarray:
    """Return how far below [Fe/H] = -0.4 a star lies, dex: its lines are weak."""
    return np.maximum(0.0, -0.4 - fe_h)


def noise_at(at_reference: dict[str, float], noise_to_signal: np.ndarray, weakness: np.ndarray) -> Table:
    """Return the 1-sigma noise of each label: half of its variance is a floor, half falls with S/N."""
    relative = np.sqrt(0.5 + 0.5 * noise_to_signal**2) * weakness
    return {name: sigma * relative for name, sigma in at_reference.items()}


def measure(
    values: np.ndarray, sigma: np.ndarray, spoilt: np.ndarray, missing: np.ndarray | bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return measured values and the errors that the survey states, which know nothing of `spoilt`."""
    measured = values + spoilt * sigma * rng.standard_normal(values.size)
    stated = sigma * np.exp(STATED_ERROR_SCATTER * rng.standard_normal(values.size))
    return np.where(missing, np.nan, measured), np.where(missing, np.nan, stated)


def _magnesium_flags(stars: Table, snr: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return flag_mg_fe: with the upper limits, 14 % of the stars lack Mg, those with weak lines before others."""
    weakness = 1.5 * poverty(stars["FE_H"]) + 2.0 * soft_step(stars["TEFF"], 6500.0, 150.0) + 20 / snr
    missing = rng.random(snr.size) < expit(weakness - 2.68)
    limit = rng.random(snr.size) < UPPER_LIMIT_SHARE
    return np.where(missing, NOT_MEASURED, np.where(limit, UPPER_LIMIT, 0))


def photometry(stars: Table, rng: np.random.Generator) -> Table:
    columns = {}
    # calibration floors; Gaia's random errors at G = 13 are 0.3, 0.9 and 0.6 mmag (Riello et al. 2021, A&A 649, A3)
    for band, floor in (("g", 0.001), ("bp", 0.002), ("rp", 0.0015)):
        error = floor * np.hypot(1, 10 ** (0.2 * (stars[band] - 14)))
        columns[f"phot_{band}_mean_mag"] = stars[band] + error * rng.standard_normal(error.size)
        columns[f"{band}_error"] = error
    return columns


def measured_distances(stars: Table, rng: np.random.Generator) -> Table:
    """Return distances as a parallax with a luminosity prior gives them: 3 % near, 12 % at 10 kpc."""
    error = stars["DISTANCE"] * np.minimum(0.25, np.hypot(0.03, 0.012 * stars["DISTANCE"]))
    measured = stars["DISTANCE"] + error * np.clip(rng.standard_normal(error.size), -3, 3)
    return {"dist": measured, "e_dist": error}


def _position_names(ra_deg: np.ndarray, dec_deg: np.ndarray) -> np.ndarray:
    """Return names as 2MASS makes them: 2M, hhmmssss, sign, ddmmsss."""
    centiseconds = np.floor(ra_deg / 15 * 360_000).astype(np.int64)
    deciseconds = np.floor(np.abs(dec_deg) * 36_000).astype(np.int64)
    hours, minutes, rest = _sexagesimal(centiseconds, 6_000)
    across = (hours * 100 + minutes) * 10_000 + rest
    degrees, minutes, rest = _sexagesimal(deciseconds, 600)
    up = (degrees * 100 + minutes) * 1_000 + rest
    signs = np.where(dec_deg < 0, "-", "+")
    return np.array([f"2M{a:08d}{s}{d:07d}" for a, s, d in zip(across, signs, up, strict=True)], dtype="U18")


def _sexagesimal(values: np.ndarray, per_minute: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    minutes, rest = np.divmod(values, per_minute)
    return minutes // 60, minutes % 60, rest


def compact(table: Table) -> Table:
    """Return the table with measurements in single precision, as surveys publish them."""
    positions = ("ra", "dec", "RA", "DEC")
    return {
        name: values.astype(np.float32) if values.dtype == np.float64 and name not in positions else values
        for name, values in table.items()
    }
