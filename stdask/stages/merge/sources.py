"""The surveys of a merge: A on the scale of B, further surveys on that scale from other runs, and B itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stdask import schema
from stdask.config.stages import MEAN, MergeConfig
from stdask.config.survey import SurveyDefinition
from stdask.errors import ConfigError
from stdask.runs.surveys.finished import SurveyRun
from stdask.science.sky.globular_clusters import GlobularClusters
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.surveys.files import open_survey
from stdask.storage.tables import to_numpy

DISTANCE = schema.DISTANCE[0].name
MEMBER = re.compile(r"_MEMBER_\d+$")


@dataclass(frozen=True)
class MergeSource:
    """One survey of a merge, as the tasks know it."""

    survey: str
    id: str  # its id column
    families: Mapping[str, str]  # label of B -> family of the networks that translated it; none of B
    counterparts: Mapping[str, str]  # label of B -> the survey's own column for it
    pairs: Path | None = None  # its stars that are in B too; none of B
    partners: tuple[Path, ...] = ()  # of B: its stars that are in the translated surveys too
    repeats: tuple[tuple[str, Path], ...] = ()  # surveys before it, and its stars that they have too and can use
    shared: tuple[tuple[str, Path], ...] = ()  # with lists to leave out: the same, whether they can be used or not
    repeated: Path | None = None  # its rows that give way to another row of the same star
    lenders: tuple[tuple[str, Path], ...] = ()  # of B: surveys with distances, and their stars that are in B too
    errors_of_b: Mapping[str, float] = field(default_factory=dict)  # for means: label -> typical error of B
    lacking: Mapping[str, float] = field(default_factory=dict)  # for means: label -> what its errors lack
    further: tuple[tuple[str, Path], ...] = ()  # for means: other surveys, and what they say of its stars
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
    correlations: Mapping[tuple[str, str, str], float] = field(default_factory=dict)
    """For means: label and two translated surveys, in their order -> correlation of their errors."""

    @property
    def of_means(self) -> bool:
        """Whether values are means over the surveys that have a star."""
        return self.config.values == MEAN

    def n_members(self, names: Sequence[str]) -> int:
        """Return the number of networks of a label, from its columns."""
        return sum(bool(MEMBER.search(name)) for name in names)

    def correlations_of(self, label: str, surveys: Sequence[str]) -> np.ndarray:
        """Return the correlations of the errors of surveys, shape (n_surveys, n_surveys); 0 if unknown."""
        found = np.eye(len(surveys))
        for (i, first), (j, second) in permutations(enumerate(surveys), 2):
            if known := self.correlations.get((label, first, second)):
                found[i, j] = found[j, i] = known
        return found

    @property
    def described(self) -> Mapping[str, object]:
        """All that decides what the tasks write, except for what they read from files."""
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


def open_surveys(translated: Sequence[SurveyRun], b: SurveyDefinition, config: MergeConfig) -> list[Opened]:
    """Open the catalogues of a merge: that of A translated, the further ones, and that of B.

    Parameters
    ----------
    translated
        This run and the further ones.
    b
        The definition of B.
    config
        `[merge]`.

    Raises
    ------
    CatalogueError
        If one is missing.
    ConfigError
        If `max_ebv` is set and a translated survey has no reddening.
    """
    output = translated[0].output
    opened = [_open_translated(one, b.name) for one in translated]
    _require_reddening(opened, config)
    lenders = tuple((t.source.survey, t.source.pairs) for t in opened if t.source.pairs and DISTANCE in t.names)
    partners = tuple(t.source.pairs for t in opened if t.source.pairs)
    source = MergeSource(b.name, b.id, {}, {label: label for label in b.labels}, partners=partners, lenders=lenders)
    catalogue = open_catalogue(paths.catalogue(output, b.name))
    return [*opened, Opened(source, catalogue, output, "ingest_b")]


def describe(opened: Sequence[Opened], b: SurveyDefinition, config: MergeConfig, data_dir: Path) -> Sources:
    """Return what the tasks need to know.

    Parameters
    ----------
    opened, b
        The surveys, and the definition of B.
    config, data_dir
        `[merge]`, and the folder that its files are relative to.

    Raises
    ------
    SurveyError
        If the table of globular clusters is missing or lacks a column.
    """
    labels = {
        name: schema.merged_columns(name, label.unit, _n_members(name, opened), config.values == MEAN)
        for name, label in b.labels.items()
    }
    velocity = next(filter(schema.is_velocity, labels), "")
    clusters = None
    if config.globular_clusters:
        table = open_survey(data_dir / config.globular_clusters).read(schema.CLUSTER_COLUMNS)
        clusters = GlobularClusters(*(to_numpy(table, name) for name in schema.CLUSTER_COLUMNS))
    return Sources(
        surveys=tuple(part.source for part in opened),
        labels={name: tuple(column.name for column in columns) for name, columns in labels.items()},
        velocity=velocity,
        clusters=clusters,
        config=config,
        columns=schema.merged_table(
            [part.names for part in opened], [c for own in labels.values() for c in own], bool(velocity)
        ),
    )


def _require_reddening(opened: Sequence[Opened], config: MergeConfig) -> None:
    """Raise if `[merge]` asks for little reddening, and a translated survey has none.

    Raises
    ------
    ConfigError
        Naming the survey.
    """
    if lacking := config.max_ebv and [part.source.survey for part in opened if schema.EBV.name not in part.names]:
        raise ConfigError(
            f"[merge] max_ebv is set, but {lacking[0]} has no reddening, so none of its stars would be merged. Remove "
            "max_ebv, or name a map of E(B-V) (`ebv_map`) for the survey."
        )


def _open_translated(run: SurveyRun, b: str) -> Opened:
    a = run.definition
    catalogue = open_catalogue(paths.catalogue(run.output, paths.translated_name(a.name, b)))
    present = {column.name for column in catalogue.columns}
    families, counterparts = run.families_in(present), run.counterparts_in(present)
    source = MergeSource(a.name, a.id, families, counterparts, pairs=run.pairs)
    return Opened(source, catalogue, run.output, "translate")


def _n_members(label: str, opened: Sequence[Opened]) -> int:
    """Return how many networks every survey that was translated to a label has for it."""
    stem = f"{label}_PRED_MEMBER_"
    numbers = [sum(n.startswith(stem) for n in part.names) for part in opened if label in part.source.families]
    return min(numbers, default=0)
