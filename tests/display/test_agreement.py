"""What is said of two surveys: the numbers of their closure test in words, and no alarm without a reason."""

from dataclasses import replace

import pytest

from stdask.display.agreement import AGREE, OFFSET, SCATTER, UNTESTED, agreement, notes_of_closure
from stdask.schema.closure import INSIDE_B, OUTSIDE_B, MatrixRow

ROW = MatrixRow(
    first="lamost",
    second="apogee",
    label="FE_H",
    sample=OUTSIDE_B,
    unit="dex",
    n=900,
    n_common=900,
    offset=0.004,
    offset_err=0.003,
    significance=1.33,
    scatter=0.0312,
    expected=0.03,
    excess=0.008,
    correlation=0.0,
    pull=1.04,
    pull_err=0.03,
    raw_offset=0.1,
    raw_scatter=0.05,
)
APART = replace(ROW, offset=0.02, significance=6.7)
WIDE = replace(ROW, scatter=0.045, pull=1.5)
ALIKE = replace(ROW, scatter=0.018, pull=0.6, correlation=0.64)
TITLES = {"lamost": "LAMOST DR3", "apogee": "APOGEE DR14"}


def test_errors_that_are_correlated_are_said_to_be():
    found = agreement(ALIKE, TITLES)
    assert found.kind == AGREE
    assert found.words.endswith(
        "Single stars differ by 0.018 dex where their errors foresee 0.030 dex, if independent: the errors of both "
        "surveys are correlated, by 0.64."
    )
    assert "correlated" not in agreement(replace(ALIKE, pull=0.95), TITLES).words


def test_surveys_that_agree_are_said_to_with_what_their_errors_foresee():
    found = agreement(ROW, TITLES)
    assert found.kind == AGREE
    assert found.words == (
        "LAMOST DR3 and APOGEE DR14 agree: their difference is +0.0040 ± 0.0030 dex. Single stars differ by 0.031 dex "
        "where their errors foresee 0.030 dex."
    )


def test_an_offset_beyond_three_sigma_is_called_one():
    found = agreement(APART, {})
    assert found.kind == OFFSET
    assert found.words.startswith("lamost and apogee differ by +0.0200 ± 0.0030 dex, 6.7 sigma.")


def test_an_offset_below_zero_is_one_too():
    found = agreement(replace(APART, offset=-0.02, significance=-6.7), {})
    assert found.kind == OFFSET
    assert found.words.startswith("lamost and apogee differ by \N{MINUS SIGN}0.0200 ± 0.0030 dex, 6.7 sigma.")


def test_a_scatter_is_told_only_if_it_is_both_significant_and_large():
    assert agreement(replace(WIDE, pull=1.09, pull_err=0.01), {}).kind == AGREE  # nine errors, but 9 % alone
    assert agreement(replace(WIDE, pull=1.5, pull_err=0.2), {}).kind == AGREE  # half as much again, but 2.5 errors


def test_a_scatter_beyond_the_errors_is_told_with_the_factor():
    found = agreement(WIDE, {})
    assert found.kind == SCATTER
    assert found.words.endswith("the errors are too small by a factor of 1.50.")


def test_few_stars_are_not_judged():
    assert agreement(replace(APART, n=29), {}).kind == UNTESTED


def test_notes_gather_the_labels_of_two_surveys():
    rows = [ROW, replace(APART, label="TEFF", unit="K"), replace(APART, label="LOGG"), replace(WIDE, label="MG_FE")]
    assert list(notes_of_closure(rows)) == [
        "lamost minus apogee, stars that B does not have: differences of more than 3 sigma in TEFF +0.0200 ± 0.0030 K, "
        "LOGG +0.0200 ± 0.0030 dex.",
        "lamost and apogee, stars that B does not have: differences exceed the errors of the stars in MG_FE (factor "
        "1.50).",
    ]


def test_stars_that_b_has_raise_no_note():
    assert list(notes_of_closure([replace(APART, sample=INSIDE_B)])) == []


@pytest.mark.parametrize("n", [0, 29])
def test_two_surveys_that_share_too_few_stars_are_told_of_once(n: int):
    rows = [replace(ROW, n=n, label=label) for label in ("TEFF", "FE_H")]
    (note,) = notes_of_closure(rows)
    assert f"share {n} stars that B does not have: too few" in note
