"""Export: one file of a catalogue, which replaces another only if that is asked for."""

from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table

from stdask import schema
from stdask.errors import CatalogueError, ConfigError, ExpressionError
from stdask.storage.catalogue.hats import finish_catalogue
from stdask.tools.export import export
from tests.storage.export.stars import write_stars


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "catalogues" / "stars"
    write_stars(folder)
    surveys = {"a": {"obs_title": "Survey A", "bib_reference": "A et al. 2020"}}
    surveys["b"] = {"obs_title": "Survey B", "bib_reference": "B et al. 2021"}
    for name, properties in surveys.items():
        finish_catalogue(folder.with_name(name), name, schema.POSITION, {}, properties)
    return folder


def test_all_partitions_are_rows_of_one_table(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    export(folder, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        assert len(hdus[1].data) == 300
        assert f"300 rows, {len(hdus[1].columns)} columns" in capsys.readouterr().out


def test_columns_are_named_together_or_one_by_one(folder: Path, tmp_path: Path):
    export(folder, tmp_path / "a.ecsv", ["ra, dec", "TEFF"], where="TEFF > 4800")
    table = Table.read(tmp_path / "a.ecsv")
    assert table.colnames == ["ra", "dec", "TEFF"]
    assert table["TEFF"].min() > 4800
    assert table.meta["where"] == "TEFF > 4800"


def test_the_published_columns_come_first(folder: Path, tmp_path: Path):
    export(folder, tmp_path / "a.ecsv", ["ra", "SOURCE_ID"], published=True)
    assert Table.read(tmp_path / "a.ecsv").colnames == [
        "survey_id", "SOURCE_ID", *(f"FE_H_PRED_{part}" for part in (5, 16, 50, 84, 95, "ERR")), "ra",
    ]  # fmt: skip


def test_the_surveys_beside_a_catalogue_are_referred_to(folder: Path, tmp_path: Path):
    export(folder, tmp_path / "stars.fits", ["ra"])
    primary = fits.getheader(tmp_path / "stars.fits")
    assert primary["REFERENC"] == "A et al. 2020; B et al. 2021"
    assert primary["TITLE"] == "stars: Survey A and Survey B"
    export(folder.with_name("a"), tmp_path / "a.fits", ["ra"])
    assert fits.getheader(tmp_path / "a.fits")["REFERENC"] == "A et al. 2020"


def test_a_translated_catalogue_refers_to_its_two_surveys_in_their_order(tmp_path: Path):
    folder = tmp_path / "run" / "catalogues"
    for name in ("a", "b", "c"):
        properties = {"obs_title": f"Survey {name}", "bib_reference": f"Paper {name}"}
        finish_catalogue(folder / name, name, schema.POSITION, {}, properties)
    finish_catalogue(folder / "c_on_a", "c_on_a", schema.POSITION, {}, {"stdask_source": "c", "stdask_key": "123"})
    export(folder / "c_on_a", tmp_path / "c.ecsv")
    meta = Table.read(tmp_path / "c.ecsv").meta
    assert meta["title"] == "c_on_a: Survey c and Survey a"
    assert (meta["reference"], meta["stage_key"]) == ("Paper c; Paper a", "123")


def test_a_catalogue_outside_of_a_run_says_itself_where_it_comes_from(tmp_path: Path):
    finish_catalogue(tmp_path / "a", "a", schema.POSITION, {}, {"bib_reference": "Paper a", "obs_title": "Survey a"})
    own = {"stdask_title": "A table on the scale of B", "stdask_reference": "Paper t; Paper b"}
    finish_catalogue(tmp_path / "own", "own", schema.POSITION, {}, own)
    finish_catalogue(tmp_path / "silent", "silent", schema.POSITION, {}, {})
    for name, expected in {
        "own": {"title": own["stdask_title"], "reference": "Paper t; Paper b"},
        "silent": {},
    }.items():
        export(tmp_path / name, tmp_path / f"{name}.ecsv")
        assert expected == {k: v for k, v in Table.read(tmp_path / f"{name}.ecsv").meta.items() if k != "creator"}


def test_a_file_that_exists_is_replaced_only_if_asked(folder: Path, tmp_path: Path):
    path = tmp_path / "a.fits"
    path.write_text("mine")
    with pytest.raises(CatalogueError, match=r"a\.fits exists\. Choose another name or add --overwrite"):
        export(folder, path)
    assert path.read_text() == "mine"
    export(folder, path, ["ra"], overwrite=True)
    assert len(Table.read(path)) == 300


def test_a_table_for_the_cds_replaces_no_readme(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    export(folder, tmp_path / "a.dat", ["TEFF"], published=True, cds=True)
    text = (tmp_path / "ReadMe").read_text()
    assert "stars: Survey A and Survey B" in text
    assert "References:\n    A et al. 2020\n    B et al. 2021\n" in text
    assert "Fill in the words in capitals" in capsys.readouterr().out
    assert len(Table.read(tmp_path / "a.dat", readme=tmp_path / "ReadMe", format="ascii.cds").colnames) == 9
    with pytest.raises(CatalogueError, match=r"ReadMe exists\. Choose another folder or add --overwrite"):
        export(folder, tmp_path / "b.dat", cds=True)


def test_what_is_wrong_is_said(folder: Path, tmp_path: Path):
    with pytest.raises(CatalogueError, match="is not a finished catalogue"):
        export(tmp_path, tmp_path / "a.fits")
    with pytest.raises(ConfigError, match="ends in no known format"):
        export(folder, tmp_path / "a.txt")
    with pytest.raises(ExpressionError, match="cannot be read"):
        export(folder, tmp_path / "a.csv", where="TEFF >")
    with pytest.raises(ExpressionError, match="cannot be read at its end"):
        export(folder, tmp_path / "a.csv", where="")  # as of a variable of the shell that is not set
    with pytest.raises(ConfigError, match="--columns names no column"):
        export(folder, tmp_path / "a.csv", [""])  # as of a variable of the shell that is not set
    with pytest.raises(ConfigError, match=r"Table A\.1"):
        export(folder.with_name("a"), tmp_path / "a.csv", published=True)
    assert list(tmp_path.iterdir()) == []
