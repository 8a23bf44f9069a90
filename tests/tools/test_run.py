"""What `run` does besides the stages themselves: which it runs, and which it repeats."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.config.run import Run, load_run
from stdask.errors import ConfigError, SurveyError
from stdask.runs.receipts import read_receipt, why_other_results
from stdask.runs.registry import STAGES
from stdask.runs.results import RESULTS
from stdask.runs.stage import Stage
from stdask.storage import paths
from stdask.tools import run as runner
from stdask.tools.run import check_files
from tests.counted import made_up_counts
from tests.hand_made import make_run

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
    monkeypatch.setattr(runner, "check_files", lambda *_, **__: None)
    monkeypatch.setattr(runner, "run_commands", lambda *_: None)
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
    assert (started, truth, redo) == (None, [Path("truth.parquet")], ["train"])
    assert own.config.model_copy(update={"cluster": run.config.cluster}) == run.config
    assert results.folder == run.output


@pytest.fixture
def with_files(tmp_path: Path) -> Callable[..., Run]:
    """Return a function that returns a run with survey files of one star and a list of stars."""

    def make(**tables: dict) -> Run:
        own = make_run(tmp_path, **tables)
        columns = [*own.definition_a.source_columns, *own.definition_b.source_columns, "star"]
        pq.write_table(pa.table({name: [1.0] for name in columns}), tmp_path / "none")  # both surveys, and the list
        return own

    return make


def test_a_stage_asks_only_for_the_files_that_it_and_later_ones_read(with_files, tmp_path: Path):
    stars = {"file": "list.csv", "column": "star", "survey": "a"}
    own = with_files(pair={"match": {"by": "position"}, "exclude": [stars]})
    for first in ("ingest", "pair"):
        with pytest.raises(SurveyError, match=r"list\.csv"):
            check_files(own, first)
    (tmp_path / "none").unlink()  # the surveys are ingested, and their files archived
    check_files(own, "train")
    with pytest.raises(SurveyError, match="No survey file"):
        check_files(own, "ingest")


def test_a_table_of_the_truth_is_looked_for_before_any_stage_works(with_files, tmp_path: Path):
    own, truth = with_files(), tmp_path / "truth.parquet"
    with pytest.raises(SurveyError, match=r"truth\.parquet"):
        check_files(own, truths=[truth])
    check_files(own, "translate", [truth])  # which does not read it
    pq.write_table(pa.table({"ID_A": ["1"], "TEFF": [1.0], "LOGG": [1.0], "FE_H": [1.0]}), truth)
    with pytest.raises(SurveyError, match=r"truth\.parquet has no column 'VHELIO'"):
        check_files(own, truths=[truth])


def test_tables_of_clusters_and_benchmark_stars_are_read_before_any_stage_works(with_files, tmp_path: Path):
    own = with_files(evaluate={"clusters": {"file": "members.csv", "id_a": "star"}})
    for first in ("ingest", "train", "evaluate"):
        with pytest.raises(SurveyError, match=r"\[evaluate\] clusters: No survey file .*members\.csv"):
            check_files(own, first)
    check_files(own, "translate")  # which does not read it
    (tmp_path / "members.csv").write_text("star,cluster\n1,M 71\n")
    check_files(own)
    second = with_files(evaluate={"benchmark": {"file": "gbs.csv", "id_a": "star", "labels": {"TEFF": "t"}}})
    many = own.model_copy(update={"further": (second,)})
    with pytest.raises(SurveyError, match=r"\[surveys.a2\]: \[evaluate\] benchmark: No survey file .*gbs\.csv"):
        check_files(many)


def test_a_map_and_a_further_run_that_are_not_there_are_told_before_any_stage_works(with_files, tmp_path: Path):
    other = tmp_path / "other"
    own = with_files(merge={"also": [{"run": str(other)}]})
    with pytest.raises(ConfigError, match=r"\[\[merge.also\]\] run = '.*other': there is no run of stdask"):
        check_files(own)
    other.mkdir()
    (other / paths.RUN_COPY).write_text("{}")
    check_files(own)  # it may be finished by the time that it is read
    a = own.definition_a.model_copy(update={"ebv_map": Path("sfd.fits")})
    with pytest.raises(SurveyError, match=r"No map of E\(B-V\) at .*sfd\.fits\. Correct `ebv_map`"):
        check_files(own.model_copy(update={"definition_a": a}))


def test_results_of_another_version_are_accepted_for_all_stages_and_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "train": 98, "ingest": 99})
    assert why_other_results(read_receipt(run.output, "train"))
    runner.accept_results_of(run)
    assert [name for name in STAGES if why_other_results(read_receipt(run.output, name))] == []
    assert [name for name in STAGES if read_receipt(run.output, name).accepted is not None] == [
        "ingest_a",
        "ingest_b",
        "train",
    ]
    assert "train: the results of stdask" in capsys.readouterr().out
