"""Translation against a loop in double precision, star by star, draw by draw, member by member."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.errors import EnsembleError
from stdask.network.ensemble import (
    Draws,
    Fallback,
    Family,
    Stretch,
    Translation,
    debiased,
    predict,
    predict_members,
    sigma_parts,
    translate,
)
from stdask.network.parts import from_parts, to_parts
from stdask.network.plan import Plan
from stdask.science.translation.calibration import N_GROUPS, Calibration
from stdask.science.translation.gaussian_mixture import fit_mixture
from stdask.science.translation.polynomials import Polynomials
from stdask.science.translation.resampling import measured_behind, resample_inputs, uniform_draws
from stdask.science.translation.validity import fit_domain
from tests.network.made_up import made_up_family, made_up_plan, run_in_double, training_stars

DRAWN = made_up_family()  # draws missing inputs
FAMILY = replace(DRAWN, density=None)  # takes the training mean, as published
DRAWS = Draws(n_draws=20, sampler="sobol", seed=7, include_nominal=False)
N_STARS = 30
KEYS = np.random.default_rng(3).integers(0, 2**64, N_STARS, dtype=np.uint64)
INPUTS = training_stars(N_STARS, seed=5)[0]
# of TEFF, BP_MAG, G_MAG, RP_MAG, RV
ERRORS = np.random.default_rng(4).uniform(0.5, 1, (N_STARS, 5)) * [80, 0.01, 0.01, 0.01, 1]
HOLED = INPUTS.copy()
HOLED[0, 0] = np.nan  # the counterpart of a label
HOLED[1, 1:3] = np.nan  # G missing: both colours
HOLED[2] = np.nan  # everything


def by_hand(inputs: np.ndarray, errors: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return percentiles and systematic errors from the text of the paper, sects. 3.2 and 3.5."""
    scaling = FAMILY.scaling
    columns, mixing = measured_behind(FAMILY.inputs)
    imputed = ["component", *(f"missing {name}" for name in FAMILY.inputs)]
    uniform = uniform_draws(KEYS, draws.n_draws, columns, draws.seed, draws.sampler, [*columns, *imputed])
    drawn = resample_inputs(inputs, errors, mixing, uniform, columns=columns, include_nominal=draws.include_nominal)
    percentiles, systematic = np.empty((5, N_STARS, 3)), np.empty((N_STARS, 3))
    for star in range(N_STARS):
        values, spreads = np.empty((draws.n_draws, 3)), np.empty((draws.n_draws, 3))
        for draw in range(draws.n_draws):
            x = drawn[star, draw]
            known = np.where(np.isnan(x), scaling.input_means, x)
            scaled = (known - scaling.input_means) / scaling.input_stds
            members = np.array([run_in_double(FAMILY.plan, member, scaled) for member in range(5)])
            start = np.array([known[0], scaling.offsets[1], known[3]])
            labels = np.sort(start + scaling.scales * members, axis=0)[1:4]
            values[draw], spreads[draw] = labels.mean(axis=0), labels.std(axis=0, ddof=0)
        ranks = (np.arange(draws.n_draws) + 0.5) / draws.n_draws  # of Hazen 1914
        for label, column in enumerate(np.sort(values, axis=0).T):
            percentiles[:, star, label] = np.interp([0.05, 0.16, 0.5, 0.84, 0.95], ranks, column)
        systematic[star] = np.median(spreads, axis=0)
    return percentiles, systematic


@pytest.mark.parametrize("inputs", [INPUTS, HOLED], ids=["complete", "with holes"])
@pytest.mark.parametrize(
    "draws", [DRAWS, replace(DRAWS, sampler="random", include_nominal=True)], ids=["sobol", "nominal"]
)
def test_a_translation_is_what_the_paper_says(inputs: np.ndarray, draws: Draws):
    translation = translate(FAMILY, inputs, ERRORS, KEYS, draws)
    percentiles, systematic = by_hand(inputs, ERRORS, draws)
    # inputs, products and outputs are float32: 1e-5 of the unit of a correction
    assert (np.abs(translation.percentiles - percentiles) < 1e-5 * FAMILY.scaling.scales).all()
    assert (np.abs(translation.errors - systematic) < 1e-5 * FAMILY.scaling.scales).all()


def test_the_nominal_draw_alone_moves_nothing_without_errors():
    still = translate(FAMILY, INPUTS, np.zeros_like(ERRORS), KEYS, replace(DRAWS, include_nominal=True))
    for percentile in still.percentiles:
        # rounding: members are combined before they become labels here, and after in the other
        np.testing.assert_allclose(percentile, predict(FAMILY, INPUTS), rtol=0, atol=1e-5 * FAMILY.scaling.scales.max())


@pytest.mark.parametrize("family", [FAMILY, DRAWN], ids=["mean", "drawn"])
def test_a_stars_translation_depends_on_the_star_alone_to_the_last_bit(family: Family, monkeypatch: pytest.MonkeyPatch):
    whole = translate(family, HOLED, ERRORS, KEYS, DRAWS)

    def same(other: Translation, stars: object) -> None:
        np.testing.assert_array_equal(other.percentiles, whole.percentiles[:, stars])
        np.testing.assert_array_equal(other.members, whole.members[:, stars])
        for name in ("errors", "member_spread", "missing_values", "missing_errors", "inputs_inside", "labels_inside"):
            np.testing.assert_array_equal(getattr(other, name), getattr(whole, name)[stars])

    order = np.random.default_rng(1).permutation(N_STARS)
    same(translate(family, HOLED[order], ERRORS[order], KEYS[order], DRAWS), order)
    same(translate(family, HOLED[7:8], ERRORS[7:8], KEYS[7:8], DRAWS), slice(7, 8))
    same(translate(family, HOLED[:1], ERRORS[:1], KEYS[:1], DRAWS), slice(0, 1))  # it lacks an input
    monkeypatch.setattr("stdask.network.ensemble.CHUNK_VALUES", 1000)  # three stars at once
    same(translate(family, HOLED, ERRORS, KEYS, DRAWS), slice(None))


def test_missing_inputs_are_flagged_and_translated_from_the_training_mean():
    translation = translate(FAMILY, HOLED, ERRORS, KEYS, DRAWS)
    np.testing.assert_array_equal(translation.missing_values, np.isnan(HOLED))
    assert np.isfinite(translation.percentiles).all()
    # a star of which nothing is known is the mean star, without any spread from its errors
    mean_star = predict(FAMILY, FAMILY.scaling.input_means[None])
    assert (np.abs(translation.percentiles[:, 2] - mean_star) < 1e-5 * FAMILY.scaling.scales).all()  # float32


def test_a_missing_input_is_drawn_from_what_the_others_leave_open():
    inputs, _ = training_stars(4000, seed=9)
    inputs[:, 2] = 0.6 + (inputs[:, 1] - 0.5) + np.random.default_rng(2).normal(0, 0.01, 4000)  # G - RP follows BP - G
    family = replace(DRAWN, density=fit_mixture(inputs, 1), plan=_follow_g_rp(DRAWN))
    stars = np.array([[4800, 0.45, np.nan, 0.0], [4800, 0.60, np.nan, 0.0], [4800, 0.45, 0.55, 0.0]])
    draws = replace(DRAWS, n_draws=400)
    keys = np.arange(3, dtype=np.uint64)
    translation = translate(family, stars, np.zeros((3, 5)), keys, draws)
    drawn = translation.percentiles[:, :, 1]  # MG_FE is G - RP itself in this plan
    # medians of 400 draws of a scatter of 0.01: 0.01 * 1.25 / 20 = 0.0006, and four times that
    assert drawn[2, :2] == pytest.approx([0.55, 0.70], abs=0.0025)
    # half of 16-84 % of 400 draws: 5 % of it, three times that
    assert translation.input_noise[:2, 1] == pytest.approx(0.01, rel=0.15)
    assert translation.input_noise[2, 1] == pytest.approx(0, abs=1e-6)  # nothing missing, nothing drawn
    mean = translate(replace(family, density=None), stars, np.zeros((3, 5)), keys, draws)
    assert mean.input_noise[:2, 1] == pytest.approx(0, abs=1e-6)


def _follow_g_rp(family: Family) -> Plan:
    """Return a plan of five members whose second label is the third input, whatever the others are."""
    plan = made_up_plan(4, 3, 8, 1, 5)
    arrays = {name: np.zeros_like(array) for name, array in plan.arrays.items()}
    scaling = family.scaling
    arrays["stem.kernel"][:, 2, 0] = 1  # x goes straight through: up, down and head pass feature 0 on
    arrays["up0.kernel"][:, 0, 0] = arrays["down0.kernel"][:, 0, 0] = 1
    arrays["head.kernel"][:, 0, 1] = scaling.input_stds[2] / scaling.scales[1]
    arrays["head.bias"][:, 1] = (scaling.input_means[2] - scaling.offsets[1]) / scaling.scales[1]
    return Plan(plan.depth, arrays)


def test_unseen_medians_are_those_of_the_members_that_had_not_seen_the_star():
    held_out = np.zeros((5, N_STARS), bool)
    held_out[1] = held_out[4, :10] = True
    unseen = translate(FAMILY, INPUTS, ERRORS, KEYS, DRAWS, held_out).unseen_medians
    for members, stars in (([1, 4], slice(10)), ([1], slice(10, None))):
        arrays = {name: array[members] for name, array in FAMILY.plan.arrays.items()}
        alone = replace(FAMILY, plan=Plan(FAMILY.plan.depth, arrays))  # of one or two members none is dropped
        expected = translate(alone, INPUTS, ERRORS, KEYS, DRAWS).percentiles[2]
        assert (np.abs(unseen - expected)[stars] < 1e-5 * FAMILY.scaling.scales).all()  # sums in float32


@pytest.mark.parametrize("n_members", [1, 2, 5])
def test_what_a_member_alone_gives_is_the_median_moved_by_its_own_mean_over_the_draws(n_members: int):
    family = replace(FAMILY, plan=made_up_plan(4, 3, 8, 1, n_members))
    columns, mixing = measured_behind(family.inputs)
    imputed = ["component", *(f"missing {name}" for name in family.inputs)]
    uniform = uniform_draws(KEYS, DRAWS.n_draws, columns, DRAWS.seed, DRAWS.sampler, [*columns, *imputed])
    drawn = resample_inputs(HOLED, ERRORS, mixing, uniform, columns=columns, include_nominal=False)
    means = predict_members(family, drawn).mean(axis=2)  # of labels in float64; there of corrections in float32
    translation = translate(family, HOLED, ERRORS, KEYS, DRAWS)
    expected = translation.percentiles[2] + means - means.mean(axis=0)
    assert (np.abs(translation.members - expected) < 1e-5 * FAMILY.scaling.scales).all()  # float32, as above
    assert (np.abs(translation.members.mean(axis=0) - translation.percentiles[2]) < 1e-5 * FAMILY.scaling.scales).all()


def test_a_fallback_replaces_the_networks_for_its_labels_alone():
    coefficients = np.random.default_rng(6).normal(size=(5, 35, 3))  # 35 terms of degree 3 in 4 inputs
    family = replace(FAMILY, fallback=Fallback(np.array([False, False, True]), coefficients))
    before, after = predict_members(FAMILY, INPUTS), predict_members(family, INPUTS)
    np.testing.assert_array_equal(after[:, :, :2], before[:, :, :2])
    scaled = FAMILY.scaling.scale_inputs(INPUTS)
    for member in range(5):
        stands_in = Polynomials(coefficients[member]).evaluate(scaled)[:, 2]
        expected = INPUTS[:, 3] + FAMILY.scaling.scales[2] * stands_in
        # outputs are float32
        np.testing.assert_allclose(after[member, :, 2], expected, atol=1e-5 * np.abs(stands_in).max())
    np.testing.assert_array_equal(
        translate(family, INPUTS, ERRORS, KEYS, DRAWS).percentiles[:, :, :2],
        translate(FAMILY, INPUTS, ERRORS, KEYS, DRAWS).percentiles[:, :, :2],
    )


def test_debiased_labels_come_from_the_networks_of_noise_free_inputs():
    latent = made_up_plan(4, 3, 8, 1, 5, seed=2)
    stretch = Stretch(centres=np.array([1.0, 2.0, 3.0]), to=np.array([4.0, 5.0, 6.0]), gains=np.array([1.1, 1.2, 1.3]))
    family = replace(FAMILY, latent_plan=latent, stretch=stretch)
    plain = predict(replace(FAMILY, plan=latent), INPUTS)
    expected = [4.0, 5.0, 6.0] + np.array([1.1, 1.2, 1.3]) * (plain - [1.0, 2.0, 3.0])
    found = debiased(family, HOLED)
    np.testing.assert_array_equal(found[3:], expected[3:])
    assert np.isnan(found[:3]).all()  # an input is missing
    with pytest.raises(EnsembleError, match="debias = true"):
        debiased(FAMILY, INPUTS)


def test_a_missing_error_is_flagged_where_its_value_is_there():
    errors = ERRORS.copy()
    errors[4, 0] = errors[5, 2] = errors[2] = np.nan
    translation = translate(FAMILY, HOLED, errors, KEYS, DRAWS)
    expected = np.zeros((N_STARS, 5), bool)
    expected[4, 0] = expected[5, 2] = True  # not star 2, of which no value is known
    np.testing.assert_array_equal(translation.missing_errors, expected)
    # its draws stay where it was measured: no NaN, and the others as they were
    assert np.isfinite(translation.percentiles).all()


def test_training_stars_lie_inside_the_inputs_domain_and_missing_or_absurd_ones_do_not():
    inputs, _ = training_stars()
    errors, keys = np.zeros((len(inputs), 5)), np.arange(len(inputs), dtype=np.uint64)
    assert translate(FAMILY, inputs, errors, keys, DRAWS).inputs_inside.all()
    absurd = INPUTS.copy()
    absurd[:, 0] = 50_000  # K
    for wrong in (absurd, np.where(np.arange(4) == 0, np.nan, INPUTS)):
        inside = translate(FAMILY, wrong, ERRORS, KEYS, DRAWS).inputs_inside
        with_teff = [n for n, pair in enumerate(FAMILY.input_domain.pairs) if 0 in pair]
        assert not inside[:, with_teff].any()
    assert not translate(FAMILY, absurd, ERRORS, KEYS, DRAWS).labels_inside[:, :2].any()


def test_the_output_is_judged_by_the_median_over_the_draws():
    translation = translate(FAMILY, INPUTS, ERRORS, KEYS, DRAWS)
    inside = [FAMILY.label_domain.contains(values) for values in translation.percentiles]
    np.testing.assert_array_equal(translation.labels_inside, inside[2])
    assert all((inside[2] != inside[other]).any() for other in (0, 1, 3, 4))  # or the test would prove nothing


def test_a_lone_velocity_of_a_thousand_million_is_refused():
    velocities = training_stars()[1][:, 2:]
    kernel, bias = FAMILY.plan.arrays["head.kernel"], FAMILY.plan.arrays["head.bias"]
    plan = replace(FAMILY.plan, arrays={**FAMILY.plan.arrays, "head.kernel": kernel[..., 2:], "head.bias": bias[:, 2:]})
    scaling = replace(
        FAMILY.scaling, **{k: getattr(FAMILY.scaling, k)[2:] for k in ("own_input", "gains", "offsets", "scales")}
    )
    lone = replace(
        FAMILY, labels=("VHELIO",), counterparts=("RV",), plan=plan, scaling=scaling,
        label_domain=fit_domain(velocities, ["VHELIO"], 10, 1),
    )  # fmt: skip
    inputs = INPUTS.copy()
    inputs[0, 3] = 1e9  # km/s
    inside = translate(lone, inputs, ERRORS, KEYS, DRAWS).labels_inside
    assert inside.shape == (N_STARS, 1)
    assert not inside[0, 0]
    assert inside[1:].mean() > 0.8  # its own errors and the made-up network move few out


def test_prediction_is_the_trimmed_mean_of_the_members():
    labels = predict(FAMILY, INPUTS)
    scaled = FAMILY.scaling.scale_inputs(INPUTS).astype(np.float64)
    members = np.sort([run_in_double(FAMILY.plan, member, scaled) for member in range(5)], axis=0)[1:4]
    expected = FAMILY.scaling.to_labels(INPUTS, members.mean(axis=0))
    assert (np.abs(labels - expected) < 1e-5 * FAMILY.scaling.scales).all()  # float32


@pytest.mark.parametrize("n_rows", [0, 1, 1919, 1920, 1921])
def test_prediction_gives_each_row_its_label(n_rows: int):
    inputs = training_stars(n_rows, seed=8)[0]
    assert predict(FAMILY, inputs).shape == (n_rows, 3)
    if n_rows:
        last = predict(FAMILY, inputs[-1:])
        np.testing.assert_allclose(predict(FAMILY, inputs)[-1:], last, rtol=0, atol=1e-5 * FAMILY.scaling.scales.max())


def test_a_family_comes_back_from_its_parts_with_the_same_translations():
    latent = made_up_plan(4, 3, 8, 1, 5, seed=2)
    stretch = Stretch(np.ones(3), np.ones(3), np.full(3, 1.2))
    fallback = Fallback(np.array([True, False, False]), np.random.default_rng(6).normal(size=(5, 35, 3)))
    for family in (FAMILY, replace(DRAWN, latent_plan=latent, stretch=stretch, fallback=fallback)):
        document, arrays = to_parts(family)
        back = from_parts(document, arrays)
        assert (back.inputs, back.labels, back.counterparts) == (family.inputs, family.labels, family.counterparts)
        first, again = (translate(one, HOLED, ERRORS, KEYS, DRAWS) for one in (family, back))
        np.testing.assert_array_equal(first.percentiles, again.percentiles)
        np.testing.assert_array_equal(first.inputs_inside, again.inputs_inside)
        np.testing.assert_array_equal(first.labels_inside, again.labels_inside)
        where, there = family.neighbourhood, back.neighbourhood
        np.testing.assert_array_equal(where.index(INPUTS), there.index(INPUTS))
        assert where.names == there.names
    np.testing.assert_array_equal(debiased(family, INPUTS), debiased(back, INPUTS))


def test_a_calibration_comes_back_as_well_and_gives_the_same_errors():
    n_labels, n_inputs = len(FAMILY.labels), len(FAMILY.inputs)
    rng = np.random.default_rng(4)
    calibration = Calibration(
        scales=rng.uniform(1, 2, n_labels),
        weights=rng.normal(0, 0.1, (n_labels, 1 + 2 * n_inputs)),
        input_factors=rng.uniform(1, 2, n_labels),
        member_factors=rng.uniform(1, 2, n_labels),
        group_columns=np.array([1, -1]),
        group_factors=rng.uniform(1, 2, (n_labels, N_GROUPS)),
        missing_factors=rng.uniform(1, 2, n_labels),
    )
    family = replace(FAMILY, calibration=calibration)
    back = from_parts(*to_parts(family))
    translation = translate(family, HOLED, ERRORS, KEYS, DRAWS)
    expected = sigma_parts(family, HOLED, translation).total
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(sigma_parts(back, HOLED, translation).total, expected)
