"""Which files a path names, and in which order."""

import os
from pathlib import Path

import pytest

from stdask.errors import ConfigError, SurveyError
from stdask.storage.surveys.places.listing import is_pattern, list_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    skipped = ("_SUCCESS", ".DS_Store", "ReadMe", "README.txt", "MD5SUM.txt", "a.csv.md5")
    for name in ("b2.csv", "b10.csv", "a.csv", "c.txt", *skipped, "deep/b1.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    return tmp_path


def test_files_follow_one_another_by_name_with_numbers_as_numbers(folder: Path):
    assert [path.name for path in list_files(folder / "*.csv")] == ["a.csv", "b2.csv", "b10.csv"]
    assert [path.name for path in list_files(folder / "b[0-9]*.csv")] == ["b2.csv", "b10.csv"]
    assert [path.name for path in list_files(folder / "**" / "b1*.csv")] == ["b10.csv", "b1.csv"]


def test_a_folder_names_what_lies_in_it_but_what_is_no_table_of_its_own(folder: Path):
    (folder / "deep/b1.csv").unlink()
    (folder / "deep").rmdir()
    assert [path.name for path in list_files(folder)] == ["a.csv", "b2.csv", "b10.csv", "c.txt"]


def test_a_folder_of_folders_is_refused_with_a_pattern_to_use(folder: Path):
    with pytest.raises(SurveyError, match=r'holds the folder deep\..*e\.g\. ".*/\*/\*\.parquet"'):
        list_files(folder)


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path):
    path = tmp_path / "stars[1].csv"
    path.touch()
    assert not is_pattern(path)
    assert list_files(path) == (path,)


def test_a_file_among_many_whose_name_is_not_utf8_is_named(tmp_path: Path):
    for name in (b"a1.csv", b"a\xe9.csv"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_text("x\n1\n")
    for place in (tmp_path, tmp_path / "*.csv"):
        with pytest.raises(ConfigError, match=r"a\\xe9.csv is not UTF-8"):
            list_files(place)
