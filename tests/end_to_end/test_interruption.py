"""A run that is cut off resumes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stdask.storage.catalogue.catalogue import open_catalogue
from tests.end_to_end.conftest import ROOT, Finished, run_job

pytestmark = [pytest.mark.slow, pytest.mark.faults]
CATALOGUE = "lamost_dr3_on_apogee_dr17_giants"


def copy_run(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-r", "--preserve=timestamps", source, target], check=True)


def undo(output: Path, *stages: str) -> None:
    for stage in stages:
        for path in output.glob(f"receipts/{stage}*"):
            path.unlink()


def test_translate_killed_half_way_keeps_the_partitions_it_finished(lamost: Finished, data_dir: Path, tmp_path: Path):
    output = tmp_path / "run"
    copy_run(lamost.output, output)
    undo(output, "translate", "merge", "atlas", "report")
    subprocess.run(["rm", "-r", output / "catalogues" / CATALOGUE], check=True)
    job = ROOT / "jobs" / "lamost_to_apogee.toml"
    command = [sys.executable, "-m", "stdask", "translate", job, "--data-dir", data_dir, "--output", output]
    running = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    log = output / "receipts" / "translate.partitions.jsonl"
    deadline = time.monotonic() + 300
    while not log.exists() or log.read_text().count("}\n") < 3:
        assert time.monotonic() < deadline
        assert running.poll() is None, "it ended before it could be killed"
        time.sleep(0.1)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert not (output / "catalogues" / CATALOGUE / "hats.properties").exists()  # not finished, and says so

    again = run_job("lamost_to_apogee", data_dir, output)
    assert again.code == 0, again.text
    counts = json.loads((output / "receipts" / "translate.json").read_text())["counts"]
    assert counts["partitions"]["n_kept"] >= 3
    undisturbed = open_catalogue(lamost.output / "catalogues" / CATALOGUE)
    resumed = open_catalogue(output / "catalogues" / CATALOGUE)
    assert resumed.pixels == undisturbed.pixels
    for pixel in resumed.pixels:
        assert resumed.path(pixel).read_bytes() == undisturbed.path(pixel).read_bytes()


def test_a_damaged_partition_is_rebuilt_and_no_other(lamost: Finished, data_dir: Path, tmp_path: Path):
    output = tmp_path / "run"
    copy_run(lamost.output, output)
    translated = open_catalogue(output / "catalogues" / CATALOGUE)
    victim = translated.path(translated.pixels[0])
    content = victim.read_bytes()
    victim.write_bytes(content[: len(content) // 2])
    again = run_job("lamost_to_apogee", data_dir, output)
    assert again.code == 0, again.text
    counts = json.loads((output / "receipts" / "translate.json").read_text())["counts"]["partitions"]
    assert counts["n_kept"] == counts["n_all"] - 1
    assert victim.read_bytes() == content
