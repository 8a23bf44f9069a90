"""Noise-free inputs: a label that B lacks says nothing, and its stars are drawn by their other values."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.network.recipe import Sample
from stdask.stages.train import latent
from stdask.stages.train.latent import train_latent
from stdask.stages.train.members import Shelves
from tests.hand_made import make_run
from tests.network.made_up import made_up_plan
from tests.tools.validate.checked_stars import identity, training

N = 1500
NOISE = 150.0  # K, as large as the scatter of the stars
SCATTER_B = 60.0  # K, of B about the truth


def samples_of(known: np.ndarray, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Sample], np.ndarray]:
    """Return what members are trained on where B has TEFF of some stars alone, and the true Teff."""
    rng = np.random.default_rng(1)
    truth = rng.normal(4800, 150, N)
    inputs = np.stack([truth + rng.normal(0, NOISE, N), *rng.normal(0.5, 0.1, (2, N)), rng.normal(0, 80, N)], axis=1)
    labels = np.stack([truth + rng.normal(0, SCATTER_B, N), rng.normal(0.1, 0.1, N), inputs[:, 3]], axis=1)
    labels[~known, 0] = np.nan
    stars = replace(training(inputs, labels, [NOISE, 0, 0, 0, 0]), is_test=np.zeros(N, bool))
    found: list[Sample] = []

    def jobs_of(_: str, samples: list[Sample], *__: object) -> list:
        found.extend(samples)
        return []

    monkeypatch.setattr(latent, "jobs_of", jobs_of)
    monkeypatch.setattr(latent, "train_members", lambda *_: [(made_up_plan(4, 3, 8, 1, 5), [])])
    run = make_run(folder)
    trained = train_latent(identity(inputs), stars, run.config.train, 1, None, Shelves(None).of)
    assert np.isfinite(trained.stretch.gains).all()
    return found, truth


def test_noise_free_inputs_are_drawn_with_and_without_the_label_of_b(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known = np.random.default_rng(2).random(N) < 0.4
    samples, truth = samples_of(known, tmp_path, monkeypatch)
    scaling = identity().scaling
    assert len(samples) == 5
    for sample in samples:
        drawn = sample.inputs[:, 0] * scaling.input_stds[0] + scaling.input_means[0]
        off, spread = (np.array([v[stars].std() for stars in (~known, known)]) for v in (drawn - truth, drawn))
        # Without B's Teff a draw is from the posterior of equal noise and scatter: off by 1.41 times 106 K. With it, by
        # 74 K; the steps of expectation and maximisation end at 84 K where all labels are known, at 97 K here.
        assert off[0] == pytest.approx(NOISE, rel=0.1)  # three errors of a standard deviation of 900 stars
        assert off[1] < 0.75 * NOISE
        np.testing.assert_allclose(spread, 150, rtol=0.15)  # the noise is gone: with it 212
        np.testing.assert_array_equal(sample.weights[:, 0], known)
        assert np.isfinite(sample.corrections).all()
