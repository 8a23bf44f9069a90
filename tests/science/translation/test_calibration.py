"""Calibrated errors: they cover stars never seen, in every group, whatever the stated errors claim."""

from dataclasses import replace

import numpy as np
import pytest

from stdask.science.translation.calibration import MIN_GROUP, N_GROUPS, Calibration, fit_calibration, group_numbers

N = 6000
COLUMNS = (1, 2)  # log g, metallicity


def stars(seed: int, understated: float = 1.0) -> dict[str, np.ndarray]:
    """Stars whose true scatter is known: input noise, member spread, and a part that grows to low metallicity."""
    rng = np.random.default_rng(seed)
    inputs = np.stack([rng.uniform(4000, 6500, N), rng.uniform(0, 5, N), rng.uniform(-2.2, 0.4, N)], axis=1)
    scaled = (inputs - [5250, 2.5, -0.9]) / [720, 1.44, 0.75]
    noise, spread = rng.uniform(10, 60, (N, 1)), rng.uniform(2, 15, (N, 1))
    intrinsic = 20 * np.exp(-0.5 * scaled[:, 2:])
    sigma = np.sqrt(noise**2 + spread**2 + intrinsic**2)
    residuals = sigma * rng.normal(size=(N, 1))
    return {
        "residuals": residuals,
        "inputs": inputs,
        "scaled_inputs": scaled,
        "input_noise": noise / understated,
        "member_spread": spread,
        "sigma": sigma,
        "intrinsic": intrinsic,
    }


def fitted(sample: dict[str, np.ndarray]) -> Calibration:
    keys = ("residuals", "inputs", "scaled_inputs", "input_noise", "member_spread")
    return fit_calibration(*(sample[key] for key in keys), group_columns=COLUMNS)


def sigma_of(calibration: Calibration, sample: dict[str, np.ndarray]) -> np.ndarray:
    keys = ("inputs", "scaled_inputs", "input_noise", "member_spread")
    return calibration.parts(*(sample[key] for key in keys)).total


@pytest.mark.parametrize("understated", [0.25, 1.0, 3.0])  # stated errors too large, right, too small
@pytest.mark.parametrize(("n_sigma", "nominal"), [(1.0, 0.6827), (1.645, 0.90)])
def test_new_stars_are_covered_overall_and_in_every_group(understated: float, n_sigma: float, nominal: float):
    calibration, new = fitted(stars(1, understated)), stars(2, understated)
    inside = np.abs(new["residuals"]) <= n_sigma * sigma_of(calibration, new)
    # two binomial errors of 6000 fitted and 6000 new stars: 0.6 % each, so 2 % is over two sigma
    assert inside.mean() == pytest.approx(nominal, abs=0.02)
    groups = group_numbers(new["inputs"], COLUMNS)
    for group in range(N_GROUPS):
        own = inside[groups == group]
        assert own.size > 400  # so that two binomial errors, of the fitted and of the new stars, are 3.3 %
        assert own.mean() == pytest.approx(nominal, abs=0.075)


def test_the_errors_follow_the_true_scatter_star_by_star():
    calibration, new = fitted(stars(3)), stars(4)
    # a factor of 3 lies between the best and the worst star; the fit has 9 parameters and 6000 stars
    ratio = sigma_of(calibration, new) / new["sigma"]
    assert np.percentile(ratio, [5, 95]) == pytest.approx([1, 1], abs=0.12)


def test_the_parts_add_in_quadrature_and_the_intrinsic_one_grows_to_low_metallicity():
    calibration, new = fitted(stars(5)), stars(6)
    parts = calibration.parts(*(new[k] for k in ("inputs", "scaled_inputs", "input_noise", "member_spread")))
    assert parts.total == pytest.approx(np.sqrt(parts.input_noise**2 + parts.members**2 + parts.intrinsic**2))
    poor, rich = new["inputs"][:, 2] < -1.8, new["inputs"][:, 2] > 0
    expected = np.median(new["intrinsic"][poor]) / np.median(new["intrinsic"][rich])
    # the truth grows by a factor 3.6; the noise hides the small end of it, hence the wide margin
    assert np.median(parts.intrinsic[poor]) / np.median(parts.intrinsic[rich]) == pytest.approx(expected, rel=0.4)


def test_long_tails_are_shared_between_one_sigma_and_ninety_per_cent():
    sample, new = stars(1), stars(2)
    for seed, some in enumerate((sample, new)):  # Student's t of 3 degrees of freedom about the same errors
        some["residuals"] = some["sigma"] * np.random.default_rng(seed).standard_t(3, size=(N, 1))
    sigma = sigma_of(fitted(sample), new)
    misses = [(np.abs(new["residuals"]) <= n * sigma).mean() - share for n, share in ((1, 0.6827), (1.645, 0.9))]
    # of t with 3 degrees: 68 % are within 1.197 and 90 % within 2.353 = 1.430 x 1.645, so the factor is 1.308, which
    # covers 0.718 and 0.880; binomial errors of fitted and new stars together are 0.9 % and 0.6 %
    assert misses == pytest.approx([0.036, -0.020], abs=0.02)


def test_outliers_do_not_set_the_errors_of_all():
    clean, dirty = stars(7), stars(7)
    dirty["residuals"] = dirty["residuals"].copy()
    dirty["residuals"][::100] = 1e5  # one star in a hundred
    new = stars(8)
    change = sigma_of(fitted(dirty), new) / sigma_of(fitted(clean), new)
    assert np.median(change) == pytest.approx(1.0, abs=0.1)  # clipped at 5 sigma, 1 % of outliers add 12 % at most


def test_a_group_of_few_stars_takes_the_factor_of_all():
    sample = stars(9)
    groups = group_numbers(sample["inputs"], COLUMNS)
    kept = groups < 4  # of the groups 4 and 5, too few for factors of their own
    for small in (4, 5):
        kept[np.flatnonzero(groups == small)[: MIN_GROUP - 1]] = True
    factors = fitted({key: values[kept] for key, values in sample.items()}).group_factors[0]
    assert factors[4] == factors[5]  # two samples of their own would not give the same number
    assert len(set(factors[:4])) == 4
    assert min(factors[:4]) < factors[4] < max(factors[:4])  # that of all lies among those of the large groups


def test_without_log_g_and_metallicity_all_stars_are_one_group():
    assert set(group_numbers(np.full((5, 1), 3.0), (-1, -1))) == {0}
    assert group_numbers(np.array([[np.nan, np.nan]]), (0, 1))[0] == 0


def test_stars_that_lack_an_input_get_a_factor_of_their_own_and_are_covered():
    sample, new = stars(1), stars(2)
    for some in (sample, new):  # half of them lack the first input, and scatter three times as much
        some["inputs"][::2, 0] = np.nan
        some["scaled_inputs"][::2, 0] = 0.0
        some["residuals"][::2] *= 3
    calibration, complete = fitted(sample), {key: values[1::2] for key, values in sample.items()}
    # what the complete stars teach, the others do not touch
    np.testing.assert_array_equal(calibration.group_factors, fitted(complete).group_factors)
    inside = np.abs(new["residuals"]) <= sigma_of(calibration, new)
    # binomial errors of 3000 fitted and 3000 new stars: 0.85 % each, 2.5 sigma of both
    assert inside[::2].mean() == pytest.approx(0.6827, abs=0.03)
    assert inside[1::2].mean() == pytest.approx(0.6827, abs=0.03)


def test_without_stars_that_lack_an_input_their_factor_is_one():
    assert list(fitted(stars(1)).missing_factors) == [1.0]


def test_the_intrinsic_scatter_does_not_run_away_where_all_inputs_are_far_out():
    calibration = fitted(stars(1))
    steep = replace(calibration, weights=np.full_like(calibration.weights, 2.0))
    far = np.full((1, 3), 1e3)
    sigma = steep.parts(far, far, np.zeros((1, 1)), np.zeros((1, 1))).intrinsic
    # at most exp(3) robust scatters, as when it was learnt
    assert sigma[0, 0] <= np.exp(3) * (steep.scales * steep.group_factors.max()).max() * (1 + 1e-9)


def test_a_label_is_calibrated_on_the_stars_that_have_it_as_if_it_were_alone():
    one, other = stars(5), stars(6)
    both = one | {k: np.hstack([one[k], other[k]]) for k in ("residuals", "input_noise", "member_spread")}
    known = np.random.default_rng(7).random(N) < 0.4
    gaps = both | {"residuals": np.where(known[:, None] | [True, False], both["residuals"], np.nan)}
    calibration = fitted(gaps)
    described = ("residuals", "inputs", "scaled_inputs", "input_noise", "member_spread")
    alone = fitted({k: both[k][:, 1:] if both[k].shape[1] == 2 else both[k] for k in described})
    subset = fitted({k: (both[k][:, 1:] if both[k].shape[1] == 2 else both[k])[known] for k in described})
    complete = fitted(both)
    for name in ("scales", "weights", "input_factors", "member_factors", "group_factors"):
        found = getattr(calibration, name)
        np.testing.assert_array_equal(found[0], getattr(complete, name)[0])
        # A column among others lies elsewhere in memory than alone, and some processors then add in another order.
        np.testing.assert_allclose(found[1], getattr(subset, name)[0], rtol=1e-12)
    assert (complete.group_factors[1] == alone.group_factors[0]).all()


@pytest.mark.parametrize("tail", [2, 3, 30])  # degrees of freedom of Student's t: long tails to nearly none
def test_half_widths_hold_99_per_cent_of_new_stars_whatever_the_tails(tail: int):
    sample, new = stars(1), stars(2)
    for seed, some in enumerate((sample, new)):
        some["residuals"] = some["sigma"] * np.random.default_rng(seed).standard_t(tail, size=(N, 1))
    parts = fitted(sample).parts(*(new[k] for k in ("inputs", "scaled_inputs", "input_noise", "member_spread")))
    inside = np.abs(new["residuals"]) <= parts.half_widths
    # binomial errors of 99 % of 6000 fitted and 6000 new stars are 0.13 % each
    assert inside.mean() == pytest.approx(0.99, abs=0.006)
    groups = group_numbers(new["inputs"], COLUMNS)
    assert all(inside[groups == group].mean() > 0.965 for group in range(N_GROUPS))  # of 400 stars each: 0.7 %
    three_sigma = (np.abs(new["residuals"]) <= 3 * parts.total).mean()
    assert (three_sigma < 0.985) == (tail < 30)


def test_too_few_stars_have_no_half_width_and_small_groups_that_of_all():
    sample = stars(1)
    giants = sample["inputs"][:, 1] < 3.5
    few = np.flatnonzero(giants)[: MIN_GROUP - 1]
    small = {key: values[few] for key, values in sample.items()}
    assert np.isnan(fitted(small).wide_factors).all()
    some = {key: values[np.flatnonzero(giants)[:2000]] for key, values in sample.items()}
    factors = fitted(some).wide_factors[0]
    assert np.isfinite(factors[:N_GROUPS]).all()
    assert len(set(factors[N_GROUPS // 2 : N_GROUPS])) == 1  # no dwarf among them
    assert len(set(factors[: N_GROUPS // 2])) == 3
    assert np.isnan(factors[N_GROUPS])  # no star lacked an input


def test_stars_that_lack_an_input_have_the_half_width_of_such_stars():
    sample = {key: np.concatenate([values, values]) for key, values in stars(1).items()}
    sample["inputs"][N:, 0] = np.nan
    sample["residuals"][N:] *= 1 + 9 * (np.random.default_rng(4).random((N, 1)) < 0.05)  # one in twenty is far off
    calibration = fitted(sample)
    parts = calibration.parts(*(sample[k] for k in ("inputs", "scaled_inputs", "input_noise", "member_spread")))
    inside = np.abs(sample["residuals"]) <= parts.half_widths
    assert inside[:N].mean() == pytest.approx(0.99, abs=0.004)  # binomial error 0.13 %; the quantile is of these stars
    assert inside[N:].mean() == pytest.approx(0.99, abs=0.004)
    assert calibration.wide_factors[0, N_GROUPS] > 1.5 * calibration.wide_factors[0, 0]


def test_a_label_without_any_residual_has_no_error_and_no_half_width():
    sample = {key: np.concatenate([values, values]) for key, values in stars(1).items()}
    sample["inputs"][N:, 0] = np.nan
    sample["residuals"] = np.zeros_like(sample["residuals"])
    calibration = fitted(sample)
    assert (sigma_of(calibration, sample) == 0).all()
    assert np.isnan(calibration.wide_factors).all()
    np.testing.assert_array_equal(calibration.correlation_root, np.eye(1))


def test_correlations_of_the_errors_are_found_in_spite_of_outliers():
    sample, rng = stars(1), np.random.default_rng(6)
    pair = rng.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], N)
    pair[::100] = rng.normal(0, 50, (60, 2))
    sample = {key: np.repeat(values, 2, axis=1) if values.shape[1] == 1 else values for key, values in sample.items()}
    sample["residuals"] = sample["sigma"] * pair
    root = fitted(sample).correlation_root
    correlations = root @ root.T
    np.testing.assert_allclose(np.diag(correlations), 1, atol=1e-12)
    # one star in a hundred counts as 3 sigma in either label, of any sign: 9 % of the variance, without correlation
    assert correlations[0, 1] == pytest.approx(0.7 / 1.09, abs=0.03)


def test_a_sample_has_no_correlations_if_few_stars_have_all_labels():
    sample = stars(1)
    sample = {key: np.repeat(values, 2, axis=1) if values.shape[1] == 1 else values for key, values in sample.items()}
    few = {key: values[: MIN_GROUP - 1] for key, values in sample.items()}
    np.testing.assert_array_equal(fitted(few).correlation_root, np.eye(2))
