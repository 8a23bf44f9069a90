"""What is merged: A on the scale of B, further surveys on that scale from runs of their own, and B itself."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stdask import schema
from stdask.config.run import Run
from stdask.config.stages import MergeConfig
from stdask.config.survey import SurveyDefinition
from stdask.config.training import TrainConfig
from stdask.errors import SurveyError
from stdask.pairing.id_lists import read_ids
from stdask.science.keys.star_keys import star_keys
from stdask.science.sky.globular_clusters import GlobularClusters
from stdask.stages.merge.also import Other
from stdask.storage import paths
from stdask.storage.catalogue.hats import Catalogue, open_catalogue
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import read_parquet, to_numpy

DISTANCE = schema.DISTANCE[0].name
KEY_A, KEY_B = "STAR_KEY", "STAR_KEY_B"  # of the table of pairs


@dataclass(frozen=True)
class MergeSource:
    """One survey of a merge, as the tasks know it."""

    survey: str
    id: str  # its id column
    families: Mapping[str, str]  # label of B -> family of the networks that translated it; none of B
    counterparts: Mapping[str, str]  # label of B -> what the survey itself has for it
    pairs: Path | None = None  # its stars that are in B too; none of B
    repeats: tuple[tuple[str, Path], ...] = ()  # surveys before it, and its stars that they have too
    lenders: tuple[tuple[str, Path], ...] = ()  # of B: surveys with distances, and their stars that are in B too
    listed: tuple[np.ndarray, ...] = ()  # the keys of its stars in each list of `[[merge.exclude]]`


@dataclass(frozen=True)
class Sources:
    """What all tasks of a merge share."""

    surveys: tuple[MergeSource, ...]  # A, the further ones, B
    labels: Mapping[str, tuple[str, ...]]  # of B -> its columns in the merged catalogue
    velocity: str  # label of the line-of-sight velocity; empty if B has none
    clusters: GlobularClusters | None
    config: MergeConfig
    columns: tuple[schema.Column, ...]

    @property
    def described(self) -> dict[str, Any]:
        """All that decides what the tasks write, but for what they read from files."""
        surveys = [
            {"survey": s.survey, "id": s.id, "families": s.families, "counterparts": s.counterparts}
            | {"repeats": [name for name, _ in s.repeats], "lenders": [name for name, _ in s.lenders]}
            for s in self.surveys
        ]
        return {"surveys": surveys, "columns": [asdict(column) for column in self.columns]}


class Opened(NamedTuple):
    """A survey of a merge, and where its catalogue comes from."""

    source: MergeSource
    catalogue: Catalogue
    output: Path  # the run folder
    stage: str  # that wrote it

    @property
    def names(self) -> set[str]:
        """The columns of its catalogue."""
        return {column.name for column in self.catalogue.columns}


def open_surveys(run: Run, others: Sequence[Other]) -> list[Opened]:
    """Open the catalogues of a merge: that of A translated, the further ones, and that of B.

    Raises
    ------
    CatalogueError
        If one is missing.
    SurveyError
        If a list of `[[merge.exclude]]` is missing or holds no ids of its survey.
    """
    b = run.definition_b
    translated = [_open_translated(run.output, run.definition_a, b.name, run.config.train)]
    translated += [_open_translated(other.output, other.definition, b.name, other.train) for other in others]
    lenders = tuple((t.source.survey, t.source.pairs) for t in translated if t.source.pairs and DISTANCE in t.names)
    source = MergeSource(b.name, b.id, {}, {label: label for label in b.labels}, lenders=lenders)
    catalogue = open_catalogue(paths.catalogue(run.output, b.name))
    return _with_lists(run, [*translated, Opened(source, catalogue, run.output, "ingest_b")])


def describe(run: Run, opened: Sequence[Opened]) -> Sources:
    """Return what the tasks need to know."""
    labels = {
        name: schema.merged_columns(name, label.unit, _n_members(name, opened))
        for name, label in run.definition_b.labels.items()
    }
    velocity = next(filter(schema.is_velocity, labels), "")
    clusters = None
    if run.config.merge.globular_clusters:
        table = open_survey(run.data_dir / run.config.merge.globular_clusters).read(schema.CLUSTER_COLUMNS)
        clusters = GlobularClusters(*(to_numpy(table, name) for name in schema.CLUSTER_COLUMNS))
    return Sources(
        surveys=tuple(part.source for part in opened),
        labels={name: tuple(column.name for column in columns) for name, columns in labels.items()},
        velocity=velocity,
        clusters=clusters,
        config=run.config.merge,
        columns=_columns([part.names for part in opened], [c for own in labels.values() for c in own], bool(velocity)),
    )


def _open_translated(output: Path, a: SurveyDefinition, b: str, train: TrainConfig) -> Opened:
    catalogue = open_catalogue(paths.catalogue(output, paths.translated_name(a.name, b)))
    present = {column.name for column in catalogue.columns}
    labels = [(family, item) for family in schema.FAMILIES for item in train.labels(family)]
    source = MergeSource(
        survey=a.name,
        id=a.id,
        families={item.label: family for family, item in labels if f"{item.label}_PRED_50" in present},
        counterparts={item.label: item.source for _, item in labels if item.source in present},
        pairs=paths.pairs(output, a.name, b),
    )
    return Opened(source, catalogue, output, "translate")


def _n_members(label: str, opened: Sequence[Opened]) -> int:
    """Return how many networks every survey that was translated to a label has for it."""
    stem = f"{label}_PRED_MEMBER_"
    numbers = [sum(n.startswith(stem) for n in part.names) for part in opened if label in part.source.families]
    return min(numbers, default=0)


def _columns(
    names: Sequence[set[str]], labels: Sequence[schema.Column], has_velocity: bool
) -> tuple[schema.Column, ...]:
    """Return the columns of the merged catalogue, from those of each survey's."""
    some = set.union(*names)
    motion = schema.PROPER_MOTION if schema.PROPER_MOTION[0].name in some else ()
    return (
        schema.HEALPIX,
        schema.ID,
        schema.SURVEY,
        schema.STAR_KEY,
        *([schema.SOURCE_ID] if schema.SOURCE_ID.name in set.intersection(*names) else []),
        *schema.POSITION,
        *labels,
        *([schema.EBV] if schema.EBV.name in some else []),
        *schema.DISTANCE,
        schema.DISTANCE_FROM,
        *motion,
        *schema.GALACTOCENTRIC,
        *schema.GALACTOCENTRIC_ERR,
        *(schema.VELOCITIES if motion and has_velocity else ()),
    )


def _with_lists(run: Run, opened: Sequence[Opened]) -> list[Opened]:
    """Tell each survey which of its stars are in the lists of `[[merge.exclude]]`, by their own id or their partner's.

    A list speaks of stars: one in two surveys is named there by one of its ids, and is meant whoever observed it.
    """
    a, *_, b = opened
    own_pairs, *pairs = [part.source.pairs for part in opened if part.source.pairs]
    lists: list[list[np.ndarray]] = []
    for stars in run.config.merge.exclude:
        ids = read_ids(run.data_dir / stars.file, stars.column)
        if stars.survey == "b":
            in_b = _keys(ids, b)
            in_a = _partners(own_pairs, KEY_B, in_b)
        else:
            in_a = _keys(ids, a)
            in_b = _partners(own_pairs, KEY_A, in_a)
        lists.append([in_a, *(_partners(path, KEY_B, in_b) for path in pairs), in_b])
    return [
        part._replace(source=replace(part.source, listed=tuple(own[number] for own in lists)))
        for number, part in enumerate(opened)
    ]


def _keys(ids: pa.Array, part: Opened) -> np.ndarray:
    """Return the keys of stars with these ids in a survey."""
    dtype = next(column.dtype for column in part.catalogue.columns if column.name == part.source.id)
    try:
        return star_keys(ids.cast(pa.type_for_alias(dtype)).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid as exc:
        raise SurveyError(
            f"[[merge.exclude]]: the ids of {part.source.survey} are whole numbers, those of the list are not ({exc}). "
            "Name another column, or the other survey."
        ) from exc


def _partners(pairs: Path, of: str, keys: np.ndarray) -> np.ndarray:
    """Return the keys in the one survey of the pairs that have these in the other."""
    wanted = KEY_A if of == KEY_B else KEY_B
    return to_numpy(read_parquet(pairs, [of, wanted], pc.field(of).isin(pa.array(keys))), wanted)
