"""A third mock survey, C: deeper than A and on another part of the sky, of low resolution, with faults of its own."""

import healpy as hp
import numpy as np

from stdask.mock.galaxy import soft_step
from stdask.mock.observing import (
    BAD_FACTOR,
    Offsets,
    Table,
    compact,
    measure,
    measured_distances,
    noise_at,
    orbital_phases,
    photometry,
    poverty,
    visit_shares,
)
from stdask.mock.sky import FIELD_NSIDE, Fields, Reach, all_fields

NOISE_C = {"teff": 95.0, "logg": 0.14, "feh": 0.085, "mgfe": 0.075, "rv": 4.0}  # at S/N 50
POOR_FACTOR_C = 0.8  # more noise for each dex below [Fe/H] = -0.4
DEEP = Reach(bright=12.0, faint=15.6, dust=2.36, dwarf_weight=0.35, field_radius_deg=1.6)
SHARE_OF_FIELDS = 0.6  # of the fields north of `SOUTHERN_LIMIT_DEG` that C observes
SOUTHERN_LIMIT_DEG = -45.0
SHARE_OF_KNOWN = 0.6  # of the stars of A and B in its fields, between its limits, that C observes too
BAD_SHARE = 0.08
FAINT_SN, FAINT_SN_WIDTH = 25.0, 8.0  # S/N below which [Fe/H] comes out low, and over what range
FAINT_FE_H = -0.10  # dex: by how much


def draw_fields_c(rng: np.random.Generator) -> Fields:
    """Draw the fields of C: north of -45 degrees, in the plane and out of it."""
    fields = all_fields(rng)
    return fields.where((fields.dec_deg > SOUTHERN_LIMIT_DEG) & (rng.random(fields.ra_deg.size) < SHARE_OF_FIELDS))


def known_to_c(stars: Table, fields: Fields, rng: np.random.Generator) -> np.ndarray:
    """Return which stars of other surveys C observes too, shape (n_stars,), bool."""
    own = hp.ang2pix(FIELD_NSIDE, fields.ra_deg, fields.dec_deg, lonlat=True)
    inside = np.isin(hp.ang2pix(FIELD_NSIDE, stars["ra"], stars["dec"], lonlat=True), own)
    reached = (stars["g"] > DEEP.bright) & (stars["g"] < DEEP.faint)
    return inside & reached & (rng.random(stars["ra"].size) < SHARE_OF_KNOWN)


def offsets_c(stars: Table, snr: np.ndarray) -> Offsets:
    """Return the systematic differences of survey C from the truth, noise left aside.

    A low resolution blends lines: [Fe/H] is compressed, [Mg/Fe] follows it, and both come out lower where the S/N is
    low. Giants are too cool.

    Parameters
    ----------
    stars
        As from `stdask.mock.sky.draw_stars`.
    snr : shape (n_stars,)
        Signal-to-noise ratio of the spectrum of C.
    """
    giant = 1 - soft_step(stars["LOGG"], 3.5, 0.25)
    metals = np.tanh((stars["FE_H"] + 0.3) / 0.8)
    faint = 1 - soft_step(snr, FAINT_SN, FAINT_SN_WIDTH)
    alpha = np.tanh((stars["MG_FE"] - 0.15) / 0.15)
    return Offsets(
        teff=-40.0 - 90.0 * giant + 60.0 * metals,
        logg=0.05 + 0.12 * giant * metals - 0.05 * (1 - giant),
        fe_h=0.03 - 0.12 * metals + FAINT_FE_H * faint - 0.04 * giant,
        mg_fe=0.02 - 0.05 * alpha + 0.05 * metals - 0.04 * faint,
        rv=-4.5 + 1.0 * giant,
    )


def observe_c(stars: Table, rng: np.random.Generator, is_repeat: bool = False) -> Table:
    """Return survey C's rows of stars.

    Parameters
    ----------
    stars, rng, is_repeat
        As for `stdask.mock.observing.observe_a`.

    Returns
    -------
    table
        One array of shape (n_stars,) a column, in the columns of the definition `mock_c`.
    """
    n_stars = stars["ra"].size
    snr = 90 * 10 ** (-0.2 * (stars["g"] - 13)) * stars["throughput"] * visit_shares(n_stars, is_repeat, rng)
    bad = rng.random(n_stars) < BAD_SHARE
    offsets = offsets_c(stars, snr)
    expected = {
        "teff": stars["TEFF"] + offsets.teff,
        "logg": stars["LOGG"] + offsets.logg,
        "feh": stars["FE_H"] + offsets.fe_h,
        "mgfe": stars["MG_FE"] + offsets.mg_fe,
        "rv": stars["RV"] + offsets.rv + stars["binary"] * orbital_phases(n_stars, rng),
    }
    noise = noise_at(NOISE_C, 50.0 / snr, 1 + POOR_FACTOR_C * poverty(stars["FE_H"]))
    table = {
        "obsid": 700_000_001 + 10 * (stars["gaia_id"] & (1 << 35) - 1) + is_repeat,
        "gaia_source_id": stars["gaia_id"],
        "ra": stars["ra"],
        "dec": stars["dec"],
        "snrg": snr,
        "flag": bad.astype(np.int64),
    }
    spoilt = np.where(bad, BAD_FACTOR, 1.0)
    for name, values in expected.items():
        table[name], table[f"{name}_err"] = measure(values, noise[name], spoilt, False, rng)
    return compact(table | photometry(stars, rng) | {"ebv": stars["stated_ebv"]} | measured_distances(stars, rng))
