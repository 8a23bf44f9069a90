"""A family from its training stars: whose counterpart is whose, what is masked, and the shape of the network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stdask.config.stages import DomainConfig
from stdask.config.training import TrainConfig
from stdask.network.presets import shape_of
from stdask.network.recipe import Epoch
from stdask.science.translation.masking import Patterns
from stdask.science.translation.scaling import NO_COUNTERPART, fit_scaling
from stdask.science.translation.validity import choose_n_bins, share_held_out_inside
from stdask.stages.train import family as train_stage
from stdask.stages.train.family import (
    domain_bins,
    member_jobs,
    notes_of_domains,
    own_inputs,
    train_family,
    uncalibrated,
)
from stdask.stages.train.members import Job, Member
from tests.hand_made import make_run
from tests.network.made_up import made_up_plan, training_stars
from tests.tools.validate.checked_stars import training

ABUNDANCES = {
    "intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "LOGG"}],
    "extrinsic": [{"label": "VHELIO", "from": "RV"}, {"label": "MG_FE", "from": "MG_FE"}, {"label": "AL_FE"}],
}
LACKING_RV = Patterns(np.array([[False] * 4, [False, False, False, True]]), np.array([700, 300]))


def test_each_of_several_extrinsic_labels_has_its_own_counterpart():
    train = TrainConfig.model_validate(ABUNDANCES)
    assert train.inputs("extrinsic") == ("TEFF", "RV", "MG_FE")
    assert own_inputs("extrinsic", train) == [1, 2, NO_COUNTERPART]
    assert own_inputs("intrinsic", train) == [0, NO_COUNTERPART]
    inputs = np.array([[5000.0, 30.0, 0.1], [4500.0, -80.0, 0.3], [6000.0, 10.0, 0.0]])
    labels = inputs[:, [1, 2, 0]] + [0.3, -0.02, 0.0]
    scaling = fit_scaling(inputs, labels, own_inputs("extrinsic", train), "residual")
    # an untrained network adds nothing: each label starts from its own input, or from the training mean
    untrained = scaling.to_labels(inputs, np.zeros((3, 3)))
    np.testing.assert_array_equal(untrained[:, 0], inputs[:, 1])
    np.testing.assert_array_equal(untrained[:, 1], inputs[:, 2])
    np.testing.assert_allclose(untrained[:, 2], labels[:, 2].mean())


def test_where_missing_inputs_become_the_mean_members_are_trained_so_at_the_rate_of_the_catalogue():
    known = training(*training_stars(4000))
    scaling = fit_scaling(known.inputs, known.labels, [0, NO_COUNTERPART, 3], "residual")
    for missing, share in (("mean", 0.3), ("draw", 0.0)):
        train = TrainConfig.model_validate({"intrinsic": ABUNDANCES["intrinsic"], "missing": missing})
        jobs = member_jobs("intrinsic", known, scaling, LACKING_RV, train, seed=1)
        masked = [(job.training.inputs[:, 3] == 0).mean() for job in jobs]  # 0 is the training mean
        # 4 sigma of the binomial of 3200 stars
        np.testing.assert_allclose(masked, share, atol=4 * np.sqrt(0.3 * 0.7 / 3200))
        assert all((job.training.inputs[:, :3] != 0).all() for job in jobs)
        # without its velocity a star's label starts from the mean, and so does what the network has to add
        job = jobs[0]
        blind = job.training.inputs[:, 3] == 0
        if blind.any():
            assert (
                np.abs(job.training.corrections[blind, 2]).max()
                > 10 * np.abs(job.training.corrections[~blind, 2]).max()
            )


@pytest.mark.parametrize("n_bins", [None, 30, 3])
def test_the_bins_of_a_domain_follow_the_training_stars_unless_stated_and_a_loss_is_told(n_bins: int | None):
    known = training(*training_stars(700))
    train = TrainConfig.model_validate({"intrinsic": [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}]})
    train = train.model_copy(update={"features": ("BP_G_0", "G_RP_0", "RV")})
    known = replace(known, labels=known.labels[:, :2], label_errors=known.label_errors[:, :2])
    scaling = fit_scaling(known.inputs, known.labels, own_inputs("intrinsic", train), "residual")
    plans = [made_up_plan(4, 2, 8, 1, 1)]
    family = uncalibrated("intrinsic", known, scaling, plans, train, DomainConfig(n_bins=n_bins), seed=1)
    domains = domain_bins(family, known, min_stars=1)
    for name, values in (("intrinsic inputs", known.inputs), ("intrinsic labels", known.labels)):
        own = domains[name]
        assert own.n_bins == (n_bins or choose_n_bins(values, 1))
        assert own.inside == share_held_out_inside(values, own.n_bins, 1)
    notes = notes_of_domains(domains)
    if n_bins == 30:
        assert len(notes) == 2
        assert f"intrinsic inputs: only {100 * domains['intrinsic inputs'].inside:.1f} % of the training" in notes[0]
        assert "30 bins" in notes[0]
    else:
        assert notes == []


def test_a_run_file_may_change_the_shape_of_a_preset():
    base = {"intrinsic": [{"label": "TEFF", "from": "TEFF"}]}
    assert shape_of(TrainConfig.model_validate(base))["first_width"] == 32
    changed = TrainConfig.model_validate({**base, "preset": "paper", "depth": 2, "dropout_widths": (1, 256)})
    shape = shape_of(changed)
    assert (shape["first_width"], shape["depth"], shape["dropout"], shape["dropout_widths"]) == (64, 2, 0.5, (1, 256))


def test_best_weights_train_three_kinds_of_networks_and_keep_those_that_are_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    inputs, labels = training_stars(400)
    labels[:, 0], labels[:, 2] = inputs[:, 0], inputs[:, 3]
    content = [{"label": "TEFF", "from": "TEFF"}, {"label": "MG_FE"}, {"label": "VHELIO", "from": "RV"}]
    train = {"intrinsic": content, "features": ["BP_G_0", "G_RP_0"], "weights": "best", "gaussian_process": "none"}
    run = make_run(tmp_path, train=train)
    inputs = inputs[:, [0, 3, 1, 2]]  # the order of the run: counterparts, then features
    rng = np.random.default_rng(1)
    stars = replace(training(inputs, labels, [50, 1, 0.1, 0.1, 0.1]), label_errors=rng.uniform(1, 200, (400, 3)))
    others = (inputs[rng.integers(0, 400, 500)] + [200, 0, 0, 0], np.tile([50, 1, 0.1, 0.1, 0.1], (500, 1)))
    trained: dict[str, list[Job]] = {}

    def train_members(_: object, title: str, jobs: list[Job], shelf: str) -> list[Member]:
        trained[title] = jobs
        assert shelf == title.removeprefix("train ").replace(", weights ", "_")
        plan = made_up_plan(4, 3, 8, 1, 1, seed=len(trained))
        return [(plan, [Epoch(0, 1e-3, float(len(trained)), 1.0)]) for _ in jobs]

    class NoShelves:
        def of(self, kind: str) -> str:
            return kind

    monkeypatch.setattr(train_stage, "train_members", train_members)
    monkeypatch.setattr(train_stage, "choose_way", lambda *_: ("errors", ["gains"]))
    patterns = Patterns(np.zeros((1, 4), bool), np.array([1000]))
    found = train_family("intrinsic", stars, patterns, run.config, None, NoShelves(), others)
    assert list(trained) == ["train intrinsic", "train intrinsic, weights errors", "train intrinsic, weights catalogue"]
    expected = made_up_plan(4, 3, 8, 1, 1, seed=2).arrays["stem.kernel"]
    np.testing.assert_array_equal(found.family.plan.arrays["stem.kernel"], np.concatenate([expected] * 5))
    assert {row.loss for row in found.history} == {2.0}  # the learning curves are those of the networks that are kept
    assert found.notes[0] == "gains"
    equal, errors, catalogue = (jobs[0].training.weights for jobs in trained.values())
    assert (equal == 1).all()
    assert np.ptp(errors, axis=0).min() > 0.1
    np.testing.assert_array_equal(catalogue[:, 0], catalogue[:, 2])
    assert np.ptp(catalogue[:, 0]) > 0.1
