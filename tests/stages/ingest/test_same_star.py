"""Rows of one star are told where the definition does not say which of them stays; the catalogue has all of them."""

from pathlib import Path

import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.runs.receipts import read_receipt
from stdask.stages.ingest import stage as ingest
from tests.stages.ingest.test_stage import small_run

N_STARS = 40
ROWS = {
    "id": pa.array(range(N_STARS)),
    "gaia": pa.array([5, 5, 5, 6, None, None, None, *range(10, N_STARS + 3)]),  # two more rows of star 5
    "ra": pa.array([1.0, 2.0, 3.0, 4.0, 7.0, 7.0, 9.0, *(float(n) for n in range(10, N_STARS + 3))]),  # one of ra 7
    "dec": pa.array([0.0] * N_STARS),
    "feh": pa.array([-1.0] * N_STARS),
    "snr": pa.array([50.0] * N_STARS),
    "n_obs": pa.array([1] * N_STARS),
}


@pytest.mark.parametrize("block", [7, 100])
@pytest.mark.parametrize("duplicates", [True, False])
def test_how_many_rows_are_of_a_star_that_an_earlier_row_is_of(
    tmp_path: Path, client: Workers, monkeypatch: pytest.MonkeyPatch, block: int, duplicates: bool
):
    monkeypatch.setattr(ingest, "ROWS_PER_SHARE", 11)
    run = small_run(tmp_path, pa.table(ROWS), block)
    if not duplicates:
        run = run.model_copy(update={"definition_a": run.definition_a.model_copy(update={"duplicates": None})})
    ingest.run(run, client, "a")
    counts = read_receipt(run.output, "ingest_a").counts
    assert counts.rows.n_out == (N_STARS - 2 if duplicates else N_STARS)
    told = [
        note for note in counts.notes if note.startswith("3 rows have the Gaia id or the position of an earlier row")
    ]
    assert len(told) == (not duplicates)
