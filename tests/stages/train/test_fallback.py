"""Do no harm: a simpler method replaces the networks only where held-out stars say that the networks are worse."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stdask.network.ensemble import predict_members
from stdask.pairing.training_set import TrainingSet
from stdask.stages.train.fallback import choose_fallback
from tests.hand_made import make_run
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import TEFF_B, VHELIO_B, identity, training


def known_stars(labels_of: str) -> TrainingSet:
    """Return stars whose labels are A plus noise; `labels_of` moves VHELIO by a constant or along Teff."""
    inputs, labels = training_stars(600, seed=3)
    noise = np.random.default_rng(4).normal(0, [5.0, 0.05, 0.1], (600, 3))
    labels = np.stack([inputs[:, 0], np.full(600, labels[:, 1].mean()), inputs[:, 3]], axis=1) + noise
    labels[:, VHELIO_B] += {"offset": 0.4, "slope": 0.002 * (inputs[:, 0] - 4800), "nothing": 0.0}[labels_of]
    return training(inputs, labels)


def test_networks_that_miss_an_offset_are_replaced_for_that_label_alone(tmp_path: Path):
    family, run = identity(), make_run(tmp_path)
    family = replace(family, scaling=replace(family.scaling, offsets=np.array([0.0, 0.15, 0.0])))
    fallback, notes = choose_fallback(family, known_stars("offset"), run.config.train, 1)
    assert fallback is not None
    assert fallback.replaced[VHELIO_B]
    assert not fallback.replaced[TEFF_B]
    assert any(note.startswith("VHELIO: ") for note in notes)
    inputs, _ = training_stars(50, seed=9)
    members = predict_members(replace(family, fallback=fallback), inputs)
    # 0.4 km/s from 480 stars of noise 0.1: 0.005, and four times that
    assert np.abs(members[:, :, VHELIO_B] - inputs[:, 3] - 0.4).max() < 0.05
    np.testing.assert_array_equal(members[:, :, TEFF_B], predict_members(family, inputs)[:, :, TEFF_B])


def test_a_relation_that_networks_miss_is_taken_over_by_a_regression(tmp_path: Path):
    family = identity()
    fallback, notes = choose_fallback(family, known_stars("slope"), make_run(tmp_path).config.train, 1)
    assert fallback is not None
    assert any("VHELIO" in note and "ridge regression" in note for note in notes)
    hot, cool = training_stars(2, seed=9)[0]
    hot[0], cool[0] = 5100.0, 4500.0
    members = predict_members(replace(family, fallback=fallback), np.stack([hot, cool]))[:, :, VHELIO_B]
    # 0.002 km/s a kelvin over 600 K; a cubic regression may bend by a tenth of it
    assert np.abs(members[:, 0] - hot[3] - (members[:, 1] - cool[3]) - 1.2).max() < 0.15


def test_networks_that_do_no_harm_stay(tmp_path: Path):
    family = identity()
    fallback, notes = choose_fallback(family, known_stars("nothing"), make_run(tmp_path).config.train, 1)
    assert fallback is None or not fallback.replaced[VHELIO_B]
    assert not any(note.startswith("VHELIO") for note in notes)
