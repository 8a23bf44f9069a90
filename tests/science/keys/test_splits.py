"""Test stars by star, validation stars by member."""

import numpy as np
import pytest

from stdask.science.keys.splits import fold_of_star, is_test_star, split_for_member

KEYS = np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64)


def test_a_test_star_stays_one_when_others_join():
    before = is_test_star(KEYS[:5000], 0.2, 7)
    np.testing.assert_array_equal(is_test_star(KEYS, 0.2, 7)[:5000], before)


def test_a_larger_fraction_keeps_the_test_stars_there_were():
    assert (is_test_star(KEYS, 0.3, 7) >= is_test_star(KEYS, 0.2, 7)).all()


def test_the_share_of_test_stars_is_as_asked():
    assert is_test_star(KEYS, 0.2, 7).mean() == pytest.approx(0.2, abs=5 * np.sqrt(0.2 * 0.8 / 10_000))  # 5 sigma
    assert (is_test_star(KEYS, 0.2, 7) != is_test_star(KEYS, 0.2, 8)).any()


def test_each_member_splits_all_stars_its_own_way():
    splits = [split_for_member(1000, 0.2, 7, member) for member in range(5)]
    for training, validation in splits:
        assert validation.size == 200
        np.testing.assert_array_equal(np.sort(np.concatenate([training, validation])), np.arange(1000))
    # two random fifths of 1000 stars share 40 of them, +-5.1
    shared = [np.intersect1d(splits[i][1], splits[j][1]).size for i in range(5) for j in range(i)]
    assert max(shared) < 40 + 5 * 5.1
    np.testing.assert_array_equal(split_for_member(1000, 0.2, 7, 3)[0], splits[3][0])


@pytest.mark.parametrize("fraction", [0.001, 0.5, 0.999])
def test_someone_always_trains_and_someone_validates(fraction: float):
    training, validation = split_for_member(10, fraction, 7, 0)
    assert min(training.size, validation.size) >= 1


def test_every_star_tests_in_one_fold_of_equal_share_whoever_is_beside_it():
    folds = fold_of_star(KEYS, 5, 7)
    assert set(folds) == {0, 1, 2, 3, 4}
    # 5 sigma of the binomial
    assert np.bincount(folds) / 10_000 == pytest.approx(0.2, abs=5 * np.sqrt(0.2 * 0.8 / 10_000))
    np.testing.assert_array_equal(fold_of_star(KEYS[100:200], 5, 7), folds[100:200])
    # apart from the test split: each fold holds its share of the test stars of a run
    shares = [is_test_star(KEYS[folds == fold], 0.2, 7).mean() for fold in range(5)]
    assert shares == pytest.approx([0.2] * 5, abs=5 * np.sqrt(0.2 * 0.8 / 2000))
