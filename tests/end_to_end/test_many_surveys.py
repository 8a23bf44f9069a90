"""Three mock surveys in one run file: a survey that is added later changes nothing but the merge."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from stdask.cluster.workers import Workers
from stdask.config.run import Run, load_run
from stdask.mock.run_file import RUN_FILE
from stdask.mock.surveys import mock_surveys
from stdask.runs.receipts import read_receipt
from stdask.runs.registry import stages_of
from stdask.runs.stage import digest_of
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import open_catalogue
from stdask.storage.tables import write_parquet
from stdask.tools.run import run_commands
from tests.end_to_end.conftest import HURRIED

SURVEY_A = '[surveys.a]\ndefinition = "mock_a"\nfile = "data/mock_a.parquet"\n'
SURVEY_C = '[surveys.a2]\ndefinition = "mock_c"\nfile = "data/mock_c.parquet"\n[surveys.a2.train]\npatience = 3\n'
COMMANDS = ("ingest", "pair", "train", "translate", "merge")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    mock = mock_surveys(2000, 2000, 500, seed=11, n_c=2000)
    for name in ("a", "b", "c", "clusters"):
        write_parquet(folder / "data" / f"mock_{name}.parquet", pa.table(getattr(mock, name)))
    return folder


@pytest.fixture(scope="module")
def opened(folder: Path) -> Callable[[str, bool], Run]:
    """Return a function that opens the run file of one or of two translated surveys, with a folder for its results."""

    def open_it(output: str, with_c: bool) -> Run:
        text = RUN_FILE.format(seed=11, output=folder / output).replace("debias = true", "")
        text = text.replace("[train]\n", HURRIED).replace("[atlas]", "[translate]\nn_draws = 4\n[atlas]")
        assert SURVEY_A in text
        if with_c:
            text = text.replace(SURVEY_A, SURVEY_A.replace("surveys.a", "surveys.a1") + SURVEY_C)
        (folder / "run.toml").write_text(text)
        return load_run(folder / "run.toml")

    return open_it


def partitions(run: Run) -> dict[str, bytes]:
    """Return the content of the merged catalogue, file by file."""
    folder = paths.catalogue(run.output, paths.MERGED)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet") if path.is_file()}


def finished(run: Run) -> dict[str, str]:
    """Return when each stage of each survey was finished, but for what is made of all."""
    return {
        f"{part.definition_a.name} {name}": receipt.written + receipt.digest
        for part in run.parts
        for name in stages_of(part)
        if name not in ("closure", "merge") and (receipt := read_receipt(part.output, name))
    }


@pytest.mark.slow
def test_a_survey_that_is_added_later_gives_the_catalogue_of_all_at_once(opened, client: Workers):
    at_once = opened("at_once", True)
    run_commands(at_once, client, COMMANDS)
    wanted = partitions(at_once)
    surveys = set(open_catalogue(paths.catalogue(at_once.output, paths.MERGED)).read(["SURVEY"]).column(0).to_pylist())
    assert surveys == {"mock_a", "mock_b", "mock_c"}

    alone = opened("later", False)
    run_commands(alone, client, COMMANDS)
    before = finished(alone)
    assert partitions(alone) != wanted
    later = opened("later", True)
    run_commands(later, client, COMMANDS)
    assert {name: own for name, own in finished(later).items() if name in before} == before
    assert partitions(later) == wanted
    for one, other in zip(at_once.parts, later.parts, strict=True):
        for stage in ("ingest_a", "ingest_b", "pair", "translate"):
            assert digest_of(one, stage) == digest_of(other, stage), stage
