"""A run file that names a trained ensemble: the run has its labels, and must have its surveys."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stdask.config.run import Run
from stdask.errors import ConfigError, EnsembleError
from stdask.runs.changes import why_again
from stdask.runs.receipts import read_receipt
from stdask.runs.registry import STAGES, entry_of, stages_of
from stdask.runs.run_file import open_run, reopen_run
from stdask.storage import paths
from stdask.storage.files import write_text
from tests.hand_made import make_run, write_receipts
from tests.tools.apply.made_up import DEFINITION, make_bundle

RUN = """
output = "out"
[surveys.a]
definition = "a.toml"
file = "a.fits"
[surveys.b]
definition = "b.toml"
file = "b.fits"
[train]
ensemble = "small.stdask"
"""
B = {
    "name": "mock_b",
    "title": "B",
    "reference": "made up",
    "id": "id",
    "labels": {name: {"column": name.lower()} for name in ("TEFF", "LOGG", "VHELIO")},
}


def to_toml(content: dict[str, Any]) -> str:
    """Return a definition as TOML, of which inline tables are nearly JSON."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in content.items())
    return re.sub(r'("\w+"):', r"\1 =", "\n".join(lines))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def opened(bundle: Path, tmp_path: Path) -> Callable[..., Run]:
    """Return a function that opens a run file with these definitions."""

    def open_it(text: str = RUN, a: dict | None = None, b: dict | None = None) -> Run:
        (tmp_path / "a.toml").write_text(to_toml(a or DEFINITION))
        (tmp_path / "b.toml").write_text(to_toml(b or B))
        (tmp_path / "run.toml").write_text(text)
        return open_run(tmp_path / "run.toml", bundle.parent)

    return open_it


def test_the_labels_networks_and_draws_are_those_of_the_ensemble(opened: Callable[..., Run]):
    config = opened().config
    assert [(item.label, item.source) for item in config.train.intrinsic] == [("TEFF", "TEFF"), ("LOGG", "LOGG")]
    assert [(item.label, item.source) for item in config.train.extrinsic] == [("VHELIO", "RV")]
    assert config.train.inputs("extrinsic") == ("TEFF", "LOGG", "RV")
    assert (config.train.n_members, config.translate.n_draws) == (5, 8)


def test_such_a_run_has_no_stages_that_train_and_no_stage_reads_from_them(opened: Callable[..., Run]):
    run = opened()
    stages = stages_of(run)
    assert list(stages) == [name for name in STAGES if name not in ("pair", "evaluate", "closure")]
    assert {name for entry in stages.values() for name in entry.inputs} <= set(stages)
    assert stages["train"].inputs == ()
    with pytest.raises(ConfigError, match=r"This run has no stage 'pair', because \[train\] names"):
        entry_of(run, "pair")
    assert entry_of(run, "study").name == "study"


def test_a_stage_that_the_run_no_longer_has_does_not_hide_what_changed(opened: Callable[..., Run], tmp_path: Path):
    trained = make_run(tmp_path / "trained")
    write_receipts(trained, "pair", "train")
    pair, train = (read_receipt(trained.output, name) for name in ("pair", "train"))
    assert pair
    assert train
    receipt = replace(train, inputs={"pair": pair.digest})
    assert why_again(trained.output, receipt, opened()).startswith("changed: ")


def test_a_run_file_is_opened_again_with_the_files_that_the_last_run_found(opened: Callable[..., Run], tmp_path: Path):
    run = opened(RUN.replace('"out"', json.dumps(str(tmp_path / "out"))))
    write_text(run.output / paths.RUN_COPY, f'{{"run": {run.model_dump_json()}}}')
    assert reopen_run(tmp_path / "run.toml") == run


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[train]\npatience = 3", r"\[train\] patience is not used, because \[train\] names a trained ensemble"),
        ("[pair]\nmatch = { by = 'position' }\n[train]", r"\[pair\] is not used"),
        ("[domain]\nn_bins = 10\n[train]", r"\[domain\] is not used"),
        ("[translate]\nn_draws = 10\n[train]", r"\[translate\] n_draws is not used"),
    ],
)
def test_settings_that_the_ensemble_has_already_are_refused(opened: Callable[..., Run], line: str, message: str):
    with pytest.raises(ConfigError, match=message):
        opened(RUN.replace("[train]", line))


def changed(label: str, **changes: object) -> dict:
    labels = DEFINITION["labels"]
    return DEFINITION | {"labels": labels | {label: labels[label] | changes}}


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        (
            {"a": DEFINITION | {"name": "other"}},
            r"puts small on the scale of mock_b, but this run other on that",
        ),
        ({"b": B | {"name": "other"}}, r"but this run small on that of other"),
        ({"a": changed("TEFF", column="t")}, r"labels.TEFF.column of the definition of A is 't', but was 'teff'"),
        ({"a": changed("RV", unit="m/s")}, r"labels.RV.unit of the definition of A is 'm/s', but was 'km/s'"),
        ({"a": changed("LOGG", typical_error=9)}, r"labels.LOGG.typical_error of the definition of A is 9.0"),
        ({"b": B | {"labels": {"TEFF": {"column": "teff"}}}}, r"label 'LOGG' is not measured by mock_b"),
    ],
)
def test_an_ensemble_of_other_surveys_is_refused(opened: Callable[..., Run], definitions: dict, message: str):
    with pytest.raises(ConfigError, match=message) as error:
        opened(**definitions)
    assert "run.toml" in str(error.value)


FAR: dict[str, Any] = {"photometry": {"g": "g"}, "distances": [{"column": "d", "error": "e_d"}, {"column": "d2"}]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, ""),
        ({"derived": ["M_G"]}, ""),
        ({"distances": FAR["distances"][:1]}, r"distances.2.column of the definition of A is None, but was 'd2'"),
        ({"distances": FAR["distances"][::-1]}, r"distances.1.column of the definition of A is 'd2', but was 'd'"),
        ({"parallax": {"column": "plx"}}, r"parallax.column of the definition of A is 'plx', but was None"),
        ({"photometry": {"g": "other"}}, r"photometry.g of the definition of A is 'other', but was 'g'"),
        ({"distances": []}, "M_G needs a distance"),
    ],
)
def test_absolute_magnitudes_of_an_ensemble_need_the_magnitudes_and_distances_of_its_training_stars(
    tmp_path: Path, changes: dict[str, Any], message: str
):
    make_bundle(tmp_path, features=["M_G"], derived=["M_G"], **FAR)
    (tmp_path / "a.toml").write_text(to_toml(DEFINITION | FAR | changes))
    (tmp_path / "b.toml").write_text(to_toml(B))
    (tmp_path / "run.toml").write_text(RUN)
    if message:
        with pytest.raises(ConfigError, match=message):
            open_run(tmp_path / "run.toml")
    else:
        assert open_run(tmp_path / "run.toml").definition_a.derived == ("M_G",)


def test_words_and_cuts_of_the_definition_may_change(opened: Callable[..., Run]):
    a = changed("TEFF", reference="another paper") | {"cuts": [], "keep": [], "title": "Small survey, new title"}
    assert opened(a=a).definition_a.cuts == ()


def test_an_ensemble_that_is_not_there_or_is_not_packed_is_refused(opened: Callable[..., Run]):
    with pytest.raises(EnsembleError, match=r"No file or folder .*none.stdask"):
        opened(RUN.replace("small.stdask", "none.stdask"))
    with pytest.raises(ConfigError, match=r"is a folder. Make one file of it with `stdask pack`"):
        opened(RUN.replace("small.stdask", "run"))


def test_a_run_that_trains_needs_labels_and_pairs(opened: Callable[..., Run]):
    with pytest.raises(ConfigError, match=r"train: `intrinsic` is missing.*or name an `ensemble`"):
        opened(RUN.replace('ensemble = "small.stdask"', "patience = 3"))
    labels = '[[train.intrinsic]]\nlabel = "TEFF"\nfrom = "TEFF"'
    with pytest.raises(ConfigError, match="the key 'pair' is missing"):
        opened(RUN.replace('[train]\nensemble = "small.stdask"', labels))
