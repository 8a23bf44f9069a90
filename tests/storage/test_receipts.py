"""A stage is skipped only while its receipt fits."""

import hashlib
import json
from pathlib import Path

import pytest

from stdask.storage import paths
from stdask.storage.receipts import (
    Receipt,
    append_partition,
    describe_outputs,
    finished_partitions,
    hash_of,
    read_receipt,
    stage_key,
    why_not_done,
    write_receipt,
)

INPUTS, CONFIG = {"ingest_a": "aa"}, {"seed": 7, "pair": {"radius": 2.0, "labels": ["TEFF", "LOGG"]}}
KEY = stage_key("pair", INPUTS, CONFIG)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    file = tmp_path / "pairs" / "a_b.parquet"
    file.parent.mkdir()
    file.write_text("pairs")
    write_receipt(tmp_path, Receipt("pair", KEY, INPUTS, CONFIG, describe_outputs(tmp_path, [file]), {"in": 1}))
    return tmp_path


def test_a_stage_is_done_while_everything_is_as_it_was(output: Path):
    assert why_not_done(output, read_receipt(output, "pair"), KEY, INPUTS, CONFIG) == ""


def test_a_stage_never_run_says_so(tmp_path: Path):
    assert read_receipt(tmp_path, "pair") is None
    assert why_not_done(tmp_path, None, KEY, INPUTS, CONFIG) == "not run yet"


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
    reason = why_not_done(output, read_receipt(output, "pair"), stage_key("pair", inputs, config), inputs, config)
    assert reason == f"changed: {said}"


def test_another_version_of_the_code_is_a_reason(output: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stdask.storage.receipts.__version__", "99")
    assert "version" in why_not_done(
        output, read_receipt(output, "pair"), stage_key("pair", INPUTS, CONFIG), INPUTS, CONFIG
    )


def test_a_missing_or_cut_output_is_the_reason(output: Path):
    receipt = read_receipt(output, "pair")
    (output / "pairs" / "a_b.parquet").write_text("pair")
    assert why_not_done(output, receipt, KEY, INPUTS, CONFIG) == "pairs/a_b.parquet was changed"
    (output / "pairs" / "a_b.parquet").unlink()
    assert why_not_done(output, receipt, KEY, INPUTS, CONFIG) == "pairs/a_b.parquet is missing"


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


def test_a_line_cut_off_by_a_crash_is_passed_over_and_spoils_no_later_one(tmp_path: Path):
    log = tmp_path / "receipts" / "translate.partitions.jsonl"
    assert finished_partitions(log) == []
    records = [{"pixel": [3, number], "rows": number} for number in range(4)]
    for record in records[:2]:
        append_partition(log, record)
    log.write_text(log.read_text()[:-5])  # the crash
    assert finished_partitions(log) == records[:1]
    for record in records[2:]:
        append_partition(log, record)
    assert finished_partitions(log) == [records[0], *records[2:]]
