"""Validate: what all checks work on, the test stars of each family and what is known of them."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.network.ensemble import Family, Translation, translate
from stdask.network.parts import from_parts
from stdask.pairing.training_set import TrainingSet, training_set
from stdask.pairing.truth import true_labels
from stdask.runs.draws import draws_of
from stdask.science.translation.scaling import NO_COUNTERPART
from stdask.storage import paths
from stdask.storage.ensembles import read_ensemble
from stdask.storage.tables import read_parquet

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Checked:
    """A family and the stars it is checked on."""

    run: Run
    family: Family
    stars: TrainingSet  # all usable pairs
    expected: dict[str, np.ndarray]  # "B" and, where it is known, "truth": labels of the test stars

    @cached_property
    def test(self) -> TrainingSet:
        """The stars that the networks have never seen."""
        return self.stars.subset(self.stars.is_test)

    @cached_property
    def translation(self) -> Translation:
        """The translation of the test stars, as they are."""
        return translate(
            self.family, self.test.inputs, self.test.errors, self.test.star_keys, draws_of(self.run.config)
        )

    @property
    def own_columns(self) -> list[int]:
        """The column of each label's counterpart among the inputs, or `NO_COUNTERPART`."""
        return [self.family.inputs.index(name) if name else NO_COUNTERPART for name in self.family.counterparts]

    def unit(self, label: str) -> str:
        """Return the unit of a label of B."""
        return schema.quantity(label, self.run.definition_b.labels[label].unit).unit


@dataclass(frozen=True)
class Validation:
    """What a check may use."""

    run: Run
    workers: Workers
    pairs: pa.Table
    checked: list[Checked]  # one a family
    members: Path | None  # table of the members of clusters


def open_validation(run: Run, workers: Workers, truth: Path | None, members: Path | None) -> Validation:
    """Read the pairs and the trained families of a run.

    Parameters
    ----------
    run, workers
        The run, and its workers.
    truth
        Of a mock survey A: a Parquet table with `ID_A` and a column for each label of B; None for real data.
    members
        Table of the members of clusters, if there is one.
    """
    pairs = read_parquet(paths.pairs(run.output, run.definition_a.name, run.definition_b.name))
    checked = []
    for parts in read_ensemble(paths.ensemble(run.output)).values():
        family = from_parts(*parts)
        stars = training_set(pairs, family.name, run.config.train, run.config.seed)
        expected = {"B": stars.labels[stars.is_test]}
        if truth is not None:
            expected["truth"] = true_labels(truth, family.labels, stars.ids[stars.is_test])
        checked.append(Checked(run, family, stars, expected))
    return Validation(run, workers, pairs, checked, members)
