"""The tutorial, block by block: files are written, commands run, and print what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COST = re.compile(r"\(\d[\d.]* \w+; at most [^)]*\)")  # seconds and memory differ


def lines_of(text: str) -> list[str]:
    return [COST.sub("()", line).strip() for line in text.splitlines()]


@pytest.mark.slow
def test_the_tutorial_does_what_it_says(tmp_path: Path):
    (tmp_path / "bin").mkdir()
    stdask = tmp_path / "bin" / "stdask"
    stdask.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m stdask "$@"\n')
    stdask.chmod(0o755)
    path = os.pathsep.join([str(stdask.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    printed: list[str] = []
    for kind, text in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text()):
        if kind in ("toml", "python"):
            (tmp_path / text.splitlines()[0].removeprefix("# ")).write_text(text)
        elif kind == "bash":
            done = subprocess.run(
                ["bash", "-e", "-c", text], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, text + done.stdout + done.stderr
            printed = lines_of(done.stdout)
        else:
            told = [line for line in lines_of(text) if line not in printed]
            assert told == [], "\n".join(printed)
    assert (tmp_path / "first" / "report" / "index.html").exists()
    assert (tmp_path / "mine_on_theirs.fits").exists()
