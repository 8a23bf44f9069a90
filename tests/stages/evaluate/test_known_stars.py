"""Stars of a table are found in both surveys, translated, and lose their values where they cannot be used."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

from stdask.cluster.workers import Workers
from stdask.config.stages import KnownStars
from stdask.runs.ensemble import draws_of
from stdask.schema.known_stars import COMMON, EVERY, INDEPENDENT, OF_B, RAW, TRANSLATED
from stdask.stages.evaluate.known_stars import ComparedStars, compare_stars, find_in_both, networks_factor
from tests.hand_made import make_run
from tests.stages.evaluate.known import N_TRAINED, SHIFTS, N, evaluated, measurements, write_surveys

BAD, LACKING, OUTSIDE, FAR = 13, 14, 15, 16  # stars of A that cannot be used, and one that is in neither survey


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, client: Workers) -> ComparedStars:
    tmp_path = tmp_path_factory.mktemp("known")
    run, raw = make_run(tmp_path), measurements()
    raw[LACKING, 1], raw[OUTSIDE, 0] = np.nan, 7000.0
    a, _, pairs = write_surveys(run, raw, GOOD=np.arange(N) != BAD)
    ids = np.where(np.arange(N) == FAR, 999, a["SOURCE_ID"])
    table = pa.table({"gaia": np.append(ids, 1041), "ra": np.append(a["ra"] + 0.5, 0), "dec": np.append(a["dec"], 0)})
    known = KnownStars(file=tmp_path / "known.parquet", source_id="gaia")
    own = evaluated(a["STAR_KEY"][:N_TRAINED].copy(), n_test=2)
    found = find_in_both(run, client, table, known, pairs, [own.family])
    assert found.ids[0] == "100"
    assert found.ids[-1] == "2M40"
    assert found.ids[FAR] == ""
    return compare_stars(found, own, draws_of(run.config))


def test_the_values_are_those_of_the_surveys_and_of_the_networks(compared: ComparedStars):
    raw = measurements()
    fine = ~np.isin(np.arange(N), (BAD, LACKING, OUTSIDE, FAR))
    rows = np.flatnonzero(fine)
    assert_allclose(compared.values[RAW][rows], raw[fine], rtol=1e-6)  # float32 of the catalogue
    # the median of 56 draws within errors of 20 K, 0.05 and 0.01 dex: a tenth of these is more than four sigma
    off = (compared.values[TRANSLATED][rows] - raw[fine] - SHIFTS) / (20, 0.05, 0.01)
    assert np.abs(off).max() < 0.1
    assert_allclose(compared.values[OF_B][:N_TRAINED], raw[:N_TRAINED] + SHIFTS, rtol=1e-6)
    assert np.isnan(compared.values[OF_B][N_TRAINED:N]).all()
    assert_allclose(compared.values[OF_B][N], raw[40] + SHIFTS, rtol=1e-6)  # in B alone
    assert_allclose(compared.errors[RAW][rows, 2], 0.01, rtol=1e-6)
    assert_allclose(compared.errors[OF_B][:N_TRAINED, 2], 0.02, rtol=1e-6)
    assert_allclose(compared.axes["TEFF"][TRANSLATED], compared.values[TRANSLATED][:, 0])
    assert_allclose(compared.axes["LOGG"][OF_B], compared.values[OF_B][:, 1])
    assert compared.networks.shape == (3, N + 1, 3)


@pytest.mark.parametrize("star", [BAD, LACKING, OUTSIDE])
def test_a_star_of_a_that_fails_a_cut_lacks_an_input_or_lies_outside_has_no_values(compared: ComparedStars, star: int):
    assert compared.in_a[star]
    assert not compared.usable[star]
    assert np.isnan(compared.values[RAW][star]).all()
    assert np.isnan(compared.values[TRANSLATED][star]).all()


def test_groups_tell_training_stars_and_common_ones(compared: ComparedStars):
    assert np.flatnonzero(compared.trained).tolist() == list(range(N_TRAINED - 2))
    assert np.flatnonzero(compared.groups(RAW)[COMMON]).tolist() == list(range(N_TRAINED))
    assert not (compared.groups(RAW)[INDEPENDENT] & compared.trained).any()
    assert [*compared.groups(OF_B)] == [EVERY, COMMON]
    assert not compared.in_a[FAR]
    assert not compared.in_b[FAR]


def test_a_star_without_an_id_of_b_is_found_there_as_partner_of_its_star_in_a(tmp_path: Path, client: Workers):
    run = make_run(tmp_path)
    a, _, pairs = write_surveys(run, measurements())
    table = pa.table({"star": a["obsid"].astype(str)})
    known = KnownStars(file=tmp_path / "known.parquet", id_a="star")
    found = find_in_both(run, client, table, known, pairs, [evaluated(a["STAR_KEY"][:1]).family])
    assert found.b.rows.tolist() == list(range(N_TRAINED))


def test_the_error_of_a_mean_is_that_of_the_jackknife(tmp_path: Path):
    assert networks_factor(make_run(tmp_path)) == pytest.approx(2.0)  # sqrt(0.8 / 0.2)
