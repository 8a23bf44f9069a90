"""What `run` does besides the stages themselves: which it runs, and which it repeats."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from stdask.config.run import Run, load_run
from stdask.errors import ConfigError
from stdask.runs.receipts import read_receipt
from stdask.runs.registry import STAGES
from stdask.runs.stage import Stage
from stdask.storage import paths
from stdask.tools import run as runner
from tests.counted import made_up_counts

JOB = Path(__file__).parents[2] / "jobs" / "lamost_to_apogee.toml"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = load_run(JOB, tmp_path, tmp_path / "run")
    for name in STAGES:
        Stage(run.output, name, {}, {}).finish([], made_up_counts(name))
        paths.ledger(run.output, name, "partitions").write_text("")
    return run


@pytest.mark.parametrize(("word", "forgotten"), [("ingest_a", ["ingest_a"]), ("ingest", ["ingest_a", "ingest_b"])])
def test_a_stage_that_is_to_be_repeated_loses_its_receipt_and_its_ledger(run: Run, word: str, forgotten: list[str]):
    runner.forget(run.output, [word])
    assert [name for name in STAGES if read_receipt(run.output, name) is None] == forgotten
    assert [name for name in STAGES if not paths.ledger(run.output, name, "partitions").exists()] == forgotten


def test_a_stage_that_does_not_exist_is_told_with_those_that_do(run: Run):
    with pytest.raises(ConfigError, match=r"No stage 'merging'\. The stages are ingest_a, ingest_b, pair, train"):
        runner.forget(run.output, ["merging"])
    assert all(read_receipt(run.output, name) for name in STAGES)


def test_a_stage_that_a_trained_ensemble_replaces_cannot_be_repeated(run: Run, monkeypatch: pytest.MonkeyPatch):
    train = run.config.train.model_copy(update={"ensemble": Path("mine.stdask")})
    own = run.model_copy(update={"config": run.config.model_copy(update={"train": train})})
    monkeypatch.setattr(runner, "check_files", lambda _run: None)
    monkeypatch.setattr(runner, "run_stages", lambda *_: None)
    with pytest.raises(ConfigError, match=r"This run has no stage 'pair', because \[train\] names"):
        runner.run_all(own, None, redo=["train", "pair"])
    assert all(read_receipt(run.output, name) for name in STAGES)


def test_each_stage_gets_the_arguments_that_it_takes_and_the_card_follows_train_and_evaluate(
    run: Run, monkeypatch: pytest.MonkeyPatch
):
    called = []

    def stage_of(module: str) -> SimpleNamespace:
        return SimpleNamespace(run=lambda _run, _workers, **further: called.append((module.split(".")[2], further)))

    monkeypatch.setattr(runner, "import_module", stage_of)
    monkeypatch.setattr(runner, "write_card", lambda _run: called.append("card"))
    entries = [STAGES[name] for name in ("ingest_a", "ingest_b", "train", "evaluate", "merge")]
    runner.run_stages(entries, run, None, {"truth": Path("truth.parquet")})
    assert called == [
        ("ingest", {"side": "a"}),
        ("ingest", {"side": "b"}),
        ("train", {}),
        "card",
        ("evaluate", {"truth": Path("truth.parquet")}),
        "card",
        ("merge", {}),
    ]


def test_all_stages_run_from_python_as_from_the_command_line(run: Run, monkeypatch: pytest.MonkeyPatch):
    called = []
    monkeypatch.setattr(
        runner, "run_all", lambda own, workers, *further: called.append((own, workers.started, *further))
    )
    results = runner.run(str(JOB), run.data_dir, str(run.output), workers=3, truth="truth.parquet", redo=["train"])
    ((own, started, truth, redo),) = called
    assert (own.output, own.data_dir, own.config.cluster.workers) == (run.output, run.data_dir, 3)
    assert (started, truth, redo) == (None, Path("truth.parquet"), ["train"])
    assert own.config.model_copy(update={"cluster": run.config.cluster}) == run.config
    assert results.folder == run.output
