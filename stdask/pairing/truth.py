"""The truth of a mock survey, for those stages that compare with it."""

from pathlib import Path

import numpy as np

from stdask.errors import CatalogueError
from stdask.pairing.training_set import stack_columns
from stdask.science.sky.crossmatch import match_ids
from stdask.storage.tables import read_parquet, to_numpy


def true_labels(path: Path, labels: tuple[str, ...], ids: np.ndarray) -> np.ndarray:
    """Return the true labels of some stars of a mock, (n_stars, n_labels).

    Parameters
    ----------
    path
        The table of the truth.
    labels
        Its columns.
    ids : shape (n_stars,)
        In A.

    Raises
    ------
    CatalogueError
        If a star is not in the table.
    """
    table = read_parquet(path, ["ID_A", *labels])
    found, rows = match_ids(ids.astype(str), to_numpy(table, "ID_A").astype(str))
    if lost := len(ids) - len(found):
        raise CatalogueError(f"{lost} test stars are not in the truth table {path}. Is it the truth of this survey A?")
    return stack_columns(table, list(labels))[rows]
