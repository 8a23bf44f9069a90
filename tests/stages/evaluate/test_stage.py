"""Evaluate as a whole: its tables, its receipt and what it prints."""

from pathlib import Path

import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run
from stdask.config.stages import KnownStars
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


def test_clusters_and_benchmark_stars_are_evaluated_where_the_run_file_names_them(
    tmp_path: Path, client: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def evaluate_known(name: str):
        def work(run: Run, _: Workers, config: KnownStars, __: list, pairs: pa.Table, ___: EvaluationTables):
            made.append(f"{name} {config.file} {pairs.num_rows}")
            path = paths.evaluation(run.output) / f"{name}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_text("a figure")
            return [path], [f"a note of {name}"]

        return work

    for name in ("clusters", "benchmark"):
        monkeypatch.setattr(evaluate, f"evaluate_{name}", evaluate_known(name))
        (tmp_path / f"{name}.csv").write_text("ra,dec\n1,2\n")
    labels = {"labels": {"TEFF": "t"}}
    known = {"clusters": {"file": "clusters.csv"}, "benchmark": {"file": "benchmark.csv", **labels}}
    run = make_run(tmp_path, evaluate=known)
    tables = EvaluationTables(accuracy=[ScoreRow("intrinsic", "TEFF", "K", "translated", 60, *10 * [1.0])])
    monkeypatch.setattr(evaluate, "_evaluate_families", lambda *_: (tables, [], []))
    monkeypatch.setattr(evaluate, "write_sky_coverage", lambda *_: [])
    write_pairs(run, [1], [1], [True])
    write_receipts(run, "pair", "train", "ingest_a", "ingest_b")
    receipt = evaluate.run(run, client)
    assert made == ["clusters clusters.csv 1", "benchmark benchmark.csv 1"]
    assert receipt.counts.notes == ("a note of clusters", "a note of benchmark")
    assert [Path(name).name for name in receipt.outputs] == ["accuracy.ecsv", "benchmark.png", "clusters.png"]
    assert {"clusters", "benchmark"} < set(receipt.inputs)
    (tmp_path / "clusters.csv").write_text("ra,dec\n1,3\n")
    evaluate.run(run, client)
    assert len(made) == 4
