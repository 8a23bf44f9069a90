"""Study: every pair tests once, simpler methods never see its label, recipes change what they say and no more."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from typer.testing import CliRunner

from stdask.cli.main import app
from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.errors import ConfigError
from stdask.network.presets import shape_of
from stdask.science.assessment.baselines import SIMPLER
from stdask.stages.ingest import stage as ingest
from stdask.stages.pair import stage as pair
from stdask.tools import study
from stdask.tools.study import ALL_LABELS, RECIPES, SHAPE, _all_labels, _folds, _rows, _simpler, _with_recipe
from tests.conftest import JOBS
from tests.hand_made import make_run
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import training


def test_every_star_tests_in_exactly_one_fold():
    folds = _folds(training(*training_stars(200)), 5, seed=7)
    tested = np.sum([fold.is_test for fold in folds], axis=0)
    np.testing.assert_array_equal(tested, 1)


def test_simpler_methods_never_see_the_labels_they_are_tested_on():
    fold = _folds(training(*training_stars(200)), 5, seed=7)[0]
    spoilt = replace(fold, labels=fold.labels + 1e6 * fold.is_test[:, None])
    ours, theirs = (_simpler(one, [0, -1, 3], seed=1) for one in (fold, spoilt))
    for method in SIMPLER:
        np.testing.assert_allclose(ours[method], theirs[method] + 1e6, rtol=0, atol=1e-6)


def test_a_method_is_behind_by_the_difference_of_the_mean_absolute_errors():
    rng = np.random.default_rng(1)
    own = rng.normal(size=400)
    residuals = {"translated": own, "raw": 2 * own, "gp": np.full(400, np.nan)}
    found = _rows(("intrinsic", "TEFF", "K"), residuals, {"translated": 0.5}, 1000, seed=1)
    rows = {row.method: row for row in found}
    assert rows["raw"].behind == pytest.approx(np.abs(own).mean())
    # the bootstrap of 1000 knows the error of a mean to 2 %: four times that
    assert rows["raw"].behind_err == pytest.approx(np.abs(own).std() / 20, rel=0.1)
    assert rows["translated"].behind == 0
    assert "gp" not in rows
    assert rows["translated"].val_loss == 0.5
    assert np.isnan(rows["raw"].val_loss)


def test_all_labels_together_are_the_mean_of_the_errors_in_units_of_the_translation():
    rng = np.random.default_rng(1)
    own = rng.normal(0, [40.0, 0.1], (900, 2))
    own[::3, 1] = np.nan  # B lacks a label of every third star
    residuals = {"translated": own, "raw": own * [2.0, 1.2], "offset": own * [1.0, np.nan]}
    rows = {row.method: row for row in _all_labels("intrinsic", residuals, {"translated": 0.5}, 1000, seed=1)}
    assert set(rows) == {"translated", "raw"}  # without a label there is no mean over labels
    assert {row.label for row in rows.values()} == {ALL_LABELS}
    assert rows["translated"].mae == pytest.approx(1)
    assert rows["translated"].behind == 0
    assert rows["raw"].mae == pytest.approx(1.6)
    assert rows["raw"].behind == pytest.approx(0.6)
    # each label adds half: |x| of a Gaussian scatters by 0.756 of its mean
    expected = 0.756 * np.hypot(0.5 / np.sqrt(900), 0.1 / np.sqrt(600))
    # the bootstrap of 1000 knows the error of a mean to 2 %, and 600 stars the scatter to 4 %: twice that
    assert rows["raw"].behind_err == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_changes_what_it_names_from_the_preset_compact(recipe: str, tmp_path: Path):
    train = make_run(tmp_path).config.train
    own = _with_recipe(train.model_copy(update={"batch_size": 7, "first_width": 5, "n_members": 3}), RECIPES[recipe])
    assert own.n_members == 3  # of the run
    assert own.gaussian_process == "none"  # networks are compared with networks
    for key, value in RECIPES[recipe].items():
        assert getattr(own, key) == value
    if not set(SHAPE) & set(RECIPES[recipe]) and "preset" not in RECIPES[recipe]:
        assert shape_of(own)["first_width"] == 32
    if "batch_size" not in RECIPES[recipe]:
        assert own.batch_size == 128


def test_an_unknown_recipe_is_refused_with_those_there_are(tmp_path: Path):
    run_file = JOBS / "apogee_dr14_to_dr16.toml"
    result = CliRunner().invoke(app, ["study", str(run_file), "--output", str(tmp_path), "--recipe", "magic"])
    assert isinstance(result.exception, ConfigError)
    assert "No recipe 'magic'. Recipes: compact, " in str(result.exception)


@pytest.mark.slow
def test_a_study_of_real_stars_writes_one_row_a_label_and_method(
    data_dir: Path, client: Workers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run = load_run(JOBS / "lamost_kepler_to_apogee.toml", data_dir, tmp_path / "run")
    short = {"n_members": 2, "max_epochs": 2, "learning_rates": (1e-3,)}
    run = run.model_copy(
        update={"config": run.config.model_copy(update={"train": run.config.train.model_copy(update=short)})}
    )
    for side in ("a", "b"):
        ingest.run(run, client, side)
    pair.run(run, client)
    study.run(run, client, 2, ["width 16"])
    assert "stars a second and core; the networks alone " in capsys.readouterr().out
    table = Table.read(run.output / "study" / "study.ecsv")
    methods = {"translated", "networks", "width 16", *SIMPLER}
    assert {(row["label"], row["method"]) for row in table} == {
        (label, method) for label in ("TEFF", "LOGG", "FE_H", ALL_LABELS) for method in methods
    }
    assert set(table["n"]) == {724}  # all pairs tested
    assert not (run.output / "ensemble").exists()
