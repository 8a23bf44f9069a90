"""Stars of a table are found in a catalogue by their ids or positions, however the catalogue is cut."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stdask import schema
from stdask.cluster.workers import Workers
from stdask.config.stages import KnownStars
from stdask.errors import CatalogueError, SurveyError
from stdask.pairing.known_stars import Sought, find_stars, ids_of, match_known, read_known_stars, seek
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import Catalogue, open_catalogue
from tests.hand_made import ID, A, make_run, stars, write_catalogue

N = 60
COLUMNS = (ID, schema.SOURCE_ID, schema.STAR_KEY, *schema.POSITION)
ARCSEC = 1 / 3600
NONE = np.full(3, np.nan)


def catalogue_of(folder: Path, most: int, **given: np.ndarray | pa.Array) -> tuple[Catalogue, dict]:
    run, data = make_run(folder), stars(COLUMNS, N, **given)
    write_catalogue(run, A, COLUMNS, data, most)
    return open_catalogue(paths.catalogue(run.output, A)), data


def table_of(folder: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), folder / "known.parquet")
    return folder / "known.parquet"


@pytest.mark.parametrize("most", [7, N])
def test_stars_are_found_by_id_source_id_or_position_in_any_partitioning(tmp_path: Path, client: Workers, most: int):
    without = np.isin(np.arange(N), (30, 31))  # of the catalogue, that have no source_id
    gaia = pa.array(np.arange(N) + 1, mask=without)
    catalogue, data = catalogue_of(tmp_path, most, SOURCE_ID=gaia)
    path = table_of(
        tmp_path,
        star=["105", None, None, None, "7", None],  # obsid 105; the last one is in no catalogue
        gaia=pa.array([None, 21, None, 999, None, 999], pa.int64()),
        ra=[0.0, 0.0, *(data["ra"][[30, 31]] + [ARCSEC, -ARCSEC]), data["ra"][8], data["ra"][9]],
        dec=[0.0, 0.0, *data["dec"][[30, 31]], data["dec"][8], data["dec"][9]],
    )
    known = KnownStars(file=path, id_a="star", source_id="gaia")
    table = read_known_stars(path, known, {}, {})
    found = find_stars(client, catalogue, seek(table, known, catalogue, ID.name, known.id_a), [ID.name])
    # 999 has another source_id than star 9, and star 31 has none; id 7 is not that of star 8
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert found.table[ID.name].to_pylist() == [105, 120, 130, 131]


def test_of_two_partitions_the_nearer_star_is_taken(tmp_path: Path, client: Workers):
    ra = np.linspace(10, 350, N)
    ra[1], dec = 45 + 1.5 * ARCSEC, np.zeros(N)
    ra[0] = 45 - 0.5 * ARCSEC  # 45 degrees is an edge of HEALPix' base pixels on the equator
    catalogue, _ = catalogue_of(tmp_path, 7, ra=ra, dec=dec)
    sought = Sought(np.array([45.0]), np.array([0.0]), 2.0)
    found = find_stars(client, catalogue, sought, [ID.name])
    assert found.table[ID.name].to_pylist() == [100]


def test_keys_take_precedence_over_ids(tmp_path: Path, client: Workers):
    catalogue, _ = catalogue_of(tmp_path, 7)
    sought = Sought(NONE, NONE, 2.0, {ID.name: np.array(["100", "101", ""], dtype=object)})
    found = find_stars(client, catalogue, sought.by_key(np.array([6, 0, 0], dtype=np.uint64)), [ID.name])
    assert dict(zip(found.rows.tolist(), found.table[ID.name].to_pylist(), strict=True)) == {0: 105, 1: 101}


def test_matches_agree_with_brute_force():
    rng = np.random.default_rng(5)
    ra, dec = rng.uniform(0, 0.02, (2, 40))  # degrees: 72 arcsec, crowded for a radius of 10
    sought = Sought(*rng.uniform(0, 0.02, (2, 15)), 10.0)
    rows, own, _ = match_known(sought, {}, (ra, dec))
    apart = np.hypot(
        (sought.ra_deg[:, None] - ra) * np.cos(np.radians(dec)), sought.dec_deg[:, None] - dec
    )  # flat enough: 72 arcsec at the equator
    nearest = apart.argmin(axis=1)
    mutual = [(row, star) for row, star in enumerate(nearest) if apart[:, star].argmin() == row]
    wanted = [(row, star) for row, star in mutual if apart[row, star] < 10 * ARCSEC]
    assert [*zip(rows.tolist(), own.tolist(), strict=True)] == wanted
    assert 3 < len(wanted) < 15


def test_a_column_that_the_table_lacks_is_named(tmp_path: Path):
    path = table_of(tmp_path, star=[1, 2], ra=[1.0, 2.0])
    ways = r"Stars are found by their ids or by `ra` and `dec`\. It has star, ra\."
    with pytest.raises(SurveyError, match=rf"known\.parquet has no column 'dec', which `dec` names\. {ways}"):
        read_known_stars(path, KnownStars(file=path), {}, {})
    with pytest.raises(SurveyError, match=r"no column 'stars', which `name` names\. Did you mean 'star'\?"):
        read_known_stars(path, KnownStars(file=path), {"name": ["stars"]}, {})
    path = table_of(tmp_path, star=[1, 2])
    assert read_known_stars(path, KnownStars(file=path, id_a="star"), {}, {}).column_names == ["star"]
    with pytest.raises(SurveyError, match=r"no column 'ra', which `ra` names"):  # named, so that it must be there
        read_known_stars(path, KnownStars(file=path, id_a="star", ra="ra"), {}, {})


def test_numbers_are_float64_with_nan_for_missing_ones(tmp_path: Path):
    path = table_of(tmp_path, star=[1, 2], teff=pa.array([5777, None], pa.int32()), text=["hot", "cold"])
    known = KnownStars(file=path, id_a="star")
    table = read_known_stars(path, known, {}, {"labels": ["teff"]})
    assert table.schema.field("teff").type == pa.float64()
    np.testing.assert_array_equal(table["teff"].to_numpy(), [5777, np.nan])
    with pytest.raises(SurveyError, match=r"parquet: column 'text', which `labels` names, is string, no number"):
        read_known_stars(path, known, {}, {"labels": ["text"]})


def test_ids_that_are_none_are_refused(tmp_path: Path):
    table = pa.table({"real": [1.5, 2.5], "text": ["a", "b"]})
    with pytest.raises(CatalogueError, match="'real' is double; ids must be integers or text"):
        ids_of(table, "real", as_text=True)
    with pytest.raises(CatalogueError, match="'text' holds no whole numbers"):
        ids_of(table, "text", as_text=False)
    path = table_of(tmp_path, gaia=["a", "b"])
    with pytest.raises(CatalogueError, match=r"known\.parquet: Column 'gaia' holds no whole numbers"):
        read_known_stars(path, KnownStars(file=path, source_id="gaia"), {}, {})
