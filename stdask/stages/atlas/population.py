"""What evaluate found of stars unlike the pairs, for the errors of medians."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from stdask import schema
from stdask.config.run import Run
from stdask.schema.evaluation import ALL, ATLAS, PopulationRow, SlopeRow
from stdask.science.galaxy.errors import Population
from stdask.storage import paths
from stdask.storage.documents import read_declared
from stdask.storage.tables import read_parquet, to_numpy


def populations_of(run: Run) -> dict[str, Population]:
    """Return what is known of the translation of each label for stars unlike the pairs.

    Nothing is known without test stars: where the run takes over a trained ensemble.
    """
    train = run.config.train
    if train.ensemble is not None:
        return {}
    slopes = {
        row.label: min(_known(row.attenuation, 1.0), 1.0)
        for row in read_declared(paths.evaluation(run.output) / "attenuation.ecsv", SlopeRow)
        if (row.of, row.method) == ("B", "translated")
    }
    shifts = {
        row.label: row.shift
        for row in read_declared(paths.population(run.output), PopulationRow)
        if (row.population, row.group) == (ATLAS, ALL)
    }
    middles: dict[str, float] = {}
    for family in schema.FAMILIES:
        if labels := [item.label for item in train.labels(family) if item.label in slopes]:
            middles |= _middles(paths.pairs(run.output, run.definition_a.name, run.definition_b.name), family, labels)
    return {
        label: Population(_known(shifts.get(label), 0.0), slopes[label], middle)
        for label, middle in middles.items()
        if slopes[label] > 0
    }


def _middles(pairs: Path, family: str, labels: list[str]) -> Mapping[str, float]:
    """Return the mean of B's labels over the pairs that a family is trained and tested on."""
    used = f"USED_{family.upper()}"
    table = read_parquet(pairs, [used, *(f"B_{label}" for label in labels)])
    chosen = to_numpy(table, used)
    return {label: float(np.nanmean(to_numpy(table, f"B_{label}")[chosen])) for label in labels if chosen.any()}


def _known(value: float | None, otherwise: float) -> float:
    return otherwise if value is None or not np.isfinite(value) else value
