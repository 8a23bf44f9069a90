"""A stage is skipped only while its receipt fits."""

import hashlib
import json
from pathlib import Path

import pytest

from stdask.errors import CatalogueError
from stdask.runs.receipts import (
    FileRecord,
    Receipt,
    accept_results,
    by_file_name,
    describe_outputs,
    read_damaged,
    read_receipt,
    stage_key,
    why_kept,
    why_not_done,
    write_damaged,
    write_receipt,
)
from stdask.runs.results import RESULTS
from stdask.storage import paths
from stdask.storage.files import hash_of
from tests.counted import made_up_counts

INPUTS, CONFIG = {"ingest_a": "aa"}, {"seed": 7, "pair": {"radius": 2.0, "labels": ["TEFF", "LOGG"]}}
KEY = stage_key("pair", INPUTS, CONFIG)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    file = tmp_path / "pairs" / "a_b.parquet"
    file.parent.mkdir()
    file.write_text("pairs")
    write_receipt(
        tmp_path, Receipt("pair", KEY, INPUTS, CONFIG, describe_outputs(tmp_path, [file]), made_up_counts("pair"))
    )
    return tmp_path


def test_a_stage_is_done_while_everything_is_as_it_was(output: Path):
    assert why_not_done(output, read_receipt(output, "pair"), INPUTS, CONFIG) == ""


def test_a_stage_never_run_says_so(tmp_path: Path):
    assert read_receipt(tmp_path, "pair") is None
    assert why_not_done(tmp_path, None, INPUTS, CONFIG) == "not run yet"


@pytest.mark.parametrize(
    ("inputs", "config", "said"),
    [
        ({"ingest_a": "ab"}, CONFIG, "what it reads from ingest_a"),
        (INPUTS | {"ingest_b": "bb"}, CONFIG, "what it reads from ingest_b"),
        (INPUTS, CONFIG | {"seed": 8}, "seed"),
        (INPUTS, {"seed": 7, "pair": {"radius": 2.0000001, "labels": ["TEFF", "LOGG"]}}, "pair.radius"),
        (INPUTS, {"seed": 8, "pair": {"radius": 2.0, "labels": ["LOGG", "TEFF"]}}, "seed, pair.labels"),
    ],
)
def test_a_changed_input_or_setting_is_the_reason(output: Path, inputs: dict, config: dict, said: str):
    reason = why_not_done(output, read_receipt(output, "pair"), inputs, config)
    assert reason == f"changed: {said}"


def test_what_a_stage_read_and_reads_no_more_is_a_reason(output: Path):
    assert why_not_done(output, read_receipt(output, "pair"), {}, CONFIG) == "changed: what it reads from ingest_a"


def why(output: Path) -> str:
    return why_not_done(output, read_receipt(output, "pair"), INPUTS, CONFIG)


def test_another_version_is_no_reason_but_is_told(output: Path, monkeypatch: pytest.MonkeyPatch):
    before = read_receipt(output, "pair").version
    assert why_kept(read_receipt(output, "pair")) == ""
    monkeypatch.setattr("stdask.runs.receipts.__version__", "99")
    assert why(output) == ""
    assert (
        why_kept(read_receipt(output, "pair")) == f"made with stdask {before}, kept: its results have not changed since"
    )


def test_other_results_are_a_reason_until_those_that_there_are_are_accepted(
    output: Path, monkeypatch: pytest.MonkeyPatch
):
    before = read_receipt(output, "pair")
    monkeypatch.setattr("stdask.runs.results.RESULTS", {**RESULTS, "pair": 98})
    assert why(output) == (
        f"changed: its results since stdask {before.version}; --accept-version keeps those of that version"
    )
    assert accept_results(output, "pair") == before
    accepted = read_receipt(output, "pair")
    assert why(output) == ""
    assert (accepted.results, accepted.accepted) == (98, RESULTS["pair"])
    assert (accepted.written, accepted.versions, accepted.digest) == (before.written, before.versions, before.digest)
    assert "results have changed: they were accepted" in why_kept(accepted)
    assert accept_results(output, "pair") is None  # nothing more to accept
    assert accept_results(output, "train") is None  # nor where nothing is finished


@pytest.mark.parametrize(("version", "results"), [("0.10.0", 1), ("0.9.0", 0), ("nonsense", 0)])
def test_receipts_without_numbers_are_of_number_1_if_their_version_gave_those(output: Path, version: str, results: int):
    path = paths.receipt(output, "pair")
    content = json.loads(path.read_text())
    del content["results"], content["accepted"]
    content["versions"]["stdask"] = version
    path.write_text(json.dumps(content))
    assert read_receipt(output, "pair").results == results


def test_a_missing_or_cut_output_is_the_reason(output: Path):
    receipt = read_receipt(output, "pair")
    (output / "pairs" / "a_b.parquet").write_text("pair")
    assert why_not_done(output, receipt, INPUTS, CONFIG) == "pairs/a_b.parquet was changed"
    (output / "pairs" / "a_b.parquet").unlink()
    assert why_not_done(output, receipt, INPUTS, CONFIG) == "pairs/a_b.parquet is missing"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stage": "pair"}', b"\xff\xfe\x00"])
def test_a_damaged_receipt_counts_as_none(output: Path, content: bytes):
    paths.receipt(output, "pair").write_bytes(content)
    assert read_receipt(output, "pair") is None


def test_a_receipt_tells_what_it_was_made_with(output: Path):
    content = json.loads(paths.receipt(output, "pair").read_text())
    assert {"stdask", "python", "numpy", "tensorflow", "dask"} <= set(content["versions"])
    assert content["written"].endswith("+00:00")
    described = content["outputs"]["pairs/a_b.parquet"]
    # sha256sum of the five letters
    assert described == {"bytes": 5, "sha256": hash_of_text("pairs")}


def hash_of_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_hash_does_not_depend_on_the_order_of_keys():
    assert hash_of({"a": 1, "b": {"c": 2, "d": 3}}) == hash_of({"b": {"d": 3, "c": 2}, "a": 1})
    assert hash_of({"a": 1}) != hash_of({"a": 2})


def test_the_digest_follows_the_content_and_not_the_time(output: Path):
    first = read_receipt(output, "pair")
    write_receipt(output, first)
    assert read_receipt(output, "pair").digest == first.digest


def test_a_file_known_from_its_writer_is_not_read_again_but_must_be_there_in_full(output: Path):
    path = output / "pairs" / "a_b.parquet"
    told = {path: FileRecord(5, "as the worker told")}
    assert describe_outputs(output, [path], told) == {"pairs/a_b.parquet": told[path]}
    assert describe_outputs(output, [], told) == {"pairs/a_b.parquet": told[path]}
    path.write_text("pair")
    with pytest.raises(CatalogueError, match=r"a_b.parquet has 4 bytes, but a worker wrote 5"):
        describe_outputs(output, [path], told)
    path.unlink()
    with pytest.raises(CatalogueError, match=r"a_b.parquet is missing, but a worker wrote 5"):
        describe_outputs(output, [path], told)


def test_a_file_found_damaged_is_the_reason_until_its_stage_is_done_again(output: Path):
    receipt = read_receipt(output, "pair")
    write_damaged(output, {"pairs/a_b.parquet": "its checksum differs", "catalogues/x": "is missing"})
    assert why_not_done(output, receipt, INPUTS, CONFIG) == "pairs/a_b.parquet is damaged"
    write_receipt(output, receipt)
    assert why_not_done(output, receipt, INPUTS, CONFIG) == ""
    assert read_damaged(output) == {"catalogues/x": "is missing"}  # of another stage


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_list_of_damaged_files_that_is_damaged_itself_names_none(output: Path, content: bytes):
    paths.damaged(output).write_bytes(content)
    assert read_damaged(output) == {}


@pytest.mark.parametrize("name", ["../elsewhere.txt", "/etc/passwd", "products/../../elsewhere.txt"])
def test_a_receipt_that_names_files_outside_the_run_folder_is_not_believed(tmp_path: Path, name: str):
    outputs = {name: {"bytes": 1, "sha256": "0"}}
    write_receipt(tmp_path, Receipt("merge", "key", {}, {}, outputs, {}))
    assert read_receipt(tmp_path, "merge") is None


def test_files_are_named_to_others_without_their_folders():
    inputs = {"a.fits": "0", "ebv_map /home/me/maps/sfd.fits": "1", "ebv_map maps/other.fits": "2"}
    assert by_file_name(inputs) == {"a.fits": "0", "sfd.fits": "1", "other.fits": "2"}
