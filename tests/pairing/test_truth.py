"""The truth of a mock is found star by star, whatever its order."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from stdask.errors import CatalogueError
from stdask.pairing.truth import true_labels
from stdask.storage.tables import write_parquet


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    table = {"ID_A": ["7", "8", "9"], "FE_H": [0.1, 0.2, 0.3], "TEFF": [4000.0, 5000.0, 6000.0]}
    write_parquet(tmp_path / "truth.parquet", pa.table(table))
    return tmp_path / "truth.parquet"


def test_labels_are_those_of_the_stars_in_the_order_asked_for(truth: Path):
    found = true_labels(truth, ("TEFF", "FE_H"), np.array([9, 7]))
    assert found.tolist() == [[6000.0, 0.3], [4000.0, 0.1]]


def test_a_star_without_a_truth_is_an_error_that_names_the_file(truth: Path):
    with pytest.raises(CatalogueError, match=r"1 test stars are not in the truth table .*truth\.parquet"):
        true_labels(truth, ("TEFF",), np.array([7, 10]))
