"""`[cluster]`: what goes into a job script is one word of it, and a profile is named in what it is refused for."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from stdask.config.cluster import ClusterConfig, load_profile
from stdask.errors import ConfigError

# Each would end the word or the line in a job script and begin a command.
EVIL = ["a b", "a;rm", "a\nb", "a\r#b", "$(id)", "`id`", "a|b", "a&b", "a>b", "a'b", 'a"b', "", "é\n"]


@pytest.mark.parametrize("value", EVIL)
@pytest.mark.parametrize("key", ["queue", "account", "interface", "local_directory"])
def test_a_word_that_the_shell_would_take_apart_is_refused(key: str, value: str):
    with pytest.raises(ValidationError, match=key):
        ClusterConfig.model_validate({key: value})


def test_words_that_sites_have_are_taken():
    site = {"queue": "gpu@node-7,long", "account": "proj_1:a/b", "interface": "ib0.8+1"}
    for folder in ("$TMPDIR", "${SCRATCH}/stdask", "/tmp/a-b_c.d"):
        config = ClusterConfig.model_validate(site | {"local_directory": folder})
        assert config.local_directory == folder


@pytest.mark.parametrize("line", ["a\nb", "a\rb", ""])
@pytest.mark.parametrize("key", ["directives", "prologue"])
def test_a_line_of_a_profile_is_one_line(key: str, line: str):
    with pytest.raises(ValidationError, match=key):
        ClusterConfig.model_validate({key: ["module load cuda", line]})


@pytest.mark.parametrize("walltime", ["4:00", "04:60:00", "04:00:60", "1-00:00:00", "four hours"])
def test_a_walltime_is_hours_minutes_and_seconds(walltime: str):
    assert ClusterConfig(walltime="100:59:59").walltime == "100:59:59"
    with pytest.raises(ValidationError, match="walltime"):
        ClusterConfig(walltime=walltime)


def test_a_profile_is_named_with_the_key_that_is_wrong(tmp_path: Path):
    path = tmp_path / "site.toml"
    path.write_text('[cluster]\nkind = "slurm"\nwokers = 3\n')
    with pytest.raises(ConfigError, match=r"Profile .*site\.toml: unknown key 'cluster\.wokers'. Did you mean 'work"):
        load_profile(path)
