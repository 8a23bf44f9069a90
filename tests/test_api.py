"""The public names of the package: all there, and imported only when they are used."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import stdask

ROOT = Path(__file__).parents[1]

LOADED = "import sys, stdask; print([name for name in sys.modules if name.startswith('stdask.') or name == 'numpy'])"


@pytest.mark.parametrize("name", stdask.__all__)
def test_every_public_name_is_there_and_listed(name: str):
    assert getattr(stdask, name) is not None
    assert name in dir(stdask)


TYPED = """
import stdask
from stdask import Translator

translator: Translator = stdask.Translator.open("x.stdask")
rows: int = len(stdask.open_catalogue("x"))
folder: str = stdask.load_run("x").folder
"""


@pytest.mark.slow  # mypy reads the whole package
def test_types_of_public_names_are_known_to_type_checkers(tmp_path: Path):
    (tmp_path / "use.py").write_text(TYPED)
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "use.py"]
    found = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "MYPYPATH": str(ROOT)}, capture_output=True, text=True
    )
    errors = [line for line in found.stdout.splitlines() if line.startswith("use.py")]
    assert errors == [
        'use.py:7: error: Incompatible types in assignment (expression has type "Path", variable has type "str")'
        "  [assignment]"
    ]


def test_importing_the_package_imports_nothing_else():
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'stdask' has no attribute 'translate'"):
        stdask.translate  # noqa: B018
