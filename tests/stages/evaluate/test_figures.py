"""The figures of a family are drawn from the tables, one of residuals a label."""

from pathlib import Path

import numpy as np

from stdask.network.ensemble import Draws, translate
from stdask.schema.evaluation import EpochRow, EvaluationTables, ImportanceRow
from stdask.stages.evaluate.coverage import coverage_rows, probability_rows
from stdask.stages.evaluate.domain import N_BINS, CatalogueCounts
from stdask.stages.evaluate.figures import draw_figures
from stdask.stages.evaluate.scores import EvaluatedFamily
from tests.network.made_up import training_stars
from tests.tools.validate.checked_stars import identity, training

UNITS = {"TEFF": "K", "MG_FE": "dex", "VHELIO": "km/s"}


def test_every_figure_of_a_family_is_written(tmp_path: Path):
    inputs, labels = training_stars(300)
    family, stars = identity(), training(inputs, labels, errors=[20, 0.01, 0.01, 0.01, 0.5])
    test = stars.subset(stars.is_test)
    translation = translate(family, test.inputs, test.errors, test.star_keys, Draws(8, "sobol", 1, False))
    raw = np.full_like(test.labels, np.nan)
    raw[:, 0] = test.inputs[:, 0]
    tables = EvaluationTables(
        coverage=coverage_rows(family, translation, test.inputs, test.labels, "B"),
        pit=probability_rows(family, translation, test.inputs, test.labels),
        importance=[
            ImportanceRow(family.name, of, "inputs", "all", label, name, 25.0, 1.0)
            for of in ("translated label", "correction")
            for label in family.labels
            for name in family.inputs
        ],
    )
    history = [EpochRow(family.name, member, epoch, 1e-3, 0.5, 0.6) for member in range(2) for epoch in range(3)]
    history.append(EpochRow("another", 0, 0, 1e-3, 0.5, 0.6))
    evaluated = EvaluatedFamily(family, stars, {"translated": translation.percentiles[2], "raw": raw})
    n_pairs = len(family.input_domain.pairs)
    counts = CatalogueCounts(100, np.full(n_pairs + 1, 10), np.ones((n_pairs, N_BINS, N_BINS), dtype=np.int64))
    written = draw_figures(tmp_path, evaluated, counts, tables, history, ("A", "B"), UNITS)
    names = ["learning", "importance", "coverage", "domain"]
    stems = [f"{name}_intrinsic" for name in names] + [f"residuals_intrinsic_{label}" for label in family.labels]
    assert [path.name for path in written] == [f"{stem}{ending}" for stem in stems for ending in (".png", ".pdf")]
    assert all(path.stat().st_size > 5000 for path in written)  # bytes: more than an empty page has
