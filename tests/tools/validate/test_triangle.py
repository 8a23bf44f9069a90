"""Two ways to B: what is trained on the way, which stars may judge it, and numbers that follow by hand."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from stdask.config.run import Run
from stdask.runs.surveys.finished import SurveyRun
from stdask.storage import paths
from stdask.storage.tables import write_parquet
from stdask.tools.validate.triangle import check, training_to, triangle_rows, unknown_to
from tests.hand_made import B, make_run
from tests.tools.validate.checked_stars import TEFF_B, checked, identity, stars_and_labels, training

SHIFT = 30.0  # K: by how much the way through the other survey is off


@pytest.fixture
def run(tmp_path: Path) -> Run:
    items = [{"label": "TEFF", "from": "TEFF"}, {"label": "M_H", "from": "FE_H"}]
    return make_run(tmp_path, train={"intrinsic": items, "features": ["BP_G_0", "G_RP_0"], "debias": True})


def test_labels_are_what_the_other_survey_reads_and_gaia_colours_are_not_translated(run: Run):
    train = training_to(run.config.train, "intrinsic", ("TEFF", "LOGG", "FE_H", "BP_G_0", "G_RP_0"))
    assert [(item.label, item.source) for item in train.intrinsic] == [
        ("TEFF", "TEFF"),
        ("LOGG", None),
        ("FE_H", "FE_H"),
    ]
    assert set(train.inputs("intrinsic")) == set(run.config.train.inputs("intrinsic"))
    assert train.extrinsic == ()
    assert not train.debias


def test_a_colour_that_a_does_not_have_is_a_label_of_the_way(run: Run):
    own = run.config.train.model_copy(update={"features": ()})
    train = training_to(own, "intrinsic", ("TEFF", "BP_G_0"))
    assert [item.label for item in train.intrinsic] == ["TEFF", "BP_G_0"]
    assert train.inputs("intrinsic") == ("TEFF", "FE_H")


@pytest.fixture
def other(run: Run, tmp_path: Path) -> SurveyRun:
    """Another survey whose networks were trained on the stars 5000 to 5299 of B, but not on the next hundred."""
    definition = run.definition_a.model_copy(update={"name": "mock_c"})
    table = pa.table({"STAR_KEY_B": np.arange(5000, 5400, dtype=np.uint64), "USED_INTRINSIC": np.arange(400) < 300})
    write_parquet(paths.pairs(tmp_path / "other", "mock_c", B), table)
    return SurveyRun(tmp_path / "other", definition, run.config.train, {})


def pairs_of(n_stars: int, first_b: int) -> pa.Table:
    keys = np.arange(n_stars, dtype=np.uint64)
    return pa.table({"STAR_KEY": keys, "STAR_KEY_B": keys + np.uint64(first_b)})


def test_stars_on_which_the_other_networks_were_trained_do_not_judge(other: SurveyRun):
    stars = training(*stars_and_labels(1000, 1))
    test = stars.subset(stars.is_test)  # every fifth
    kept = unknown_to(test, pairs_of(1000, 4800), other, B, "intrinsic")  # stars 200 to 499 trained the others
    np.testing.assert_array_equal(kept.star_keys, [key for key in test.star_keys if not 200 <= key < 500])


def test_if_too_few_are_unknown_all_are_compared_and_that_is_said(other: SurveyRun, capsys):
    stars = training(*stars_and_labels(300, 1))
    test = stars.subset(stars.is_test)
    assert unknown_to(test, pairs_of(300, 5000), other, B, "intrinsic") is test
    assert "mock_c was trained on nearly all test stars" in capsys.readouterr().out


def two_ways(run: Run):
    """Return a check of networks that give the counterpart, and those of a way that adds `SHIFT` to TEFF."""
    inputs, labels = stars_and_labels(2000, 8)
    labels[:, TEFF_B] += np.random.default_rng(1).normal(0, 40.0, 2000)
    direct = identity()
    ours = checked(run, direct, training(inputs, labels))
    first = replace(
        direct,
        labels=("TEFF",),
        plan=replace(direct.plan, arrays={**direct.plan.arrays, **one_label(direct)}),
        scaling=replace(
            direct.scaling, own_input=np.array([0]), gains=np.ones(1), offsets=np.array([SHIFT]), scales=np.ones(1)
        ),
    )
    return ours, first, direct


def one_label(family):
    return {name: array[..., :1] for name, array in family.plan.arrays.items() if name.startswith("head.")}


def test_a_shift_on_the_way_is_found_in_the_difference_of_both_ways(run: Run):
    ours, first, beyond = two_ways(run)
    rows = {(row.label, row.way): row for row in triangle_rows(ours, ours.test, first, beyond, "mock_c")}
    difference = rows["TEFF", "through mock_c minus direct"]
    assert difference.n == 400
    assert difference.bias == pytest.approx(SHIFT, abs=0.01)  # float32 networks at 4800 K
    assert difference.robust == pytest.approx(0, abs=0.01)
    direct, through = rows["TEFF", "A to B"], rows["TEFF", "A to mock_c to B"]
    assert direct.bias == pytest.approx(0, abs=4 * direct.bias_err)
    assert through.bias - direct.bias == pytest.approx(SHIFT, abs=0.01)
    assert through.robust == pytest.approx(40.0, abs=4 * through.robust_err)
    assert rows["VHELIO", "through mock_c minus direct"].mae == pytest.approx(0, abs=1e-3)
    assert difference.unit == "K"


def test_without_another_survey_there_is_no_triangle(run: Run, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr("stdask.tools.validate.triangle.translated_surveys", lambda _: [None])
    validation = SimpleNamespace(run=run, checked=[], workers=SimpleNamespace(refresh=lambda: None))
    assert check(validation).triangle == []
    assert "translates one survey" in capsys.readouterr().out
