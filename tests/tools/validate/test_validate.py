"""Validate: the checks asked for, their tables on disk and on the terminal, and refusals that say what to do."""

from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from stdask.config.run import Run
from stdask.errors import CatalogueError, ConfigError
from stdask.tools.validate import validate
from stdask.tools.validate.validate import CHECKS, Check
from tests.hand_made import make_run, write_receipts

NO_WORKERS: Any = None


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path)


def test_a_check_that_does_not_exist_is_refused_with_those_that_do(run: Run):
    with pytest.raises(ConfigError, match=r"No check 'missings'\. There are missing, domain, velocities, clusters"):
        validate.run(run, NO_WORKERS, only=["domain", "missings"])


def test_a_run_that_is_not_trained_is_refused(run: Run):
    with pytest.raises(CatalogueError, match="Run `stdask train` first"):
        validate.run(run, NO_WORKERS)


def test_the_checks_asked_for_are_written_and_printed(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    write_receipts(run, "train")
    asked = []

    def answer(name: str) -> Check:
        def give(_: Any) -> dict[str, list]:
            asked.append(name)
            return {name: [{"label": "TEFF", "mae": 20.0, "mae_err": 1.5}], f"{name}_none": []}

        return Check(give, f"what {name} should show")

    monkeypatch.setattr(validate, "open_validation", lambda *_: None)
    monkeypatch.setattr(validate, "CHECKS", {name: answer(name) for name in CHECKS})
    validate.run(run, NO_WORKERS, only=["domain", "missing"])
    assert asked == ["missing", "domain"]
    assert sorted(path.name for path in (run.output / "validation").iterdir()) == ["domain.ecsv", "missing.ecsv"]
    assert Table.read(run.output / "validation" / "domain.ecsv")["mae_err"][0] == 1.5
    text = capsys.readouterr().out
    assert "what domain should show" in text
    assert "20.0 ± 1.5" in text
    validate.run(run, NO_WORKERS)
    assert asked[2:] == list(CHECKS)
