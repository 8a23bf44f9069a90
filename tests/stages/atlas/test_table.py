"""The atlas of a user's own table, against that of a catalogue and numpy."""

from dataclasses import replace

import healpy as hp
import numpy as np
import pyarrow as pa
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from numpy.testing import assert_array_equal

from stdask.config.atlas import is_atlas_file, load_atlas
from stdask.errors import ConfigError, IncompleteError, SurveyError
from stdask.runs.receipts import read_receipt
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.stages.atlas import gradients as atlas_gradients
from stdask.stages.atlas import maps as atlas_maps
from stdask.stages.atlas import profiles as atlas_profiles
from stdask.stages.atlas.table import run_table, table_source
from stdask.storage import paths
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import read_parquet, to_masked, write_parquet
from stdask.tools import verify
from stdask.tools.status import print_status

N_STARS = 3000


@pytest.fixture(autouse=True)
def undrawn(monkeypatch):
    monkeypatch.setattr(atlas_maps, "write_map_figures", lambda *_: [])
    for module in (atlas_profiles, atlas_gradients):
        monkeypatch.setattr(module, "write_figures", lambda *_: [])
        for name in ("draw_profiles", "draw_gradients"):
            monkeypatch.setattr(module, name, lambda *_, **__: None, raising=False)


def giants(seed=1):
    rng = np.random.default_rng(seed)
    return Table(
        {
            "RAJ2000": rng.uniform(0, 360, N_STARS) * u.deg,
            "DEJ2000": np.degrees(np.arcsin(rng.uniform(-1, 1, N_STARS))) * u.deg,
            "dist": rng.gamma(3, 800, N_STARS) * u.pc,
            "logg": rng.uniform(1.0, 3.0, N_STARS),
            "FEH": rng.normal(-0.2, 0.2, N_STARS),
            "whose": np.where(rng.random(N_STARS) < 0.5, "RAVE", "APOGEE"),
        }
    )


@pytest.mark.parametrize("ending", ["fits", "ecsv", "parquet", "csv"])
def test_a_table_with_usual_names_needs_nothing_else(tmp_path, client, ending):
    stars, path = giants(), tmp_path / f"mine.{ending}"
    if ending == "csv":  # states no units
        stars["dist"] = stars["dist"].to(u.kpc).value
    stars.write(path)
    rows = run_table(load_atlas(path, tmp_path / "out"), client).counts.rows
    table = Table(to_masked(read_parquet(tmp_path / "out" / "map_edge_on.parquet")))
    giant = (stars["logg"] > 1.5) & (stars["logg"] < 2.5)
    assert set(table["SAMPLE"]) == {"MERGED"}
    assert rows.n_in == N_STARS
    assert rows.n_out == table["COUNT"].sum() == giant.sum()
    distances = np.asarray(stars["dist"]) / (1 if ending == "csv" else 1000)
    places = galactic_positions(np.asarray(stars["RAJ2000"]), np.asarray(stars["DEJ2000"]), distances)
    row = table[np.argmax(table["COUNT"])]
    signed = np.copysign(places.radius_kpc, places.x_kpc)
    inside = giant & (np.abs(signed - row["R_GC"]) < 0.1) & (np.abs(places.z_kpc - row["Z_GC"]) < 0.1)
    assert row["FE_H_MEDIAN"] == np.median(np.asarray(stars["FEH"][inside], dtype=np.float32))


def test_two_surveys_in_one_table_are_shown_side_by_side(tmp_path, client):
    giants().write(tmp_path / "mine.fits")
    (tmp_path / "mine.toml").write_text(
        'output = "maps"\n[table]\nfile = "mine.fits"\nsurvey = "whose"\nreference = "APOGEE"\n'
        "[atlas]\nselect = {}\nn_bootstraps = 20\n"
    )
    run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    table = Table(to_masked(read_parquet(tmp_path / "maps" / "map_all_sky.parquet")))
    assert set(table["SAMPLE"]) == {"ALONE", "MERGED", "A_ONLY"}
    assert table[table["SAMPLE"] == "ALONE"]["COUNT"].sum() == (giants()["whose"] == "APOGEE").sum()
    assert (tmp_path / "maps" / "seam.ecsv").exists()


def test_weights_count_stars_as_often_as_they_stand_for(tmp_path, client):
    """A survey that sees metal-poor stars three times as often: weighted by the inverse, its medians are unbiased."""
    stars = giants()
    stars["w"] = np.where(stars["FEH"] > -0.2, 3.0, 1.0)
    stars["w"][:100] = np.nan
    stars["w"][100:130] = 0.0
    stars.write(tmp_path / "mine.fits")
    (tmp_path / "mine.toml").write_text(
        'output = "maps"\n[table]\nfile = "mine.fits"\ncolumns = { WEIGHT = "w" }\n'
        '[atlas]\nweight = "WEIGHT"\nsky_order = 1\nselect = {}\nn_bootstraps = 10\n'
    )
    rows = run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client).counts.rows
    assert (rows.set_aside["no WEIGHT"], rows.set_aside["WEIGHT not above 0"]) == (100, 30)
    table = Table(to_masked(read_parquet(tmp_path / "maps" / "map_all_sky.parquet")))
    weights = np.nan_to_num(np.asarray(stars["w"])).astype(int)
    own = hp.ang2pix(2, np.asarray(stars["RAJ2000"]), np.asarray(stars["DEJ2000"]), nest=True, lonlat=True)
    values = np.asarray(stars["FEH"], dtype=np.float32)
    for row in table:
        inside = (own == row["PIXEL"]) & (weights > 0)
        assert row["COUNT"] == inside.sum()
        assert row["FE_H_MEDIAN"] == np.median(np.repeat(values[inside], weights[inside]))
        assert row["FE_H_P16"] < row["FE_H_MEDIAN"] < row["FE_H_P84"]
    profile = Table.read(tmp_path / "maps" / "profile_radial.ecsv")
    assert profile.meta["weight"] == "WEIGHT"
    assert (tmp_path / "maps" / "gradients.ecsv").exists()


def test_ages_of_a_table_are_mapped_in_the_unit_of_the_file(tmp_path, client):
    stars = giants()
    stars["age"] = np.random.default_rng(3).uniform(1, 12, N_STARS) * u.Gyr
    stars.write(tmp_path / "mine.fits")
    (tmp_path / "mine.toml").write_text(
        'output = "maps"\n[table]\nfile = "mine.fits"\ncolumns = { AGE = "age" }\n'
        '[atlas]\nlabels = ["AGE"]\nselect = {}\nn_bootstraps = 10\n'
    )
    run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    table = Table(to_masked(read_parquet(tmp_path / "maps" / "map_all_sky.parquet")))
    row = table[np.argmax(table["N_AGE"])]
    own = hp.ang2pix(16, np.asarray(stars["RAJ2000"]), np.asarray(stars["DEJ2000"]), nest=True, lonlat=True)
    assert row["AGE_MEDIAN"] == np.median(np.asarray(stars["age"], dtype=np.float32)[own == row["PIXEL"]])
    assert Table.read(tmp_path / "maps" / "profile_radial.ecsv")["AGE_MEDIAN"].unit == u.Gyr


def test_a_selection_that_few_stars_can_pass_is_told_with_what_to_do(tmp_path, client, capsys):
    """As in a survey whose log g is mostly missing: the default selection of giants would leave a handful."""
    stars = giants()
    stars["logg"][40:] = np.nan
    stars.write(tmp_path / "mine.fits")
    receipt = run_table(load_atlas(tmp_path / "mine.fits", tmp_path / "maps"), client)
    n_out = receipt.counts.rows.n_out
    assert 0 < n_out < 40
    told = f"only {n_out} of 3,000 stars are mapped: 2,960 have no LOGG"
    assert [note for note in receipt.counts.notes if told in note and "`select = {}`" in note]
    assert told in " ".join(capsys.readouterr().out.split())
    (tmp_path / "mine.toml").write_text('output = "all"\n[table]\nfile = "mine.fits"\n[atlas]\nselect = {}\n')
    receipt = run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "all"), client)
    assert receipt.counts.rows.n_out > 2900
    assert not [note for note in receipt.counts.notes if "are mapped" in note]


TWO_SURVEYS = (
    'output = "maps"\n[table]\nfile = "mine.parquet"\nsurvey = "whose"\nreference = "{}"\n'
    "[atlas]\nselect = {{}}\nn_bootstraps = 20\n"
)


def test_stars_whose_survey_is_not_named_are_of_the_others(tmp_path, client):
    stars = giants()
    nameless = (stars["whose"] == "RAVE") & (stars["logg"] > 2)
    stars["dist"] = stars["dist"].to(u.kpc)
    columns = {name: pa.array(np.asarray(stars[name])) for name in stars.colnames}
    columns["whose"] = pa.array(stars["whose"].tolist(), mask=np.asarray(nameless))
    write_parquet(tmp_path / "mine.parquet", pa.table(columns))
    (tmp_path / "mine.toml").write_text(TWO_SURVEYS.format("APOGEE"))
    counts = run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client).counts
    assert counts.by_survey["no survey"] == nameless.sum()
    table = Table(to_masked(read_parquet(tmp_path / "maps" / "map_all_sky.parquet")))
    merged, alone, others = (table[table["SAMPLE"] == name]["COUNT"].sum() for name in ("MERGED", "ALONE", "A_ONLY"))
    assert (merged, alone, others) == (N_STARS, (stars["whose"] == "APOGEE").sum(), (stars["whose"] == "RAVE").sum())


def test_a_reference_that_no_star_has_is_refused(tmp_path, client):
    giants().write(tmp_path / "mine.parquet")
    (tmp_path / "mine.toml").write_text(TWO_SURVEYS.format("apogee"))
    with pytest.raises(SurveyError, match=r"has 'apogee' in column 'whose'.*(RAVE|APOGEE), "):
        run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)


def test_errors_of_distances_alone_move_stars_between_the_bins_of_profiles(tmp_path, client):
    stars = giants()
    stars["FEH"] = -0.1 * np.asarray(stars["dist"]) / 1000  # a steep profile, which noise flattens
    stars["e_dist"] = np.where(np.arange(N_STARS) % 3, 0.3, 0.0) * stars["dist"]
    stars.write(tmp_path / "mine.fits")
    settings = 'output = "maps"\n[table]\nfile = "mine.fits"\n{}[atlas]\nselect = {{}}\nn_bootstraps = 20\n'
    tables = {}
    for name, errors in (("with", 'errors = { DISTANCE = "e_dist" }\n'), ("without", "")):
        (tmp_path / f"{name}.toml").write_text(settings.format(errors))
        run_table(load_atlas(tmp_path / f"{name}.toml", tmp_path / name), client)
        tables[name] = Table.read(tmp_path / name / "profile_radial.ecsv")
    assert_array_equal(tables["with"]["FE_H_MEDIAN"], tables["without"]["FE_H_MEDIAN"])
    assert np.isnan(tables["without"]["FE_H_NOISE"]).all()
    assert (tables["with"]["FE_H_NOISE"] > 0).all()
    assert (tables["with"]["FE_H_TOTAL"] > tables["without"]["FE_H_TOTAL"]).any()


def test_text_where_numbers_are_wanted_is_told_with_its_column(tmp_path, client):
    stars = giants()
    stars["dist"] = stars["dist"].to(u.kpc).value
    stars["FEH"] = np.where(np.arange(N_STARS) == 7, "unknown", "-0.1")
    stars.write(tmp_path / "mine.csv")
    with pytest.raises(SurveyError, match=r"mine.csv: column 'FEH' holds something else than numbers.*unknown"):
        run_table(load_atlas(tmp_path / "mine.csv", tmp_path / "out"), client)
    assert not list((tmp_path / "out").glob(".stdask_*"))  # nothing of the work is left


def test_untranslated_values_of_a_part_of_the_labels_are_refused(tmp_path, client):
    stars = giants()
    stars["MGFE"] = stars["raw"] = stars["FEH"]
    stars.write(tmp_path / "mine.parquet")
    text = TWO_SURVEYS.format("APOGEE").replace("[atlas]", 'untranslated = { FE_H = "raw" }\n[atlas]')
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"untranslated lacks MG_FE.*labels = \['FE_H'\]"):
        run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)


def test_what_an_earlier_atlas_made_is_gone_and_a_users_own_files_stay(tmp_path, client):
    giants().write(tmp_path / "mine.parquet")
    (tmp_path / "mine.toml").write_text(TWO_SURVEYS.format("APOGEE"))
    (tmp_path / "maps" / "keys").mkdir(parents=True)
    (tmp_path / "maps" / "keys" / "mine").write_text("of the user")
    run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    assert (tmp_path / "maps" / "seam.ecsv").exists()
    run_table(load_atlas(tmp_path / "mine.parquet", tmp_path / "maps"), client)  # of one survey: there is no seam
    assert not (tmp_path / "maps" / "seam.ecsv").exists()
    assert (tmp_path / "maps" / "keys" / "mine").read_text() == "of the user"


def test_the_same_atlas_again_does_nothing_and_a_changed_table_or_setting_draws_it_again(tmp_path, client, capsys):
    giants().write(tmp_path / "mine.parquet")
    (tmp_path / "mine.toml").write_text(TWO_SURVEYS.format("APOGEE"))
    first = run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    capsys.readouterr()
    assert run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client) == read_receipt(
        tmp_path / "maps", "atlas"
    )
    assert "atlas: done before, skipped" in capsys.readouterr().out
    assert set(first.outputs) == {
        str(path.relative_to(tmp_path / "maps")) for path in (tmp_path / "maps").iterdir() if path.is_file()
    }
    (tmp_path / "mine.toml").write_text(TWO_SURVEYS.format("RAVE"))
    run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    assert "atlas: changed: table.reference" in capsys.readouterr().out
    giants(seed=2).write(tmp_path / "mine.parquet", overwrite=True)
    run_table(load_atlas(tmp_path / "mine.toml", tmp_path / "maps"), client)
    assert "atlas: changed: what it reads from mine.parquet" in capsys.readouterr().out


def test_verify_and_status_know_the_atlas_of_a_table(tmp_path, client, capsys):
    giants().write(tmp_path / "mine.parquet")
    run_table(load_atlas(tmp_path / "mine.parquet", tmp_path / "maps"), client)
    verify.run(tmp_path / "maps", client)
    print_status(tmp_path / "maps")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.split()[:2] == ["atlas", "done"])
    assert f"{N_STARS:,}" in line
    (tmp_path / "maps" / "map_edge_on.fits").write_text("damaged")
    with pytest.raises(IncompleteError, match=r"1 of .* files are damaged or missing\. Run `stdask atlas` again"):
        verify.run(tmp_path / "maps", client)


def test_the_folder_of_a_run_is_not_taken_for_the_maps_of_a_table(tmp_path, client):
    giants().write(tmp_path / "mine.parquet")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / paths.RUN_COPY).write_text("{}")
    with pytest.raises(ConfigError, match="is the folder of a run"):
        run_table(load_atlas(tmp_path / "mine.parquet", tmp_path / "run"), client)


def test_a_table_may_be_called_in_any_script(tmp_path, client):
    giants().write(tmp_path / "étoiles.parquet")
    run_table(load_atlas(tmp_path / "étoiles.parquet", tmp_path / "out"), client)
    assert fits.getheader(tmp_path / "out" / "map_edge_on.fits")["TABLE"] == r"\xe9toiles.parquet"


def test_blocks_of_rows_do_not_change_the_stars(tmp_path):
    giants().write(tmp_path / "mine.fits")
    file = open_survey(tmp_path / "mine.fits")
    source = table_source(file, load_atlas(tmp_path / "mine.fits").table)
    small = replace(source, block_rows=700)
    assert [block.n_rows for block in small.blocks] == [700, 700, 700, 700, 200]
    whole = source.read(source.blocks[0], ["FE_H", "R_GC", "STAR_KEY"])
    parts = [small.read(block, ["FE_H", "R_GC", "STAR_KEY"]) for block in small.blocks]
    for name in whole.column_names:
        assert_array_equal(np.concatenate([part.column(name) for part in parts]), whole.column(name))


def test_a_table_without_a_distance_says_how_to_name_one(tmp_path, client):
    stars = giants()
    stars.rename_column("dist", "how_far")
    stars.write(tmp_path / "mine.fits")
    with pytest.raises(SurveyError, match=r'no column called distance.*\[table\] distance = ".*has RAJ2000'):
        run_table(load_atlas(tmp_path / "mine.fits", tmp_path / "out"), client)


def test_a_table_without_abundances_says_how_to_name_them(tmp_path, client):
    stars = giants()
    stars.rename_column("FEH", "iron")
    stars.write(tmp_path / "mine.fits")
    with pytest.raises(SurveyError, match=r"none of FE_H.*columns = \{ FE_H"):
        run_table(load_atlas(tmp_path / "mine.fits", tmp_path / "out"), client)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('output = "o"\n[table]\nfile = "a.fits"\nsurvey = "s"\n', "`survey` and `reference` together"),
        ('output = "o"\n[table]\nfile = "a.fits"\nuntranslated = { FE_H = "x" }\n', "needs `survey`"),
        ('output = "o"\n[table]\nfile = "../a.fits"\n', "leaves its folder"),
        ('output = "o"\n[table]\nfile = "a.fits"\n[cluster]\nprologue = ["rm"]\n', "can run programs"),
    ],
)
def test_a_wrong_atlas_file_is_refused_in_words(tmp_path, text, message):
    (tmp_path / "atlas.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_atlas(tmp_path / "atlas.toml")


def test_a_run_file_is_told_from_an_atlas_file(tmp_path):
    (tmp_path / "run.toml").write_text("seed = 7\n")
    (tmp_path / "atlas.toml").write_text('[table]\nfile = "a.fits"\n')
    assert not is_atlas_file(tmp_path / "run.toml")
    assert is_atlas_file(tmp_path / "atlas.toml")
    assert is_atlas_file(tmp_path / "mine.fits")
