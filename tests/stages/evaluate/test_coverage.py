"""The tables of coverage and slopes: right numbers for known residuals, in the groups of the calibration."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from stdask.display.tables import print_coverage
from stdask.network.ensemble import Draws, Translation, translate
from stdask.schema.evaluation import CoverageRow
from stdask.science.translation.calibration import N_GROUPS, Calibration
from stdask.stages.evaluate.coverage import attenuation_rows, coverage_rows, in_short, probability_rows
from tests.network.made_up import made_up_family

N = 2000
SCATTER = np.array([50.0, 0.1, 0.5])  # K, dex, km/s
RNG = np.random.default_rng(1)
EXPECTED = RNG.normal((4800, 0.15, 0), (300, 0.1, 80), (N, 3))
RESIDUALS = SCATTER * RNG.normal(size=(N, 3))
INPUTS = np.zeros((N, 4))  # log g and [Fe/H] in the first two columns
INPUTS[:, 0] = np.where(np.arange(N) % 2, 2.0, 4.5)
INPUTS[:, 1] = np.where(np.arange(N) < 29, -2.0, np.where(np.arange(N) < 1000, -0.6, 0.0))
CALIBRATION = Calibration(  # errors of SCATTER for all stars, whatever the draws and the members say
    scales=SCATTER,
    weights=np.zeros((3, 9)),
    input_factors=np.zeros(3),
    member_factors=np.zeros(3),
    group_columns=np.array([0, 1]),
    group_factors=np.ones((3, N_GROUPS)),
    missing_factors=np.ones(3),
)
FAMILY = replace(made_up_family(), calibration=CALIBRATION)
MADE_UP = translate(
    FAMILY, INPUTS, np.zeros((N, len(FAMILY.measured))), np.arange(N, dtype=np.uint64), Draws(2, "random", 1, False, 64)
)


def translated(residuals: np.ndarray) -> Translation:
    """Return predictions off by the residuals; the ranges of the draws are half as wide as the scatter."""
    steps = np.array([-1.645, -1, 0, 1, 1.645])[:, None, None] * SCATTER / 2
    return replace(MADE_UP, percentiles=EXPECTED + residuals + steps)


def shares(rows: Iterable[CoverageRow], **chosen: str) -> dict[float, CoverageRow]:
    return {row.nominal: row for row in rows if all(getattr(row, name) == value for name, value in chosen.items())}


def test_calibrated_errors_cover_and_narrow_draws_do_not() -> None:
    rows = coverage_rows(FAMILY, translated(RESIDUALS), INPUTS, EXPECTED, "B")
    for label in FAMILY.labels:
        calibrated = shares(rows, label=label, group="all", interval="calibrated error")
        assert [round(100 * level) for level in sorted(calibrated)] == sorted([*range(5, 100, 5), 68])
        for level, row in calibrated.items():
            assert row.covered == pytest.approx(level, abs=4 * row.covered_err)
        drawn = shares(rows, label=label, group="all", interval="draws")
        # 2 Phi(0.5) - 1 and 2 Phi(0.8225) - 1; binomial errors of 2000 stars, 4 sigma
        assert [drawn[level].covered for level in (0.68, 0.9)] == pytest.approx([0.383, 0.589], abs=4 * 0.011)


def test_groups_are_those_of_the_calibration_and_hold_30_stars() -> None:
    residuals = np.where(INPUTS[:, :1] > 3.5, 10 * RESIDUALS, 0.0)  # dwarfs miss, giants hit
    rows = coverage_rows(FAMILY, translated(residuals), INPUTS, EXPECTED, "B")
    groups = {row.group: row.n for row in rows}
    assert groups == {  # 29 metal-poor stars, shared out to giants and dwarfs, are too few
        "all": N,
        "giants, -1 < [Fe/H] < -0.4": 486,
        "giants, [Fe/H] > -0.4": 500,
        "dwarfs, -1 < [Fe/H] < -0.4": 485,
        "dwarfs, [Fe/H] > -0.4": 500,
    }
    for group in groups:
        covered = shares(rows, label="TEFF", group=group, interval="calibrated error")[0.68].covered
        # of the dwarfs those within a tenth of a sigma, 8 %
        assert covered == 1 if group.startswith("giants") else covered < 0.15 or group == "all"


def test_a_star_whose_group_is_unknown_counts_among_all_only() -> None:
    inputs = INPUTS.copy()
    inputs[1000:1100, 0] = np.nan
    rows = coverage_rows(FAMILY, translated(RESIDUALS), inputs, EXPECTED, "B")
    groups = {row.group: row.n for row in rows}
    assert groups["all"] == N
    assert groups["giants, [Fe/H] > -0.4"] == groups["dwarfs, [Fe/H] > -0.4"] == 450


def test_without_log_g_and_metallicity_there_is_no_group_but_all() -> None:
    family = replace(FAMILY, calibration=replace(CALIBRATION, group_columns=np.array([-1, -1])))
    rows = coverage_rows(family, translated(RESIDUALS), INPUTS, EXPECTED, "B")
    assert {row.group for row in rows} == {"all"}
    only_logg = replace(FAMILY, calibration=replace(CALIBRATION, group_columns=np.array([0, -1])))
    rows = coverage_rows(only_logg, translated(RESIDUALS), INPUTS, EXPECTED, "B")
    assert {row.group: row.n for row in rows} == {"all": N, "giants": N // 2, "dwarfs": N // 2}


def test_in_short_coverage_is_that_of_the_calibrated_errors_of_all_stars() -> None:
    rows = in_short(coverage_rows(FAMILY, translated(RESIDUALS), INPUTS, EXPECTED, "B"))
    levels = (0.68, 0.9, 0.99, 0.9973)
    assert [(row.label, row.nominal) for row in rows] == [(label, p) for label in FAMILY.labels for p in levels]


def test_three_sigma_of_long_tails_hold_less_than_a_gaussian_and_the_half_width_99_per_cent() -> None:
    tails = SCATTER * np.random.default_rng(8).standard_t(4, RESIDUALS.shape)
    wide = np.full((len(FAMILY.labels), N_GROUPS + 1), 4.604)  # 99 % of Student's t with 4 degrees are within it
    for factors in (wide, None):
        family = replace(FAMILY, calibration=replace(CALIBRATION, wide_factors=factors))
        rows = coverage_rows(family, translated(tails), INPUTS, EXPECTED, "B")
        for label in FAMILY.labels:
            (three,) = shares(rows, label=label, group="all", interval="3 sigma").values()
            assert three.covered == pytest.approx(0.9601, abs=4 * 0.0044)  # of t with 4 degrees; binomial, 2000 stars
            (half_width,) = shares(rows, label=label, group="all", interval="99 % half-width").values()
            if factors is None:  # an ensemble of an earlier version
                assert half_width.n == 0
            else:
                assert half_width.covered == pytest.approx(0.99, abs=4 * 0.0022)


def test_the_printed_table_has_a_line_for_each_label_and_of_what(capsys: pytest.CaptureFixture) -> None:
    rows = coverage_rows(FAMILY, translated(RESIDUALS), INPUTS, EXPECTED, "B")
    rows += coverage_rows(FAMILY, translated(0 * RESIDUALS), INPUTS, EXPECTED, "truth")
    print_coverage("covered", [vars(row) for row in in_short(rows)])
    lines = [line for line in capsys.readouterr().out.splitlines() if any(label in line for label in FAMILY.labels)]
    assert len(lines) == 6
    assert all(line.count("100.00 ± 0.05") == 3 for line in lines if "truth" in line)  # no half-width is known


@pytest.mark.parametrize(("offset", "first", "last"), [(0.0, 0.05, 0.05), (1.0, 0.2595, 0.0041)])
def test_the_probability_integral_is_flat_for_right_errors_and_falls_where_predictions_are_too_high(
    offset: float, first: float, last: float
) -> None:
    rows = probability_rows(FAMILY, translated(RESIDUALS + offset * SCATTER), INPUTS, EXPECTED)
    for label in FAMILY.labels:
        own = [row for row in rows if row.label == label]
        assert [(row.low, row.high) for row in own] == [(n / 20, (n + 1) / 20) for n in range(20)]
        assert {row.expected for row in own} == {N / 20}
        assert sum(row.n for row in own) == N
        # Phi(-1.645 + offset) and Phi(-1.645 - offset); binomial errors of 2000 stars, 4 sigma
        assert own[0].n / N == pytest.approx(first, abs=4 * np.sqrt(first / N))
        assert own[-1].n / N == pytest.approx(last, abs=4 * np.sqrt(last / N))


def test_every_method_has_its_slopes_and_one_that_lacks_the_label_has_none() -> None:
    predictions = {"translated": EXPECTED + RESIDUALS, "raw": EXPECTED.copy(), "something new": 0.5 * EXPECTED}
    predictions["raw"][:, 1] = np.nan
    rows = attenuation_rows(FAMILY, predictions, EXPECTED, "truth", 1000, seed=1)
    assert {row.of for row in rows} == {"truth"}
    assert [row.method for row in rows if row.label == "MG_FE"] == ["translated", "something new"]
    halved = next(row for row in rows if row.method == "something new")
    assert (halved.calibration, halved.attenuation) == pytest.approx((2.0, 0.5))
    mg_fe = next(row for row in rows if row.label == "MG_FE")
    # B has a spread of 0.1 dex, and the prediction that and a noise of 0.1: half of its variance is real
    assert mg_fe.calibration == pytest.approx(0.5, abs=4 * mg_fe.calibration_err)
    assert mg_fe.attenuation == pytest.approx(1.0, abs=4 * mg_fe.attenuation_err)
