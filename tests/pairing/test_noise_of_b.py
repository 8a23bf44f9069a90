"""The noise of B is its stated error where a translation may contain it, and is taken out of errors once."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose

from stdask.pairing.noise_of_b import columns_of_errors, errors_without_b, noise_of_b
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from stdask.storage.tables import write_parquet
from tests.hand_made import A, B, columns_a, make_run, stars, write_catalogue

N = 20
STATED = {"B_FE_H_ERR": [0.01, 0.03, 0.05, np.nan], "B_TEFF_ERR": [100.0, 120.0, 140.0, 110.0]}


def translated(folder: Path, **given: object) -> tuple[Path, Catalogue]:
    """Return the pairs and a translated catalogue whose odd stars are not good and have far too large errors."""
    run, good = make_run(folder), np.arange(N) % 2 == 0
    sigma = {"FE_H_PRED_SIGMA": np.where(good, 0.08, 9.0), "TEFF_PRED_SIGMA": np.where(good, 90.0, 9000.0)}
    name = paths.translated_name(A, B)
    write_catalogue(run, name, columns_a(), stars(columns_a(), N, GOOD=good, **(sigma | given)))
    write_parquet(folder / "pairs.parquet", pa.table(STATED))
    return folder / "pairs.parquet", open_catalogue(paths.catalogue(run.output, name))


def test_the_noise_is_the_median_of_the_stated_errors(tmp_path: Path):
    noise = noise_of_b(*translated(tmp_path), ["FE_H", "LOGG"])
    assert noise == {"FE_H": pytest.approx(0.03)}  # of LOGG, B states no errors


def test_stated_errors_above_those_of_the_translations_are_not_believed(tmp_path: Path):
    assert noise_of_b(*translated(tmp_path), ["TEFF"]) == {"TEFF": 0.0}  # 115 K, but good stars scatter by 90 K


def test_the_noise_is_taken_out_of_the_errors_once(tmp_path: Path):
    parts = {"FE_H_PRED_SIGMA_INPUT_NOISE": 0.01, "FE_H_PRED_SIGMA_MEMBERS": 0.02}
    _, catalogue = translated(tmp_path, **parts)
    table = catalogue.read()
    assert set(columns_of_errors("FE_H")) == {"FE_H_PRED_SIGMA", *parts}
    good = table.column("GOOD").to_numpy()
    assert_allclose(errors_without_b(table, "FE_H", 0.06)[good], np.sqrt(0.08**2 - 0.06**2), rtol=1e-6)
    assert_allclose(errors_without_b(table, "FE_H", 0.08)[good], np.hypot(0.01, 0.02), rtol=1e-6)
    assert_allclose(errors_without_b(table, "FE_H", np.nan)[good], 0.08, rtol=1e-6)
