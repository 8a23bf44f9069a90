"""Verify finds what is damaged, and what it finds is made again."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stdask.cluster.workers import Workers
from stdask.errors import CatalogueError, IncompleteError, MachineError
from stdask.runs.counts import RowCounts
from stdask.runs.lock import hold
from stdask.runs.receipts import Receipt, describe_outputs, read_damaged, read_receipt, write_receipt
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.catalogue.hats import catalogue_files, finish_collection
from stdask.storage.tables import write_parquet
from stdask.tools import verify
from tests.counted import made_up_counts
from tests.storage.sky import write_sky

N_STARS = 120


def write_run(output: Path) -> None:
    """Write a run of one catalogue and one table, and their receipts."""
    catalogue, _ = write_sky(output / "catalogues" / "sky", N_STARS)
    table = output / "pairs" / "a_b.parquet"
    table.parent.mkdir()
    pq.write_table(catalogue.read(["ra", "dec"]), table)
    rows = RowCounts(N_STARS + 1, N_STARS, {"no position": 1})
    for stage, files in (("ingest_a", catalogue_files(catalogue.folder)), ("pair", [table])):
        counts = made_up_counts(stage, rows=rows)
        write_receipt(output, Receipt(stage, "key", {}, {}, describe_outputs(output, files), counts))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    write_run(tmp_path)
    return tmp_path


def partition(output: Path) -> Path:
    catalogue = open_catalogue(output / "catalogues" / "sky")
    return catalogue.path(catalogue.pixels[1])


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def verified(output: Path, workers: Workers) -> dict[str, str]:
    """Verify a damaged run; return what was found."""
    with pytest.raises(IncompleteError, match=r"damaged or missing\. Run `stdask run` again"):
        verify.run(output, workers)
    return read_damaged(output)


def test_tables_of_validate_are_verified_and_their_command_named(output: Path, client: Workers):
    table = output / "validation" / "draws.ecsv"
    table.parent.mkdir()
    table.write_text("draws")
    outputs = describe_outputs(output, [table])
    write_receipt(output, Receipt("validate_draws", "key", {}, {}, outputs, made_up_counts("validate_draws")))
    verify.run(output, client)
    flip(table)
    with pytest.raises(IncompleteError, match=r"1 of \d+ files are damaged or missing\. Run `stdask validate` again"):
        verify.run(output, client)
    assert list(read_damaged(output)) == ["validation/draws.ecsv"]
    partition(output).unlink()
    with pytest.raises(IncompleteError, match=r"Run `stdask run` and `stdask validate` again"):
        verify.run(output, client)


def test_a_run_that_is_whole_is_well_and_nothing_in_it_changes(output: Path, client: Workers, capsys):
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    verify.run(output, client)
    printed = capsys.readouterr().out
    assert "ingest_a" in printed
    assert "pair" in printed
    assert read_damaged(output) == {}
    after = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert after == before | {paths.damaged(output): b"{}"}


def test_a_margin_is_verified_as_a_table_and_not_as_the_catalogue(output: Path, client: Workers):
    catalogue = open_catalogue(output / "catalogues" / "sky")
    margin = paths.partition(paths.margin(catalogue.folder), catalogue.pixels[0])
    write_parquet(margin, catalogue.read().slice(N_STARS - 5))  # stars that lie outside the pixel, too
    files = [*catalogue_files(catalogue.folder), *finish_collection(catalogue, {catalogue.pixels[0]: 5}, 10.0)]
    counts = made_up_counts("ingest_a", rows=RowCounts(N_STARS, N_STARS))
    write_receipt(output, Receipt("ingest_a", "key", {}, {}, describe_outputs(output, files), counts))
    verify.run(output, client)
    flip(margin)
    assert list(verified(output, client)) == [str(margin.relative_to(output))]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "its checksum differs"),
        (lambda path: os.truncate(path, path.stat().st_size // 2), "bytes instead of"),
        (lambda path: os.truncate(path, 0), "has 0 bytes instead of"),
        (Path.unlink, "is missing"),
    ],
)
@pytest.mark.parametrize("which", [partition, lambda output: output / "pairs" / "a_b.parquet"])
def test_a_damaged_file_is_named_with_what_is_wrong_and_no_other_is(
    damage: Callable, said: str, which: Callable, output: Path, client: Workers, capsys
):
    path = which(output)
    damage(path)
    found = verified(output, client)
    name = str(path.relative_to(output))
    assert list(found) == [name]
    assert said in found[name]
    assert f"{name} {found[name]}" in capsys.readouterr().out


def test_each_file_around_the_partitions_is_checked_too(output: Path, client: Workers):
    for name in ("partition_info.csv", "hats.properties", "skymap.fits", "dataset/_metadata"):
        path = output / "catalogues" / "sky" / name
        content = path.read_bytes()
        flip(path)
        assert str(path.relative_to(output)) in verified(output, client)
        path.write_bytes(content)
    verify.run(output, client)
    assert read_damaged(output) == {}  # found good again: off the list


def described_as_it_is(output: Path, stage: str, rows: RowCounts | None = None) -> None:
    """Write a receipt that fits the files as they are now: what was written wrongly from the first."""
    receipt = read_receipt(output, stage)
    files = [output / name for name in receipt.outputs]
    counts = replace(receipt.counts, rows=rows or receipt.counts.rows)
    write_receipt(output, Receipt(stage, "key", {}, {}, describe_outputs(output, files), counts))


def test_a_partition_that_was_written_wrongly_is_found_though_its_checksum_fits(output: Path, client: Workers):
    path = partition(output)
    table = pq.ParquetFile(path).read()
    name = str(path.relative_to(output))
    for wrong, said in ((table.slice(1), "rows instead of"), (table.take(list(range(table.num_rows))[::-1]), "sorted")):
        pq.write_table(wrong, path)
        described_as_it_is(output, "ingest_a")
        assert said in verified(output, client)[name]
    for stage, cut in (("ingest_a", path), ("pair", output / "pairs" / "a_b.parquet")):
        os.truncate(cut, cut.stat().st_size // 2)
        described_as_it_is(output, stage)
        assert "cannot be read" in verified(output, client)[str(cut.relative_to(output))]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (RowCounts(N_STARS + 1, N_STARS - 1, {"no position": 1}), "read 121 rows but accounts for 120"),
        (RowCounts(N_STARS, N_STARS - 1, {"no position": 1}), "counts 119 rows, its catalogue 120"),
    ],
)
def test_rows_that_do_not_add_up_are_a_fault_of_the_receipt(rows: RowCounts, said: str, output: Path, client: Workers):
    described_as_it_is(output, "ingest_a", rows)
    assert said in verified(output, client)["receipts/ingest_a.json"]


def test_a_receipt_that_is_none_is_told_until_its_stage_is_done_again(output: Path, client: Workers):
    path = paths.receipt(output, "pair")
    receipt = read_receipt(output, "pair")
    path.write_text(path.read_text()[:-20])
    assert verified(output, client) == {"receipts/pair.json": "is not a receipt"}
    write_receipt(output, receipt)
    assert read_damaged(output) == {}


def test_a_run_under_way_is_told(output: Path, client: Workers, capsys):
    with hold(output):
        verify.run(output, client)
    assert f"process {os.getpid()} on" in capsys.readouterr().out


def test_a_folder_without_a_run_is_refused(tmp_path: Path, client: Workers):
    with pytest.raises(CatalogueError, match="has no finished stage"):
        verify.run(tmp_path, client)


@pytest.mark.parametrize(("number", "blamed"), [(errno.EIO, "the file"), (errno.EMFILE, "the machine")])
def test_a_bad_disk_is_a_fault_of_the_file_and_a_limit_one_of_the_machine(
    number: int, blamed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "a.fits").write_bytes(b"four")

    def fails(path: Path) -> str:
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr("stdask.tools.verify.sha256", fails)
    file = verify.WrittenFile("a.fits", 4, "", None)
    if blamed == "the machine":
        with pytest.raises(MachineError, match="Too many open files"):
            verify.fault_of(file, tmp_path)
    else:
        assert verify.fault_of(file, tmp_path).startswith("cannot be read (")
