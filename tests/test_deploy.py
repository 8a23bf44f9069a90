"""Profiles load and name every setting, container recipes use the lock, and every command of the guides exists."""

import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest

from stdask.cluster.jobs import job_script
from stdask.config.cluster import ClusterConfig, load_profile
from stdask.errors import ClusterError

DEPLOY = Path(__file__).parents[1] / "deploy"
PROFILES = sorted(DEPLOY.glob("*.toml"))
SETTING = re.compile(r"^(?:# )?(\w+) = .+$", re.MULTILINE)  # given, or commented out
KINDS = set(get_args(ClusterConfig.model_fields["kind"].annotation)) - {"address"}


def test_there_is_a_profile_for_every_kind_of_workers():
    assert {path.stem: load_profile(path).kind for path in PROFILES} == {kind: kind for kind in KINDS}


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_a_profile_names_every_setting_there_is_and_none_else(path: Path):
    assert set(SETTING.findall(path.read_text())) == set(ClusterConfig.model_fields)


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.stem)
def test_what_a_profile_comments_out_may_be_used_and_is_the_default_where_there_is_one(path: Path):
    given = tomllib.loads(path.read_text())["cluster"]
    defaults = {name: field.default for name, field in ClusterConfig.model_fields.items()}
    for line in SETTING.finditer(path.read_text()):
        name, example = line[1], tomllib.loads(line[0].removeprefix("# "))
        config = ClusterConfig.model_validate(given | example | ({"kind": "address"} if name == "address" else {}))
        if line[0].startswith("#") and defaults[name] not in (None, ()):
            assert getattr(config, name) == defaults[name]


@pytest.mark.parametrize("path", [p for p in PROFILES if p.stem != "local"], ids=lambda path: path.stem)
def test_a_job_can_be_written_from_a_profile_with_all_its_examples(path: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("DASK_CONFIG", str(tmp_path))  # dask-jobqueue writes its defaults there when imported
    examples: dict = {}
    for line in SETTING.finditer(path.read_text()):
        examples |= tomllib.loads(line[0].removeprefix("# "))
    del examples["address"]
    examples["interface"] = "lo"  # the only one that every machine has
    config = ClusterConfig.model_validate(examples)
    try:
        script = job_script(config, "tls://127.0.0.1:8786", tmp_path)
    except ClusterError as exc:
        pytest.fail(str(exc))
    for text in (*config.directives, *config.prologue, str(config.local_directory)):
        assert text.replace(" ", "") in script.replace(" ", "")


def test_both_container_recipes_install_the_lock_on_the_same_python_and_not_as_root():
    docker, apptainer = ((DEPLOY / name).read_text() for name in ("Dockerfile", "stdask.def"))
    bases = set(re.findall(r"^(?:FROM|From:) (\S+)", docker + apptainer, re.MULTILINE))
    assert bases == {"python:3.11-slim"}
    install = "/opt/stdask/bin/pip install --no-cache-dir -c /src/constraints.txt /src"
    for recipe in (docker, apptainer):
        assert install in recipe
        assert re.search(r"deploy/constraints\.txt /src/", recipe)
        assert "/opt/stdask/bin/stdask" in recipe
    assert docker.index("USER stdask") < docker.index("ENTRYPOINT")
