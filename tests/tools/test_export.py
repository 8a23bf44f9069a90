"""Export: one FITS table that astropy reads, which replaces another only if that is asked for."""

from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from stdask import schema
from stdask.errors import CatalogueError
from stdask.storage import paths
from stdask.tools.export import export_fits
from tests.hand_made import A, make_run, write_catalogue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run = make_run(tmp_path)
    places = {"ra": np.array([10.0, 200.0, 300.0]), "dec": np.array([-80.0, 0.0, 45.0])}
    write_catalogue(run, A, schema.POSITION, places, most=1)
    return paths.catalogue(run.output, A)


def test_all_partitions_are_rows_of_one_table(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    export_fits(folder, tmp_path / "a.fits", overwrite=False)
    assert sorted(Table.read(tmp_path / "a.fits")["ra"]) == [10.0, 200.0, 300.0]
    assert "3 rows, 3 columns" in capsys.readouterr().out


def test_a_file_that_exists_is_replaced_only_if_asked(folder: Path, tmp_path: Path):
    path = tmp_path / "a.fits"
    path.write_text("mine")
    with pytest.raises(CatalogueError, match=r"a\.fits exists\. Choose another name or add --overwrite"):
        export_fits(folder, path, overwrite=False)
    assert path.read_text() == "mine"
    export_fits(folder, path, overwrite=True)
    assert len(Table.read(path)) == 3
