"""The results of a run, opened by their names."""

from pathlib import Path

import pytest
from astropy import units as u
from astropy.table import Table

import stdask
from stdask.errors import CatalogueError
from stdask.runs.folder import RunFolder
from stdask.runs.stage import Stage
from stdask.storage import paths
from stdask.storage.documents import write_ecsv
from stdask.storage.files import write_text
from stdask.storage.tables import to_table, write_parquet
from tests.counted import made_up_counts
from tests.storage.sky import COLUMNS, star_data, write_sky


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("run")
    write_sky(paths.catalogue(folder, "merged"))
    paths.catalogue(folder, "unfinished").mkdir()
    write_ecsv(paths.evaluation(folder) / "accuracy.ecsv", Table({"mae": [50.0] * u.K}))
    write_ecsv(paths.products(folder) / "gradients.ecsv", Table({"slope": [-0.05]}))
    write_parquet(paths.products(folder) / "map_edge_on.parquet", to_table(COLUMNS, star_data(20)))
    write_text(paths.products(folder) / "map_edge_on.png", "a figure")
    write_text(paths.card(folder), "# A card")
    Stage(folder, "train", {}, {}).finish([], made_up_counts("train"))
    return stdask.load_run(str(folder))


def test_it_lists_what_is_there(run: RunFolder):
    assert run.tables == ["accuracy", "gradients", "map_edge_on"]
    assert run.catalogues == ["merged"]  # another is not finished
    assert run.figures == {"map_edge_on": paths.products(run.folder) / "map_edge_on.png"}
    assert repr(run).splitlines() == [
        f"<RunFolder {run.folder}",
        "  tables: accuracy, gradients, map_edge_on",
        "  catalogues: merged",
        "  figures: map_edge_on>",
    ]


def test_tables_and_catalogues_are_opened_by_name(run: RunFolder):
    assert run.table("accuracy")["mae"].unit == u.K
    sky = run.table("map_edge_on")
    assert len(sky) == 20
    assert sky["TEFF"].unit == u.K
    assert len(run.catalogue("merged")) == 600
    assert run.card == "# A card"
    assert run.report == paths.report(run.folder)


def test_a_wrong_name_or_folder_is_one_line(run: RunFolder, tmp_path: Path):
    with pytest.raises(CatalogueError, match=r"has no table 'gradient'\. Did you mean 'gradients'\?$"):
        run.table("gradient")
    with pytest.raises(CatalogueError, match=r"has no catalogue 'unfinished'\. It has merged\.$"):
        run.catalogue("unfinished")
    with pytest.raises(CatalogueError, match=r"holds no results of stdask\. Name the `output` folder of a run\.$"):
        stdask.load_run(tmp_path)
