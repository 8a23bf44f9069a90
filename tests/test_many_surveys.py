"""A run of many surveys: commands go from survey to survey, and say which one they are at."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, joined, with_workers
from stdask.config.stages import SurveyConfig
from stdask.errors import BusyError, CatalogueError, ConfigError, IncompleteError, SurveyError
from stdask.runs.changes import why_again
from stdask.runs.folder import RunFolder
from stdask.runs.lock import hold
from stdask.runs.progress import read_progress
from stdask.runs.receipts import read_receipt
from stdask.runs.recorder import stage_begins
from stdask.runs.registry import STAGES, stage_settings
from stdask.runs.run_file import known_run
from stdask.runs.session import session
from stdask.storage import paths
from stdask.tools import run as runner
from stdask.tools import verify
from stdask.tools.status import print_status
from tests.hand_made import definition, make_run, write_receipts

LABELS = ("TEFF", "LOGG", "FE_H", "RV")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Three surveys, of which `one` is in the run folder."""
    first = make_run(tmp_path)
    return joined(
        [first.model_copy(update={"definition_a": definition(name, "id", LABELS)}) for name in ("one", "two", "three")]
    )


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """What is called instead of stages: survey, stages, truth."""
    calls: list[tuple] = []

    def note(entries, run, _, arguments) -> None:
        calls.append((run.definition_a.name, [entry.name for entry in entries], arguments["truth"]))

    monkeypatch.setattr(runner, "run_stages", note)
    return calls


def test_each_survey_is_translated_before_all_are_merged(run: Run, called: list[tuple], client: Workers, capsys):
    runner.run_commands(run, client, runner.COMMANDS)
    own = ["ingest_a", "ingest_b", "pair", "train", "evaluate", "translate"]
    merged = [name for name in STAGES if name not in own]
    translated = [(name, [*own, "report"], None) for name in ("two", "three")]
    assert called == [("one", own, None), *translated, ("one", merged, None)]
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert said == ["survey one, 1 of 3", "survey two, 2 of 3", "survey three, 3 of 3", "all surveys together"]


def test_one_command_works_on_all_surveys_and_a_merge_on_the_first_run_alone(run: Run, called, client: Workers):
    runner.run_commands(run, client, ["train"])
    runner.run_commands(run, client, ["merge"])
    assert called == [*((name, ["train"], None) for name in ("one", "two", "three")), ("one", ["merge"], None)]


def test_a_run_of_one_survey_is_run_in_one_go_and_says_nothing_of_others(tmp_path, called, client: Workers, capsys):
    alone = make_run(tmp_path)
    runner.run_commands(alone, client, runner.COMMANDS)
    assert [stages for _, stages, _ in called] == [[name for name in STAGES if name != "closure"]]
    assert capsys.readouterr().out == ""


def test_each_survey_has_a_truth_of_its_own_or_none_has(run: Run, called: list[tuple], client: Workers):
    truths = [Path(name) for name in ("1", "2", "3")]
    runner.run_commands(run, client, ["evaluate"], truths)
    assert [truth for *_, truth in called] == truths
    with pytest.raises(ConfigError, match=r"2 tables of true labels are given for 3 translated surveys. Give --truth"):
        runner.check_files(run, "evaluate", truths[:2])


def test_the_workers_are_those_of_all_surveys(run: Run):
    assert [part.config.cluster.workers for part in with_workers(run, 3, None).parts] == [3, 3, 3]
    assert [part.output for part in with_workers(run, 3, None).parts] == [part.output for part in run.parts]


def test_the_progress_of_a_survey_is_in_its_own_folder_and_an_error_names_it(run: Run, client: Workers):
    def fail() -> None:
        with runner.at_survey(run, 1, client):
            stage_begins("pair")
            raise CatalogueError("It went wrong.")

    with pytest.raises(CatalogueError) as raised:
        fail()
    assert str(raised.value) == "[surveys.a2]: It went wrong."
    progress = read_progress(run.further[0].output)
    assert progress
    assert (progress.state, progress.stage, progress.error) == ("stopped", "pair", "It went wrong.")
    assert read_progress(run.output) is None


def test_no_other_command_works_in_the_folder_of_any_survey(run: Run):
    def try_it() -> None:
        with session(run.output, ClusterConfig(), further=[part.output for part in run.further]):
            pass

    with hold(run.further[1].output), pytest.raises(BusyError, match="three is in use by"):
        try_it()
    try_it()
    assert not paths.lock(run.output).exists()


def test_the_files_of_all_surveys_are_looked_for_before_any_stage_works(run: Run, tmp_path: Path):
    columns = [*run.definition_a.source_columns, *run.definition_b.source_columns]
    pq.write_table(pa.table({name: [1.0] for name in columns}), tmp_path / "none")
    runner.check_files(run)
    surveys = run.further[1].config.surveys
    gone = surveys.model_copy(update={"a": SurveyConfig.model_validate({"definition": "x", "file": "gone.fits"})})
    config = run.further[1].config.model_copy(update={"surveys": gone})
    other = joined([run, run.further[0], run.further[1].model_copy(update={"config": config})])
    with pytest.raises(SurveyError, match=r"^\[surveys.a3\].*gone\.fits"):
        runner.check_files(other)


@pytest.mark.usefixtures("called")
def test_a_repeated_command_is_repeated_for_each_survey(run: Run, client: Workers, monkeypatch):
    monkeypatch.setattr(runner, "check_files", lambda *_, **__: None)
    for part in run.parts:
        write_receipts(part, "pair", "train")
    runner.run_all(run, client, redo=["train"])
    for part in run.parts:
        assert read_receipt(part.output, "train") is None
        assert read_receipt(part.output, "pair")


def test_a_survey_that_is_added_leaves_the_stages_of_the_others(run: Run):
    two = joined(run.parts[:2])
    stages = [name for name in STAGES if name not in ("closure", "merge", "report")]
    for part in two.parts:
        write_receipts(part, *(name for name in stages if name != "atlas" or not part.first))
    write_receipts(two, "merge")
    for part in run.parts[:2]:
        for name in stages:
            if receipt := read_receipt(part.output, name):
                assert why_again(part.output, receipt, part) == "", name
    assert why_again(run.output, read_receipt(run.output, "merge"), run) == "changed: further"
    swapped = joined([run.parts[number] for number in (0, 2, 1)])  # another precedence is another merge
    assert stage_settings(run, "merge") != stage_settings(swapped, "merge")


@pytest.fixture
def begun(run: Run, tmp_path: Path) -> Callable[[Run], Path]:
    """Return a function that writes receipts of two surveys and the copy of the run file, and moves the folder."""

    def begin() -> Path:
        write_receipts(run, "ingest_a", "pair")
        write_receipts(run.further[0], "ingest_a")
        runner._write_copy(run)
        return run.output.rename(tmp_path / "moved")

    return begin


def test_a_folder_tells_of_its_surveys_also_where_it_was_moved_to(begun, capsys):
    folder = begun()
    known = known_run(folder)
    assert known
    assert [part.output for part in known.parts] == [folder, folder / "surveys" / "two", folder / "surveys" / "three"]
    print_status(folder)
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("survey ")] == ["survey two", "survey three"]
    assert said.count("ingest_a   done") == 2
    assert said.count("merge ") == 1  # of all
    assert {name: own.folder for name, own in RunFolder(folder).surveys.items()} == {
        name: folder / "surveys" / name for name in ("two", "three")
    }
    assert "surveys: two, three" in repr(RunFolder(folder))


def test_verify_reads_the_files_of_all_surveys_that_have_begun(begun, client: Workers):
    folder = begun()
    further = [folder / "surveys" / name for name in ("two", "three")]
    verify.run(folder, client, further)
    (further[0] / "made by ingest_a").write_text("by hanD")
    with pytest.raises(IncompleteError, match=r"surveys/two: 1 of 1 files are damaged or missing"):
        verify.run(folder, client, further)
