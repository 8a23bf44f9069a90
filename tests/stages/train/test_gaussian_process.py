"""Gaussian processes beside the networks: fitted to the training stars of each, and used where they help."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.cluster.workers import Workers
from stdask.config.training import TrainConfig
from stdask.network.ensemble import Family, predict_members
from stdask.network.plan import Plan
from stdask.pairing.training_set import TrainingSet
from stdask.science.translation.gaussian_process import GAUSSIAN, ROUGH, SMOOTHNESSES, GaussianProcess
from stdask.stages.train import gaussian_process
from stdask.stages.train.errors import held_out_stars
from stdask.stages.train.gaussian_process import (
    ProcessJob,
    blend_family,
    choose_smoothness,
    fit_job,
    fit_processes,
    process_jobs,
)
from stdask.stages.train.members import jobs_of, sample_of
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import TEFF_B, VHELIO_B, identity, training

TRAIN = TrainConfig.model_validate({"intrinsic": [{"label": "TEFF", "from": "TEFF"}], "n_members": 3})
SEED = 1
MG_FE_B = 1
Fits = tuple[list[ProcessJob], list[list[GaussianProcess]]]


def bent_stars() -> TrainingSet:
    """Return stars whose temperatures of B bend away from A, by three times the scatter; velocities do not."""
    inputs, labels = training_stars(250, seed=3)
    noise = np.random.default_rng(4).normal(0, [20.0, 0.05, 0.1], (250, 3))
    bend = 60 * np.sin((inputs[:, 0] - 4800) / 150)
    return training(inputs, np.stack([inputs[:, 0] + bend, labels[:, 1], inputs[:, 3]], axis=1) + noise)


def fitted(family: Family, known: TrainingSet) -> Fits:
    """Return jobs and processes of three members, each on the stars that it does not hold out."""
    x = family.scaling.scale_inputs(known.inputs)
    y = family.scaling.to_corrections(known.inputs, known.labels)
    held_out = held_out_stars(len(known), TRAIN, SEED)
    jobs = [ProcessJob(member, x[~own], y[~own], SEED) for member, own in enumerate(held_out)]
    return jobs, choose_smoothness([fit_job(job) for job in jobs])


def three_members() -> Family:
    """Return a family of networks that change nothing."""
    family = identity()
    return replace(
        family, plan=Plan(family.plan.depth, {name: array[:3] for name, array in family.plan.arrays.items()})
    )


@pytest.fixture(scope="module")
def fits() -> Fits:
    """Jobs and processes for `bent_stars`."""
    return fitted(three_members(), bent_stars())


def test_a_label_that_networks_miss_is_left_to_the_processes(fits: Fits):
    family = blend_family(three_members(), *fits, bent_stars(), TRAIN, SEED)
    assert family.blend is not None
    assert family.blend.shares[TEFF_B] == 1
    new, _ = training_stars(200, seed=9)
    truth = new[:, 0] + 60 * np.sin((new[:, 0] - 4800) / 150)
    # 200 stars of noise 20 K and some 15 degrees of freedom: 5 K; twice that
    assert np.abs(predict_members(family, new)[..., TEFF_B].mean(axis=0) - truth).mean() < 10


def test_where_nothing_is_to_be_gained_the_mean_is_as_good_as_the_networks(fits: Fits):
    known = bent_stars()
    family = blend_family(three_members(), *fits, known, TRAIN, SEED)
    held_out = held_out_stars(len(known), TRAIN, SEED)
    alone, both = (
        np.array([np.abs(m[own] - known.labels[own]).sum(axis=0) for m, own in zip(members, held_out, strict=True)])
        for members in (predict_members(one, known.inputs) for one in (replace(family, blend=None), family))
    )
    # the process of some 15 degrees of freedom among 200 stars adds 4 % to the error, half of it a quarter of that
    assert both.sum(axis=0)[VHELIO_B] == pytest.approx(alone.sum(axis=0)[VHELIO_B], rel=0.02)


def test_networks_that_are_right_stay_alone(fits: Fits):
    family, known = three_members(), bent_stars()
    known = replace(known, labels=family.scaling.untranslated(known.inputs))
    assert blend_family(family, *fits, known, TRAIN, SEED).blend is None


def test_a_label_that_b_lacks_for_some_stars_is_fitted_on_the_others():
    family, known = three_members(), bent_stars()
    labels = known.labels.copy()
    labels[::2, MG_FE_B] = np.nan
    known = replace(known, labels=labels)
    jobs, processes = fitted(family, known)
    for job, own in zip(jobs, processes, strict=True):
        lacking = np.isnan(job.corrections[:, MG_FE_B])
        assert lacking.any()
        assert not own[MG_FE_B].weights[lacking].any()
    blend = blend_family(family, jobs, processes, known, TRAIN, SEED).blend
    assert blend is not None
    assert blend.shares[TEFF_B] == 1


def test_each_network_gets_a_process_on_its_own_training_stars_unless_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
):
    family, known = three_members(), bent_stars()
    x = family.scaling.scale_inputs(known.inputs)
    corrections = family.scaling.to_corrections(known.inputs, known.labels)
    corrections[::7, MG_FE_B] = np.nan
    samples = [sample_of(x, corrections)] * 3
    jobs = jobs_of("intrinsic", samples, TRAIN, SEED)
    found = process_jobs(jobs, TRAIN)
    assert [job.member for job in found] == [0, 1, 2]
    for job, network in zip(found, jobs, strict=True):
        np.testing.assert_array_equal(job.inputs, network.training.inputs)
        assert 0 < np.isnan(job.corrections[:, MG_FE_B]).sum() == (network.training.weights[:, MG_FE_B] == 0).sum()
    assert process_jobs(jobs, TRAIN.model_copy(update={"gaussian_process": "none"})) == []
    monkeypatch.setattr(gaussian_process, "MOST_STARS", len(found[0].inputs) - 1)
    assert process_jobs(jobs, TRAIN) == []


def test_a_label_is_as_smooth_in_all_members_as_the_evidence_of_all_together_says():
    evidence = np.array([[[5.0, 9.0], [4.0, 2.0]], [[5.0, 3.0], [4.0, 5.0]]])  # of members, labels and smoothnesses
    fitted = [
        [
            [
                GaussianProcess(0, np.zeros(1), np.ones(1), np.zeros(1), *own)
                for own in zip(SMOOTHNESSES, label, strict=True)
            ]
            for label in member
        ]
        for member in evidence
    ]
    found = [[process.smoothness for process in member] for member in choose_smoothness(fitted)]
    assert found == [[ROUGH, GAUSSIAN]] * 2


def test_the_workers_fit_what_a_loop_fits_in_the_order_of_the_jobs(client: Workers, fits: Fits):
    jobs, expected = fits
    found = fit_processes(client, "fit", jobs)
    for own, other in zip(found, expected, strict=True):
        for process, same in zip(own, other, strict=True):
            # These workers are threads of one process, and lift each other's limit of one thread for linear algebra,
            # which changes the last digits. The workers of a run are processes.
            np.testing.assert_allclose(process.weights, same.weights, rtol=1e-8, atol=1e-12)


def test_each_ensemble_chooses_for_itself_and_without_jobs_there_is_nothing(client: Workers, fits: Fits):
    jobs, expected = fits
    assert fit_processes(client, "fit", []) == []
    found = fit_processes(client, "fit", [*jobs, *(replace(job) for job in jobs)])
    smoothnesses = [[process.smoothness for process in own] for own in expected]
    assert [[process.smoothness for process in own] for own in found] == smoothnesses * 2
