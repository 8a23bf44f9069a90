"""Paths in files of settings and those that a user gives: home folders are found, and nothing is made up."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stdask
from stdask.config.atlas import AtlasFile
from stdask.config.cluster import ClusterConfig
from stdask.config.survey import load_definition
from stdask.config.survey_files import FileHints, TableFile
from stdask.config.toml import inside, load_toml, local_path, validate
from stdask.environment import own_environment
from stdask.errors import ConfigError, StdaskError
from tests.bad_input import DEFINITION


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("read", [local_path, lambda text: inside(Path(text))], ids=["given", "in a file"])
def test_a_tilde_is_the_home_folder_and_any_other_path_stays_as_it_is(home: Path, read: Callable[[str], Path]):
    assert read("~/surveys/a.fits") == home / "surveys/a.fits"
    assert read("~") == home
    for other in ("a~b/~c", "data/~", "/x/~y"):
        assert read(other) == Path(other)


def test_files_of_a_survey_may_lie_in_the_home_folder(home: Path):
    assert TableFile.model_validate({"path": "~/a.fits"}).path == home / "a.fits"
    assert FileHints.model_validate({"readme": "~/ReadMe"}).readme == home / "ReadMe"
    (home / "small.toml").write_text(DEFINITION)
    assert load_definition("~/small.toml").name == "small"


@pytest.mark.parametrize(
    "use",
    [
        lambda folder: stdask.run(f"{folder}/run.toml"),
        lambda folder: stdask.load_run(folder),
        lambda folder: stdask.open_catalogue(folder),
        lambda folder: stdask.Translator.open(folder),
        lambda folder: stdask.draw_atlas(f"{folder}/a.fits", f"{folder}/atlas"),
    ],
    ids=["run", "load_run", "open_catalogue", "Translator", "draw_atlas"],
)
def test_python_functions_find_the_home_folder(home: Path, use: Callable[[str], Any]):
    with pytest.raises(StdaskError, match=str(home / "there")):  # There is nothing: the message names the whole path.
        use("~/there")
    assert not Path("~").exists()


def test_a_home_folder_that_nobody_has_is_a_clear_error():
    with pytest.raises(ConfigError, match=r"~nobody-at-all/x names a home folder that this machine does not know"):
        local_path("~nobody-at-all/x")
    content = {"output": "~nobody-at-all/x", "table": {"file": "a.fits"}}
    with pytest.raises(ConfigError, match=r"output: ~nobody.* this machine does not know\. Write the path without `~`"):
        validate(AtlasFile, content, "Atlas file a.toml", ConfigError)


def test_nothing_is_written_into_the_home_that_stdask_makes_for_a_user_without_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(Path, "home", no_home)
    with own_environment(), pytest.raises(ConfigError, match="this machine does not know"):
        local_path("~/first")  # That home is removed at the end.


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize("path", ["$SCRATCH/first", "${SCRATCH}/first", "/data/$USER/first", "$HOME"])
def test_a_variable_in_a_path_of_a_file_is_refused_and_not_a_folder_of_that_name(path: str):
    with pytest.raises(ConfigError, match=r"is not replaced by its value: write the path itself"):
        validate(AtlasFile, {"output": path, "table": {"file": "a.fits"}}, "Atlas file a.toml", ConfigError)


def test_a_dollar_that_begins_no_variable_is_part_of_a_name():
    assert inside(Path("a$b/c$")) == Path("a$b/c$")


def test_the_folder_of_a_job_is_the_home_folder_of_its_node():
    assert ClusterConfig(local_directory="~/scratch").local_directory == "$HOME/scratch"
    with pytest.raises(ValueError, match="match pattern"):
        ClusterConfig(local_directory="~me/scratch")


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "run.toml")
    with pytest.raises(ConfigError, match="is no regular file"):
        load_toml(tmp_path / "run.toml", ConfigError)
