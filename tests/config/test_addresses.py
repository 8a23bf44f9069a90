"""Addresses in run files and atlas files: which are taken, and only if they are allowed."""

import os
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from stdask.config.addresses import is_remote, locate, require_utf8
from stdask.config.run import load_run
from stdask.config.survey_files import TableFile
from stdask.errors import ConfigError
from stdask.runs.run_file import last_run
from stdask.storage import paths
from tests.end_to_end.test_many_files import DEFINITION, RUN


@pytest.mark.parametrize("text", ["https://a.org/x/y.fits", "http://127.0.0.1:80/x", "s3://bucket/hats//gaia"])
def test_an_address_is_kept_as_it_is_written(text: str):
    assert TableFile.model_validate({"path": text}).path == text


@pytest.mark.parametrize(
    "text", ["ftp://a.org/x", "file:///etc/passwd", "https:///x", "https://a.org/x y", "memory://x"]
)
def test_other_addresses_are_refused(text: str):
    with pytest.raises(ValidationError, match="stdask reads addresses that begin with https://"):
        TableFile.model_validate({"path": text})


def test_a_path_stays_in_its_folder(tmp_path: Path):
    assert (
        locate(TableFile.model_validate({"path": "gaia/*.csv.gz"}).path, tmp_path, False) == tmp_path / "gaia/*.csv.gz"
    )
    with pytest.raises(ValidationError, match="leaves its folder"):
        TableFile.model_validate({"path": "../x.fits"})


def test_a_run_file_reaches_other_machines_only_if_the_user_says_so(tmp_path: Path):
    address = "https://example.org/survey//stars.fits"
    (tmp_path / "small.toml").write_text(DEFINITION)
    (tmp_path / "run.toml").write_text(RUN.format(file=address))
    run = load_run(tmp_path / "run.toml")
    with pytest.raises(ConfigError, match=r"https://example\.org/survey//stars\.fits is the address.*--allow-remote"):
        run.survey_files("a")
    path = load_run(tmp_path / "run.toml", allow_remote=True).survey_files("a")["main"].path
    assert is_remote(path)
    assert (str(path), path.name) == (address, "stars.fits")


def test_a_run_folder_does_not_keep_the_permission(tmp_path: Path):
    (tmp_path / "small.toml").write_text(DEFINITION)
    (tmp_path / "run.toml").write_text(RUN.format(file="https://example.org/stars.fits"))
    run = load_run(tmp_path / "run.toml", output=tmp_path, allow_remote=True)
    (tmp_path / paths.RUN_COPY).write_text(f'{{"run": {run.model_dump_json()}}}')
    assert last_run(tmp_path)["data_dir"] == str(tmp_path)
    assert "allow_remote" not in last_run(tmp_path)


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(ConfigError, match=r"Cannot read s3://bucket/x: .*pip install 'stdask\[remote\]'"):
        locate("s3://bucket/x", Path(), allow_remote=True)


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe", b"a/\x80b"])
def test_a_name_that_is_not_utf8_is_refused_and_shown(name: bytes):
    with pytest.raises(ConfigError, match="is not UTF-8") as caught:
        require_utf8(Path(os.fsdecode(name)))
    str(caught.value).encode()  # The message itself can be printed and recorded.
    assert "\\x" in str(caught.value)
    assert require_utf8(Path("café/Ωmega")) == Path("café/Ωmega")
