"""The worker of a batch job, on a node that is full of settings for other work."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import cloudpickle
import dask
import pytest
from distributed import Client, LocalCluster

from stdask.cluster.configuration import SETTINGS
from stdask.cluster.jobs import job_script
from stdask.config.cluster import ClusterConfig
from stdask.environment import python_options
from tests.hostile import ROOT, make_hostile

THREADS = "distributed.nanny.pre-spawn-environ"
SECONDS = 120  # A worker starts in five to thirty seconds on a busy machine.


def look_around() -> dict[str, object]:
    return {
        "modules": [sys.modules[name].__file__ for name in ("email", "queue", "random", "select", "signal", "numpy")],
        "threads": os.environ["OMP_NUM_THREADS"],
        "backend": os.environ["KERAS_BACKEND"],
        "settings": {key: dask.config.get(key) for key in SETTINGS},
        "preload": dask.config.get("distributed.worker.preload"),
        "resources": dask.config.get("distributed.worker.resources"),
        "level": logging.getLogger("distributed.worker").getEffectiveLevel(),
    }


@pytest.fixture
def node(tmp_path: Path) -> dict[str, str]:
    """Make a hostile home and working directory; return the environment of a job."""
    environment = make_hostile(tmp_path) | {"SLURM_JOB_ID": "7", "TMPDIR": str(tmp_path)}
    if python_options() == ["-P"]:  # This stdask is not installed, and needs PYTHONPATH.
        environment["PYTHONPATH"] = str(ROOT)
    return environment


def test_a_job_on_a_hostile_node_has_the_settings_of_stdask_only(tmp_path: Path, node: dict[str, str]):
    with (
        LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        config = ClusterConfig(kind="slurm", local_directory="$TMPDIR/own")
        script = tmp_path / "job.sh"
        script.write_text(job_script(config, cluster.scheduler_address, tmp_path / "logs"))
        with (
            (tmp_path / "log").open("w") as log,
            subprocess.Popen(["bash", script], cwd=tmp_path / "here", env=node, stderr=log, stdout=log) as job,
        ):
            cloudpickle.register_pickle_by_value(sys.modules[__name__])  # The worker has no tests to import.
            try:
                client.wait_for_workers(1, timeout=SECONDS)
                (seen,) = client.run(look_around).values()
            finally:
                cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
                job.terminate()
    assert not [place for place in seen.pop("modules") if str(tmp_path) in (place or "")]
    settings = seen.pop("settings")
    assert settings.pop(THREADS).items() >= SETTINGS[THREADS].items()  # Dask adds one about memory.
    assert settings == {key: value for key, value in SETTINGS.items() if key != THREADS}
    own = {"threads": "1", "backend": "tensorflow", "preload": [], "resources": {}, "level": logging.INFO}
    assert seen == own
    assert "DEBUG" not in (tmp_path / "log").read_text()


def test_a_job_on_a_node_without_a_variable_of_local_directory_ends_and_says_so(tmp_path: Path, node: dict[str, str]):
    script = tmp_path / "job.sh"
    script.write_text(job_script(ClusterConfig(kind="slurm", local_directory="${SCRATCH}/x"), "tcp://x:1", tmp_path))
    done = subprocess.run(["bash", script], env=node, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.strip().endswith("SCRATCH: not found on this node. Correct [cluster] local_directory")
