"""Profiles load and name every setting, container recipes use the lock, and every command of the guides exists."""

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
import zipfile
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


PIP_CONF = """\
[global]
index-url = https://mirror.example/simple
trusted_host = mirror.example
    other.example
user = true
no-deps = true
[install]
target = /nowhere
timeout = 90
"""
TINY = "tiny-1.0.dist-info"


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Load deploy/install.py as a machine with a pip.conf and variables of pip sees it."""
    for name in [name for name in os.environ if name.startswith(("PIP_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "none"))
    monkeypatch.setenv("PIP_PREFIX", "/nowhere")
    monkeypatch.setenv("PIP_DEFAULT_TIMEOUT", "30")
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text(PIP_CONF)
    spec = importlib.util.spec_from_file_location("install", DEPLOY / "install.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_installer_takes_from_pips_settings_where_packages_come_from_and_nothing_else(installer):
    found = installer.site_settings()
    expected = {
        "index-url": "https://mirror.example/simple",
        "trusted-host": "mirror.example other.example",
        "timeout": "90",
        "default-timeout": "30",
    }
    of_this_machine = {name: value for name, value in found.items() if name not in expected}  # from /etc/pip.conf
    assert found == expected | of_this_machine
    assert not {"user", "target", "prefix", "no-deps"} & found.keys()


def test_pip_installs_into_the_environment_whatever_its_settings_are(installer, tmp_path: Path):
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:  # the least that is a wheel
        file.writestr(f"{TINY}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr(f"{TINY}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{TINY}/RECORD", "")
    command = [sys.executable, "-I", "-m", "pip", "install", "--dry-run", "--no-index", wheel]
    ours = subprocess.run(command, env=installer.environment(installer.site_settings()), capture_output=True)
    assert (ours.returncode, b"Would install tiny-1.0" in ours.stdout) == (0, True), ours.stderr
    assert subprocess.run(command, env=dict(os.environ), capture_output=True).returncode != 0
