"""The third mock survey shares stars with both others, and has the systematic differences that it claims."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from stdask.config.survey import load_definition
from stdask.errors import ConfigError
from stdask.mock.surveys import MockSurveys, mock_surveys
from stdask.mock.third import FAINT_FE_H, offsets_c

N_ROWS, N_COMMON, N_C = 20_000, 2_000, 40_000


@pytest.fixture(scope="module")
def three() -> MockSurveys:
    return mock_surveys(N_ROWS, N_ROWS, N_COMMON, seed=1, n_c=N_C)


def good_rows(three: MockSurveys) -> np.ndarray:
    c = three.c
    return (c["snrg"] > 15) & (c["flag"] == 0) & (c["feh"] > -9000)


def test_the_other_two_do_not_depend_on_it(three: MockSurveys) -> None:
    two = mock_surveys(N_ROWS, N_ROWS, N_COMMON, seed=1)
    for before, after in ((two.a, three.a), (two.b, three.b)):
        for name, values in before.items():
            assert_array_equal(values, after[name])
    assert not two.c


def test_it_has_the_rows_and_the_columns_that_its_definition_names(three: MockSurveys) -> None:
    assert {values.shape for values in (three.c | three.truth_c).values()} == {(N_C,)}
    assert set(load_definition("mock_c").source_columns) <= set(three.c)
    assert_array_equal(three.truth_c["id"], three.c["obsid"])


def test_it_shares_stars_with_each_of_the_others_and_with_both(three: MockSurveys) -> None:
    own, a, b = (
        np.unique(table[name])
        for table, name in ((three.c, "gaia_source_id"), (three.a, "dr3_source_id"), (three.b, "GAIAEDR3_SOURCE_ID"))
    )
    in_a, in_b = np.isin(own, a), np.isin(own, b)
    # enough to train on (B), and to compare the translations of A and C where B has no star
    assert (in_b & ~in_a).sum() > 1000
    assert (in_a & ~in_b).sum() > 1000
    assert (in_a & in_b).sum() > 300
    assert (~in_a & ~in_b).sum() > N_C / 2


def test_a_shared_star_has_the_same_truth(three: MockSurveys) -> None:
    _, in_c, in_a = np.intersect1d(three.c["gaia_source_id"], three.a["dr3_source_id"], return_indices=True)
    for name in ("TEFF", "LOGG", "FE_H", "MG_FE", "RV", "DISTANCE"):
        assert_array_equal(three.truth_c[name][in_c], three.truth_a[name][in_a])


def test_it_reads_the_truth_its_offsets_and_noise_of_its_stated_errors(three: MockSurveys) -> None:
    good, truth = good_rows(three), three.truth_c
    offsets = offsets_c(truth, three.c["snrg"])
    for name, true, offset in (("feh", "FE_H", offsets.fe_h), ("mgfe", "MG_FE", offsets.mg_fe)):
        pull = ((three.c[name] - truth[true] - offset) / three.c[f"{name}_err"])[good]
        pull = pull[np.abs(pull) < 100]  # sentinels of the other label
        assert_allclose(pull.mean(), 0, atol=4 / np.sqrt(pull.size))
        assert_allclose(pull.std(), 1.02, atol=0.04)  # errors are stated with 15 % of lognormal scatter


def test_its_iron_is_low_where_the_signal_to_noise_is_low(three: MockSurveys) -> None:
    good, snr = good_rows(three), three.c["snrg"]
    like = good & (np.abs(three.truth_c["FE_H"]) < 0.1) & (three.truth_c["LOGG"] > 4)
    error = (three.c["feh"] - three.truth_c["FE_H"])[like]
    faint, bright = error[snr[like] < 20], error[snr[like] > 60]
    # at 20 and below, two thirds and more of the fall; 4 sigma of the means is 0.02 dex
    assert FAINT_FE_H - 0.02 < faint.mean() - bright.mean() < 0.6 * FAINT_FE_H + 0.02


def test_too_few_rows_for_the_shared_stars_are_refused() -> None:
    with pytest.raises(ConfigError, match="Survey C shares"):
        mock_surveys(3000, 3000, 200, seed=1, n_c=100)
