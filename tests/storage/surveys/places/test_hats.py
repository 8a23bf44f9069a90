"""The partitions of HATS catalogues: those of stdask, of LSDB, and what is missing from them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask.errors import SurveyError
from stdask.storage.surveys.files import open_survey
from stdask.storage.surveys.places.hats import is_hats, list_partitions

PROPERTIES = "hats.properties"


def write_catalogue(folder: Path, pixels: list[tuple[int, int]], suffix: str = ".parquet", stated: str = "") -> Path:
    """Write a catalogue with a star in each pixel, whose id is the place of the pixel in the list."""
    for number, (order, pixel) in enumerate(pixels):
        path = folder / f"dataset/Norder={order}/Dir={pixel // 10000 * 10000}/Npix={pixel}{suffix.rstrip('/')}"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.table({"_healpix_29": [pixel << 2 * (29 - order)], "id": [number]})
        if suffix == "/":
            path.mkdir()
            for part in range(2):
                pq.write_table(table, path / f"part{part}.parquet")
        else:
            pq.write_table(table, path)
    (folder / "partition_info.csv").write_text("Norder,Npix\n" + "".join(f"{o},{p}\n" for o, p in pixels))
    (folder / PROPERTIES).write_text(f"#HATS\nobs_collection=x\ndataproduct_type=object\n{stated}")
    return folder


PIXELS = [(1, 5), (0, 0), (2, 100), (1, 40)]


def test_partitions_are_in_the_order_of_the_sky(tmp_path: Path):
    survey = open_survey(write_catalogue(tmp_path, PIXELS))
    index = survey.read(["_healpix_29"]).column(0).to_numpy()
    assert index.size == len(PIXELS)
    assert (np.diff(index) > 0).all()


def test_partitions_may_be_folders_of_several_files(tmp_path: Path):
    survey = open_survey(write_catalogue(tmp_path, [(0, 3), (0, 1)], suffix="/", stated="hats_npix_suffix=/\n"))
    assert survey.read(["id"])["id"].to_pylist() == [1, 1, 0, 0]


def test_without_a_list_of_partitions_the_files_tell(tmp_path: Path):
    write_catalogue(tmp_path, PIXELS)
    listed = list_partitions(tmp_path)
    (tmp_path / "partition_info.csv").unlink()
    assert list_partitions(tmp_path) == listed


def test_the_older_name_of_the_properties_is_known(tmp_path: Path):
    (write_catalogue(tmp_path, PIXELS) / PROPERTIES).rename(tmp_path / "properties")
    assert is_hats(tmp_path)
    assert len(list_partitions(tmp_path)) == len(PIXELS)


def test_a_collection_is_its_main_catalogue(tmp_path: Path):
    write_catalogue(tmp_path / "stars", PIXELS)
    for place, url in (("", "stars"), ("joined", "../stars")):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "collection.properties").write_text(f"obs_collection=x\nhats_primary_table_url={url}\n")
        assert open_survey(tmp_path / place).n_rows == len(PIXELS)
    (tmp_path / "collection.properties").write_text("obs_collection=x\nhats_primary_table_url=gone\n")
    with pytest.raises(SurveyError, match="names the catalogue 'gone', which is not there"):
        open_survey(tmp_path)


def test_a_missing_partition_is_named(tmp_path: Path):
    write_catalogue(tmp_path, PIXELS)
    (tmp_path / "dataset/Norder=1/Dir=0/Npix=5.parquet").unlink()
    with pytest.raises(SurveyError, match=r"lists the partition .*Npix=5\.parquet, which is missing"):
        open_survey(tmp_path)


def test_what_is_no_catalogue_of_stars_is_refused(tmp_path: Path):
    write_catalogue(tmp_path, PIXELS)
    (tmp_path / PROPERTIES).write_text("dataproduct_type=margin\n")
    with pytest.raises(SurveyError, match="is a HATS margin, not a catalogue"):
        open_survey(tmp_path)
    (tmp_path / PROPERTIES).write_text("dataproduct_type=object\n")
    (tmp_path / "partition_info.csv").write_text("a,b\n1,2\n")
    with pytest.raises(SurveyError, match=r"partition_info\.csv does not list partitions"):
        open_survey(tmp_path)


def test_units_stand_in_the_common_metadata_where_the_files_have_none(tmp_path: Path):
    write_catalogue(tmp_path, PIXELS)
    fields = [pa.field("_healpix_29", pa.int64()), pa.field("id", pa.int64(), metadata={"unit": "km / s"})]
    pq.write_metadata(pa.schema(fields), tmp_path / "dataset/_common_metadata")
    survey = open_survey(tmp_path)
    assert survey.unit("id") == "km / s"
    assert survey.read(["id"]).num_rows == len(PIXELS)


def test_rows_that_were_lost_are_seen(tmp_path: Path):
    write_catalogue(tmp_path, PIXELS, stated=f"hats_nrows={len(PIXELS)}\n")
    assert open_survey(tmp_path).n_rows == len(PIXELS)
    write_catalogue(tmp_path / "more", PIXELS, stated="hats_nrows=5000\n")
    with pytest.raises(SurveyError, match="states 5,000 rows, but its files have 4"):
        open_survey(tmp_path / "more")
