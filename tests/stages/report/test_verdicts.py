"""The verdict of a label follows from the paired differences on the same test stars."""

import pytest

from stdask.schema.evaluation import CoverageRow, ScoreRow
from stdask.stages.report.content import by_method
from stdask.stages.report.verdicts import BETTER, EQUAL, WORSE, Verdict, verdicts

MINUS = "\N{MINUS SIGN}"


def score(method: str, mae: float, behind: float, error: float) -> ScoreRow:
    return ScoreRow("intrinsic", "TEFF", "K", method, 90, 1.0, 2.0, 9.0, 1.0, 8.0, 1.0, mae, 1.0, behind, error)


def verdict_of(**behind: tuple[float, float]) -> Verdict:
    rows = [score(method, 50 + value, value, error) for method, (value, error) in behind.items()]
    covered = [
        CoverageRow("intrinsic", "TEFF", of, group, "calibrated error", nominal, share, 0.05, 90)
        for of, group, nominal, share in (
            ("truth", "all", 0.68, 0.1),
            ("B", "giants", 0.68, 0.2),
            ("B", "all", 0.9, 0.3),
            ("B", "all", 0.68, 0.721),
        )
    ]
    (found,) = verdicts(by_method([score("translated", 50.0, 0.0, 0.0), *rows]), {}, covered)
    return found


@pytest.mark.parametrize(
    ("gp", "kind", "words"),
    [
        ((4.1, 2.0), BETTER, "Better than every simpler method"),
        ((3.9, 2.0), EQUAL, "As good as a Gaussian process"),
        ((-3.9, 2.0), EQUAL, "As good as a Gaussian process"),
        ((-4.1, 2.0), WORSE, "Worse than a Gaussian process"),
    ],
)
def test_a_method_counts_as_closer_or_farther_beyond_two_errors(gp: tuple[float, float], kind: str, words: str) -> None:
    found = verdict_of(raw=(30.0, 5.0), gp=gp)
    assert (found.kind, found.words) == (kind, words)


def test_every_simpler_method_must_be_clearly_behind() -> None:
    assert verdict_of(raw=(30.0, 20.0), gp=(10.0, 2.0)).kind == EQUAL


def test_a_debiased_translation_is_no_simpler_method() -> None:
    found = verdict_of(raw=(30.0, 5.0), debiased=(-10.0, 1.0))
    assert found.kind == BETTER
    assert found.why == "mean absolute error 50, A as it is 80 (difference +30 ± 5)"


def test_the_errors_cover_the_share_of_all_test_stars_compared_with_b() -> None:
    covered = verdict_of(raw=(30.0, 5.0)).covered
    assert covered is not None
    assert covered.covered == 0.721


def test_a_label_without_another_method_is_not_judged() -> None:
    assert verdict_of().words == "Not compared with simpler methods"
