"""A run file of many surveys: it is one run of two surveys for each, and mistakes are named where they stand."""

import copy
import json
import tomllib
from pathlib import Path

import pytest

from stdask.config.run import RunConfig, load_run
from stdask.config.surveys import split_surveys
from stdask.errors import ConfigError

MANY = """
output = "out"
[surveys.a1]
definition = "galah_dr3"
file = "a1.fits"
[surveys.a2]
definition = "mock_a"
file = "a2.fits"
[surveys.a2.pair]
max_ebv = 0.1
[surveys.a2.train]
batch_size = 64
[[surveys.a2.train.intrinsic]]
label = "M_H"
from = "FE_H"
[surveys.b]
definition = "apogee_dr17"
file = "b.fits"
[pair]
match = { by = "position" }
[train]
patience = 3
batch_size = 256
[[train.intrinsic]]
label = "TEFF"
from = "TEFF"
[[train.intrinsic]]
label = "LOGG"
from = "LOGG"
[[merge.also]]
run = "elsewhere"
"""
TWO = MANY.replace("[surveys.a1]", "[surveys.a]").split("[surveys.a2]")[0] + MANY[MANY.index("[surveys.b]") :]


@pytest.fixture
def load(tmp_path: Path):
    def load(text: str):
        (tmp_path / "run.toml").write_text(text)
        return load_run(tmp_path / "run.toml", output=tmp_path / "out")

    return load


def test_each_survey_is_a_run_of_its_own_in_the_order_of_the_numbers(load, tmp_path: Path):
    run = load(MANY)
    assert [part.definition_a.name for part in run.parts] == ["galah_dr3", "mock_a"]
    assert [part.output for part in run.parts] == [tmp_path / "out", tmp_path / "out" / "surveys" / "mock_a"]
    assert [part.first for part in run.parts] == [None, run.output]
    assert {part.definition_b.name for part in run.parts} == {"apogee_dr17"}
    assert [part.config.surveys.a.file.name for part in run.parts] == ["a1.fits", "a2.fits"]
    assert (
        load(MANY.replace("s.a2", "s.x").replace("s.a1", "s.a2").replace("s.x", "s.a1")).definition_a.name == "mock_a"
    )


def test_own_keys_of_a_survey_replace_those_of_all_and_no_others(load):
    first, second = (part.config for part in load(MANY).parts)
    assert (first.pair.max_ebv, first.train.batch_size, first.train.patience) == (0.3, 256, 3)
    assert [item.label for item in first.train.intrinsic] == ["TEFF", "LOGG"]
    assert (second.pair.max_ebv, second.train.batch_size, second.train.patience) == (0.1, 64, 3)
    assert [item.label for item in second.train.intrinsic] == ["M_H"]
    assert second.pair.match == first.pair.match
    assert [len(config.merge.also) for config in (first, second)] == [1, 0]  # the first run merges them all


def test_the_first_of_many_surveys_is_the_run_of_a_file_with_that_survey_alone(load):
    many, alone = load(MANY), load(TWO)
    assert many.model_copy(update={"further": ()}) == alone
    assert alone.parts == (alone,)
    assert many.others == (many.further[0].output, Path("elsewhere"))
    assert [run.merged_titles[0] for run in (many, alone)] == [
        "GALAH DR3 and 2 further surveys",
        "GALAH DR3 and 1 further survey",
    ]


def test_a_survey_with_a_trained_ensemble_takes_nothing_from_the_tables_on_training():
    tables = '[surveys.a2.train]\nensemble = "mine.stdask"\n'
    text = MANY[: MANY.index("[surveys.a2.pair]")] + tables + MANY[MANY.index("[surveys.b]") :]
    text += "[domain]\nn_bins = 9\n[translate]\nn_draws = 9\ntf32 = true\n"
    content = tomllib.loads(text)
    before = copy.deepcopy(content)
    first, second = (part.content for part in split_surveys(content, "run.toml"))
    assert content == before
    assert (first["domain"], first["translate"]) == ({"n_bins": 9}, {"n_draws": 9, "tf32": True})
    assert second["train"] == {"ensemble": "mine.stdask"}
    assert second["translate"] == {"tf32": True}
    assert {"pair", "domain", "evaluate"}.isdisjoint(second)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("[surveys.a2", "[surveys.a3", r"\[surveys\] has a1, a3, but no a2. Number the translated surveys from 1"),
        ("[surveys.b]", '[surveys.a]\nfile = "x"\n[surveys.b]', r"\[surveys\] has both `a` and `a1`"),
        ("[surveys.b]", '[surveys.a03]\nfile = "x"\n[surveys.b]', r"unknown key 'surveys.a03'"),
        (
            'definition = "mock_a"',
            'definition = "galah_dr3"',
            r"\[surveys.a1\] and \[surveys.a2\] are both 'galah_dr3'",
        ),
        ('file = "a2.fits"', 'fil = "a2.fits"', r"unknown key 'surveys.a2.fil'\. Did you mean 'file'\?"),
        ('file = "a2.fits"', "", r"surveys.a2: give the file of the survey"),
        ("max_ebv = 0.1", "max_evb = 0.1", r"unknown key 'surveys.a2.pair.max_evb'\. Did you mean 'max_ebv'\?"),
        ("batch_size = 64", "batch_size = 0", r"surveys.a2.train.batch_size is 0, but must be at least 1"),
        ("patience = 3", "patience = 0", r"run.toml: train.patience is 0, but must be at least 1"),
        (
            'label = "M_H"',
            'label = "M"',
            r"survey a2: \[\[train.intrinsic\]\] label 'M' is not measured by apogee_dr17",
        ),
        ("max_ebv = 0.1", 'match = { by = "id", column = "nr" }', r"survey a2: \[pair\] match: .* no column 'nr'"),
        ('file = "a2.fits"', 'files = { main = "x", y = "z" }', r"survey a2: \[surveys.a2\] files names a table 'y'"),
        (
            "[[merge.also]]",
            '[[merge.exclude]]\nfile = "m.csv"\ncolumn = "id"\nsurvey = "a3"\n[[merge.also]]',
            r"run.toml: \[\[merge.exclude\]\] survey of m.csv is 'a3', but the surveys of the run are a1, a2, b\.",
        ),
        (
            "[[merge.also]]",
            '[[merge.exclude]]\nfile = "m.csv"\ncolumn = "id"\nsurvey = "a2"\n[[merge.also]]',
            None,
        ),
        (
            "[[merge.also]]",
            '[evaluate]\nclusters = { file = "m.csv", literature = { FE_H = "x" } }\n[[merge.also]]',
            r"run.toml: \[evaluate\] clusters: literature names 'FE_H', but the run translates TEFF, LOGG, M_H\. Name",
        ),
        (
            "[[merge.also]]",
            '[evaluate]\nclusters = { file = "m.csv", literature = { M_H = "x" } }\n[[merge.also]]',
            None,  # of the second survey alone
        ),
        (
            "[[merge.also]]",
            '[evaluate]\nbenchmark = { file = "m.csv", id_a = "x", labels = { TEFF = "t" } }\n[[merge.also]]',
            r"\[evaluate\] benchmark: id_a names the ids of one survey, but the table serves 2 of them\.",
        ),
        ("[surveys.a2.pair]\nmax_ebv = 0.1", "", None),
        ('[surveys.a1]\ndefinition = "galah_dr3"\nfile = "a1.fits"', "surveys.a1 = 3", r"surveys.a1 is 3, but must be"),
        ("[surveys.a2.pair]\nmax_ebv = 0.1", "pair = 3", r"surveys.a2.pair is 3, but must be a table"),
    ],
)
def test_a_mistake_is_named_where_it_stands_in_the_file(load, before: str, after: str, message: str | None):
    assert before in MANY
    text = MANY.replace(before, after)
    if message is None:
        assert load(text)
        return
    with pytest.raises(ConfigError, match=message):
        load(text)


def test_the_schema_for_editors_knows_the_surveys_with_numbers_and_their_own_tables():
    schema = RunConfig.model_json_schema()
    surveys = schema["$defs"]["SurveysConfig"]
    ((pattern, reference),) = surveys["patternProperties"].items()
    assert (pattern, surveys["required"]) == ("^a([1-9][0-9]*)$", ["b"])
    assert reference == {"$ref": "#/$defs/NumberedSurveyConfig"}
    own = schema["$defs"]["NumberedSurveyConfig"]["properties"]
    assert set(own) == {"definition", "file", "files", "ebv_map", "pair", "train"}
    assert set(own["train"]["properties"]) == set(schema["$defs"]["TrainConfig"]["properties"])
    assert "required" not in own["pair"]
    json.dumps(schema)
