"""The dissimilarity index against brute force, against the best test there is for Gaussian stars, and on the mock."""

from dataclasses import fields

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist
from scipy.stats import chi2, ncx2

from stdask.errors import PairingError
from stdask.mock.surveys import mock_surveys
from stdask.schema import BANDS
from stdask.science.sky.dereddening import Extinction, intrinsic_colour
from stdask.science.translation.dissimilarity import FALSE_ALARMS, MAX_STARS, N_NEIGHBOURS, fit_neighbourhood

NAMES = ("TEFF", "LOGG", "FE_H", "MG_FE", "BP_G_0", "G_RP_0", "EBV")
BP_G, G_RP = 4, 5
N_TRAINING = 2400
RNG = np.random.default_rng(1)
MIXING = RNG.normal(size=(7, 7))


@pytest.fixture(scope="module")
def mock_stars() -> np.ndarray:
    """Survey A's stars in both mock surveys that pass the cuts, shape (n_stars, 7), in the order of `NAMES`."""
    surveys = mock_surveys(12_000, 12_000, 3_000, seed=1)
    a = {name: values.astype(float) for name, values in surveys.a.items() if values.dtype.kind in "fi"}
    good = (a["snr_c3_iraf"] > 30) & (a["vbroad"] < 15) & (a["ebv"] <= 0.3)
    good &= (a["flag_sp"] == 0) & (a["flag_fe_h"] == 0) & (a["flag_mg_fe"] == 0)
    good &= np.isin(surveys.a["dr3_source_id"], surveys.b["GAIAEDR3_SOURCE_ID"])
    _, first = np.unique(surveys.a["dr3_source_id"], return_index=True)  # a star observed twice is its own twin
    stars = {name: values[first][good[first]] for name, values in a.items()}
    g, bp, rp = (stars[f"phot_{band}_mean_mag"] for band in ("g", "bp", "rp"))
    a_g, a_bp, a_rp = (Extinction(BANDS[band].extinction) for band in ("G", "BP", "RP"))
    colours = [
        intrinsic_colour(bp, g, stars["ebv"], (a_bp, a_g)),
        intrinsic_colour(g, rp, stars["ebv"], (a_g, a_rp)),
    ]
    table = np.stack([*(stars[name] for name in ("teff", "logg", "fe_h", "mg_fe")), *colours, stars["ebv"]], axis=1)
    return RNG.permutation(table[np.isfinite(table).all(axis=1)])


def gaussian_stars(n_stars: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_stars, 7)) @ MIXING + 100


def shifted(stars: np.ndarray, column: int, shift: float) -> np.ndarray:
    return stars + shift * (np.arange(stars.shape[1]) == column)


def mahalanobis(values: np.ndarray, stars: np.ndarray) -> np.ndarray:
    """Return all distances in units of the covariance, which is what whitening comes to."""
    return cdist(values, stars, "mahalanobis", VI=np.linalg.inv(np.cov(stars, rowvar=False)))


def test_index_and_density_are_those_of_brute_force():
    training, probes = gaussian_stars(400, seed=2), 1.5 * gaussian_stars(300, seed=3) - 50
    neighbourhood = fit_neighbourhood(training, NAMES, seed=1)
    # rank 0 of the training stars is the star itself; the 381st of 400 is the quantile for a 401st star
    threshold = np.sort(np.sort(mahalanobis(training, training), axis=1)[:, N_NEIGHBOURS])[380]
    distances = mahalanobis(probes, training)
    expected = np.sort(distances, axis=1)[:, N_NEIGHBOURS - 1] / threshold
    assert_allclose(neighbourhood.index(probes), expected, rtol=1e-9)  # rounding, at coordinates of 100 sigma
    assert_array_equal(neighbourhood.density(probes), (distances <= threshold).sum(axis=1))
    assert 0.1 < (expected > 1).mean() < 0.9  # both kinds of stars are tried


def test_density_reaches_the_number_of_neighbours_exactly_inside_the_threshold(mock_stars: np.ndarray):
    neighbourhood = fit_neighbourhood(mock_stars[:N_TRAINING], NAMES, seed=1)
    probes = shifted(mock_stars, BP_G, 0.05)
    assert_array_equal(neighbourhood.density(probes) >= N_NEIGHBOURS, neighbourhood.index(probes) <= 1)


def test_the_worst_pair_is_that_of_brute_force(mock_stars: np.ndarray):
    training, probes = mock_stars[:500], shifted(mock_stars[500:600], G_RP, 0.1)
    neighbourhood = fit_neighbourhood(training, NAMES, seed=1)
    best, names = np.zeros(100), np.full(100, "", dtype=object)
    for i in range(7):
        for j in range(i + 1, 7):
            own = np.sort(mahalanobis(training[:, [i, j]], training[:, [i, j]]), axis=1)[:, N_NEIGHBOURS]
            distances = np.sort(mahalanobis(probes[:, [i, j]], training[:, [i, j]]), axis=1)[:, N_NEIGHBOURS - 1]
            index = distances / np.sort(own)[475]  # ceil(501 x 0.95) = 476
            names = np.where(index > best, f"{NAMES[i]}-{NAMES[j]}", names)
            best = np.maximum(index, best)
    assert_array_equal(neighbourhood.worst_pairs(probes), names)


def test_the_threshold_is_that_of_stars_held_out_of_the_whitening_too(mock_stars: np.ndarray):
    training = mock_stars[:580]
    distances = np.empty(580)
    for star in range(580):
        others = np.delete(training, star, axis=0)
        distances[star] = np.sort(mahalanobis(training[[star]], others)[0])[N_NEIGHBOURS - 1]
    threshold = np.sort(distances)[551]  # ceil(581 x 0.95) = 552
    # held out of the whitening, a star is farther out by about (1 + n_columns / n_stars); five folds give 4 % more
    assert_allclose(fit_neighbourhood(training, NAMES, seed=1).threshold, threshold, rtol=0.02)


@pytest.mark.parametrize("n_training", [580, N_TRAINING])
def test_one_unseen_star_in_twenty_is_outside(mock_stars: np.ndarray, n_training: int):
    unseen = mock_stars[N_TRAINING:]
    alarms = fit_neighbourhood(mock_stars[:n_training], NAMES, seed=1).index(unseen) > 1
    # binomial, of the training stars that set the threshold and of the unseen ones
    error = np.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) * (1 / n_training + 1 / len(unseen)))
    assert abs(alarms.mean() - FALSE_ALARMS) < 3 * error


@pytest.mark.parametrize("n_sigma", [2, 3, 4, 5])
def test_a_star_off_a_relation_is_caught_as_often_as_the_best_test_can(n_sigma: int):
    # of Gaussian stars the best test that does not know which column is wrong is chi square of all of them
    neighbourhood = fit_neighbourhood(gaussian_stars(MAX_STARS, seed=4), NAMES, seed=1)
    thickness = 1 / np.sqrt(np.linalg.inv(MIXING.T @ MIXING)[BP_G, BP_G])  # of BP_G_0 given all the others
    caught = neighbourhood.index(shifted(gaussian_stars(4000, seed=5), BP_G, n_sigma * thickness)) > 1
    best = ncx2.sf(chi2.isf(FALSE_ALARMS, 7), 7, n_sigma**2)
    # 4 binomial errors of 4000 stars are 0.032; a finite number of neighbours costs 0.01 to 0.02
    assert best - 0.05 < caught.mean() < best + 0.035


# The mock's colours are known to 0.007 mag given all other columns, so 0.05 mag is 7 sigma, of which chi square of
# seven columns catches 0.999. The bound is the one that stdask promises.
@pytest.mark.parametrize("column", [BP_G, G_RP])
@pytest.mark.parametrize("shift", [0.05, -0.05])
def test_a_colour_that_is_off_by_a_twentieth_of_a_magnitude_is_caught_and_named(
    mock_stars: np.ndarray, column: int, shift: float
):
    training, unseen = mock_stars[:N_TRAINING], shifted(mock_stars[N_TRAINING:], column, shift)
    neighbourhood = fit_neighbourhood(training, NAMES, seed=1)
    caught = neighbourhood.index(unseen) > 1
    assert caught.mean() > 0.9
    named = [NAMES[column] in pair for pair in neighbourhood.worst_pairs(unseen[caught])]
    assert np.mean(named) > 0.9


@pytest.mark.parametrize("column", [BP_G, G_RP])
def test_whitening_catches_twice_what_standard_columns_do(mock_stars: np.ndarray, column: int):
    training, unseen = mock_stars[:N_TRAINING], shifted(mock_stars[N_TRAINING:], column, 0.05)
    spreads = training.std(axis=0)
    tree = KDTree(training / spreads)
    threshold = np.quantile(tree.query(training / spreads, k=[N_NEIGHBOURS + 1])[0], 1 - FALSE_ALARMS)
    plain = tree.query(unseen / spreads, k=[N_NEIGHBOURS])[0][:, 0] > threshold
    caught = fit_neighbourhood(training, NAMES, seed=1).index(unseen) > 1
    assert caught.mean() > 2 * plain.mean()  # seen: 3 times


def test_a_star_gets_the_same_to_the_last_bit_whatever_stars_are_beside_it(mock_stars: np.ndarray):
    neighbourhood = fit_neighbourhood(mock_stars[:N_TRAINING], NAMES, seed=1)
    probes = shifted(mock_stars[:1000], BP_G, 0.05)
    probes[::7, 3] = np.nan
    for chosen in (np.array([500]), np.arange(3, 1000, 11), np.arange(999, -1, -1)):
        for method in (neighbourhood.index, neighbourhood.density, neighbourhood.worst_pairs):
            assert_array_equal(method(probes[chosen]), method(probes)[chosen])


def test_a_star_with_a_missing_value_has_no_index():
    neighbourhood = fit_neighbourhood(gaussian_stars(100, seed=6), NAMES, seed=1)
    probes = gaussian_stars(4, seed=7)
    probes[[0, 2], [3, 0]] = np.nan, np.inf
    assert_array_equal(np.isnan(neighbourhood.index(probes)), [True, False, True, False])
    assert_array_equal(neighbourhood.density(probes)[[0, 2]], 0)
    assert_array_equal(neighbourhood.worst_pairs(probes) == "", [True, False, True, False])
    for values in (probes[:0], probes[[0]]):
        lengths = [len(method(values)) for method in (neighbourhood.index, neighbourhood.worst_pairs)]
        assert lengths == [len(values)] * 2


def test_training_stars_with_a_missing_value_are_left_out():
    stars = gaussian_stars(100, seed=8)
    with_gaps = np.insert(stars, [10, 50], np.nan, axis=0)
    probes = gaussian_stars(50, seed=9)
    whole, gaps = (fit_neighbourhood(training, NAMES, seed=1) for training in (stars, with_gaps))
    assert_allclose(gaps.index(probes), whole.index(probes), rtol=1e-9)  # the seed puts them in another order


def test_a_column_that_does_not_vary_or_follows_from_others_must_do_so_in_a_new_star():
    first, second = RNG.normal(0.5, 0.1, (2, 300))
    stars = np.stack([first, second, first + second, np.full(300, 0.1)], axis=1)  # BP - RP; a fixed E(B-V)
    names = ("BP_G_0", "G_RP_0", "BP_RP_0", "EBV")
    neighbourhood = fit_neighbourhood(stars[:200], names, seed=1)
    # binomial, of 200 stars and of 100: a float32 catalogue must not read as a departure
    assert (neighbourhood.index(stars[200:].astype(np.float32)) > 1).mean() < FALSE_ALARMS + 3 * 0.027
    for column in (2, 3):
        probes = shifted(stars[200:], column, 0.01)
        assert (neighbourhood.index(probes) > 1).all()
    assert np.mean([pair.endswith("-EBV") for pair in neighbourhood.worst_pairs(probes)]) == 1


def test_stars_that_are_all_equal_have_only_themselves_inside():
    neighbourhood = fit_neighbourhood(np.full((50, 2), 0.1), ["EBV", "MG_FE"], seed=1)
    assert_array_equal(neighbourhood.index(np.array([[0.1, 0.1], [0.1, 0.11]])) > 1, [False, True])
    assert_array_equal(neighbourhood.worst_pairs(np.array([[0.1, 0.11]])), ["EBV-MG_FE"])


def test_a_lone_column_is_its_own_pair():
    stars = RNG.normal(0, 30, (500, 1))  # km/s
    neighbourhood = fit_neighbourhood(stars, ["VHELIO"], seed=1)
    assert neighbourhood.pair_names == ["VHELIO"]
    assert_array_equal(neighbourhood.index(np.array([[0.0], [1e9]])) > 1, [False, True])
    assert_array_equal(neighbourhood.worst_pairs(np.array([[1e9]])), ["VHELIO"])


def test_of_many_training_stars_the_seed_chooses():
    stars = gaussian_stars(MAX_STARS + 1000, seed=10)
    first, again, other = (fit_neighbourhood(stars, NAMES, seed) for seed in (1, 1, 2))
    assert first.stars.shape == (MAX_STARS, 7)
    assert_array_equal(first.stars, again.stars)
    assert not np.array_equal(first.stars, other.stars)


def test_all_that_is_kept_is_names_and_arrays():
    neighbourhood = fit_neighbourhood(gaussian_stars(100, seed=11), NAMES, seed=1)
    probes = gaussian_stars(20, seed=12)
    kept = {field.name: getattr(neighbourhood, field.name) for field in fields(neighbourhood)}
    assert kept.pop("names") == NAMES
    assert {type(value) for value in kept.values()} == {np.ndarray}
    restored = type(neighbourhood)(NAMES, **{name: value.copy() for name, value in kept.items()})
    assert_array_equal(restored.index(probes), neighbourhood.index(probes))
    assert_array_equal(restored.worst_pairs(probes), neighbourhood.worst_pairs(probes))


def test_too_few_training_stars_are_refused_with_a_remedy():
    stars = gaussian_stars(60, seed=13)
    stars[:45, 6] = np.nan
    with pytest.raises(PairingError, match=r"Only 15 of 60 training stars have all of TEFF.*Leave out the column"):
        fit_neighbourhood(stars, NAMES, seed=1)
