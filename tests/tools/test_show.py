"""`show` prints the card and the columns that a table must have, of a file or a folder."""

from pathlib import Path

import pytest

from stdask.tools.pack import pack
from stdask.tools.show import show
from tests.runs.test_ensemble import finished


@pytest.mark.parametrize("packed", [True, False])
def test_the_card_and_the_needed_columns_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str], packed: bool):
    run = finished(tmp_path)
    path = tmp_path / "one.stdask" if packed else run.output
    if packed:
        pack(run.output, path, overwrite=False)
        capsys.readouterr()
    show(path)
    lines = capsys.readouterr().out.splitlines()
    assert "# A card of [brackets] and é" in lines
    assert any(line.split()[:3] == ["TEFF", "teff", "K"] for line in lines)
    assert "Columns that mock_a_to_mock_b reads from a table" in lines
