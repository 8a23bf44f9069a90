"""A run file is checked against all its stages: an error in [atlas] is found before the networks are trained."""

from pathlib import Path

import pytest

from stdask.config.run import Run, load_run
from stdask.errors import ConfigError

DEFINITION = """
name = "{name}"
title = "T"
reference = "none"
id = "id"
{keys}
[labels]
TEFF = {{ column = "t" }}
FE_H = {{ column = "f" }}
{labels}
"""
RUN = """
output = "out"
[surveys]
a = { definition = "a.toml", file = "a.fits" }
b = { definition = "b.toml", file = "b.fits" }
[pair]
match = { by = "position" }
[[train.intrinsic]]
label = "TEFF"
from = "TEFF"
"""
POSITION = 'by = "position"'
AGE = 'AGE = { column = "age", unit = "Gyr", description = "Age" }\n'
MOVING = 'proper_motion = { pmra = "pmra", pmdec = "pmdec" }'


@pytest.fixture
def load(tmp_path: Path):
    def load(more: str = "", keys_a: str = "", labels_b: str = "", keys_b: str = "", match: str = POSITION) -> Run:
        (tmp_path / "a.toml").write_text(DEFINITION.format(name="a", keys=keys_a, labels=""))
        (tmp_path / "b.toml").write_text(DEFINITION.format(name="b", keys=keys_b, labels=labels_b))
        (tmp_path / "run.toml").write_text(RUN.replace(POSITION, match) + more)
        return load_run(tmp_path / "run.toml")

    return load


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('[atlas]\nlabels = ["FE_HH"]\n', r"\[atlas\] labels: .* no number 'FE_HH'. Did you mean 'FE_H'\?"),
        ("[atlas]\nselect = { LOG_G = [1, 2] }\n", r"\[atlas\] select: .* no number 'LOG_G'"),
        ('[atlas]\nweight = "WEIGHT"\n', r"\[atlas\] weight: .* 'WEIGHT'. b \(B\) measures TEFF, FE_H"),
        (
            '[atlas]\nradius = "R_GUIDE"\n',
            r"\[atlas\] radius: .* needs a label RV or VHELIO of b and \[proper_motion\]",
        ),
        ('[atlas]\nlabels = ["VPHI_GC"]\n', r"\[atlas\] labels: .* 'VPHI_GC'. It needs a label RV or VHELIO of b and"),
        ('[atlas]\nalpha = "low"\n', r"\[atlas\] alpha = 'low' needs one of FE_H, M_H and one of MG_FE, ALPHA_FE, but"),
        (
            '[evaluate]\nclusters = { file = "m.csv", literature = { MG_FE = "mg" } }\n',
            r"\[evaluate\] clusters: literature names 'MG_FE', but the run translates TEFF. Name one of",
        ),
        (
            '[evaluate]\nbenchmark = { file = "m.csv", labels = { FE_H = "feh" } }\n',
            r"\[evaluate\] benchmark: labels names 'FE_H', but the run translates TEFF.",
        ),
        (
            '[evaluate]\nbenchmark = { file = "m.csv", labels = { TEFF = "t" }, errors = { FE_H = "e" } }\n',
            r"\[evaluate\] benchmark: errors names 'FE_H', but labels does not",
        ),
        (
            '[[merge.exclude]]\nfile = "m.csv"\ncolumn = "id"\nsurvey = "a2"\n',
            r"\[\[merge.exclude\]\] survey of m.csv is 'a2', but the surveys of the run are a, b. Name that which",
        ),
        ("[merge]\nmax_ebv = 0.3\n", r"\[merge\] max_ebv is set, but a has no reddening"),
    ],
)
def test_what_a_later_stage_would_stop_at_is_refused_first(load, more: str, message: str):
    load()
    with pytest.raises(ConfigError, match=message):
        load(more)


def test_a_column_to_match_by_must_be_one_that_the_catalogue_will_have(load):
    by_id, gaia = 'by = "id", column = "SOURCE_ID"', 'gaia_id = "gaia"'
    with pytest.raises(
        ConfigError, match=r"\[pair\] match: the catalogue of b has no column 'SOURCE_ID'. Name one of id,"
    ):
        load(match=by_id, keys_a=gaia)
    assert load(match=by_id, keys_a=gaia, keys_b=gaia).pair.match.by == "id"
    assert load(match=f'{by_id}, column_b = "other"', keys_a=gaia, keys_b='keep = ["other"]').pair.match.by == "id"


def test_any_number_of_the_merged_catalogue_can_be_mapped(load):
    asked = '[atlas]\nlabels = ["AGE", "VPHI_GC", "FE_H_RAW", "R_GC"]\nweight = "DISTANCE"\n'
    velocity = AGE + 'RV = { column = "v" }\n'
    run = load(asked, keys_a=MOVING, labels_b=velocity)
    assert run.config.atlas.labels == ("AGE", "VPHI_GC", "FE_H_RAW", "R_GC")
    assert run.used_columns("b") == ("TEFF", "AGE")  # the survey file of B holds only its own
    assert load(asked.replace('"AGE", ', "") + '[[merge.also]]\nrun = "x"\n', labels_b='RV = { column = "v" }\n')


def test_two_labels_whose_columns_would_have_one_name_are_refused(load):
    raw = 'TEFF_RAW = { column = "raw", unit = "K" }\n'
    with pytest.raises(ConfigError, match=r"merged catalogue would have two columns 'TEFF_RAW' and 'TEFF_RAW'"):
        load(labels_b=raw)
    maps = AGE + 'AGE_MEDIAN = { column = "m", unit = "Gyr" }\nHEIGHT = { column = "h", unit = "kpc" }\n'
    assert load(labels_b=maps)
    with pytest.raises(ConfigError, match=r"two columns 'AGE_MEDIAN' and 'AGE_MEDIAN'. Leave one of the labels out"):
        load('[atlas]\nlabels = ["AGE", "AGE_MEDIAN"]\n', labels_b=maps)
    with pytest.raises(ConfigError, match=r"two columns 'HEIGHT' and 'HEIGHT'"):
        load('[atlas]\nlabels = ["HEIGHT"]\n', labels_b=maps)


def test_a_colour_that_the_run_adds_cannot_have_the_name_of_a_kept_column(load):
    bands = 'photometry = { g = "g", bp = "bp", rp = "rp", ebv = "ebv" }\nkeep = ["bp_rp_0"]'
    assert load(keys_a=bands)
    with pytest.raises(ConfigError, match=r"definition a: the catalogue has its own column 'BP_RP_0', which FITS"):
        load('[train]\nfeatures = ["BP_RP_0"]\n', keys_a=bands)
