"""Training of one member: repeatable, able to learn, and never worse than the best it has seen."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from stdask.network import training
from stdask.network.presets import ANY
from stdask.network.recipe import Architecture, Epoch, Sample, Schedule
from stdask.network.training import train_member
from tests.hostile import ROOT, make_hostile

ARCHITECTURE = Architecture(n_inputs=2, n_labels=1, first_width=8, depth=1, dropout=0.1, dropout_widths=(16, ANY))
SCHEDULE = Schedule(learning_rates=(3e-3, 1e-3), max_epochs=25, patience=25, batch_size=64)


def law(x: np.ndarray) -> np.ndarray:
    return (0.8 + np.sin(x[:, :1]) + 0.3 * x[:, :1] * x[:, 1:]).astype(np.float32)


def sample(n_stars: int, seed: int) -> Sample:
    x = np.random.default_rng(seed).normal(size=(n_stars, 2)).astype(np.float32)
    return weighted(x, law(x))


def weighted(x: np.ndarray, y: np.ndarray, weights: float | np.ndarray = 1.0) -> Sample:
    return Sample(x, y, np.broadcast_to(weights, y.shape).astype(np.float32))


TRAINING, VALIDATION = sample(1000, 1), sample(300, 2)


def train(schedule: Schedule = SCHEDULE, seed: int = 1, validation: Sample = VALIDATION, architecture=ARCHITECTURE):
    return train_member(architecture, schedule, TRAINING, validation, seed, lambda _: None)


def loss_of(model, stars: Sample) -> float:
    return float(np.abs(model.predict_on_batch(stars.inputs) - stars.corrections).mean())


def test_a_smooth_correction_is_learnt():
    unseen = sample(2000, 3)
    model, history = train(architecture=replace(ARCHITECTURE, dropout=0.0))
    assert loss_of(model, unseen) < 0.1 * np.abs(unseen.corrections).mean()  # what leaving A as it is would cost
    assert history[-1].loss < 0.2 * history[0].loss


def test_the_same_seed_gives_the_same_weights_bit_for_bit_and_another_seed_others():
    short = replace(SCHEDULE, max_epochs=3)
    first, again, other = (train(short, seed) for seed in (5, 5, 6))
    assert first[1] == again[1]
    assert all((a == b).all() for a, b in zip(first[0].get_weights(), again[0].get_weights(), strict=True))
    assert any((a != b).any() for a, b in zip(first[0].get_weights(), other[0].get_weights(), strict=True))


@pytest.mark.parametrize("rates", [(3e-3, 1e-3), (3e-3, 10.0)])  # 10 throws the weights away
def test_the_weights_kept_are_the_best_seen(rates: tuple):
    model, history = train(replace(SCHEDULE, learning_rates=rates, max_epochs=8))
    best = min(epoch.val_loss for epoch in history)
    assert loss_of(model, VALIDATION) == pytest.approx(best, rel=1e-5)  # float32 mean of 300 stars
    assert best < history[0].val_loss


def test_a_network_that_learns_nothing_stays_the_identity():
    # a validation sample that contradicts the training: every step away from zero makes it worse
    against = weighted(VALIDATION.inputs, np.zeros_like(VALIDATION.corrections))
    model, history = train(replace(SCHEDULE, max_epochs=50, patience=3), validation=against)
    assert len(history) == 2 * 3
    assert loss_of(model, against) == 0


def test_a_learning_rate_ends_after_patience_epochs_without_a_smaller_loss(monkeypatch: pytest.MonkeyPatch):
    first, second = [0.50, 0.40, 0.45, 0.42, 0.44], [0.41, 0.30, 0.35, 0.36, 0.37]
    losses = iter([*first, *second])
    monkeypatch.setattr(training, "_compile_epoch", lambda *_: lambda _: (0.0, next(losses)))
    _, history = train(replace(SCHEDULE, max_epochs=100, patience=3))
    assert [(e.learning_rate, e.val_loss) for e in history] == [
        *((3e-3, loss) for loss in first),
        *((1e-3, loss) for loss in second),
    ]
    assert [e.epoch for e in history] == list(range(10))


def test_each_learning_rate_begins_with_the_best_weights_so_far(monkeypatch: pytest.MonkeyPatch):
    seen = []

    def compile_epoch(model, *_):
        def run_epoch(_):
            seen.append(float(model.get_weights()[0].ravel()[0]))
            model.set_weights([w + 1 for w in model.get_weights()])  # what training does to the weights
            return 0.0, next(losses)

        return run_epoch

    losses = iter([0.6, 0.5, 0.7, 0.8, 0.9, 0.9])
    monkeypatch.setattr(training, "_compile_epoch", compile_epoch)
    model, _ = train(replace(SCHEDULE, max_epochs=4, patience=2))
    # the second epoch was the best, and the third began with its weights
    assert seen[4] == seen[2]
    assert float(model.get_weights()[0].ravel()[0]) == seen[2]


def test_every_epoch_is_told():
    told: list[Epoch] = []
    _, history = train_member(ARCHITECTURE, replace(SCHEDULE, max_epochs=2), TRAINING, VALIDATION, 1, told.append)
    assert told == history
    assert len(told) == 4


@pytest.mark.parametrize(("n_stars", "batch", "shape"), [(1000, 64, (15, 64)), (50, 256, (1, 50)), (64, 64, (1, 64))])
def test_an_epoch_shows_each_star_at_most_once(n_stars: int, batch: int, shape: tuple):
    batches = training._batches(np.random.default_rng(1), n_stars, batch)
    assert batches.shape == shape
    assert np.unique(batches).size == batches.size


def both_labels(stars: Sample, garbage: float, weights: np.ndarray | float) -> Sample:
    """Return stars with two labels; the second is garbage for two stars in three."""
    second = np.where(np.arange(len(stars.inputs))[:, None] % 3 > 0, np.float32(garbage), stars.corrections)
    return weighted(stars.inputs, np.concatenate([stars.corrections, second], axis=1), weights)


def weights_of(model) -> list[np.ndarray]:
    return [np.asarray(values) for values in model.get_weights()]


def test_a_correction_without_weight_is_never_looked_at():
    two = replace(ARCHITECTURE, n_labels=2)
    short = replace(SCHEDULE, max_epochs=3)
    models = []
    for garbage in (0.0, 1e6):
        parts = []
        for stars in (TRAINING, VALIDATION):
            known = np.arange(len(stars.inputs)) % 3 == 0
            parts.append(both_labels(stars, garbage, np.stack([np.ones_like(known), known], axis=1)))
        models.append(train_member(two, short, *parts, 1, lambda _: None))
    (one, history), (other, other_history) = models
    assert history == other_history
    assert all((a == b).all() for a, b in zip(weights_of(one), weights_of(other), strict=True))


def test_a_label_that_few_stars_have_is_learnt_from_these_and_the_other_from_all():
    two = replace(ARCHITECTURE, n_labels=2, dropout=0.0)
    parts = []
    for stars in (TRAINING, VALIDATION):
        known = np.arange(len(stars.inputs)) % 3 == 0
        parts.append(both_labels(stars, 0.0, np.stack([np.ones_like(known), known], axis=1)))
    model, _ = train_member(two, SCHEDULE, *parts, 1, lambda _: None)
    unseen = sample(2000, 3)
    errors = np.abs(model.predict_on_batch(unseen.inputs) - unseen.corrections).mean(axis=0)
    assert (errors < 0.1 * np.abs(unseen.corrections).mean()).all()  # as where no label is missing


def test_weights_that_are_equal_do_not_matter():
    short = replace(SCHEDULE, max_epochs=3)
    models = []
    for weight in (1.0, 4.0):  # a power of two: no rounding of its own
        parts = [weighted(stars.inputs, stars.corrections, weight) for stars in (TRAINING, VALIDATION)]
        models.append(train_member(ARCHITECTURE, short, *parts, 1, lambda _: None))
    # Adam divides by the root of the squared gradients, which are the same numbers
    assert models[0][1] == models[1][1]
    assert all((a == b).all() for a, b in zip(*(weights_of(model) for model, _ in models), strict=True))


def test_of_stars_that_contradict_each_other_the_heavier_ones_are_believed():
    # half of the stars say +1, half say -1, at random places: the weighted median is that of the heavier half
    x = np.random.default_rng(9).normal(size=(1000, 2)).astype(np.float32)
    sign = np.where(np.arange(1000)[:, None] % 2, 1, -1).astype(np.float32)
    stars = weighted(x, sign, np.where(sign > 0, 3.0, 1.0))
    model, _ = train_member(replace(ARCHITECTURE, dropout=0.0), SCHEDULE, stars, stars, 1, lambda _: None)
    assert np.median(model.predict_on_batch(x)) > 0.8


KERAS = """
import os
from stdask.network.training import keras
print(keras.config.backend(), keras.config.floatx(), keras.config.epsilon(), os.environ["KERAS_BACKEND"])
"""


def test_settings_of_keras_and_tensorflow_stay_out_and_the_session_keeps_its_own(tmp_path):
    own = make_hostile(tmp_path) | {"PYTHONPATH": str(ROOT)}
    del own["PYTHONWARNINGS"]  # shut out of commands only
    command = [sys.executable, "-P", "-c", KERAS]
    done = subprocess.run(command, cwd=tmp_path / "here", env=own, capture_output=True, text=True, check=False)
    assert done.stdout == "tensorflow float32 1e-07 jax\n", done.stderr
    assert done.stderr == ""
