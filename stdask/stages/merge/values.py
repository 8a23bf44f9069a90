"""What the merged catalogue says of a label: of one survey, or the mean of all surveys that have the star."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.pairing.in_b import KEY_A
from stdask.pairing.noise_of_b import errors_without_b
from stdask.pairing.usable import holds
from stdask.science.measurements.means import average
from stdask.stages.merge.sources import MergeSource, Sources
from stdask.storage.tables import read_parquet, to_numpy

SEPARATOR = "+"  # between the surveys of a mean


class LabelValues(NamedTuple):
    """A label of some stars as one survey has it; each of shape (n_stars,), NaN where unknown."""

    value: np.ndarray
    error: np.ndarray
    raw: np.ndarray  # as the survey measured it
    sample: np.ndarray
    members: list[np.ndarray]  # of each network

    @classmethod
    def unknown(cls, n_stars: int, n_members: int, raw: np.ndarray | None = None) -> "LabelValues":
        """Return the values of a survey that does not have the label on the scale of B."""
        nothing = np.full(n_stars, np.nan)
        return cls(nothing, nothing, nothing if raw is None else raw, nothing, [nothing] * n_members)


def values_of(table: pa.Table, label: str, n_members: int, source: MergeSource, sources: Sources) -> LabelValues:
    """Return a label as a survey has it: of a translated one median and error, NaN where the translation does not hold.

    The stars were chosen by the intrinsic flags; a label of the extrinsic network has flags of its own.
    """
    raw = floats(table, source.counterparts.get(label, ""))
    if source.pairs is None:
        return LabelValues(raw, floats(table, f"{label}_ERR"), raw, raw, [raw] * n_members)
    family = source.families.get(label)
    if family is None:  # not translated to it: the survey's own label of that name is on another scale
        return LabelValues.unknown(table.num_rows, n_members, raw)
    valid = holds(table, family, sources.config.qflag_domain)
    names = (f"{label}_PRED_50", f"{label}_PRED_SAMPLE", *(f"{label}_PRED_MEMBER_{k + 1}" for k in range(n_members)))
    value, sample, *members = (np.where(valid, to_numpy(table, name), np.nan) for name in names)
    error = np.where(valid, _errors(table, label, source, sources), np.nan)
    return LabelValues(value, error, raw, sample, members)


def _errors(table: pa.Table, label: str, source: MergeSource, sources: Sources) -> np.ndarray:
    """Return the errors of a translation: with the noise of B, or for means without it."""
    if not sources.of_means:
        return to_numpy(table, schema.sigma_name(label, "total"))
    own = errors_without_b(table, label, source.errors_of_b.get(label, np.nan))
    return np.hypot(own, source.lacking.get(label, 0.0))


class FurtherValues(NamedTuple):
    """What another survey says of some of the stars of a table."""

    survey: str
    values: pa.Table  # columns as `as_columns` names them
    rows: np.ndarray  # of the stars in the table
    places: np.ndarray  # of the stars among the values
    n_stars: int

    def label(self, label: str, n_members: int) -> LabelValues:
        """Return the values of a label for all stars of the table."""
        found = LabelValues.unknown(self.n_stars, n_members)
        if label not in self.values.column_names:
            return found
        members = [self._placed(f"{label}_MEMBER_{k + 1}") for k in range(n_members)]
        return found._replace(value=self._placed(label), error=self._placed(f"{label}_ERR"), members=members)

    def _placed(self, name: str) -> np.ndarray:
        placed = np.full(self.n_stars, np.nan)
        placed[self.rows] = to_numpy(self.values, name)[self.places]
        return placed


def read_further(table: pa.Table, source: MergeSource) -> list[FurtherValues]:
    """Return what other surveys say of the stars of a table; none but for means."""
    found = []
    for survey, path in source.further:
        values = read_parquet(path, None, pc.field(KEY_A).isin(table.column(KEY_A).combine_chunks()))
        _, rows, places = np.intersect1d(to_numpy(table, KEY_A), to_numpy(values, KEY_A), return_indices=True)
        found.append(FurtherValues(survey, values, rows, places, table.num_rows))
    return found


def columns_of_labels(table: pa.Table, source: MergeSource, sources: Sources) -> dict[str, np.ndarray]:
    """Return the columns of all labels, as `schema.merged_columns` has them, of stars that are kept from a survey."""
    others = read_further(table, source)
    found: dict[str, np.ndarray] = {}
    for label, names in sources.labels.items():
        n_members = sources.n_members(names)
        own = values_of(table, label, n_members, source, sources)
        shown = [own.value, own.error, own.raw, own.sample, *own.members]
        if sources.of_means:
            surveys = {source.survey: own} | {other.survey: other.label(label, n_members) for other in others}
            shown = _mean(surveys, own, sources.correlations_of(label, list(surveys)), n_members)
        found |= dict(zip(names, shown, strict=True))
    return found


def _mean(
    surveys: Mapping[str, LabelValues], own: LabelValues, correlations: np.ndarray, n_members: int
) -> list[np.ndarray]:
    """Return the columns of a label that is the mean of surveys, that which keeps the stars first."""
    every = list(surveys.values())
    found = average(np.array([one.value for one in every]), np.array([one.error for one in every]), correlations)
    members = [found.mean_of(np.array([one.members[k] for one in every])) for k in range(n_members)]
    names = _names(found.weights > 0, list(surveys))
    return [found.values, found.errors, own.raw, own.sample, names, found.numbers, found.scatter, *members]


def _names(used: np.ndarray, surveys: Sequence[str]) -> np.ndarray:
    """Return which surveys are in the mean of each star, in words; `used` has shape (n_surveys, n_stars)."""
    numbers = (used * (1 << np.arange(len(surveys)))[:, None]).sum(axis=0)
    words = [
        SEPARATOR.join(name for place, name in enumerate(surveys) if number >> place & 1)
        for number in range(1 << len(surveys))
    ]
    return np.array(words, dtype=object)[numbers]


def as_columns(values: Mapping[str, LabelValues]) -> dict[str, np.ndarray]:
    """Return what the table of the stars of two surveys holds of the values of one of them, by name."""
    found: dict[str, np.ndarray] = {}
    for label, own in values.items():
        found |= {label: own.value, f"{label}_ERR": own.error}
        found |= {f"{label}_MEMBER_{k}": member for k, member in enumerate(own.members, start=1)}
    return found


def floats(table: pa.Table, name: str) -> np.ndarray:
    """Return a column, NaN if the survey does not have it."""
    return to_numpy(table, name) if name in table.column_names else np.full(table.num_rows, np.nan)
