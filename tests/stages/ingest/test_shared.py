"""The catalogue of B in the run of a further survey: the files of the first run, taken over and not made twice."""

from pathlib import Path

import pytest

from stdask.config.run import Run, joined
from stdask.errors import CatalogueError
from stdask.runs.receipts import read_receipt
from stdask.runs.registry import entry_of, stages_of
from stdask.runs.stage import digest_of
from stdask.stages.ingest.shared import run as take_over
from stdask.storage import paths
from tests.hand_made import definition, make_run, write_receipts


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Run, Run]:
    """Two surveys of one run file, of which the first has ingested B."""
    first = make_run(tmp_path)
    other = first.model_copy(update={"definition_a": definition("other", "id", ("TEFF", "LOGG", "FE_H", "RV"))})
    run = joined([first, other])
    write_receipts(run, "ingest_b")
    return run.parts


def made(run: Run) -> Path:
    return run.output / "made by ingest_b"


def test_the_stages_of_a_further_run_end_before_what_is_made_of_all(runs: tuple[Run, Run]):
    first, further = (list(stages_of(run)) for run in runs)
    assert further == first[: first.index("translate") + 1] + [name for name in first[-1:] if name in further]
    assert {"merge", "atlas"}.isdisjoint(further)
    assert entry_of(runs[1], "ingest_b").function == "stdask.stages.ingest.shared:run"
    assert entry_of(runs[0], "ingest_b").function == "stdask.stages.ingest.stage:run"


def test_the_files_are_links_and_the_receipt_is_the_same(runs: tuple[Run, Run]):
    receipt = take_over(runs[1], None)
    assert receipt == read_receipt(runs[0].output, "ingest_b") == read_receipt(runs[1].output, "ingest_b")
    assert made(runs[0]).samefile(made(runs[1]))
    assert digest_of(runs[1], "ingest_b") == digest_of(runs[0], "ingest_b")


def test_what_was_taken_over_stays_until_the_first_run_has_another(runs: tuple[Run, Run]):
    take_over(runs[1], None)
    own = paths.receipt(runs[1].output, "ingest_b")
    before = own.stat().st_mtime_ns
    take_over(runs[1], None)
    assert own.stat().st_mtime_ns == before
    made(runs[0]).unlink()  # as a stage does, which replaces its files: a link keeps the old ones
    write_receipts(runs[0], "ingest_b")
    made(runs[1]).unlink()
    take_over(runs[1], None)
    assert made(runs[0]).samefile(made(runs[1]))


def test_a_lost_file_is_taken_over_again(runs: tuple[Run, Run]):
    take_over(runs[1], None)
    made(runs[1]).unlink()
    take_over(runs[1], None)
    assert made(runs[1]).read_text() == "by hand"


def test_where_the_file_system_has_no_links_the_files_are_copied(runs: tuple[Run, Run], monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("stdask.stages.ingest.shared.os.link", refuse)
    take_over(runs[1], None)
    assert made(runs[1]).read_text() == "by hand"
    assert not made(runs[0]).samefile(made(runs[1]))


def test_without_the_catalogue_of_the_first_run_the_stage_to_run_is_named(runs: tuple[Run, Run]):
    paths.receipt(runs[0].output, "ingest_b").unlink()
    with pytest.raises(CatalogueError, match=r"no finished 'ingest_b' stage. Run `stdask ingest` first"):
        take_over(runs[1], None)
