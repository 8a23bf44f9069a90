"""What evaluate found, as the atlas reads it."""

import numpy as np
import pyarrow as pa
from numpy.testing import assert_allclose

from stdask.schema.evaluation import PopulationRow, SlopeRow
from stdask.stages.atlas.population import populations_of
from stdask.storage import paths
from stdask.storage.documents import write_declared
from stdask.storage.tables import write_parquet
from tests.hand_made import A, B, make_run


def slope_row(label, attenuation, of="B", method="translated"):
    return SlopeRow("intrinsic", label, of, method, 1.0, 0.01, attenuation, 0.01, 100, 0)


def shift_row(label, shift, population="atlas", group="all"):
    return PopulationRow("intrinsic", label, "dex", population, group, *[100] * 3, *[0.0] * 4, shift, 0.001)


def evaluated(tmp_path, shifts):
    run = make_run(tmp_path)
    slopes = [
        slope_row("FE_H", 0.8),
        slope_row("FE_H", 0.5, method="raw"),
        slope_row("FE_H", 0.6, of="truth"),
        slope_row("LOGG", 1.02),
        slope_row("TEFF", np.nan),
    ]
    write_declared(paths.evaluation(run.output) / "attenuation.ecsv", slopes)
    if shifts:
        write_declared(paths.population(run.output), shifts)
    used = np.array([True, True, False, True])
    columns = {f"B_{label}": np.array([0.1, 0.3, 9.0, np.nan]) for label in ("TEFF", "LOGG", "FE_H")}
    write_parquet(paths.pairs(run.output, A, B), pa.table(columns | {"USED_INTRINSIC": used}))
    return run


def test_slope_and_shift_are_those_of_the_translation_and_the_middle_that_of_the_used_pairs(tmp_path):
    shifts = [shift_row("FE_H", 0.01), shift_row("FE_H", 0.5, "catalogue"), shift_row("FE_H", 0.7, group="giants")]
    found = populations_of(evaluated(tmp_path, shifts))
    assert_allclose(found["FE_H"], (0.01, 0.8, 0.2))
    assert_allclose(found["LOGG"], (0, 1, 0.2))  # no slope is above 1 but by chance
    assert_allclose(found["TEFF"], (0, 1, 0.2))


def test_without_the_table_of_populations_the_attenuation_alone_is_known(tmp_path):
    assert_allclose(populations_of(evaluated(tmp_path, []))["FE_H"], (0, 0.8, 0.2))


def test_without_test_stars_nothing_is_known(tmp_path):
    assert populations_of(make_run(tmp_path)) == {}
