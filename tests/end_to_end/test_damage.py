"""Damaged files, full disks and two runs at once: reported in one line, and repaired by the next run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.tools.demo import prepare
from tests.end_to_end.conftest import HURRIED, ROOT, Finished, stdask

pytestmark = [pytest.mark.slow, pytest.mark.faults]
CATALOGUES = ("mock_a", "mock_b", "mock_a_on_mock_b", "merged")
# Errors may be poor, too: what is tested is that all is the same afterwards.
HURRIED_ERRORS = """[evaluate]
n_bootstraps = 10
importance_stars = 1

[atlas]
labels = ["M_H"]
n_bootstraps = 10
"""
CAN_MOUNT = shutil.which("unshare") and os.geteuid() == 0
needs_mount = pytest.mark.skipif(not CAN_MOUNT, reason="only root can mount a small disk")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a finished run of the mock surveys, trained in a hurry."""
    output = tmp_path_factory.mktemp("whole") / "run"
    prepare(output, 8000, 8000, 600, seed=7)
    run_file = output / "run.toml"
    text = run_file.read_text().replace("[train]\n", HURRIED).replace("[atlas]\n", HURRIED_ERRORS)
    run_file.write_text(text)
    done = run_again(output)
    assert done.code == 0, done.text
    return output


@pytest.fixture
def output(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of the run, to be damaged."""
    target = tmp_path / "run"
    subprocess.run(["cp", "-r", "--preserve=timestamps", whole, target], check=True)
    return target


def options(output: Path) -> list[object]:
    return [output / "run.toml", "--output", output, "--truth", output / "truth" / "truth_a.parquet"]


def run_again(output: Path) -> Finished:
    return stdask("run", *options(output), output=output)


def content_of(output: Path) -> dict[str, bytes]:
    """Return every file of the catalogues and the ensemble."""
    folders = [paths.catalogue(output, name) for name in CATALOGUES] + [paths.ensemble(output)]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(output)): path.read_bytes() for path in files}


def partition(output: Path, name: str) -> Path:
    catalogue = open_catalogue(paths.catalogue(output, name))
    return catalogue.path(max(catalogue.pixels, key=catalogue.rows.__getitem__))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def is_one_line(text: str) -> bool:
    return sum(line.startswith("stdask: ") for line in text.splitlines()) == 1 and "Traceback" not in text


def test_a_whole_run_is_well(output: Path):
    done = stdask("verify", output, output=output)
    assert done.code == 0, done.text


@pytest.mark.parametrize(
    "damage",
    [flip, lambda path: os.truncate(path, path.stat().st_size // 2), lambda path: os.truncate(path, 0), Path.unlink],
    ids=["flipped", "cut", "emptied", "deleted"],
)
def test_damaged_partitions_are_named_and_rebuilt_to_the_byte(damage: Callable, output: Path, whole: Path):
    victims = [partition(output, name) for name in ("mock_a", "mock_a_on_mock_b", "merged")]
    for victim in victims:
        damage(victim)
    verified = stdask("verify", output, output=output)
    assert verified.code == 3
    assert is_one_line(verified.text)
    assert all(str(victim.relative_to(output)) in verified.text for victim in victims)
    again = run_again(output)
    assert again.code == 0, again.text
    assert content_of(output) == content_of(whole)
    counts = json.loads(paths.receipt(output, "translate").read_text())["counts"]["partitions"]
    assert counts["n_kept"] == counts["n_all"] - 1
    assert stdask("verify", output, output=output).code == 0


def test_a_damaged_ensemble_is_not_used_and_is_trained_again_to_the_byte(output: Path, whole: Path):
    flip(next(paths.ensemble(output).glob("*.safetensors")))
    paths.receipt(output, "translate").unlink()
    paths.ledger(output, "translate", "partitions").unlink()
    refused = stdask("translate", *options(output)[:3], output=output)
    assert refused.code == 2
    assert is_one_line(refused.text)
    assert "its checksum differs" in refused.text
    assert stdask("verify", output, output=output).code == 3
    again = run_again(output)
    assert again.code == 0, again.text
    assert content_of(output) == content_of(whole)


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_a_damaged_receipt_costs_nothing(content: str, output: Path, whole: Path):
    for stage in ("translate", "merge"):
        paths.receipt(output, stage).write_text(content)
    again = run_again(output)
    assert again.code == 0, again.text
    assert content_of(output) == content_of(whole)
    counts = json.loads(paths.receipt(output, "translate").read_text())["counts"]["partitions"]
    assert counts["n_kept"] == counts["n_all"]


def forget_translation(output: Path) -> None:
    shutil.rmtree(paths.catalogue(output, "mock_a_on_mock_b"))
    for path in output.glob("receipts/translate*"):
        path.unlink()


def in_a_namespace(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script whose mounts nobody else sees, and which are gone with it."""
    return subprocess.run(["unshare", "--mount", "sh", "-ec", script], capture_output=True, text=True, cwd=ROOT)


@needs_mount
def test_a_full_disk_is_reported_and_with_more_room_the_run_resumes(output: Path, whole: Path, tmp_path: Path):
    forget_translation(output)
    disk = tmp_path / "disk"
    disk.mkdir()
    command = f"{sys.executable} -m stdask run {' '.join(map(str, options(disk / 'run')))}"
    done = in_a_namespace(
        f"mount -t tmpfs -o size=1g tmpfs {disk}; cp -r {output} {disk}/run\n"
        # room for the notes of a run, and for no catalogue of 8,000 stars
        f"mount -o remount,size=$(($(du -sk {disk} | cut -f1) + 300))k {disk}\n"
        f"{command} || echo exit code $?\n"
        f"find {disk} -name '*.part'\n"
        f"mount -o remount,size=1g {disk}\n"
        f"{command}; rm -r {output}; cp -r {disk}/run {output}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit code 2" in done.stdout
    assert ".part" not in done.stdout
    (reported,) = [line for line in done.stderr.splitlines() if line.startswith("stdask: ")]
    assert "No space left on device" in reported
    assert "MB free" in reported
    assert content_of(output) == content_of(whole)


@needs_mount
def test_a_read_only_folder_is_reported(output: Path):
    command = f"{sys.executable} -m stdask run {' '.join(map(str, options(output)))}"
    done = in_a_namespace(f"mount --bind {output} {output}; mount -o remount,ro,bind {output}; exec {command}")
    assert done.returncode == 2
    assert is_one_line(done.stderr), done.stderr
    assert "Read-only file system" in done.stderr


def started(output: Path) -> subprocess.Popen[str]:
    """Start a run and wait until it holds the folder."""
    command = [sys.executable, "-m", "stdask", "run", *map(str, options(output))]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT)
    deadline = time.monotonic() + 120
    while not (paths.lock(output).exists() and paths.lock(output).read_text()):
        assert time.monotonic() < deadline
        assert running.poll() is None, running.stdout.read()
        time.sleep(0.05)
    return running


def test_a_second_run_in_the_same_folder_is_refused_and_the_first_continues_unharmed(output: Path, whole: Path):
    forget_translation(output)
    with started(output) as first:
        second = run_again(output)
        assert second.code == 2
        assert is_one_line(second.text)
        assert f"process {first.pid} on" in second.text
        text, _ = first.communicate()
    assert first.returncode == 0, text
    assert content_of(output) == content_of(whole)
    assert not paths.lock(output).exists()


def test_a_run_that_is_asked_to_end_frees_its_folder_and_the_next_resumes(output: Path, whole: Path):
    forget_translation(output)
    with started(output) as first:
        first.send_signal(signal.SIGTERM)
        text, _ = first.communicate()
    assert first.returncode == 128 + signal.SIGTERM, text
    assert not paths.lock(output).exists()
    again = run_again(output)
    assert again.code == 0, again.text
    assert content_of(output) == content_of(whole)
