"""Slopes and breaks that are known, and their errors against stars resampled by brute force."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from stdask.science.galaxy.gradients import find_segments, fit_again, fit_slopes
from stdask.science.galaxy.paired_bins import BinSample
from stdask.science.galaxy.profiles import Windows
from tests.science.galaxy.running import running_medians
from tests.science.keys.keys import pack_keys

WINDOWS = Windows.between(0.0, 16.0, 0.5, 0.0)
STARS_EACH = np.full(WINDOWS.number, 100)
BREAK, INNER, OUTER = 6.0, 0.01, -0.065  # kpc, dex per kpc


def truth(radii):
    beyond = radii - BREAK
    return 0.1 + np.where(beyond < 0, INNER * beyond, OUTER * beyond)


def stars(n_stars, seed):
    rng = np.random.default_rng(seed)
    radii = 3 + rng.gamma(4.0, 1.5, n_stars)
    return radii, (truth(radii) + rng.normal(0, 0.17, n_stars)).astype(np.float32)


def medians(radii, values, n_bootstraps=300, seed=1):
    members, bins = WINDOWS.members(radii)
    return running_medians(pack_keys(bins, values[members]), WINDOWS.number, 20, n_bootstraps, seed)


def sample(radii, values, n_bootstraps=300):
    found, drawn = medians(radii, values, n_bootstraps)
    return BinSample(found.counts, found.medians, drawn)


def fit(radii, values, n_bootstraps=300):
    return fit_slopes(WINDOWS.centres_kpc, [sample(radii, values, n_bootstraps)])


def fit_points(x, values, counts, drawn):
    return fit_slopes(x, [BinSample(counts, values, drawn)])


def test_points_on_a_broken_line_give_its_slopes_and_its_break():
    x = WINDOWS.centres_kpc
    rng = np.random.default_rng(2)
    slope = fit_points(x, truth(x), STARS_EACH[: len(x)], truth(x) + rng.normal(0, 1e-6, (50, len(x))))
    # breaks are tried every 0.05 kpc, 6 kpc among them but for rounding
    assert_allclose([slope.line.breaks[0], slope.line.inner[0], slope.line.outer[0]], [BREAK, INNER, OUTER], atol=1e-6)


def test_slopes_and_breaks_of_many_mocks_scatter_as_their_errors_say():
    pulls = []
    for seed in range(60):
        slope = fit(*stars(20_000, seed), n_bootstraps=100)
        found = [part[0] for part in slope.line[:3]]
        pulls.append((np.array(found) - [BREAK, INNER, OUTER]) / slope.errors[:3])
    # of 60 pulls the standard deviation is known to 9 %: 3 sigma, and the mean to 0.13
    assert_allclose(np.std(pulls, axis=0), 1, atol=0.3)
    assert_allclose(np.mean(pulls, axis=0), 0, atol=0.4)


@pytest.mark.parametrize("breaks", [True, False])
def test_errors_equal_those_of_stars_resampled_by_brute_force(breaks):
    radii, values = stars(6_000, 7)
    if not breaks:
        values -= (truth(radii) + 0.06 * radii).astype(np.float32)
    own = sample(radii, values, n_bootstraps=1000)
    slope = fit_slopes(WINDOWS.centres_kpc, [own])
    assert np.isfinite(slope.line.breaks[0]) == breaks
    rng, fits = np.random.default_rng(8), []
    for _ in range(400):
        again = rng.integers(0, len(radii), len(radii))
        found, _ = medians(radii[again], values[again], n_bootstraps=10)
        fits.append(fit_again(WINDOWS.centres_kpc, [own], [found.medians], slope).outer[0])
    # 400 resamplings know a standard deviation to 3.5 %; what is asked of the errors is 10 %
    assert_allclose(slope.errors.outer, np.std(fits), rtol=0.1)


@pytest.mark.parametrize("n_stars", [500, 2000])
def test_slopes_of_few_stars_a_bin_scatter_as_their_errors_say(n_stars):
    pulls = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        radii = rng.uniform(1, 12, n_stars)
        values = (-0.06 * radii + rng.normal(0, 0.17, n_stars)).astype(np.float32)
        slope = fit(radii, values, n_bootstraps=100)
        pulls.append((slope.line.outer[0] + 0.06) / slope.errors.outer)
    # of 150 pulls the standard deviation is known to 6 %: 3 sigma; weights from the bootstraps themselves give 1.25
    assert_allclose(np.std(pulls), 1, atol=0.18)


def test_without_a_break_both_slopes_are_that_of_a_weighted_straight_line():
    x, rng = np.arange(12.0), np.random.default_rng(3)
    counts = rng.integers(20, 400, 12)
    errors = 2 / np.sqrt(counts)
    drawn = -0.06 * x + errors * rng.normal(size=(500, 12))
    line = -0.06 * x + 0.5 * errors * rng.normal(size=12)  # within the errors: nothing is left over
    slope = fit_points(x, line, counts, drawn)
    expected = np.polyfit(x, line, 1, w=np.sqrt(counts))[0]
    assert_allclose([slope.line.inner[0], slope.line.outer[0]], expected, rtol=1e-9)
    assert np.isnan(slope.line.breaks[0])


def test_medians_on_no_line_are_not_decided_by_the_point_of_the_most_stars():
    x = np.arange(5.0)  # too few for a break
    curve, counts = 0.5 * (x - 2) ** 2, np.where(x == 4, 10**8, 100)
    drawn = curve + np.random.default_rng(9).normal(size=(200, 5)) / np.sqrt(counts)
    slope = fit_points(x, curve, counts, drawn)
    assert abs(slope.line.outer[0]) < 0.2  # the parabola's own slope at that point is 2, over all points 0


def test_too_few_bins_for_a_break_have_one_slope_and_too_few_for_a_line_none():
    x = np.arange(8.0)
    drawn = np.random.default_rng(4).normal(0, 0.1, (20, 8)) + x
    known, few = (np.where(np.arange(8) < number, x, np.nan) for number in (5, 2))
    assert np.isnan(fit_points(x, known, STARS_EACH[:8], drawn).line.breaks[0])
    assert fit_points(x, few, STARS_EACH[:8], drawn) is None


def test_medians_of_stars_all_alike_have_the_slope_without_an_error():
    x = np.arange(10.0)
    slope = fit_points(x, x, STARS_EACH[:10], np.tile(x, (50, 1)))
    assert_allclose(slope.line.outer[0], 1)
    assert_allclose(slope.errors.outer, 0, atol=1e-12)


def test_a_line_without_a_break_is_given_none():
    rng, found = np.random.default_rng(6), []
    for seed in range(40):
        radii, _ = stars(8_000, seed)
        values = (0.1 - 0.06 * radii + rng.normal(0, 0.17, len(radii))).astype(np.float32)
        found.append(fit(radii, values, n_bootstraps=100).line.breaks[0])
    # the criterion lets about one in fifteen pass, more with searched breaks: of 40 no more than 10
    assert np.isfinite(found).sum() <= 10


def with_a_hole(seed):
    """Return stars like those of run 1: a survey to 5 kpc, two bins far outside, and nothing between."""
    rng = np.random.default_rng(seed)
    radii = np.concatenate([rng.uniform(1, 5, 4000), rng.uniform(9.5, 10.5, 150)])
    values = 0.03 * radii + rng.normal(0, 0.17, len(radii))
    values[radii > 9] -= 0.4  # whatever happens in the hole
    return radii, values.astype(np.float32)


def test_a_line_ends_where_a_bin_is_missing():
    for seed in range(10):
        radii, values = with_a_hole(seed)
        slope = fit(radii, values)
        centres = WINDOWS.centres_kpc[slope.used]
        assert (centres.min(), centres.max()) == (1.25, 4.75)
        assert find_segments([sample(radii, values, 10)]).n_gaps == 1
        assert np.isnan(slope.line.breaks[0])
        assert abs(slope.line.outer[0] - 0.03) < 4 * slope.errors.outer  # over the hole it is -0.04


def test_of_two_segments_the_one_of_more_stars_is_fitted_if_it_is_long_enough_for_a_line():
    x = np.arange(12.0)
    values = np.where((x < 4) | (x > 5), x, np.nan)
    drawn = values + np.random.default_rng(11).normal(0, 0.1, (50, 12))
    for inner, outer, expected in ((200, 100, x < 4), (100, 200, x > 5)):
        counts = np.where(x < 4, inner, outer)
        slope = fit_points(x, values, counts, drawn)
        assert slope.used.tolist() == expected.tolist()
        segments = find_segments([BinSample(counts, values, drawn)]).fitted
        assert [segment.tolist() for segment in segments] == [
            expected.tolist(),
            (np.isfinite(values) & ~expected).tolist(),
        ]
    short = np.where((x < 4) | (x > 9), x, np.nan)  # two bins of many stars, four of few
    slope = fit_points(x, short, np.where(x < 4, 100, 10_000), drawn)
    assert slope.used.tolist() == (x < 4).tolist()


def test_a_break_beyond_the_reach_of_the_search_is_no_break():
    found = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        radii = rng.uniform(1, 6, 20_000)
        # breaks half a bin before the last one: the search can come no nearer than two bins to the end
        values = 0.03 * radii - 0.5 * np.maximum(radii - 5.25, 0) + rng.normal(0, 0.17, len(radii))
        found.append(fit(radii, values.astype(np.float32), n_bootstraps=100).line.breaks[0])
    assert np.isnan(found).all()


def two_surveys(seed, offset, n_inner=6000, n_outer=8000):
    """Return B inside 8 kpc, and A outside 6 kpc with all of its values shifted."""
    rng = np.random.default_rng(seed)
    radii = [rng.uniform(1, 8, n_inner), rng.uniform(6, 13, n_outer)]
    values = [truth(r) + rng.normal(0, 0.17, len(r)) for r in radii]
    return [
        sample(r, (v + shift).astype(np.float32), 100) for r, v, shift in zip(radii, values, (0, offset), strict=True)
    ]


def test_an_offset_between_two_surveys_changes_neither_slopes_nor_break():
    pulls = []
    for seed in range(60):
        slope = fit_slopes(WINDOWS.centres_kpc, two_surveys(seed, 0.1))
        expected = [BREAK, INNER, OUTER, 0.1]
        found = [getattr(slope.line, name)[0] for name in ("breaks", "inner", "outer", "offsets")]
        errors = [getattr(slope.errors, name) for name in ("breaks", "inner", "outer", "offsets")]
        pulls.append((np.array(found) - expected) / errors)
    # of 60 pulls the standard deviation is known to 9 %: 3 sigma, and the mean to 0.13
    assert_allclose(np.std(pulls, axis=0), 1, atol=0.3)
    assert_allclose(np.mean(pulls, axis=0), 0, atol=0.4)


def test_a_line_and_an_offset_are_those_of_a_weighted_least_squares_fit():
    x, rng = np.arange(10.0), np.random.default_rng(12)
    first, second = np.where(x < 7, -0.06 * x, np.nan), np.where(x > 3, 0.2 - 0.06 * x, np.nan)
    counts = rng.integers(50, 400, (2, 10))
    drawn = [v + 2 / np.sqrt(n) * rng.normal(size=(500, 10)) for v, n in zip((first, second), counts, strict=True)]
    noisy = [v + 1 / np.sqrt(n) * rng.normal(size=10) for v, n in zip((first, second), counts, strict=True)]
    samples = [BinSample(n, v, b) for n, v, b in zip(counts, noisy, drawn, strict=True)]
    slope = fit_slopes(x, samples)
    of_a, n_stars, values = np.repeat([0.0, 1.0], 10), np.concatenate(counts), np.concatenate(noisy)
    design = np.stack([np.ones(20), np.tile(x, 2), of_a], axis=1)
    has = np.isfinite(values)
    # the surveys scatter alike: a common factor of all weights changes nothing but the last digits of their estimate
    root = np.sqrt(n_stars)[has, None]
    _, steep, offset = np.linalg.lstsq(design[has] * root, values[has] * root[:, 0])[0]
    assert_allclose(slope.line.outer[0], steep, rtol=0.02)
    assert_allclose(slope.line.offsets[0], offset, rtol=0.02)
    assert slope.used.all()


def test_surveys_that_share_no_segment_have_no_offset():
    x = np.arange(12.0)
    first, second = np.where(x < 4, x, np.nan), np.where(x > 6, x, np.nan)
    drawn = np.random.default_rng(13).normal(0, 0.1, (50, 12))
    samples = [BinSample(STARS_EACH[:12] * n, v, v + drawn) for n, v in ((1, first), (2, second))]
    slope = fit_slopes(x, samples)
    assert slope.used.tolist() == (x > 6).tolist()
    assert np.isnan(slope.line.offsets[0])
    assert np.isnan(slope.errors.offsets)


@pytest.mark.parametrize("breaks", [True, False])
def test_other_medians_of_the_same_bins_are_fitted_as_if_they_had_been_measured(breaks):
    surveys = two_surveys(3, 0.1)
    if not breaks:
        unbent = (0.06 * WINDOWS.centres_kpc + truth(WINDOWS.centres_kpc)).astype(np.float32)
        surveys = [own._replace(medians=own.medians - unbent, bootstraps=own.bootstraps - unbent) for own in surveys]
    slope = fit_slopes(WINDOWS.centres_kpc, surveys)
    assert np.isfinite(slope.line.breaks[0]) == breaks
    moved = [survey.medians + np.float32(0.01) * WINDOWS.centres_kpc for survey in surveys]
    moved[0][np.flatnonzero(slope.used)[2]] = np.nan  # a bin that has too few stars in a realisation
    measured = [survey._replace(medians=medians) for survey, medians in zip(surveys, moved, strict=True)]
    again = fit_slopes(WINDOWS.centres_kpc, measured, used=slope.used)
    line = fit_again(WINDOWS.centres_kpc, surveys, moved, slope)
    # a straight line is weighted by what it leaves over, and not by what the broken line leaves that is tried before it
    assert_allclose(line, again.line, rtol=1e-9 if breaks else 0.01)
    assert_allclose(line.offsets, 0.1, atol=4 * slope.errors.offsets)
