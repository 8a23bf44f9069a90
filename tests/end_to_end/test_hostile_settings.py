"""A run starts among settings that are made for other work, all at once, and is what it is without them."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import load_run
from stdask.storage import paths
from stdask.storage.tables import read_parquet
from stdask.tools.run import run_stages, stages_of
from tests.hostile import make_command, make_hostile

DEFINITION = """
name = "{name}"
title = "{name}"
reference = "made up"
id = "id"
[labels.FE_H]
column = "feh"
typical_error = 0.1
"""
RUN = """
output = "out"
[surveys.a]
definition = "a.toml"
file = "a.csv"
[surveys.b]
definition = "b.toml"
file = "b.csv"
[pair]
match = { by = "position" }
max_ebv = "none"
[train]
min_pairs = 50
[[train.intrinsic]]
label = "FE_H"
from = "FE_H"
[cluster]
workers = 1
"""
STAGES = ("ingest_a", "ingest_b", "pair")
FIGURES = ("separations.png", "separations.pdf")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Write two surveys of the same stars, and a run file, into the hostile working directory."""
    make_hostile(tmp_path)
    folder, n_stars, rng = tmp_path / "here", 200, np.random.default_rng(1)
    ra, dec = rng.uniform(100, 140, n_stars), rng.uniform(-20, 20, n_stars)
    for name in "ab":
        (folder / f"{name}.toml").write_text(DEFINITION.format(name=name))
        moved = dec + rng.normal(0, 0.1, n_stars) / 3600
        stars = Table({"id": np.arange(n_stars), "ra": ra, "dec": moved, "feh": rng.normal(-0.3, 0.2, n_stars)})
        stars.write(folder / f"{name}.csv", format="ascii.csv")
    (folder / "run.toml").write_text(RUN)
    return folder


def test_hostile_settings_change_nothing_in_a_run_and_print_nothing(here: Path, tmp_path: Path):
    program, environment = make_command(tmp_path), make_hostile(tmp_path)
    for stage in ("ingest", "pair"):
        command = [program, stage, "run.toml"]
        done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
    plain = load_run(here / "run.toml", output=tmp_path / "plain")
    with Workers(ClusterConfig(), in_process=True) as workers:
        run_stages([stages_of(plain)[name] for name in STAGES], plain, workers)
    files = [paths.pairs(folder, "a", "b") for folder in (here / "out", plain.output)]
    assert read_parquet(files[0]).equals(read_parquet(files[1]))
    for name in FIGURES:
        hostile, own = (next(folder.rglob(name)).read_bytes() for folder in (here / "out", plain.output))
        assert hostile == own
    assert [path.name for path in (tmp_path / "home/.keras").iterdir()] == ["keras.json"]


def test_a_file_of_dask_that_is_no_yaml_is_one_clear_line(here: Path, tmp_path: Path):
    environment = make_hostile(tmp_path)
    broken = tmp_path / "home/.config/dask/distributed.yaml"
    broken.write_text("distributed: {scheduler: [\n")
    command = [make_command(tmp_path), "ingest", "run.toml"]
    done = subprocess.run(
        command, cwd=here, env=environment | {"COLUMNS": "9999"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert str(broken) in done.stderr
    assert done.stderr.startswith("stdask: Dask cannot read its configuration")
    assert "Traceback" not in done.stderr + done.stdout


def test_variables_of_the_user_reach_the_commands_of_the_site(tmp_path: Path):
    """A site's sbatch may be a program that needs them."""
    seen = tmp_path / "seen"
    script = f'#!/bin/sh\nenv > {seen}\necho "no such queue" >&2\nexit 1\n'
    for name in ("sbatch", "squeue", "scancel"):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    profile = tmp_path / "slurm.toml"
    profile.write_text('[cluster]\nkind = "slurm"\n')
    environment = make_hostile(tmp_path)
    environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    command = [make_command(tmp_path), "cluster", "check", "--cluster", str(profile)]
    done = subprocess.run(command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "no such queue" in done.stderr) == (2, True), done.stderr
    there = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    for name in ("PYTHONPATH", "KERAS_BACKEND", "DASK_TEMPORARY_DIRECTORY", "OMP_NUM_THREADS"):
        assert there[name] == environment[name]
    assert "PYTHONSAFEPATH" not in there
