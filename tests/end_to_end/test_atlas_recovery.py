"""Gradients, break, flare and north against south of the mock Galaxy: found from B and A on one scale, not from raw A.

A on the scale of B is here what a perfect translation gives: the truth with the noise of A. The numbers in
docs/atlas.md are those that `pytest -s` prints.
"""

from itertools import product

import numpy as np
import pyarrow as pa
import pytest
from astropy.table import Table

from stdask.config.atlas import load_atlas
from stdask.mock.galaxy import GALAXY
from stdask.mock.surveys import mock_surveys
from stdask.stages.atlas import gradients as atlas_gradients
from stdask.stages.atlas import maps as atlas_maps
from stdask.stages.atlas import profiles as atlas_profiles
from stdask.stages.atlas.table import run_table
from stdask.storage.tables import write_parquet

pytestmark = pytest.mark.slow

ATLAS = """
output = "{name}"
[table]
file = "mock.parquet"
distance = "DISTANCE"
columns = {{ LOGG = "LOGG", FE_H = "FE_H_{name}", MG_FE = "MG_FE_{name}" }}
survey = "SURVEY"
reference = "B"
[atlas]
select = {{ LOGG = [1.0, 3.5] }}
alpha = "{alpha}"
"""
CLEAN = (("A", "flag_sp"), ("A", "flag_fe_h"), ("A", "flag_mg_fe"), ("B", "ASPCAPFLAG"))  # 0 for a good star


@pytest.fixture(scope="module")
def folder(tmp_path_factory, client):
    """Return the atlases of all stars, by what the stars of A have: the truth, what a translation gives, raw values."""
    folder = tmp_path_factory.mktemp("recovery")
    mock, rng = mock_surveys(250_000, 250_000, 500, 11), np.random.default_rng(3)
    names_a = ("ra", "dec", "dist", "logg", "fe_h", "mg_fe")
    names_b = ("RA", "DEC", "dist", "LOGG", "M_H", "MG_FE")
    parts = []
    for survey, rows, truth, names in (("A", mock.a, mock.truth_a, names_a), ("B", mock.b, mock.truth_b, names_b)):
        ra, dec, distance, logg, fe_h, mg_fe = (np.asarray(rows[name], dtype=float) for name in names)
        good = np.all([rows[flag] == 0 for side, flag in CLEAN if side == survey], axis=0)
        good &= np.isfinite(fe_h) & np.isfinite(mg_fe) & (fe_h > -5) & (mg_fe > -5) & np.isfinite(ra)
        part = {"ra": ra, "dec": dec, "DISTANCE": distance, "LOGG": logg}
        for label, raw in (("FE_H", fe_h), ("MG_FE", mg_fe)):
            noise = rng.normal(0, 0.05 if label == "FE_H" else 0.03, len(raw))
            shared = truth[label] + noise if survey == "A" else raw
            part |= {f"{label}_true": truth[label], f"{label}_merged": shared, f"{label}_raw": raw}
        parts.append({name: values[good] for name, values in part.items()} | {"SURVEY": np.full(good.sum(), survey)})
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    write_parquet(folder / "mock.parquet", pa.table(table))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atlas_maps, "write_map_figures", lambda *_: [])
        for module in (atlas_profiles, atlas_gradients):  # the tables are looked at, not the figures
            patch.setattr(module, "write_figures", lambda *_: [])
        for name, alpha in product(("true", "merged", "raw"), ("all", "low")):
            (folder / "atlas.toml").write_text(ATLAS.format(name=name, alpha=alpha))
            run_table(load_atlas(folder / "atlas.toml", folder / f"{name}_{alpha}"), client)
    return folder


def read(folder, name, table, alpha="all"):
    found = Table.read(folder / f"{name}_{alpha}" / f"{table}.ecsv")
    return (
        found[found["SEGMENT"] == 1] if "SEGMENT" in found.colnames else found
    )  # slopes of the bins with the most stars


def pulls(found, truth, value, error, sample="MERGED"):
    """Return by how many of its errors each row differs from the same row of the truth."""
    keys = [name for name in ("LABEL", "KIND", "SIDE", "LOW", "HIGH", "R_LOW", "R_HIGH") if name in found.colnames]
    rows = {tuple(row[keys]): row for row in truth[truth["SAMPLE"] == sample]}
    pairs = [(row, rows[tuple(row[keys])]) for row in found[found["SAMPLE"] == sample] if tuple(row[keys]) in rows]
    return np.array([(mine[value] - right[value]) / mine[error] for mine, right in pairs if np.isfinite(mine[value])])


def near_the_midplane(table):
    rows = (table["LABEL"] == "FE_H") & (table["KIND"] == "radial") & (table["SIDE"] == "both") & (table["HIGH"] <= 2)
    return table[rows]


def test_the_break_and_the_slopes_of_the_metallicity_are_those_of_the_mock_and_of_its_stars(folder):
    found, truth = (near_the_midplane(read(folder, name, "gradients")) for name in ("merged", "true"))
    columns = ["LOW", "HIGH", *(f"{name}{ending}" for name in ("BREAK", "INNER", "OUTER") for ending in ("", "_ERR"))]
    found[found["SAMPLE"] == "MERGED"][columns].pprint(max_width=-1)
    off = np.concatenate([pulls(found, truth, name, f"{name}_ERR") for name in ("BREAK", "INNER", "OUTER")])
    assert len(off) == 12  # four slices
    assert np.mean(np.abs(off) < 2) > 0.9
    # further from the midplane the thick disc, which has no gradient, changes what all stars together do
    merged = found[(found["SAMPLE"] == "MERGED") & (found["HIGH"] <= 0.5)]
    # three errors: chance alone takes one of four numbers beyond them in one mock of a hundred
    assert (np.abs(merged["BREAK"] - GALAXY.break_radius) < 3 * merged["BREAK_ERR"]).all()
    assert (np.abs(merged["INNER"] - GALAXY.inner_gradient) < 3 * merged["INNER_ERR"]).all()


def test_slopes_of_untranslated_stars_are_not_those_of_the_mock(folder):
    found, truth = (near_the_midplane(read(folder, name, "gradients")) for name in ("raw", "true"))
    off = np.concatenate([pulls(found, truth, name, f"{name}_ERR") for name in ("INNER", "OUTER")])
    assert np.abs(off).max() > 3


def test_vertical_slopes_are_those_of_the_stars_and_of_untranslated_ones_not(folder):
    shares = {}
    for kind, name, part in product(("radial", "vertical"), ("merged", "raw"), ("INNER", "OUTER")):
        found, truth = (read(folder, values, "gradients") for values in (name, "true"))
        found, truth = (table[table["KIND"] == kind] for table in (found, truth))
        for error in ("ERR", "TOTAL"):
            near = np.abs(pulls(found, truth, part, f"{part}_{error}")) < 2
            print(f"{kind} slopes, {part}, {name}: {near.sum()} of {near.size} within 2 {error}")
            if kind == "vertical" and error == "ERR":
                shares[name, part] = np.mean(near)
    assert shares["merged", "OUTER"] > 0.9
    # Near the plane [Mg/Fe] changes from one sequence to the other, and noise alone moves where its median does:
    # mocks of three seeds have 0.74, 0.79 and more than 0.8 of the merged slopes within two errors.
    assert shares["raw", "INNER"] < 0.7 < shares["merged", "INNER"]


def test_north_and_south_differ_where_the_disc_is_bent_and_nowhere_else(folder):
    found, truth = (read(folder, name, "asymmetry") for name in ("merged", "true"))
    assert np.abs(pulls(found, truth, "DIFFERENCE", "ERR")).max() < 2
    rows = found[(found["SAMPLE"] == "MERGED") & (found["LABEL"] == "FE_H")]
    print(rows["R_LOW", "R_HIGH", "DIFFERENCE", "ERR"])
    bent, flat = rows[rows["R_LOW"] == 12], rows[(rows["R_HIGH"] <= 12) & (rows["R_HIGH"] - rows["R_LOW"] < 3)]
    assert bent["DIFFERENCE"][0] > 5 * bent["ERR"][0]
    assert bent["P_VALUE"][0] < 1e-4
    assert (np.abs(flat["DIFFERENCE"]) < 3 * flat["ERR"]).all()


def test_the_low_alpha_disc_flares(folder):
    found, truth = (read(folder, name, "gradients", "low") for name in ("merged", "true"))
    found, truth = (table[table["KIND"] == "flare"] for table in (found, truth))
    assert np.abs(pulls(found, truth, "OUTER", "OUTER_ERR")).max() < 2
    merged = found[found["SAMPLE"] == "MERGED"]
    assert merged["OUTER"][0] > 10 * merged["OUTER_ERR"][0]


def test_the_seam_of_the_surveys_is_seen_in_raw_values_and_not_on_one_scale(folder):
    seams = {name: read(folder, name, "seam") for name in ("merged", "raw")}
    whole = {name: table[(table["R_LOW"] == 0) & (table["R_HIGH"] == 14)] for name, table in seams.items()}
    magnesium = {name: rows[rows["LABEL"] == "MG_FE"][0] for name, rows in whole.items()}
    assert abs(magnesium["merged"]["DIFFERENCE"]) < 2 * magnesium["merged"]["ERR"]
    assert abs(magnesium["raw"]["DIFFERENCE"]) > 5 * magnesium["raw"]["ERR"]
