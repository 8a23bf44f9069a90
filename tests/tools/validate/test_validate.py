"""Validate: the checks asked for, their tables on disk and on the terminal, their receipts, and clear refusals."""

from pathlib import Path
from typing import Any

import pytest

from stdask.config.run import Run
from stdask.errors import CatalogueError, ConfigError, SurveyError
from stdask.runs.changes import why_again
from stdask.runs.receipts import read_receipt
from stdask.schema.validation import ClusterRow, DrawsRow, ShiftRow, ValidationTables
from stdask.storage import paths
from stdask.storage.documents import read_ecsv, read_tables
from stdask.tools.validate import clusters as validate_clusters
from stdask.tools.validate import domain as validate_domain
from stdask.tools.validate import draws as validate_draws
from stdask.tools.validate import validate
from tests.hand_made import make_run, write_receipts

NO_WORKERS: Any = None
TABLES = {
    "draws": ValidationTables(draws=[DrawsRow("intrinsic", "none", 200, "sobol", 56, *11 * [0.5])]),
    "domain": ValidationTables(domain=[ShiftRow("intrinsic", "TEFF", 60.0, "K", 400, *3 * [0.5, 0.025])]),
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


@pytest.fixture
def made(run: Run, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the checks that are made, which find what `TABLES` says."""
    write_receipts(run, "train", "pair", "ingest_a")
    made: list[str] = []

    def answer(name: str) -> Any:
        return lambda _: made.append(name) or TABLES[name]

    for name, module in (("draws", validate_draws), ("domain", validate_domain)):
        monkeypatch.setattr(module, "check", answer(name))
    monkeypatch.setattr(validate, "open_validation", lambda *_: None)
    return made


def test_a_check_that_does_not_exist_is_refused_with_those_that_do(run: Run):
    with pytest.raises(
        ConfigError, match=r"No check 'missings'\. The checks are missing, domain, velocities, clusters"
    ):
        validate.run(run, NO_WORKERS, only=["domain", "missings"])


def test_an_empty_run_folder_is_refused_with_the_first_stage_that_is_missing(run: Run):
    with pytest.raises(CatalogueError, match="Run `stdask pair` first"):
        validate.run(run, NO_WORKERS)


def test_members_that_cannot_be_used_are_told_before_any_check_works(run: Run, made: list[str], tmp_path: Path):
    (tmp_path / "members.csv").write_text("ra,dec,name\n1,2,M 71\n")
    with pytest.raises(SurveyError, match=r"members\.csv has no column 'cluster'"):
        validate.run(run, NO_WORKERS, members=tmp_path / "members.csv", only=["domain", "clusters"])
    assert made == []


@pytest.mark.usefixtures("made")
def test_clusters_have_a_figure_beside_their_table(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    row = ClusterRow("NGC 6791", "FE_H", "dex", 9, 0.3, 0.05, 0.4, 0.06, 5.0, 0.31, 0.05, 0.5)
    monkeypatch.setattr(validate_clusters, "check", lambda _: ValidationTables(clusters=[row]))
    validate.run(run, NO_WORKERS, only=["clusters"])
    folder = paths.validation(run.output)
    assert {path.name for path in folder.iterdir()} == {f"clusters.{ending}" for ending in ("ecsv", "png", "pdf")}
    assert "NGC 6791" in capsys.readouterr().out


def test_the_checks_asked_for_are_written_and_printed(run: Run, made: list[str], capsys: pytest.CaptureFixture):
    validate.run(run, NO_WORKERS, only=["draws", "domain"])
    assert made == ["domain", "draws"]
    folder = paths.validation(run.output)
    assert sorted(path.name for path in folder.iterdir()) == ["domain.ecsv", "draws.ecsv"]
    assert read_tables(folder, ValidationTables).domain == TABLES["domain"].domain
    assert "domain index above 1" in read_ecsv(folder / "domain.ecsv")["index_catches"].description
    text = capsys.readouterr().out
    assert "Shifted inputs should be caught" in text
    assert "0.500 ± 0.025" in text


def test_a_check_made_before_is_skipped_and_its_table_printed(run: Run, made: list[str], capsys: pytest.CaptureFixture):
    for _ in range(2):
        validate.run(run, NO_WORKERS, only=["domain"])
    assert made == ["domain"]
    text = capsys.readouterr().out
    assert "validate_domain: done before, skipped" in text
    assert text.count("0.500 ± 0.025") == 2 * text[: text.index("skipped")].count("0.500 ± 0.025") > 0
    receipt = read_receipt(run.output, "validate_domain")
    assert receipt is not None
    assert list(receipt.outputs) == ["validation/domain.ecsv"]
    assert why_again(run.output, receipt, run) == ""


def test_a_check_is_repeated_if_its_settings_or_files_have_changed(
    run: Run, made: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
):
    only = ["domain", "draws"]
    truth = tmp_path / "truth.parquet"
    truth.write_bytes(b"truth")
    validate.run(run, NO_WORKERS, only=only)
    validate.run(run, NO_WORKERS, truth, only=only)
    assert made == ["domain", "draws", "domain"]  # the draws are not compared with the truth
    assert "validate_domain: changed: what it reads from truth" in capsys.readouterr().out
    evaluate = run.config.evaluate.model_copy(update={"n_bootstraps": 77})
    other = run.model_copy(update={"config": run.config.model_copy(update={"evaluate": evaluate})})
    validate.run(other, NO_WORKERS, only=["draws"])
    assert made[3:] == ["draws"]
    assert "validate_draws: changed: evaluate.n_bootstraps" in capsys.readouterr().out
