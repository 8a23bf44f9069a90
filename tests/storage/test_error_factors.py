"""Factors of errors come back from the folder of a catalogue as they were."""

from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from stdask.config.survey import load_definition
from stdask.science.measurements.repeats import ErrorFactors
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.error_factors import factors_table, read_factors
from tests.stages.ingest.test_repeats import DEFINITION


def test_factors_are_read_as_they_were_written(tmp_path: Path):
    (tmp_path / "visited.toml").write_text(DEFINITION)
    definition = load_definition("visited.toml", tmp_path)
    some = ErrorFactors(np.array([1 / 3, 2.0]), np.array([200, 201, 202]), np.array([1.1, 0.9, 1.0]), np.full(3, 0.1))
    one = ErrorFactors(np.empty(0), np.array([7]), np.array([1.0]), np.array([np.nan]))
    factors = {"TEFF": some, "FE_H": one, "RV": one}
    write_ecsv(tmp_path / paths.REPEATS, factors_table(factors, "snr"))
    for name, found in read_factors(tmp_path, definition).items():
        for column, expected in zip(found, factors[name], strict=True):
            assert_array_equal(column, expected)
