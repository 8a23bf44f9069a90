"""Validate: what all checks work on, the test stars of each family and what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import ClusterMembers
from stdask.network.ensemble import Draws, Family, Translation, translate
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.pairing.truth import true_labels
from stdask.runs.ensemble import open_ensemble
from stdask.stages.train.members import Shelves
from stdask.storage import paths
from stdask.storage.tables import read_parquet


@dataclass(frozen=True)
class Checked:
    """A family and the stars it is checked on."""

    family: Family
    stars: TrainingSet  # all usable pairs
    expected: Mapping[str, np.ndarray]  # "B" and, where it is known, "truth": labels of the test stars
    units: Mapping[str, str]  # of the labels of B
    draws: Draws
    n_bootstraps: int

    @cached_property
    def test(self) -> TrainingSet:
        """The test stars, on which no network was trained."""
        return self.stars.subset(self.stars.is_test)

    @cached_property
    def translation(self) -> Translation:
        """The translation of the test stars, as they are."""
        return translate(self.family, self.test.inputs, self.test.errors, self.test.star_keys, self.draws)

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return self.draws.seed


@dataclass(frozen=True)
class Validation:
    """What a check may use."""

    run: Run
    workers: Workers
    pairs: pa.Table
    checked: list[Checked]  # one a family
    members: ClusterMembers | None  # of clusters
    shelves: Shelves  # where the check keeps networks that it trains


def open_validation(
    run: Run, workers: Workers, truth: Path | None, members: ClusterMembers | None, shelves: Shelves
) -> Validation:
    """Read the pairs and the trained families of a run.

    Parameters
    ----------
    run, workers
        The run, and its workers.
    truth
        Of a mock survey A: a Parquet table with `ID_A` and a column for each label of B; None for real data.
    members
        The table of the members of clusters, if there is one.
    shelves
        Where the check keeps networks that it trains.
    """
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    config, checked = run.config, []
    ensemble = open_ensemble(paths.ensemble(run.output))
    for family in ensemble.families:
        stars = training_set(pairs, family.name, config.train, config.seed)
        expected = {"B": stars.labels[stars.is_test]}
        if truth is not None:
            expected["truth"] = true_labels(truth, family.labels, stars.ids[stars.is_test])
        units, draws = ensemble.target.units, ensemble.draws
        checked.append(Checked(family, stars, expected, units, draws, config.evaluate.n_bootstraps))
    return Validation(run, workers, pairs, checked, members, shelves)
