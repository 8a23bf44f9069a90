"""Made-up stars and networks: of the right shape, and as dear to translate as real ones."""

from pathlib import Path

import numpy as np
import pytest

from stdask import schema
from stdask.network.presets import PRESETS
from stdask.runs.ensemble import draws_of
from stdask.stages.translate.stage import check_inputs
from stdask.stages.translate.table import new_columns, translate_table
from stdask.storage.catalogue.catalogue import Catalogue
from stdask.tools.bench.stars import MISSING, PIXEL, MadeUpSurvey
from tests.tools.bench.bench_runs import make_demo_run


@pytest.mark.parametrize("preset", PRESETS)
def test_the_networks_have_the_shape_of_the_run_and_find_their_inputs(tmp_path: Path, preset: str):
    run = make_demo_run(tmp_path)
    train = run.config.train.model_copy(update={"preset": preset})
    run = run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
    families = MadeUpSurvey.of(run).families()
    assert [(len(f.inputs), len(f.labels), f.plan.n_members) for f in families] == [(6, 4, 5), (7, 1, 5)]
    assert families[0].plan.widths[0] == PRESETS[preset]["first_width"]
    columns = (schema.HEALPIX, *run.definition_a.catalogue_columns)
    assert MadeUpSurvey.of(run).table(3).column_names == [column.name for column in columns]
    check_inputs(families, Catalogue(tmp_path, "made up", {PIXEL: 3}, columns), train)


def test_stars_are_like_the_training_stars_and_some_lack_an_input(tmp_path: Path):
    run = make_demo_run(tmp_path, "[translate]\nn_draws = 8\n")
    families, table = MadeUpSurvey.of(run).families(), MadeUpSurvey.of(run).table(2000)
    new = translate_table(table, families, draws_of(run.config))
    assert set(new) == {column.name for column in new_columns(families, run.definition_b.units)}
    # 5 % of stars like the training stars lie outside by definition, and those that lack an input
    inside = new["QFLAG_DOMAIN_INTRINSIC"].mean()
    assert 0.95 - MISSING - 0.03 < inside < 0.99  # 0.005 is one sigma of 2000 stars; 5000 stars set the limit
    assert new["FLAG_MISSING_INPUTS_INTRINSIC"].mean() == pytest.approx(MISSING, abs=4 * np.sqrt(MISSING / 2000))
