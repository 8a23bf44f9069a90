"""Evaluate as a whole: its tables, its receipt and what it prints."""

from pathlib import Path

import pytest

from stdask.cluster.workers import Workers
from stdask.runs.counts import EvaluateCounts
from stdask.runs.receipts import read_receipt
from stdask.schema.evaluation import EvaluationTables, ScoreRow
from stdask.stages.evaluate import stage as evaluate
from stdask.storage import paths
from stdask.storage.documents import read_tables
from tests.hand_made import make_run, write_pairs, write_receipts


def test_tables_and_notes_reach_the_disk_the_receipt_and_the_terminal(
    tmp_path: Path, client: Workers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    run = make_run(tmp_path)
    note = "VHELIO: a constant offset is closer to B than the translation, MAE 0.31 against 0.34 km/s"
    tables = EvaluationTables(accuracy=[ScoreRow("intrinsic", "TEFF", "K", "translated", 60, *10 * [1.0])])
    monkeypatch.setattr(evaluate, "_evaluate_families", lambda *_: (tables, [], [note]))
    monkeypatch.setattr(evaluate, "write_sky_coverage", lambda *_: [])
    write_pairs(run, [1], [1], [True])
    write_receipts(run, "pair", "train", "ingest_a", "ingest_b")
    evaluate.run(run, client)
    receipt = read_receipt(run.output, "evaluate")
    assert receipt is not None
    assert receipt.counts == EvaluateCounts(n_test={"intrinsic": 60}, notes=(note,))
    assert list(receipt.outputs) == ["evaluation/accuracy.ecsv"]
    assert read_tables(paths.evaluation(run.output), EvaluationTables) == tables
    assert note in capsys.readouterr().out
