"""Evaluate: stars outside the domain are counted pair by pair."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.science.translation.validity import fit_domain
from stdask.stages.evaluate.domain import count_partition, fine_edges
from stdask.storage.tables import write_parquet


def test_stars_outside_the_domain_are_counted_pair_by_pair_and_once_over_all(tmp_path: Path) -> None:
    """Three columns of 0 to 1, each pair of them on the diagonal of two bins."""
    edge = np.array([0.0, 0.25, 0.75, 1.0])
    domain = fit_domain(np.column_stack([edge, edge, edge]), ("X", "Y", "Z"), n_bins=2, min_stars=1)
    stars = {"X": [0.2, 0.2, 0.2, 2.0, np.nan], "Y": [0.2, 0.8, 0.2, 0.8, 0.2], "Z": [0.2, 0.8, 0.8, 0.8, 0.8]}
    write_parquet(tmp_path / "part.parquet", pa.table(stars))
    # X-Y, X-Z, Y-Z, any: the first star is inside, and of the last one nothing is known of X
    counts = count_partition(tmp_path / "part.parquet", domain)
    assert counts.outside.tolist() == [2, 3, 2, 4]
    assert counts.shares.tolist() == [0.4, 0.6, 0.4, 0.8]
    # the last star has no X, and X of the fourth lies beyond the margin of what is drawn
    assert counts.binned.sum(axis=(1, 2)).tolist() == [3, 3, 5]
    bins = [np.digitize((0.2, 0.8), edges) - 1 for edges in fine_edges(domain)[:2]]
    assert counts.binned[0][np.ix_(*bins)].tolist() == [[2, 1], [0, 0]]
