"""Keys of stars: the same on every machine, and no two alike."""

import numpy as np
from numpy.testing import assert_array_equal

from stdask.science.keys.star_keys import keys_of_values, star_keys


def test_integer_ids_give_the_published_outputs_of_splitmix64():
    # first output of the reference implementation (Vigna, prng.di.unimi.it/splitmix64.c) for seeds 0 and 1
    assert_array_equal(star_keys(np.array([0, 1])), np.array([0xE220A8397B1DCDAF, 0x910A2DEC89025CC1], np.uint64))


def test_text_ids_give_the_digest_of_coreutils_b2sum():
    digest = bytes.fromhex("900c360e75de2209")  # printf '2M00000002+7417074' | b2sum -l 64
    keys = star_keys(np.array(["2M00000002+7417074"], dtype=object))
    assert keys.dtype == np.uint64
    assert keys[0] == int.from_bytes(digest, "little")


def test_a_whole_number_has_the_same_key_as_text():
    ids = np.array([0, 1, -1, -9999, 5907465561312744704, 2**63 - 1, -(2**63)])
    assert_array_equal(star_keys(ids.astype(str)), star_keys(ids))
    assert star_keys(np.array([str(2**64 - 1)])) == star_keys(np.array([2**64 - 1], dtype=np.uint64))
    names = np.array(["00123", "+5", "1e3", "12 ", "-0", "5.0", str(2**64), ""])  # of other stars than 123, 5 and so on
    numbers = star_keys(np.array([123, 5, 1000, 12, 0, 0, 0, 0]))
    assert not np.isin(star_keys(names), numbers).any()


def test_a_key_does_not_depend_on_the_other_stars_or_the_width_of_the_text():
    ids = np.array([f"2M{n:08d}" for n in range(1000)])
    whole = star_keys(ids)
    assert_array_equal(star_keys(ids[::-1])[::-1], whole)
    assert_array_equal(star_keys(ids.astype("U40").astype(object)), whole)


def test_no_two_of_a_million_ids_share_a_key():
    assert np.unique(star_keys(np.arange(1_000_000))).size == 1_000_000
    # text: 1e5 ids share a key with probability 3e-10
    assert np.unique(star_keys(np.char.add("2M", np.arange(100_000).astype(str)))).size == 100_000


def test_neighbouring_ids_give_keys_that_fill_the_range():
    shares = star_keys(np.arange(100_000)) / 2.0**64
    counts, _ = np.histogram(shares, bins=10, range=(0, 1))
    # 10,000 a bin with a binomial scatter of 95: 5 sigma
    assert np.abs(counts - 10_000).max() < 475


def test_no_stars_have_no_keys():
    assert star_keys(np.array([], dtype=object)).size == star_keys(np.array([], dtype=np.int64)).size == 0


def test_stars_that_agree_in_all_values_share_a_key_and_no_others():
    rng = np.random.default_rng(1)
    values = rng.normal(5000, 300, (10_000, 4)).astype(np.float32)
    values[rng.random(values.shape) < 0.1] = np.nan
    keys = keys_of_values(values)
    assert keys.dtype == np.uint64
    assert np.unique(keys).size == len(values)
    assert_array_equal(keys_of_values(values[::-1].copy())[::-1], keys)
    swapped = values[:, [1, 0, 2, 3]]  # the same numbers in other columns are another star
    assert (keys_of_values(swapped) != keys).mean() > 0.98  # all but those where both are missing
    assert keys_of_values(np.zeros((0, 4), np.float32)).shape == (0,)


def test_every_nan_and_both_zeros_count_as_one_value():
    strange = np.array([0x7FC00001, 0xFFC00000], np.uint32).view(np.float32)
    assert np.isnan(strange).all()
    keys = keys_of_values(np.concatenate([strange, np.array([np.nan, 0.0, -0.0], np.float32)])[:, None])
    assert len({*keys[:3].tolist()}) == 1
    assert keys[3] == keys[4] != keys[0]
