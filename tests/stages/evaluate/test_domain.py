"""Evaluate: stars outside the domain are counted pair by pair."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.science.translation.validity import fit_domain
from stdask.stages.evaluate.domain import count_outside
from stdask.storage.tables import write_parquet


def test_stars_outside_the_domain_are_counted_pair_by_pair_and_once_over_all(tmp_path: Path) -> None:
    """Three columns of 0 to 1, each pair of them on the diagonal of two bins."""
    edge = np.array([0.0, 0.25, 0.75, 1.0])
    domain = fit_domain(np.column_stack([edge, edge, edge]), ("X", "Y", "Z"), n_bins=2, min_stars=1)
    stars = {"X": [0.2, 0.2, 0.2, 2.0, np.nan], "Y": [0.2, 0.8, 0.2, 0.8, 0.2], "Z": [0.2, 0.8, 0.8, 0.8, 0.8]}
    write_parquet(tmp_path / "part.parquet", pa.table(stars))
    # X-Y, X-Z, Y-Z, any: the first star is inside, and of the last one nothing is known of X
    assert count_outside(tmp_path / "part.parquet", domain).tolist() == [2, 3, 2, 4]
