"""Gaussian processes beside the networks: the share that each label asks for, and nothing of a star's neighbours."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.network.blend import Blend, join_processes
from stdask.network.ensemble import Draws, Stretch, debiased, predict_members, translate
from stdask.science.translation.gaussian_process import GAUSSIAN, ROUGH, GaussianProcess
from tests.network.made_up import made_up_family, training_stars

FAMILY = made_up_family()  # of 5 members, 4 inputs, 3 labels
SHARES = np.array([0.0, 0.5, 1.0])
SMOOTHNESSES = (ROUGH, GAUSSIAN, ROUGH)


def made_up_processes(n_stars: int = 40) -> tuple[list[np.ndarray], list[list[GaussianProcess]]]:
    """Return stars and processes of the members of `FAMILY`."""
    rng = np.random.default_rng(2)
    stars = [rng.normal(size=(n_stars, 4)).astype(np.float32) for _ in range(5)]
    processes = [
        [
            GaussianProcess(*rng.normal(size=1), *rng.uniform(0.1, 1, (2, 4)), rng.normal(size=n_stars), smoothness)
            for smoothness in SMOOTHNESSES
        ]
        for _ in stars
    ]
    return stars, processes


def made_up_blend() -> Blend:
    return join_processes(*made_up_processes(), SHARES)


def test_each_member_is_the_mean_of_its_network_and_its_process_with_the_shares_of_the_labels():
    inputs = training_stars(100, seed=9)[0]
    stars, processes = made_up_processes()
    networks = predict_members(FAMILY, inputs)
    scaled = FAMILY.scaling.scale_inputs(inputs)
    for member, found in enumerate(predict_members(replace(FAMILY, blend=made_up_blend()), inputs)):
        own = np.stack([process.evaluate(stars[member], scaled) for process in processes[member]], axis=1)
        expected = (1 - SHARES) * networks[member] + SHARES * FAMILY.scaling.to_labels(inputs, own)
        # 40 bumps of order 1 in single precision
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * FAMILY.scaling.scales.max())
        np.testing.assert_array_equal(found[:, 0], networks[member][:, 0])


def test_a_translated_star_is_the_same_to_the_last_bit_alone_and_among_others():
    family, draws = replace(FAMILY, blend=made_up_blend()), Draws(20, "sobol", 7, False)
    inputs, keys = training_stars(60, seed=5)[0], np.arange(60, dtype=np.uint64)
    errors = np.full((60, 5), 0.01) * [8000, 1, 1, 1, 100]
    whole = translate(family, inputs, errors, keys, draws)
    for stars in (slice(0, 1), slice(7, 20), slice(59, None, -1)):
        part = translate(family, inputs[stars], errors[stars], keys[stars], draws)
        np.testing.assert_array_equal(part.percentiles, whole.percentiles[:, stars])
        np.testing.assert_array_equal(part.members, whole.members[:, stars])


def test_debiased_labels_are_those_of_their_networks_alone():
    stretch = Stretch(np.zeros(3), np.zeros(3), np.ones(3))
    family, inputs = replace(FAMILY, latent_plan=FAMILY.plan, stretch=stretch), training_stars(30, seed=5)[0]
    blended = replace(family, blend=made_up_blend())
    np.testing.assert_array_equal(debiased(blended, inputs), debiased(family, inputs))


@pytest.mark.parametrize("name", ["constants", "slopes", "inverse_lengths", "weights"])
def test_arrays_that_do_not_fit_one_another_are_refused(name: str):
    blend = made_up_blend()
    with pytest.raises(ValueError, match=f"blend.{name} has shape"):
        replace(blend, **{name: getattr(blend, name)[..., :-1]})


def test_bumps_of_unknown_smoothness_are_refused():
    blend = made_up_blend()
    with pytest.raises(ValueError, match=r"blend.smoothnesses has shape \(2,\)"):
        replace(blend, smoothnesses=np.float32([ROUGH, GAUSSIAN]))
    with pytest.raises(ValueError, match="smoothnesses other than"):
        replace(blend, smoothnesses=np.float32([ROUGH, GAUSSIAN, 2.5]))


def test_arrays_of_double_precision_are_refused():
    blend = made_up_blend()
    with pytest.raises(ValueError, match="not float32"):
        replace(blend, weights=blend.weights.astype(np.float64))
