"""The limits on the model card: what differs by more than two errors, and what is not known."""

from dataclasses import replace

from stdask.runs.card.limits import limits_of
from stdask.schema.evaluation import CoverageRow, EvaluationTables, SlopeRow
from tests.network.made_up import made_up_family

FAMILY = made_up_family()
SLOPES = SlopeRow("intrinsic", "TEFF", "B", "translated", 1.0, 0.01, 1.0, 0.01, 80, 0)
COVERED = CoverageRow("intrinsic", "TEFF", "B", "all", "calibrated error", 0.68, 0.68, 0.03, 80)


def limits(*slopes: SlopeRow, coverage: tuple[CoverageRow, ...] = ()) -> list[str]:
    tables = EvaluationTables(attenuation=list(slopes), coverage=list(coverage))
    return limits_of([FAMILY], {"intrinsic": ["E(B-V) <= 0.3"]}, tables, [])


def test_only_what_differs_by_more_than_two_errors_is_a_limit():
    usual = limits()
    assert (
        limits(replace(SLOPES, attenuation=0.981, calibration=1.019), coverage=(replace(COVERED, covered=0.63),))
        == usual
    )
    (attenuated,) = set(limits(replace(SLOPES, attenuation=0.97))) - set(usual)
    assert attenuated.startswith("`TEFF` is attenuated, with slope 0.970 ± 0.010")
    (narrow,) = set(limits(coverage=(replace(COVERED, covered=0.61),))) - set(usual)
    assert "the calibrated error is too narrow: it contains 61.0 ± 3.0 % of the test stars instead of 68 %" in narrow


def test_tails_beyond_three_sigma_are_a_limit():
    three = replace(COVERED, interval="3 sigma", nominal=0.9973, covered=0.965, covered_err=0.006)
    (found,) = set(limits(coverage=(three,))) - set(limits())
    assert (
        "the interval of 3 sigma is too narrow: it contains 96.5 ± 0.6 % of the test stars instead of 99.7 %" in found
    )


def test_other_methods_and_groups_set_no_limit():
    others = (replace(SLOPES, attenuation=0.5, method="raw"), replace(SLOPES, attenuation=0.5, of="truth"))
    assert limits(*others, coverage=(replace(COVERED, covered=0.4, group="giants"),)) == limits()


def test_the_cut_in_reddening_is_a_limit_where_colours_are_inputs():
    assert any("All training stars have E(B-V) <= 0.3" in limit for limit in limits())
    without = replace(FAMILY, inputs=("TEFF", "LOGG", "FE_H", "RV"))
    found = limits_of([without], {"intrinsic": ["E(B-V) <= 0.3"]}, EvaluationTables(), [])
    assert not any("E(B-V)" in limit for limit in found)
