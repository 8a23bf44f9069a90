"""Maps and profiles of a hand-made merged catalogue against numpy."""

import healpy as hp
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_allclose, assert_array_equal

from stdask import schema
from stdask.errors import CatalogueError, ConfigError
from stdask.science.galaxy.bins import MAPS, PROFILES
from stdask.stages.atlas import gradients as atlas_gradients
from stdask.stages.atlas import maps as atlas_maps
from stdask.stages.atlas import profiles as atlas_profiles
from stdask.stages.atlas import stage as atlas
from stdask.stages.atlas import tasks as atlas_tasks
from stdask.stages.atlas.comparisons import before_after as atlas_before_after
from stdask.stages.atlas.comparisons import figures as atlas_comparisons
from stdask.stages.atlas.planes import diagrams as atlas_diagrams
from stdask.storage import paths
from stdask.storage.tables import read_parquet, to_masked
from tests import hand_made
from tests.hand_made import LABEL_B, A, B, make_run, write_catalogue
from tests.map_cubes import read_map_cube

N_STARS = 12_000
SETTINGS = {"bin_kpc": 0.5, "max_radius_kpc": 12.0, "max_height_kpc": 3.0, "n_bootstraps": 100}
TABLES = (
    *(f"map_{view}.{ending}" for view in MAPS for ending in ("fits", "parquet")),
    *(f"profile_{kind}.ecsv" for kind in PROFILES),
    "diagram_kiel.fits",
    "diagram_abundances.fits",
    "gradients.ecsv",
    "asymmetry.ecsv",
    "seam.ecsv",
    "before_after.ecsv",
)
FIGURES = tuple(
    f"{name}.{ending}"
    for name in (
        *(
            f"{kind}{part}"
            for kind in (*(f"map_{v}" for v in MAPS), *(f"profile_{k}" for k in PROFILES))
            for part in ("", "_untranslated")
        ),
        *(f"map_{view}_{of}" for view in MAPS for of in ("change", "error", "high_alpha")),
        *(f"map_{view}_excess" for view in MAPS if view != "all_sky"),
        "gradients",
        "before_after",
        "seam",
        "asymmetry",
        "diagram_kiel",
        "diagram_abundances",
    )
    for ending in ("png", "pdf")
)
PLANES = (
    *(
        "{}_MEDIAN",
        "N_{}",
        "{}_ADAPTIVE",
        "{}_ADAPTIVE_ERR",
        "N_{}_ADAPTIVE",
        "{}_CHANGE",
        "{}_MAD",
        "{}_P16",
        "{}_P84",
    ),
    *("{}_ERROR", "{}_TRANSLATION", "{}_EXCESS", "{}_EXCESS_ERR", "{}_EXCESS_SMOOTH"),
)
MEMBERS = ("MEMBER_1", "MEMBER_2", "MEMBER_3")
COLUMNS = (
    schema.SURVEY,
    schema.IN_PAIRS,
    schema.STAR_KEY,
    *schema.POSITION,
    *(c for label in LABEL_B for c in schema.measured_columns(label)),
    *(schema.Column(f"{label}_{name}", "float32") for label in ("FE_H", "MG_FE") for name in ("RAW", *MEMBERS)),
    *(schema.Column(schema.sample_name(label), "float32") for label in LABEL_B),
    *schema.DISTANCE,
    *schema.GALACTOCENTRIC,
    schema.ORBITS[1],
)


def disc(seed=5):
    """Return a disc with gradients: A in the outer part without [Mg/Fe], B in the inner one."""
    rng = np.random.default_rng(seed)
    radius, azimuth = rng.uniform(1, 14, N_STARS), rng.uniform(0, 2 * np.pi, N_STARS)
    z = rng.laplace(0, 0.6, N_STARS)
    data = {column.name: np.full(N_STARS, np.nan) for column in COLUMNS} | {
        "SURVEY": np.where(rng.random(N_STARS) < radius / 14, A, B).astype(object),
        "ra": rng.uniform(0, 360, N_STARS),
        "dec": rng.uniform(-80, 80, N_STARS),
        "TEFF": rng.normal(4700, 200, N_STARS),
        "LOGG": rng.uniform(1.0, 3.0, N_STARS),
        "FE_H": 0.3 - 0.06 * radius - 0.2 * np.abs(z) + rng.normal(0, 0.1, N_STARS),
        "X_GC": radius * np.cos(azimuth),
        "Y_GC": radius * np.sin(azimuth),
        "Z_GC": z,
        "R_GC": radius,
    }
    data["MG_FE"] = np.where(data["SURVEY"] == B, 0.1 * np.abs(z), np.nan)
    data["FE_H_ERR"] = np.full(N_STARS, 0.05)
    for number, name in enumerate(MEMBERS):
        data[f"FE_H_{name}"] = np.where(data["SURVEY"] == B, data["FE_H"], data["FE_H"] + 0.01 * (number - 1))
        data[f"MG_FE_{name}"] = data["MG_FE"]
    data["FE_H_RAW"] = np.where(data["SURVEY"] == B, data["FE_H"], data["FE_H"] + 0.15)
    data["MG_FE_RAW"] = data["MG_FE"]
    data["STAR_KEY"] = rng.integers(0, 2**63, N_STARS, dtype=np.uint64)
    # as in run 1: outside 8 kpc all stars of B are in A too, inside every fifth; a seam of independent stars is inside
    data["IN_PAIRS"] = (data["SURVEY"] == B) & ((radius > 8) | (data["STAR_KEY"] % 5 == 0))
    data["LOGG"][:50] = np.nan
    data |= {schema.sample_name(label): data[label] for label in LABEL_B}
    for column in schema.GALACTOCENTRIC:
        data[column.name][50:120] = np.nan
    return {name: v if v.dtype.kind in "Ouib" else v.astype(np.float32) for name, v in data.items()}


def prepare(tmp_path, data, most=2000, **settings):
    run = make_run(tmp_path, atlas=SETTINGS | settings)
    write_catalogue(run, paths.MERGED, COLUMNS, data, most)
    hand_made.write_receipts(run, "ingest_b", "pair", "evaluate", "translate", "merge")
    return run


def chosen(data):
    with np.errstate(invalid="ignore"):
        return (data["LOGG"] > 1.5) & (data["LOGG"] < 2.5) & (data["R_GC"] < 12) & (np.abs(data["Z_GC"]) < 3)


@pytest.fixture(scope="module", autouse=True)
def without_training_stars():
    """Leave out the figure that reads the catalogues of both surveys: there are none behind one made by hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atlas, "write_parameter_space", lambda *_: [])
        patch.setattr(atlas, "training_keys", lambda *_: None)
        yield


@pytest.fixture
def undrawn(monkeypatch):
    """Leave the figures undrawn: for tests of the tables."""
    monkeypatch.setattr(atlas_maps, "write_map_figures", lambda *_: [])
    for module in (atlas_profiles, atlas_gradients, atlas_diagrams, atlas_before_after, atlas_comparisons):
        monkeypatch.setattr(module, "write_figures", lambda *_: [])
        drawings = ("profiles", "gradients", "diagrams", "before_after", "comparisons")
        for name in (f"draw_{drawing}" for drawing in drawings):
            monkeypatch.setattr(module, name, lambda *_, **__: None, raising=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory, client):
    """A run whose atlas is drawn, its receipt and its stars."""
    data = disc()
    run = prepare(tmp_path_factory.mktemp("atlas"), data)
    return run, atlas.run(run, client), data


def test_every_star_is_drawn_or_set_aside_with_a_reason(done):
    _, receipt, data = done
    rows = receipt.counts.rows
    assert rows.n_in == N_STARS
    assert rows.n_out == chosen(data).sum() == sum(receipt.counts.by_survey.values())
    assert rows.set_aside["no LOGG"] == 50
    assert rows.set_aside[atlas_tasks.NO_DISTANCE] == 70
    assert set(rows.set_aside) == {
        "no LOGG",
        atlas_tasks.NO_DISTANCE,
        "LOGG not between 1.5 and 2.5",
        atlas_tasks.BEYOND,
    }


@pytest.mark.parametrize(("sample", "of_b"), [("ALONE", True), ("MERGED", False)])
def test_edge_on_maps_equal_numpys_medians_in_every_pixel(done, sample, of_b):
    run, _, data = done
    cube = read_map_cube(paths.products(run.output) / "map_edge_on.fits", sample)
    shares = ["HIGH_ALPHA", "N_HIGH_ALPHA", "HIGH_ALPHA_P16", "HIGH_ALPHA_P84"]
    assert list(cube) == ["COUNT", "HEIGHT", *(name.format(x) for x in ("FE_H", "MG_FE") for name in PLANES), *shares]
    stars = chosen(data) & ((data["SURVEY"] == B) | (not of_b))
    signed = np.copysign(data["R_GC"], data["X_GC"]).astype(float)
    columns, rows = np.floor(signed / 0.5) + 24, np.floor(data["Z_GC"].astype(float) / 0.5) + 6
    for row in range(12):
        for column in range(48):
            inside = stars & (rows == row) & (columns == column)
            assert cube["COUNT"][row, column] == inside.sum()
            expected = np.median(data["FE_H"][inside]) if inside.sum() >= 3 else np.float32(np.nan)
            assert_array_equal(cube["FE_H_MEDIAN"][row, column], np.float64(expected))


def test_face_on_maps_hold_the_median_height_of_stars_near_the_plane(done):
    run, _, data = done
    cube = read_map_cube(paths.products(run.output) / "map_face_on.fits", "MERGED")
    near = chosen(data) & (np.abs(data["Z_GC"]) < 1)
    assert cube["COUNT"].sum() == near.sum()
    inside = near & (np.floor(data["X_GC"] / 0.5) == -9) & (np.floor(data["Y_GC"] / 0.5) == 2)
    assert inside.sum() > 0
    assert cube["HEIGHT"][26, 15] == np.median(np.abs(data["Z_GC"][inside]))


def test_maps_carry_where_they_come_from(done):
    run, _, _ = done
    header = fits.getheader(paths.products(run.output) / "map_face_on.fits")
    assert (header["SURVEYA"], header["SURVEYB"]) == (A, B)
    assert header["SELECT1"] == "1.5 < LOGG < 2.5"
    assert header["MAXABSZ"] == 1.0


def test_radial_profiles_equal_numpys_medians_of_the_stars_in_each_bin(done):
    run, _, data = done
    table = Table.read(paths.products(run.output) / "profile_radial.ecsv")
    assert table["R_CENTRE"].unit == "kpc"
    assert table["FE_H_MEDIAN"].unit == "dex"
    assert set(table["SIDE"]) == {"north", "south"}
    assert len(table) > 50
    for row in table[(table["SAMPLE"] == "ALONE") | (table["SAMPLE"] == "MERGED")]:
        height = data["Z_GC"] if row["SIDE"] == "north" else -data["Z_GC"]
        inside = chosen(data) & (height >= row["Z_LOW"]) & (height < row["Z_HIGH"])
        inside &= (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
        inside &= (data["SURVEY"] == B) | (row["SAMPLE"] != "ALONE")
        assert row["N_FE_H"] == inside.sum() >= 20
        assert row["FE_H_MEDIAN"] == np.median(data["FE_H"][inside])
        assert row["FE_H_P16"] <= row["FE_H_P84"]
        assert np.isnan(row["MG_FE_MEDIAN"]) == (row["N_MG_FE"] < 20)


def test_errors_of_profiles_are_band_translation_and_noise_and_known_without_a_translation(done):
    """The members move all of A by 0.01 dex and B not at all: a median of both is moved by what lies between.

    Trained on 80 per cent of the same pairs each, they scatter by half the error that other pairs would cause.
    """
    run, *_ = done
    table = Table.read(paths.products(run.output) / "profile_radial.ecsv")
    table = table[np.isfinite(table["FE_H_MEDIAN"])]
    translation, band = (
        np.asarray(v) for v in (table["FE_H_TRANSLATION"], (table["FE_H_P84"] - table["FE_H_P16"]) / 2)
    )
    alone, merged, a_only = (np.asarray(table["SAMPLE"] == sample) for sample in ("ALONE", "MERGED", "A_ONLY"))
    assert np.isnan(translation[alone]).all()
    assert_allclose(translation[a_only], 0.02, rtol=1e-4)  # medians are float32
    assert 0.002 < translation[merged].max() < 0.0202
    shift, noise = (np.asarray(table[f"FE_H_{name}"]) for name in ("NOISE_SHIFT", "NOISE"))
    noisy = alone | merged | a_only
    assert np.isfinite(shift[noisy]).all()
    assert np.isnan(shift[~noisy]).all()  # errors of untranslated values are not known
    beyond_chance = np.sqrt(np.maximum(np.nan_to_num(shift) ** 2 - np.nan_to_num(noise) ** 2, 0))
    total = np.sqrt(band**2 + np.nan_to_num(translation) ** 2 + beyond_chance**2)
    assert_allclose(table["FE_H_TOTAL"], total, rtol=1e-5)
    assert (beyond_chance > 0).any()


def test_vertical_profiles_find_the_gradient_that_was_put_in(done):
    run, *_ = done
    table = Table.read(paths.products(run.output) / "profile_vertical.ecsv")
    ring = table[(table["SAMPLE"] == "MERGED") & (table["R_LOW"] == 6)]
    assert len(ring) > 5
    slope, _ = np.polyfit(np.abs(ring["Z_CENTRE"]), ring["FE_H_MEDIAN"], 1)
    # 860 stars of scatter 0.11 over |Z| of spread 0.4 kpc: 1.25 * 0.11 / (0.4 sqrt(860)) = 0.012; 4 sigma
    assert_allclose(slope, -0.2, atol=0.05)


def filled_pixels(run, view):
    return Table(to_masked(read_parquet(paths.products(run.output) / f"map_{view}.parquet")))


def stars_of(data, sample):
    """Return which stars a sample holds and their [Fe/H], by numpy."""
    of_b = data["SURVEY"] == B
    inside = {"ALONE": of_b, "MERGED": True, "UNTRANSLATED": True, "A_ONLY": ~of_b, "RAW_ONLY": ~of_b}[sample]
    return chosen(data) & inside, data["FE_H_RAW" if sample in ("UNTRANSLATED", "RAW_ONLY") else "FE_H"]


@pytest.mark.parametrize("sample", ["ALONE", "MERGED", "UNTRANSLATED", "A_ONLY", "RAW_ONLY"])
def test_each_sample_has_its_stars_and_their_values_in_every_pixel(done, sample):
    run, _, data = done
    table = filled_pixels(run, "face_on")
    stars, values = stars_of(data, sample)
    stars &= np.abs(data["Z_GC"]) < 1
    own = table[table["SAMPLE"] == sample]
    assert own["COUNT"].sum() == stars.sum()
    for row in own[:: len(own) // 40]:
        inside = stars & (np.abs(data["X_GC"] - row["X_GC"]) < 0.25) & (np.abs(data["Y_GC"] - row["Y_GC"]) < 0.25)
        assert row["N_FE_H"] == inside.sum()
        if row["N_FE_H"] > 2:
            expected = np.median(values[inside])
            assert row["FE_H_MEDIAN"] == expected
            assert row["FE_H_MAD"] == np.median(np.abs(values[inside] - expected))
            assert row["FE_H_P16"] <= expected <= row["FE_H_P84"]
        else:  # of no median is anything known from one star or two
            assert np.isnan([row[f"FE_H_{name}"] for name in ("MEDIAN", "MAD", "P16", "P84")]).all()


def test_the_change_of_a_pixel_is_that_of_the_median_of_the_same_stars(done):
    """A is translated by -0.15 dex: all of it in pixels of A alone, less where stars of B do not move."""
    run, _, data = done
    table = filled_pixels(run, "face_on")
    for sample, before in (("MERGED", "UNTRANSLATED"), ("A_ONLY", "RAW_ONLY")):
        own = table[(table["SAMPLE"] == sample) & (table["N_FE_H"] > 2)]
        stars, after = stars_of(data, sample)
        stars &= np.abs(data["Z_GC"]) < 1
        for row in own[:: len(own) // 40]:
            inside = stars & (np.abs(data["X_GC"] - row["X_GC"]) < 0.25) & (np.abs(data["Y_GC"] - row["Y_GC"]) < 0.25)
            expected = np.median(after[inside]) - np.median(stars_of(data, before)[1][inside])
            assert row["FE_H_CHANGE"] == expected
    of_a = table[(table["SAMPLE"] == "A_ONLY") & (table["N_FE_H"] > 2)]
    assert_allclose(of_a["FE_H_CHANGE"], -0.15, atol=1e-6)  # float32
    others = table[~np.isin(table["SAMPLE"], ["MERGED", "A_ONLY"])]
    assert np.isnan(others["FE_H_CHANGE"]).all()


def test_a_pixel_with_few_stars_shows_the_median_of_the_smallest_cell_with_three(done):
    run, _, data = done
    cube = read_map_cube(paths.products(run.output) / "map_face_on.fits", "A_ONLY")
    stars, values = stars_of(data, "A_ONLY")
    stars &= np.abs(data["Z_GC"]) < 1
    rows, columns = (np.floor(np.nan_to_num(data[name], nan=99) / 0.5).astype(int) for name in ("Y_GC", "X_GC"))
    sizes = set()
    for row, column in np.argwhere(cube["COUNT"] < 20)[::7]:  # from the lower left; the centre is in the middle
        for level in range(4):
            inside = stars & (rows >> level == row - 24 >> level) & (columns >> level == column - 24 >> level)
            if inside.sum() >= 3:
                sizes.add(level)
                assert cube["FE_H_ADAPTIVE"][row, column] == np.median(values[inside])
                assert cube["N_FE_H_ADAPTIVE"][row, column] == inside.sum()
                assert cube["FE_H_ADAPTIVE_ERR"][row, column] > 0
                break
        else:
            assert np.isnan(cube["FE_H_ADAPTIVE"][row, column])
    assert len(sizes) > 2
    full = cube["COUNT"] >= 3
    assert_array_equal(cube["FE_H_ADAPTIVE"][full], cube["FE_H_MEDIAN"][full])


@pytest.mark.parametrize("view", ["face_on", "edge_on"])
def test_a_disc_without_arms_has_no_excess_beyond_its_errors(done, view):
    run, *_ = done
    cube = read_map_cube(paths.products(run.output) / f"map_{view}.fits", "MERGED")
    known = np.isfinite(cube["FE_H_EXCESS"]) & (cube["N_FE_H"] >= 5)
    assert known.sum() > 200
    pulls = (cube["FE_H_EXCESS"] / cube["FE_H_EXCESS_ERR"])[known]
    share = np.mean(np.abs(pulls) < 1)
    assert 0.58 < share < 0.78  # 68 per cent; of 200 pixels by chance within 0.033, three times that
    weighted = np.average(cube["FE_H_EXCESS"][known], weights=cube["N_FE_H"][known])
    assert abs(weighted) < 0.01  # some 1300 stars: 1.25 * 0.1 / sqrt(1300) = 0.0035, three times that
    assert np.nanstd(cube["FE_H_EXCESS_SMOOTH"]) < 0.4 * np.std(cube["FE_H_EXCESS"][known])


@pytest.mark.usefixtures("undrawn")
def test_an_arm_is_found_in_the_excess_where_it_was_put(tmp_path, client):
    data = disc()
    arm = 0.12 * np.exp(-((data["X_GC"] + 6) ** 2 + (data["Y_GC"] - 3) ** 2) / 2 / 1.5**2)
    data["FE_H"] = (data["FE_H"] + np.nan_to_num(arm)).astype(np.float32)
    run = prepare(tmp_path, data, n_bootstraps=20, translation_errors=False, select={})
    atlas.run(run, client)
    cube = read_map_cube(paths.products(run.output) / "map_face_on.fits", "MERGED")
    y, x = (np.indices((48, 48)) - 23.5) * 0.5
    expected = 0.12 * np.exp(-((x + 6) ** 2 + (y - 3) ** 2) / 2 / 1.5**2)
    smooth = cube["FE_H_EXCESS_SMOOTH"]
    known = np.isfinite(smooth)
    height = 0.12 * np.sum((smooth * expected)[known]) / np.sum(expected[known] ** 2)
    # The trend takes what the arm adds to the median of its ring, up to 3.8 of 42 kpc. Smoothing by 0.5 kpc lowers the
    # middle by 1 - 1.5^2 / (1.5^2 + 0.5^2) = 0.1 of it and widens the whole. Noise: some 170 stars under the arm,
    # 1.25 * 0.1 / sqrt(170) = 0.010, twice that.
    assert_allclose(height, 0.12 * (0.95 - 0.09), atol=0.02)


@pytest.mark.usefixtures("undrawn")
def test_the_share_of_high_alpha_stars_is_numpys_mean_of_those_with_both_labels(tmp_path, client):
    """Samples of translated stars, not their medians: those have the scatter of B."""
    data, rng = disc(), np.random.default_rng(8)
    for name in ("MG_FE_SAMPLE", "MG_FE_RAW"):
        data[name] = rng.normal(0.15, 0.1, N_STARS).astype(np.float32)
    data["MG_FE_SAMPLE"][::4] = np.nan
    run = prepare(tmp_path, data, n_bootstraps=10, translation_errors=False)
    atlas.run(run, client)
    pixels, profile = filled_pixels(run, "face_on"), Table.read(paths.products(run.output) / "profile_radial.ecsv")
    for sample in ("MERGED", "UNTRANSLATED"):
        sampled = (data["SURVEY"] == B) | (sample == "MERGED")
        metallicity, abundance = (np.where(sampled, data[f"{x}_SAMPLE"], data[f"{x}_RAW"]) for x in ("FE_H", "MG_FE"))
        above, known = abundance > 0.10 - 0.16 * metallicity, chosen(data) & np.isfinite(metallicity + abundance)
        for row in pixels[pixels["SAMPLE"] == sample][::60]:
            inside = known & (np.abs(data["X_GC"] - row["X_GC"]) < 0.25) & (np.abs(data["Y_GC"] - row["Y_GC"]) < 0.25)
            inside &= np.abs(data["Z_GC"]) < 1
            assert row["N_HIGH_ALPHA"] == inside.sum()
            if row["N_HIGH_ALPHA"] >= 3:
                assert row["HIGH_ALPHA"] == np.float32(above[inside].mean())
                assert row["HIGH_ALPHA_P16"] <= row["HIGH_ALPHA"] <= row["HIGH_ALPHA_P84"]
            else:
                assert np.isnan(row["HIGH_ALPHA"])
        for row in profile[profile["SAMPLE"] == sample][::9]:
            height = data["Z_GC"] if row["SIDE"] == "north" else -data["Z_GC"]
            inside = known & (height >= row["Z_LOW"]) & (height < row["Z_HIGH"])
            inside &= (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
            assert row["N_HIGH_ALPHA"] == inside.sum()
            assert inside.sum() < 20 or row["HIGH_ALPHA"] == np.float32(above[inside].mean())


@pytest.mark.usefixtures("undrawn")
def test_any_number_of_the_catalogue_can_be_mapped_and_only_what_is_translated_changes(tmp_path, client):
    data = disc()
    data["R_GUIDE"] = (data["R_GC"] + np.random.default_rng(2).normal(size=N_STARS)).astype(np.float32)
    run = prepare(tmp_path, data, n_bootstraps=10, translation_errors=False, labels=("FE_H", "R_GUIDE"))
    atlas.run(run, client)
    cube = read_map_cube(paths.products(run.output) / "map_edge_on.fits", "UNTRANSLATED")
    signed = np.copysign(data["R_GC"], data["X_GC"]).astype(float)
    columns, rows = np.floor(signed / 0.5) + 24, np.floor(data["Z_GC"].astype(float) / 0.5) + 6
    for row, column in np.argwhere(cube["N_R_GUIDE"] > 5)[::10]:
        inside = chosen(data) & (rows == row) & (columns == column)
        assert cube["R_GUIDE_MEDIAN"][row, column] == np.median(data["R_GUIDE"][inside])
    merged = read_map_cube(paths.products(run.output) / "map_edge_on.fits", "MERGED")
    assert np.isnan(merged["R_GUIDE_CHANGE"]).all()
    assert np.nanmax(np.abs(merged["FE_H_CHANGE"])) > 0.1
    table = Table.read(paths.products(run.output) / "profile_radial.ecsv")
    assert table["R_GUIDE_MEDIAN"].unit == "kpc"  # the unit of the catalogue


@pytest.mark.usefixtures("undrawn")
def test_with_guiding_radii_stars_lie_where_their_angular_momentum_belongs(tmp_path, client):
    data = disc()
    moving = np.arange(N_STARS) % 3 > 0
    data["R_GUIDE"] = np.where(moving, 0.8 * data["R_GC"], np.nan).astype(np.float32)
    run = prepare(tmp_path, data, n_bootstraps=20, translation_errors=False, radius="R_GUIDE")
    rows = atlas.run(run, client).counts.rows
    with np.errstate(invalid="ignore"):
        kept = (data["LOGG"] > 1.5) & (data["LOGG"] < 2.5) & (data["R_GUIDE"] < 12) & (np.abs(data["Z_GC"]) < 3)
    assert rows.n_out == kept.sum()
    assert rows.set_aside["no R_GUIDE"] == (~moving & np.isfinite(data["X_GC"])).sum()
    near = kept & (np.abs(data["Z_GC"]) < 1)
    face_on = read_map_cube(paths.products(run.output) / "map_face_on.fits", "MERGED")
    y, x = (0.8 * data[name][near].astype(float) for name in ("Y_GC", "X_GC"))
    edges = np.linspace(-12, 12, 49)
    # rounding of float32 may carry a star over the edge of its pixel
    assert np.abs(face_on["COUNT"] - np.histogram2d(y, x, (edges, edges))[0]).sum() <= 4
    table = Table.read(paths.products(run.output) / "profile_radial.ecsv")
    assert table.meta["radius"] == "R_GUIDE"
    for row in table[table["SAMPLE"] == "MERGED"][::5]:
        height = data["Z_GC"] if row["SIDE"] == "north" else -data["Z_GC"]
        inside = kept & (height >= row["Z_LOW"]) & (height < row["Z_HIGH"])
        inside &= (data["R_GUIDE"] >= row["R_LOW"]) & (data["R_GUIDE"] < row["R_HIGH"])
        assert row["FE_H_MEDIAN"] == np.median(data["FE_H"][inside])


def test_radial_profiles_of_a_as_measured_are_numpys_medians_of_its_own_values(done):
    run, _, data = done
    table = Table.read(paths.products(run.output) / "profile_radial.ecsv")
    own = table[(table["SAMPLE"] == "RAW_ONLY") & np.isfinite(table["FE_H_MEDIAN"])]
    assert len(own) > 20
    for row in own:
        height = data["Z_GC"] if row["SIDE"] == "north" else -data["Z_GC"]
        inside = chosen(data) & (height >= row["Z_LOW"]) & (height < row["Z_HIGH"]) & (data["SURVEY"] == A)
        inside &= (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
        assert row["N_FE_H"] == inside.sum()
        assert row["FE_H_MEDIAN"] == np.median(data["FE_H_RAW"][inside])


def test_new_pixels_are_those_of_merged_without_a_star_of_b(done):
    run, _, _ = done
    table = filled_pixels(run, "edge_on")
    filled = {"ALONE": table["COUNT"] > 0, "MERGED": table["COUNT"] >= 3}
    places = {
        name: {(r["R_GC"], r["Z_GC"]) for r in table[own & (table["SAMPLE"] == name)]} for name, own in filled.items()
    }
    new = {(row["R_GC"], row["Z_GC"]) for row in table[table["NEW"]]}
    assert new == places["MERGED"] - places["ALONE"]
    assert new


def test_translation_errors_of_maps_are_twice_the_scatter_of_those_of_single_networks(done):
    run, _, data = done
    cube = read_map_cube(paths.products(run.output) / "map_edge_on.fits", "MERGED")
    stars = chosen(data)
    signed = np.copysign(data["R_GC"], data["X_GC"]).astype(float)
    columns, rows = np.floor(signed / 0.5) + 24, np.floor(data["Z_GC"].astype(float) / 0.5) + 6
    found, expected = [], []
    for row, column in np.argwhere(cube["N_FE_H"] > 20):
        inside = stars & (rows == row) & (columns == column)
        scatter = np.std([np.median(data[f"FE_H_{name}"][inside]) for name in MEMBERS], ddof=1)
        expected.append(2 * scatter)  # sqrt(f / (1 - f)) for networks that share f = 80 per cent of the pairs
        found.append(cube["FE_H_TRANSLATION"][row, column])
    assert len(found) > 20
    assert_allclose(found, expected, atol=1e-6)  # float32
    assert np.isnan(read_map_cube(paths.products(run.output) / "map_edge_on.fits", "ALONE")["FE_H_TRANSLATION"]).all()


def test_maps_of_the_sky_equal_numpys_medians_in_healpys_pixels(done):
    run, _, data = done
    path = paths.products(run.output) / "map_all_sky.fits"
    counts, medians = hp.read_map(path, field=["COUNT", "FE_H_MEDIAN"], nest=True, hdu="MERGED")
    stars = chosen(data)
    pixels = hp.ang2pix(16, data["ra"].astype(float), data["dec"].astype(float), nest=True, lonlat=True)
    assert_array_equal(counts, np.bincount(pixels[stars], minlength=len(counts)))
    some = np.flatnonzero(counts >= 3)[::20]
    assert_array_equal(medians[some], [np.median(data["FE_H"][stars & (pixels == n)]) for n in some])


def test_gradients_are_those_that_were_put_in(done):
    run, _, _ = done
    table = Table.read(paths.products(run.output) / "gradients.ecsv")
    slopes = table[(table["LABEL"] == "FE_H") & (table["KIND"] == "radial") & (table["HIGH"] <= 1)]
    assert set(slopes["SAMPLE"]) == {"ALONE", "MERGED", "A_ONLY", "UNTRANSLATED", "RAW_ONLY"}
    merged = slopes[slopes["SAMPLE"] == "MERGED"]
    for name in ("INNER", "OUTER"):  # a straight line breaks nowhere: both slopes are its own
        assert (np.abs(merged[name] + 0.06) < 3.5 * merged[f"{name}_ERR"]).all()
    assert np.isnan(table[table["SAMPLE"] == "ALONE"]["INNER_TRANSLATION"]).all()
    assert (table[table["SAMPLE"] == "MERGED"]["INNER_NOISE"] > 0).any()


@pytest.mark.usefixtures("undrawn")
def test_slopes_end_at_gaps_and_an_offset_of_the_surveys_is_no_slope(tmp_path, client):
    """As in run 1: near the midplane B ends at 5 kpc and A begins at 6.5 kpc; above it both are everywhere."""
    data = disc()
    near, radius, of_b = np.abs(data["Z_GC"]) < 0.25, data["R_GC"], data["SURVEY"] == B
    data["LOGG"][near & of_b & (radius > 5)] = np.nan
    data["LOGG"][near & ~of_b & (radius < 6.5)] = np.nan
    for name in ("FE_H", *(f"FE_H_{member}" for member in MEMBERS)):
        data[name] = np.where(of_b, data[name], data[name] + 0.1).astype(np.float32)
    run = prepare(tmp_path, data, n_bootstraps=50)
    atlas.run(run, client)
    table = Table.read(paths.products(run.output) / "gradients.ecsv")
    own = table[(table["LABEL"] == "FE_H") & (table["KIND"] == "radial") & (table["SIDE"] == "both")]
    for low, gaps in ((0.0, 1), (0.25, 0)):
        merged, *further = own[(own["SAMPLE"] == "MERGED") & (own["LOW"] == low)]
        stars = chosen(data) & (np.abs(data["Z_GC"]) >= low) & (np.abs(data["Z_GC"]) < low + 0.25)
        fitted = stars & (radius >= merged["FIT_LOW"]) & (radius < merged["FIT_HIGH"])
        assert merged["N_GAPS"] == gaps
        assert merged["N_LEFT_OUT"] == stars.sum() - merged["N"]
        assert fitted.sum() - merged["N"] < 20 * 2 * merged["N_BINS"]  # bins of a survey with too few stars
        assert abs(merged["OUTER"] + 0.06) < 4 * merged["OUTER_ERR"]
        if gaps:
            assert (merged["FIT_LOW"], merged["N_BINS_LEFT_OUT"]) == (6.5, 8)
            (inner,) = further
            assert (inner["SEGMENT"], inner["FIT_LOW"], inner["FIT_HIGH"], inner["N_BINS_LEFT_OUT"]) == (
                2,
                1.0,
                5.0,
                11,
            )
            assert inner["N"] < merged["N"]
            assert np.isnan(merged["OFFSET"])
        else:
            assert (merged["FIT_LOW"], merged["FIT_HIGH"], further) == (1.0, 12.0, [])
            assert abs(merged["OFFSET"] - 0.1) < 4 * merged["OFFSET_ERR"]
            # single networks move all of A by 0.01 dex, half of the error: the offset moves, the slope does not
            assert_allclose(merged["OFFSET_TRANSLATION"], 0.02, rtol=0.02)
            assert merged["OUTER_TRANSLATION"] < 1e-3
            for name in ("OFFSET", "OUTER"):
                excess = max(merged[f"{name}_NOISE_SHIFT"] ** 2 - merged[f"{name}_NOISE"] ** 2, 0)
                parts = merged[f"{name}_ERR"] ** 2 + merged[f"{name}_TRANSLATION"] ** 2 + excess
                assert_allclose(merged[f"{name}_TOTAL"], np.sqrt(parts))


def test_the_seam_of_the_surveys_is_what_was_put_in_before_translation_and_none_after(done):
    run, _, _ = done
    table = Table.read(paths.products(run.output) / "seam.ecsv")
    whole = table[(table["R_LOW"] == 0) & (table["R_HIGH"] == 14) & (table["LABEL"] == "FE_H")]
    (before,), (after,) = (whole[whole["SAMPLE"] == name] for name in ("UNTRANSLATED", "MERGED"))
    assert abs(before["DIFFERENCE"] - 0.15) < 3 * before["ERR"]
    assert abs(after["DIFFERENCE"]) < 3 * after["ERR"]
    assert 0.02 < after["ERR"] < 0.022  # twice what networks differ by, and thousands of stars of scatter 0.1
    assert before["N_FIRST"] == after["N_FIRST"]


def cells_of(run, data):
    """Return the ring of R of each chosen star, and the cell that it is compared in, by numpy."""
    config = run.config.atlas
    rings = np.digitize(data["R_GC"], config.ring_edges_kpc) - 1
    halves = np.digitize(data["R_GC"], np.arange(0, 15, 1.0))
    heights = np.digitize(np.abs(data["Z_GC"]), config.height_edges_kpc)
    gravities = np.digitize(data["LOGG"], np.linspace(1.5, 2.5, 5))
    inside = chosen(data) & (heights < len(config.height_edges_kpc))
    return rings, ((halves * 100 + heights) * 100 + gravities) * 10 + (data["Z_GC"] < 0), inside


def mean_difference(cells, of_a, of_b, data, least):
    """Return the weighted mean difference of medians by cell, and how many stars of B count, by a loop over cells."""
    differences, weights, stars = [], [], 0
    for cell in np.unique(cells[of_a | of_b]):
        a, b = (data["FE_H"][which & (cells == cell)] for which in (of_a, of_b))
        if min(len(a), len(b)) >= least:
            differences.append(np.median(a).astype(float) - np.median(b))
            weights.append(len(a) * len(b) / (len(a) + len(b)))
            stars += len(b)
    return (np.average(differences, weights=weights) if weights else np.nan), stars


def test_the_seam_without_the_stars_in_both_surveys_is_that_of_the_others_alone(done):
    run, _, data = done
    table = Table.read(paths.products(run.output) / "seam.ecsv")
    rings, cells, inside = cells_of(run, data)
    of_b, least = data["SURVEY"] == B, run.config.atlas.min_stars_cell
    assert len(table[table["SAMPLE"] == "MERGED_INDEPENDENT"]) == len(table[table["SAMPLE"] == "MERGED"]) > 4
    for row in table[np.isin(table["SAMPLE"], ["MERGED", "MERGED_INDEPENDENT"]) & (table["LABEL"] == "FE_H")]:
        here = inside & (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
        counted = here & of_b & ~(data["IN_PAIRS"] & (row["SAMPLE"] != "MERGED"))
        expected, n_stars = mean_difference(cells, here & ~of_b, counted, data, least)
        assert_allclose(row["DIFFERENCE"], expected, atol=1e-6)  # medians are float32
        assert row["N_SECOND"] == n_stars
        if row["SAMPLE"] != "MERGED":
            assert row["N_IN_PAIRS"] == 0
            assert (row["N_CELLS"] == 0) == (row["R_LOW"] >= 8)
        elif row["R_LOW"] >= 8:
            assert row["N_IN_PAIRS"] == row["N_SECOND"]
        else:
            assert 0 < row["N_IN_PAIRS"] < row["N_SECOND"]
    assert not (set(rings[inside]) - set(range(7)))


def test_before_and_after_are_means_over_the_same_cells_for_all_three(done):
    run, _, data = done
    table = Table.read(paths.products(run.output) / "before_after.ecsv")
    _, cells, inside = cells_of(run, data)
    of_b, least = data["SURVEY"] == B, run.config.atlas.min_stars_cell
    assert set(table["STARS"]) == {"ALL", "INDEPENDENT"}
    assert set(table["LABEL"]) == {"FE_H"}  # A has no [Mg/Fe]
    for row in table:
        here = inside & (data["R_GC"] >= row["R_LOW"]) & (data["R_GC"] < row["R_HIGH"])
        counted = here & of_b & ~(data["IN_PAIRS"] & (row["STARS"] == "INDEPENDENT"))
        medians, weights = [], []
        for cell in np.unique(cells[here]):
            a, b = (which & (cells == cell) for which in (here & ~of_b, counted))
            if min(a.sum(), b.sum()) >= least:
                sets = (data["FE_H_RAW"][a], data["FE_H"][a], data["FE_H"][b])
                medians.append([np.median(own).astype(float) for own in sets])
                weights.append(a.sum() * b.sum() / (a.sum() + b.sum()))
        expected = np.average(medians, axis=0, weights=weights)
        # medians are float32
        assert_allclose([row["RAW"], row["TRANSLATED"], row["B"]], expected, atol=1e-6)
        assert_allclose([row["BEFORE"], row["AFTER"]], expected[:2] - expected[2], atol=1e-6)
        assert abs(row["BEFORE"] - row["AFTER"] - 0.15) < 1e-6  # what A was put off by, in every star
        assert row["N_CELLS"] == len(weights)
        assert abs(row["AFTER"]) < 4 * row["AFTER_ERR"]  # of a dozen rows


def test_the_error_of_the_seam_holds_that_of_the_translation(done):
    """The members move all of A by 0.01 dex, half of the error by the pairs, and with it each difference from B."""
    run, *_ = done
    table = Table.read(paths.products(run.output) / "seam.ecsv")
    own = table[(table["LABEL"] == "FE_H") & (table["N_CELLS"] > 0)]
    after = own[np.char.startswith(np.asarray(own["SAMPLE"]), "MERGED")]
    assert_allclose(after["TRANSLATION"], 0.02, rtol=1e-3)
    assert (after["ERR"] > after["TRANSLATION"]).all()
    assert np.isnan(own[own["SAMPLE"] == "UNTRANSLATED"]["TRANSLATION"]).all()


def test_a_seam_that_no_independent_star_tests_is_told(done):
    _, receipt, _ = done
    (note,) = [note for note in receipt.counts.notes if "no independent test" in note]
    assert note.startswith("FE_H of A minus that of B at R = 8-10 kpc, 10-12 kpc is no independent test")


@pytest.mark.usefixtures("undrawn")
def test_a_seam_that_is_seen_or_has_grown_after_translation_is_told(tmp_path, client):
    data = disc()
    for name in ("FE_H", *(f"FE_H_{member}" for member in MEMBERS)):
        moved = (data["SURVEY"] == A) & (data["R_GC"] > 4) & (data["R_GC"] < 6)
        data[name] = np.where(moved, data[name] + 0.3, data[name]).astype(np.float32)
    receipt = atlas.run(prepare(tmp_path, data, n_bootstraps=50, labels=["FE_H"]), client)
    for stars in ("", ", without the stars in both surveys"):
        (seen,) = [
            n for n in receipt.counts.notes if n.startswith(f"FE_H of A minus that of B after translation{stars}:")
        ]
        assert "more than 2 sigma from 0" in seen
        assert "at R = 4-6 kpc" in seen
        (grown,) = [n for n in receipt.counts.notes if n.startswith(f"larger after translation than before{stars}:")]
        assert grown.count("kpc") == 1
        assert "at R = 4-6 kpc" in grown


@pytest.mark.usefixtures("undrawn")
def test_a_single_ring_is_compared_once_and_told(tmp_path, client):
    data = disc()
    for name in ("FE_H", *(f"FE_H_{member}" for member in MEMBERS)):
        data[name] = np.where(data["SURVEY"] == A, data[name] + 0.3, data[name]).astype(np.float32)
    run = prepare(tmp_path, data, n_bootstraps=50, labels=["FE_H"], ring_edges_kpc=[4.0, 8.0])
    receipt = atlas.run(run, client)
    for name in ("seam", "asymmetry"):
        table = Table.read(paths.products(run.output) / f"{name}.ecsv")
        assert len(set(table["SAMPLE"])) == len(table)
    assert any("more than 2 sigma from 0 in 1 of 1 rings" in note for note in receipt.counts.notes)


def test_north_and_south_of_a_disc_that_is_alike_on_both_sides_do_not_differ(done):
    run, _, _ = done
    table = Table.read(paths.products(run.output) / "asymmetry.ecsv")
    own = table[(table["SAMPLE"] == "MERGED") & (table["LABEL"] == "FE_H")]
    assert len(own) == 7  # six rings with stars, and all
    assert (np.abs(own["DIFFERENCE"] / own["ERR"]) < 3.5).all()


@pytest.mark.usefixtures("undrawn")
def test_the_two_alpha_sequences_share_the_stars_that_have_both_labels(tmp_path, client):
    data = disc()
    rows = {}
    for alpha in ("all", "low", "high"):
        settings = {"n_bootstraps": 10, "translation_errors": False, "alpha": alpha}
        rows[alpha] = atlas.run(prepare(tmp_path / alpha, data, **settings), client).counts.rows
    assert rows["low"].n_out + rows["high"].n_out == rows["all"].n_out - rows["low"].set_aside["no FE_H or MG_FE"]
    assert rows["low"].set_aside["not of the low-alpha sequence"] == rows["high"].n_out
    header = fits.getheader(paths.products(make_run(tmp_path / "low").output) / "map_edge_on.fits")
    assert header["SELECT2"] == "MG_FE <= 0.1 -0.16 FE_H"


def test_figures_and_tables_of_every_product_are_written_and_receipted(done):
    run, receipt, _ = done
    assert {path.name for path in paths.products(run.output).iterdir()} == {*TABLES, *FIGURES}
    assert {path.removeprefix("products/") for path in receipt.outputs} == {*TABLES, *FIGURES}


@pytest.mark.usefixtures("undrawn")
def test_products_do_not_depend_on_the_partitioning_of_the_catalogue(done, tmp_path, client):
    run, _, data = done
    other = prepare(tmp_path, data, most=N_STARS)
    atlas.run(other, client)
    for name in TABLES:
        assert (paths.products(other.output) / name).read_bytes() == (paths.products(run.output) / name).read_bytes()


def test_a_second_run_does_nothing(done, client):
    run, receipt, _ = done
    assert atlas.run(run, client).written > receipt.written


def test_without_distances_the_stage_is_done_and_says_why_there_are_no_maps(tmp_path, client):
    data = disc()
    for column in schema.GALACTOCENTRIC:
        data[column.name][:] = np.nan
    run = prepare(tmp_path, data)
    receipt = atlas.run(run, client)
    assert receipt.counts.notes == ("no star has a distance: no maps",)
    assert not receipt.outputs
    assert not paths.products(run.output).exists()


def test_a_selection_that_no_star_passes_is_said_not_a_crash(tmp_path, client):
    receipt = atlas.run(prepare(tmp_path, disc(), select={"LOGG": (7.0, 8.0)}), client)
    assert receipt.counts.rows.n_out == 0
    assert "no star passes [atlas] select" in receipt.counts.notes[0]


@pytest.mark.usefixtures("undrawn")
def test_products_of_an_earlier_atlas_do_not_stay_when_there_is_nothing_to_draw(tmp_path, client):
    run = prepare(tmp_path, disc(), n_bootstraps=10)
    atlas.run(run, client)
    atlas.run(prepare(tmp_path, disc(), select={"LOGG": (7.0, 8.0)}), client)
    assert not list(paths.products(run.output).glob("*"))


@pytest.mark.usefixtures("undrawn")
def test_a_label_that_no_selected_star_has_is_left_out_and_said(tmp_path, client):
    data = disc()
    data["MG_FE"][:] = data["MG_FE_SAMPLE"][:] = np.nan
    run = prepare(tmp_path, data, n_bootstraps=10)
    receipt = atlas.run(run, client)
    assert receipt.counts.notes[0] == "no selected star has MG_FE: not drawn"
    cube = read_map_cube(paths.products(run.output) / "map_edge_on.fits", "MERGED")
    assert list(cube) == ["COUNT", "HEIGHT", *(name.format("FE_H") for name in PLANES)]


def test_a_handful_of_stars_of_a_alone_is_drawn(tmp_path, client):
    data = {name: values[120:150] for name, values in disc().items()}
    data["SURVEY"][:] = A
    run = prepare(tmp_path, data, select={})
    receipt = atlas.run(run, client)
    assert 0 < receipt.counts.rows.n_out <= 30
    cube = read_map_cube(paths.products(run.output) / "map_edge_on.fits", "ALONE")
    assert cube["COUNT"].sum() == 0
    assert np.isnan(cube["FE_H_MEDIAN"]).all()


def test_a_column_that_the_catalogue_does_not_have_selects_nothing_and_is_refused(tmp_path, client):
    run = prepare(tmp_path, {k: v[:200] for k, v in disc().items()}, select={"GRAVITY": (1, 2)})
    with pytest.raises(ConfigError, match="select: the catalogue has no number 'GRAVITY'"):
        atlas.run(run, client)


def test_drawing_before_merging_says_which_stage_to_run(tmp_path, client):
    run = make_run(tmp_path)
    hand_made.write_receipts(run, "ingest_b", "pair", "evaluate", "translate")
    with pytest.raises(CatalogueError, match="stdask merge"):
        atlas.run(run, client)
