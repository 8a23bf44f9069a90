"""A run whose input has no error at all stops before any network is trained, and says what to do."""

from pathlib import Path

import numpy as np
import pytest

from stdask.errors import PairingError
from stdask.stages.pair import stage as pair
from tests.hand_made import A, B, columns_a, columns_b, make_run, stars, write_catalogue, write_receipts

NOTHING = np.full(8, np.nan)


def run_with(tmp_path: Path, train: dict | None = None, **errors: np.ndarray):
    run = make_run(tmp_path, **({"train": train} if train else {}))
    write_catalogue(run, A, columns_a(), stars(columns_a(), 8, **errors))
    write_catalogue(run, B, columns_b(), stars(columns_b(), 8))
    write_receipts(run, "ingest_a", "ingest_b")
    return run


def test_every_input_without_any_error_is_named_with_the_remedy(tmp_path: Path, client):
    run = run_with(tmp_path, LOGG_ERR=NOTHING, RV_ERR=NOTHING)
    with pytest.raises(PairingError) as raised:
        pair.run(run, client)
    text = str(raised.value)
    assert "No star of LAMOST DR3 has an error of LOGG, RV: all would be left out of the merged catalogue." in text
    assert "`error` or `typical_error` of [labels.LOGG]; `error` or `typical_error` of [labels.RV]." in text


def test_one_star_with_an_error_is_enough(tmp_path: Path, client):
    pair.run(run_with(tmp_path, LOGG_ERR=np.where(np.arange(8) == 5, 0.1, np.nan)), client)


def test_labels_that_are_no_inputs_need_no_error(tmp_path: Path, client):
    pair.run(run_with(tmp_path, {"intrinsic": [{"label": "FE_H", "from": "FE_H"}]}, LOGG_ERR=NOTHING), client)
