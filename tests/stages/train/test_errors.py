"""Errors are calibrated on stars that members held out, and on stars whose inputs are deleted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.network.ensemble import sigma_parts, translate
from stdask.runs.ensemble import draws_of
from stdask.science.keys.splits import split_for_member
from stdask.science.translation.masking import Patterns
from stdask.stages.train.errors import calibrate, held_out_stars
from tests.hand_made import make_run
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import G_RP, MG_FE_B, TEFF_B, identity, training

COMPLETE = Patterns(np.zeros((1, 4), bool), np.array([1000]))
LACKING_TEFF = Patterns(np.array([[False] * 4, [True, False, False, False]]), np.array([860, 140]))


def test_a_member_holds_out_the_stars_that_it_validates_on(tmp_path: Path):
    run = make_run(tmp_path)
    held_out = held_out_stars(100, run.config.train, run.config.seed)
    assert held_out.shape == (run.config.train.n_members, 100)
    for member, own in enumerate(held_out):
        assert list(np.flatnonzero(own)) == list(split_for_member(100, 0.2, run.config.seed, member)[1])


def test_calibrated_errors_are_the_scatter_of_b_about_the_prediction(tmp_path: Path):
    inputs, _ = training_stars(3000, seed=3)
    labels = np.stack([inputs[:, 0], np.zeros(3000), inputs[:, 3]], axis=1)
    labels += np.random.default_rng(5).normal(0, [40.0, 0.1, 0.5], labels.shape)
    family, run = identity(), make_run(tmp_path)
    stars = training(inputs, labels)
    calibrated = calibrate(replace(family, calibration=None), stars, COMPLETE, run.config.train, draws_of(run.config))
    translation = translate(calibrated, stars.inputs, stars.errors, stars.star_keys, draws_of(run.config))
    sigma = sigma_parts(calibrated, stars.inputs, translation).total
    # a quantile of 2000 held-out stars knows a sigma to 2 %
    assert np.median(sigma[:, TEFF_B]) == pytest.approx(40, rel=0.08)
    assert list(calibrated.calibration.missing_factors) == [1, 1, 1]


@pytest.mark.parametrize("seed", [0, 4, 7])
def test_stars_that_lack_an_input_are_calibrated_on_stars_without_it(tmp_path: Path, seed: int):
    """With seeds 4 and 7 a fit has ended far from its optimum without a word: at bounds its gradient was wrong."""
    inputs, _ = training_stars(3000, seed=3)
    labels = np.stack([inputs[:, 0], np.zeros(3000), inputs[:, 3]], axis=1)
    labels += np.random.default_rng(5).normal(0, [40.0, 0.1, 0.5], labels.shape)
    stars, run = training(inputs, labels), make_run(tmp_path)
    # without draws, only the factor can know that a star without its Teff scatters by 300 K instead of 40
    family = replace(identity(), calibration=None, density=None)
    draws = replace(draws_of(run.config), seed=seed)
    calibrated = calibrate(family, stars, LACKING_TEFF, run.config.train, draws)
    assert calibrated.calibration.missing_factors[TEFF_B] > 4
    blind = stars.inputs.copy()
    blind[:, 0] = np.nan
    translation = translate(calibrated, blind, stars.errors, stars.star_keys, draws)
    sigma = sigma_parts(calibrated, blind, translation).total
    inside = np.abs(translation.percentiles[2] - labels)[:, TEFF_B] <= sigma[:, TEFF_B]
    # binomial errors of 2000 masked stars and of 3000: 1.3 %, three times that
    assert inside.mean() == pytest.approx(0.6827, abs=0.04)
    assert calibrated.calibration.missing_factors[MG_FE_B] == pytest.approx(1, abs=0.2)  # needs no Teff
    assert not np.isnan(stars.inputs[:, G_RP]).any()  # the stars themselves keep their inputs
