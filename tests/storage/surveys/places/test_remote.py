"""Files on other machines: their bytes, whatever the server gives, and errors that name the address."""

import gzip
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from upath import UPath

from stdask.config import addresses
from stdask.config.addresses import locate
from stdask.errors import RemoteError, SurveyError
from stdask.storage.surveys.files import checksum, open_survey
from stdask.storage.surveys.many import copy_file
from stdask.storage.surveys.places import remote
from stdask.storage.surveys.places.listing import list_files
from stdask.storage.surveys.places.remote import fetched, open_bytes
from tests.web import Web, serving

N_ROWS = 40_000


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSES", (0.01, 0.01))
    remote._copy.cache_clear()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    table = pa.table({"id": range(N_ROWS), "teff": [5000.0] * N_ROWS, "wide": [f"text {n:09}" for n in range(N_ROWS)]})
    pq.write_table(table, tmp_path / "stars.parquet", row_group_size=5000)
    text = "id,teff\n" + "".join(f"{n},5000\n" for n in range(N_ROWS))
    (tmp_path / "stars.csv.gz").write_bytes(gzip.compress(text.encode()))
    with serving(tmp_path) as server:
        yield server


def at(web: Web, name: str) -> Path:
    return locate(f"{web.address}/{name}", Path(), allow_remote=True)


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("name", ["stars.parquet", "stars.csv.gz"])
def test_a_remote_file_is_copied_with_its_columns_alone(name: str, ranges: bool, web: Web, tmp_path: Path):
    web.ranges = ranges
    survey = open_survey(at(web, name))
    assert not survey.by_slices
    copy_file(survey, ["id"], tmp_path / "copies/0")
    assert pq.read_table(tmp_path / "copies/0").to_pydict() == {"id": list(range(N_ROWS))}
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["0"]


def test_of_a_parquet_file_only_some_bytes_are_read(web: Web, tmp_path: Path):
    copy_file(open_survey(at(web, "stars.parquet")), ["teff"], tmp_path / "copy")
    size = (tmp_path / "stars.parquet").stat().st_size
    read = [own.removeprefix("bytes=").split("-") for path, own in web.asked if own]
    n_bytes = sum(int(last) - int(first) + 1 for first, last in read)
    assert 0 < n_bytes < size + 4 * remote.AHEAD
    assert all(own for path, own in web.asked)  # never all of it


@pytest.mark.parametrize("drops", [1, 2])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_a_connection_that_breaks_off_is_tried_again(drops: int, ranges: bool, web: Web, tmp_path: Path):
    web.ranges, web.drops = ranges, drops
    with fetched(at(web, "stars.csv.gz"), tmp_path / "own") as copy:
        assert copy.read_bytes() == (tmp_path / "stars.csv.gz").read_bytes()
    assert web.drops == 0
    assert not list((tmp_path / "own").iterdir())


def test_a_server_that_breaks_off_again_and_again_is_named(web: Web):
    web.drops = 1000
    with pytest.raises(RemoteError, match=r"Cannot read http://.*stars\.csv\.gz: .*run the same command again"):
        open_bytes(at(web, "stars.csv.gz")).read()


def test_a_server_that_says_nothing_is_given_up_after_two_questions(monkeypatch: pytest.MonkeyPatch):
    for module in (addresses, remote):
        monkeypatch.setattr(module, "SECONDS_OF_SILENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        path = locate(f"http://127.0.0.1:{mute.getsockname()[1]}/stars.csv", Path(), allow_remote=True)
        with pytest.raises(RemoteError, match=r"has been silent for 0\.5 s"):
            remote.information(path)
        mute.settimeout(0.1)
        n_asked = 0
        with suppress(TimeoutError):
            while True:
                mute.accept()[0].close()
                n_asked += 1
    assert n_asked == 2


def test_what_is_not_there_is_named_at_once(web: Web):
    with pytest.raises(SurveyError, match=r"There is nothing at http://.*/gone\.fits\. Check the address"):
        open_survey(at(web, "gone.fits"))
    with pytest.raises(RemoteError, match=r"Cannot read http://127\.0\.0\.1:9/x\.fits"):
        open_survey(locate("http://127.0.0.1:9/x.fits", Path(), allow_remote=True))


def test_a_folder_is_read_if_its_server_lists_it(web: Web, tmp_path: Path):
    (tmp_path / "many").mkdir()
    for number in (2, 10):
        pq.write_table(pa.table({"id": [number]}), tmp_path / f"many/part{number}.parquet")
    with pytest.raises(SurveyError, match="no HATS catalogue, and its server lists no files there"):
        open_survey(at(web, "many"))
    web.lists = True
    assert [path.name for path in list_files(at(web, "many"))] == ["part2.parquet", "part10.parquet"]
    assert open_survey(at(web, "many")).read(["id"])["id"].to_pylist() == [2, 10]


def test_another_version_is_another_checksum(web: Web, tmp_path: Path):
    before = checksum(at(web, "stars.parquet"))
    assert checksum(at(web, "stars.parquet")) == before
    assert not [own for path, own in web.asked if own]  # the server tells
    (tmp_path / "stars.parquet").write_bytes(b"PAR1 another")
    assert checksum(at(web, "stars.parquet")) != before


def test_objects_of_a_store_are_read_like_files():
    bucket = UPath("memory://bucket/survey")
    for number in range(3):
        (bucket / f"part{number}.csv").write_bytes(b"id,x\n%d,1.5\n" % number)
    read = open_survey(bucket / "*.csv").read(["id", "x"])
    assert read.to_pydict() == {"id": [0, 1, 2], "x": [1.5] * 3}
    assert len(open_survey(bucket).parts) == 3
    before = checksum(bucket)
    (bucket / "part1.csv").write_bytes(b"id,x\n7,1.5\n")
    assert checksum(bucket) != before
