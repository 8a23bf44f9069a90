"""The members of star clusters, as `[evaluate] clusters` or `stdask validate --members` names them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.config.stages import ClusterMembers
from stdask.errors import SurveyError
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
    CatalogueError, SurveyError
        As `read_known_stars`; and if no row is a member.
    """
    survey = open_survey(path)
    probabilities = list(config.probabilities) or [name for name in OCCAM if survey.has(name)]
    numbers = {"probabilities": probabilities, "literature": [*config.literature.values()]}
    table = read_known_stars(path, config, {"cluster": [config.cluster]}, numbers)
    names = text_of(table, config.cluster)
    likely = names != ""
    for name in probabilities:
        likely &= to_numpy(table, name) > config.min_probability  # False for NaN
    if not likely.any():
        raise SurveyError(_why_nobody(path, config, probabilities, named=int((names != "").sum())))
    literature = {}
    for label, column in config.literature.items():
        values = to_numpy(table, column)
        literature[label] = {name: _median(values[names == name]) for name in np.unique(names[likely])}
    return Members(table.filter(pa.array(likely)), names[likely], literature)


def _why_nobody(path: Path, config: ClusterMembers, probabilities: Sequence[str], named: int) -> str:
    """Return why no row of a table is a member, and what to do."""
    if not named:
        return f"{path}: column {config.cluster!r}, which `cluster` names, is empty in all rows. Name another."
    return (
        f"{path}: none of the {named:,} rows with a cluster has {' and '.join(probabilities)} above "
        f"{config.min_probability:g}. Lower `min_probability`, or name other columns in `probabilities`."
    )


def text_of(table: pa.Table, name: str) -> np.ndarray:
    """Return a column as text without blanks around it, (n_rows,); empty where it is missing."""
    values = table.column(name).cast(pa.string()).combine_chunks().fill_null("").to_numpy(zero_copy_only=False)
    return np.array([str(value).strip() for value in values], dtype=object)


def _median(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else np.nan
