"""Ranges of bins read back from files of keys."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
from stdask.science.galaxy.binning import ordered_bits
from stdask.science.galaxy.weighted import pack_weighted
from stdask.storage.products.key_files import read_keys, write_keys
from tests.science.keys.keys import pack_keys


def keys(seed, n_stars):
    rng = np.random.default_rng(seed)
    return pack_keys(rng.integers(0, 50, n_stars), rng.normal(size=n_stars))


def test_a_range_of_bins_comes_back_from_all_files_sorted_and_counted_anew(tmp_path):
    parts = [keys(seed, n) for seed, n in ((1, 500), (2, 0), (3, 70))]
    for number, part in enumerate(parts):
        write_keys(tmp_path / f"{number}.arrow", {"map": part, "other": part[:1]})
    found = read_keys(sorted(tmp_path.iterdir()), ["map"], 10, 30)["map"]
    together = np.sort(np.concatenate(parts))
    bins = together >> np.uint64(32)
    assert_array_equal(found.keys, together[(bins >= 10) & (bins < 30)] - (np.uint64(10) << np.uint64(32)))


def test_weights_come_back_with_their_stars(tmp_path):
    parts = []
    for seed, n_stars in ((1, 300), (2, 50)):
        rng = np.random.default_rng(seed)
        bins, values, weights = rng.integers(0, 50, n_stars), rng.normal(size=n_stars), rng.lognormal(size=n_stars)
        parts.append(pack_weighted(bins, ordered_bits(values), weights))
        write_keys(tmp_path / f"{seed}.arrow", {"map": parts[-1]})
    found = read_keys(sorted(tmp_path.iterdir()), ["map"], 10, 30, weighted=True)["map"]
    expected = {
        (int(key) - (10 << 32), weight)
        for part in parts
        for key, weight in zip(part.keys, part.weights, strict=True)
        if 10 <= key >> np.uint64(32) < 30
    }
    assert set(zip(map(int, found.keys), found.weights, strict=True)) == expected
    assert len(found.keys) == len(expected) > 100


@pytest.mark.parametrize("content", [None, b"", b"not Arrow"])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "0.arrow"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"0\.arrow"):
        read_keys([path], ["map"], 0, 1)
