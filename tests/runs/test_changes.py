"""Files from outside the run folder: which are new, missing or changed, and which need not be read to know."""

import os
from pathlib import Path

import pytest

from stdask.config.run import Run
from stdask.runs.changes import changed_files, source_file
from stdask.runs.receipts import Receipt
from stdask.storage.files import sha256
from stdask.storage.surveys import files
from tests.counted import made_up_counts
from tests.hand_made import make_run

LIST = "binaries.csv"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that leaves the stars of a list out of its training."""
    (tmp_path / LIST).write_text("star\n1\n")
    stars = {"file": LIST, "column": "star", "survey": "a"}
    return make_run(tmp_path, pair={"match": {"by": "position"}, "exclude": [stars]})


def receipt_of(run: Run, *names: str) -> Receipt:
    """Return the receipt of a pair stage that read these lists."""
    found = {name: run.data_dir / name for name in names}
    return Receipt(
        stage="pair",
        key="key",
        inputs={name: sha256(path) for name, path in found.items()},
        settings={},
        outputs={},
        counts=made_up_counts("pair"),
        sources={name: source_file(path) for name, path in found.items()},
    )


def test_a_file_as_it_was_is_not_read_again(run: Run, monkeypatch: pytest.MonkeyPatch):
    receipt = receipt_of(run, LIST)
    monkeypatch.setattr(files, "checksum", lambda path: pytest.fail(f"{path} was read"))
    assert changed_files(receipt, run) == []


def test_a_list_that_the_stage_did_not_read_is_new(run: Run):
    assert changed_files(receipt_of(run), run) == [f"{run.data_dir / LIST} is new"]


def test_another_content_is_a_change_though_size_and_age_are_the_same(run: Run):
    path = run.data_dir / LIST
    receipt, before = receipt_of(run, LIST), path.stat()
    path.write_text("star\n2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert changed_files(receipt, run) == [f"{path} has changed"]


def test_a_copy_of_the_same_content_is_no_change_and_a_lost_file_is_one(run: Run):
    path = run.data_dir / LIST
    receipt = receipt_of(run, LIST)
    os.utime(path, ns=(0, 0))
    assert changed_files(receipt, run) == []
    path.unlink()
    assert changed_files(receipt, run) == [f"{path} is missing"]
