"""A survey of which nearly everything has to be computed: its catalogue, against astropy and numpy."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import QTable, Table
from astropy.utils.exceptions import AstropyUserWarning
from numpy.testing import assert_allclose, assert_array_equal

from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.stages.ingest import stage as ingest
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue

N_STARS = 400
DEFINITION = """
name = "raw"
title = "Raw"
reference = "none"
id = "id"
keep = ["flags"]
cuts = [
    { column = "substr(flags, 1, 1)", op = "in", value = ["0", "1"] },
    { column = "mg_h - fe_h", op = "<", value = 0.3 },
    { column = "teff", op = "<", value = 5500 },
    { column = "fe_h > -1 and snr > 20", op = "=", value = true },
    { column = "d_pc < d_kpc", op = "!=", value = true },
]
[labels.TEFF]
column = "teff"
percentile_16 = "teff - 50"
percentile_84 = "teff_upper"
[labels.MG_FE]
column = "mg_h - fe_h"
error = "hypot(e_mg_h, e_fe_h)"
good = [{ column = "abs(snr - 50)", op = "<=", value = 40 }]
[labels.LOGG]
column = "`[Fe/H]` + 2.5"
error = "sqrt(COVAR[3])"
[photometry]
g = "flux_g - 0.1"
bp = "bp"
rp = "rp"
g_error = "hypot(e_g, 2)"
ebv = "a_v / 3.1"
[proper_motion]
pmra = "pm_l * 1"
pmdec = "pm_b"
pmdec_error = "max(e_b, 0.01)"
[[distances]]
column = "d_kpc + d_pc"
error = "0.1 * d_kpc"
accept = [{ column = "d_kpc + 0", op = ">", value = 1.5 }]
[[distances]]
column = "1 / parallax"
percentile_16 = "1 / (parallax + 0.1)"
percentile_84 = "1 / (parallax - 0.1)"
[duplicates]
by = "id"
best = "-sigma"
"""
RUN = """
output = "out"
[surveys.a]
definition = "raw.toml"
file = "FILE"
[surveys.b]
definition = "apogee_dr17_giants"
file = "apogee_dr17_giants.parquet"
[pair]
match = { by = "position" }
[[train.intrinsic]]
label = "TEFF"
from = "TEFF"
[ingest]
rows_per_block = BLOCK
"""


def made_up() -> QTable:
    """Return a table with its units, in which some values are missing or stand for missing."""
    rng = np.random.default_rng(3)

    def lost(values: np.ndarray, *sentinels: float) -> np.ndarray:
        values[rng.choice(N_STARS, 40, replace=False)] = np.resize([np.nan, *sentinels], 40)
        return values

    numbers = np.arange(N_STARS)
    return QTable(
        {
            "id": 1000 + numbers // 2,  # two visits to each star
            "ra": rng.uniform(0, 360, N_STARS) * u.deg,
            "dec": rng.uniform(-80, 80, N_STARS) * u.deg,
            "teff": lost(rng.uniform(4000, 6000, N_STARS), -9999).astype(np.float32) * u.K,
            "teff_upper": lost(rng.uniform(6000, 6200, N_STARS), -999) * u.K,
            "mg_h": lost(rng.normal(-0.3, 0.2, N_STARS), 99999).astype(np.float32) * u.dex,
            "fe_h": lost(rng.normal(-0.5, 0.3, N_STARS), -9999).astype(np.float32) * u.dex,
            "e_mg_h": rng.uniform(0.01, 0.1, N_STARS) * u.dex,
            "e_fe_h": lost(rng.uniform(0.01, 0.1, N_STARS), -9999) * u.dex,
            "[Fe/H]": rng.normal(-0.5, 0.3, N_STARS),
            "COVAR": rng.uniform(0.001, 0.01, (N_STARS, 2, 2)),
            "flags": rng.choice(["000", "010", "920", "099", ""], N_STARS),
            "snr": rng.integers(5, 120, N_STARS),
            "flux_g": rng.uniform(12, 16, N_STARS) * u.mag,
            "bp": rng.uniform(12, 16, N_STARS) * u.mag,
            "rp": rng.uniform(12, 16, N_STARS) * u.mag,
            "e_g": rng.uniform(1, 3, N_STARS) * u.mmag,
            "a_v": rng.uniform(0, 1, N_STARS) * u.mag,
            "pm_l": rng.normal(0, 0.01, N_STARS) * u.arcsec / u.yr,
            "pm_b": rng.normal(0, 10, N_STARS) * u.mas / u.yr,
            "e_b": rng.uniform(0, 0.03, N_STARS) * u.mas / u.yr,
            "d_kpc": lost(rng.uniform(1, 3, N_STARS), -999) * u.kpc,
            "d_pc": rng.uniform(500, 3000, N_STARS) * u.pc,
            "parallax": rng.uniform(0.3, 0.9, N_STARS) * u.mas,
            "sigma": rng.permutation(N_STARS),
        }
    )


def expected(stars: QTable) -> dict[str, np.ndarray]:
    """Return what the catalogue should have of these rows, by astropy's quantities."""
    known = {}
    for name in stars.colnames:
        values = stars[name]
        number = getattr(values, "value", np.asarray(values))
        if number.dtype.kind == "f":
            sentinel = np.isin(number, [-9999, -999, 99999])
            values = np.where(sentinel, np.nan, number) * (getattr(values, "unit", None) or 1)
        known[name] = values
    mg_fe = (known["mg_h"] - known["fe_h"]).value
    good_mg = np.abs(known["snr"] - 50) <= 40
    teff = known["teff"].value.astype(float)
    first = (known["d_kpc"] + known["d_pc"]).to_value(u.kpc)
    taken = known["d_kpc"] > 1.5 * u.kpc
    parallax = known["parallax"].value
    flags = np.array([flag[1:2] for flag in known["flags"]])
    low, high = teff - 50, known["teff_upper"].value
    return {
        "TEFF": teff,
        "TEFF_ERR": np.where(high > low, (high - low) / 2, np.nan),
        "MG_FE": np.where(good_mg, mg_fe, np.nan),
        "MG_FE_ERR": np.where(
            good_mg & ~np.isnan(mg_fe), np.hypot(known["e_mg_h"], known["e_fe_h"]).value.astype(float), np.nan
        ),
        "LOGG": known["[Fe/H]"] + 2.5,
        "LOGG_ERR": np.sqrt(known["COVAR"][:, 1, 1]),
        "G_MAG": known["flux_g"].value - 0.1,
        "G_MAG_ERR": np.hypot(known["e_g"].to_value(u.mag), 0.002),
        "EBV": known["a_v"].value / 3.1,
        "PMRA": known["pm_l"].to_value(u.mas / u.yr),
        "PMDEC_ERR": np.maximum(known["e_b"].value, 0.01),
        "DISTANCE": np.where(taken, first, 1 / parallax),
        "DISTANCE_ERR": np.where(taken, 0.1 * known["d_kpc"].value, (1 / (parallax - 0.1) - 1 / (parallax + 0.1)) / 2),
        "GOOD": np.isin(flags, ["0", "1"])
        & (mg_fe < 0.3)
        & (teff < 5500)
        & (known["fe_h"].value > -1)
        & (known["snr"] > 20)
        & ~(known["d_pc"] < known["d_kpc"])
        & ~np.isnan(known["d_kpc"]),
    }


@pytest.mark.parametrize(("file", "block"), [("raw.fits", 1000), ("raw.fits", 7), ("raw.fits.gz", 1000)])
def test_a_catalogue_of_computed_columns(file: str, block: int, client: Workers, tmp_path: Path):
    stars = made_up()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AstropyUserWarning)  # on the name [Fe/H] and the unit dex
        stars.write(tmp_path / file)
    assert "TDIM11" in fits.getheader(tmp_path / file, 1)
    (tmp_path / "raw.toml").write_text(DEFINITION)
    (tmp_path / "run.toml").write_text(RUN.replace("FILE", file).replace("BLOCK", str(block)))
    run = load_run(tmp_path / "run.toml", tmp_path, tmp_path / "out")
    receipt = ingest.run(run, client, "a")
    made = open_catalogue(paths.catalogue(run.output, "raw")).read().sort_by("id").to_pandas()
    best = [pair[np.argmin(stars["sigma"][pair])] for pair in np.arange(N_STARS).reshape(-1, 2)]
    truth = expected(stars[best])
    assert receipt.counts.n_good == truth["GOOD"].sum() > 2
    for name, values in truth.items():
        # single precision of the catalogue; of differences of single columns a few times that of their terms
        assert_allclose(made[name], values, rtol=3e-7, atol=1e-7, err_msg=name)
    assert_array_equal(made["id"], stars["id"][best])
    named = {
        str(line["source"]): str(line["unit_in_file"])
        for line in Table.read(run.output / "catalogues/raw/columns.ecsv")
    }
    assert named["d_kpc + d_pc"] == "kpc"
    assert named["1 / parallax"] == "1 / mas"
