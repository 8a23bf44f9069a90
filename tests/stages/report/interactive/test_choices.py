"""What a reader can choose: stars that there are, with the values of A before and after translation."""

import pytest

from stdask.stages.report.interactive.choices import Interactive, StarChoice, stars_of

TITLES = ("Survey A", "Survey B")


def test_stars_are_offered_with_their_samples_before_and_after_translation():
    found = stars_of({"MERGED", "UNTRANSLATED", "ALONE", "A_ONLY", "RAW_ONLY"}, TITLES)
    assert found == [
        StarChoice("both", "Survey B and Survey A", "UNTRANSLATED", "MERGED"),
        StarChoice("a", "Survey A alone", "RAW_ONLY", "A_ONLY"),
        StarChoice("b", "Survey B alone", "ALONE", "ALONE"),
    ]
    assert Interactive("Survey A", found, {}).translates


@pytest.mark.parametrize("samples", [{"MERGED", "ALONE", "A_ONLY"}, {"MERGED"}])
def test_without_measured_values_nothing_is_compared(samples: set[str]):
    found = stars_of(samples, TITLES)
    assert {stars.translated for stars in found} == samples
    assert not Interactive("Survey A", found, {}).translates


def test_the_stars_of_a_table_of_one_survey_are_all_stars():
    assert stars_of({"MERGED"}, ("", "")) == [StarChoice("both", "all stars", "MERGED", "MERGED")]
