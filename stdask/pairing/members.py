"""The members of star clusters, as `[evaluate] clusters` or `stdask validate --members` names them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.config.stages import ClusterMembers
from stdask.pairing.known_stars import read_known_stars
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import to_numpy

OCCAM = ("RV_PROB", "FEH_PROB", "PM_PROB")  # Myers et al. 2022, AJ 164, 85: all of a member are above the limit


@dataclass(frozen=True)
class Members:
    """Rows of a table of members, those whose probabilities are high enough."""

    table: pa.Table  # the columns by which they are found
    clusters: np.ndarray  # (n_members,), str: name of the cluster of each
    literature: Mapping[str, Mapping[str, float]]  # label of B -> cluster -> published value, NaN for none


def read_members(path: Path, config: ClusterMembers) -> Members:
    """Read a table of members and leave out the stars that are none.

    Parameters
    ----------
    path, config
        The table, and what its columns are called.

    Raises
    ------
    CatalogueError
        If it lacks a column.
    """
    survey = open_survey(path)
    probabilities = list(config.probabilities) or [name for name in OCCAM if survey.has(name)]
    columns = [config.cluster, *probabilities, *config.literature.values()]
    table = read_known_stars(path, config, columns)
    names = text_of(table, config.cluster)
    likely = names != ""
    for name in probabilities:
        likely &= to_numpy(table, name).astype(np.float64) > config.min_probability  # False for NaN
    literature = {}
    for label, column in config.literature.items():
        values = to_numpy(table, column).astype(np.float64)
        literature[label] = {name: _median(values[names == name]) for name in np.unique(names[likely])}
    return Members(table.filter(pa.array(likely)), names[likely], literature)


def text_of(table: pa.Table, name: str) -> np.ndarray:
    """Return a column as text without blanks around it, (n_rows,); empty where it is missing."""
    values = table.column(name).cast(pa.string()).combine_chunks().fill_null("").to_numpy(zero_copy_only=False)
    return np.array([str(value).strip() for value in values], dtype=object)


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan
