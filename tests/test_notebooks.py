"""Notebooks, the pages on Python and the docstrings do what they say, in the folder of a demo."""

import ast
import doctest
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import stdask

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
PAGE = ROOT / "docs" / "python.md"
CODE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
DOCUMENTED = [module for module in stdask._MODULES.values() if "tools" not in module]  # others have examples to read


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_results_and_the_page_links_to_it(path: Path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert f"](notebooks/{path.name})" in PAGE.read_text()
    assert notebook.cells[0].source.startswith("# ")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            ast.parse(cell.source)
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody ran `stdask demo`."""
    folder = tmp_path_factory.mktemp("notebooks")
    command = [sys.executable, "-m", "stdask", "demo", "--stars", "4000"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures appear in the notebook
    return folder


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_works_from_its_first_cell_to_the_last(path: Path, inside: Path):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(inside)}}).execute()
    shown = [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]
    assert sum("image/png" in out.get("data", {}) for out in shown) >= 1
    warnings = [out["text"].replace(str(ROOT), "") for out in shown if out.get("name") == "stderr"]
    assert [text for text in warnings if "stdask" in text] == []  # other libraries may warn


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md"], ids=lambda page: page.name)
def test_the_examples_of_a_page_work_one_after_the_other(page: Path, inside: Path):
    blocks = CODE.findall(page.read_text())
    assert blocks
    (inside / "examples.py").write_text("\n".join(blocks))
    done = subprocess.run([sys.executable, "examples.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_examples_of_docstrings_give_what_they_say(name: str):
    found = doctest.testmod(import_module(name))
    assert found.attempted > 0
    assert found.failed == 0
