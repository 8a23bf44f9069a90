"""Ranges of bins read back from files of keys."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from stdask.errors import CatalogueError
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
    assert_array_equal(found, together[(bins >= 10) & (bins < 30)] - (np.uint64(10) << np.uint64(32)))


@pytest.mark.parametrize("content", [None, b"", b"not Arrow"])
def test_a_missing_or_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "0.arrow"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"0\.arrow"):
        read_keys([path], ["map"], 0, 1)
