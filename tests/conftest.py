"""Fixtures that all tests share: the real survey files and an in-process Dask client."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401 - its BLAS is another than that of numpy, and only those that are loaded are limited
from distributed import LocalCluster
from threadpoolctl import threadpool_limits

from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.config.run import Run, load_run
from tests.disturbed import Disturbed, make_disturbed

JOBS = Path(__file__).parents[1] / "jobs"
DATA_DIR = Path(__file__).parents[2] / "shared" / "data"
FAULTS_SECONDS = 2400  # a limit against hanging: these tests are run on machines that other programs keep busy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the tests that kill processes or damage files more time than others."""
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.timeout(FAULTS_SECONDS))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Return the folder of the real survey files; skip the test where it is absent."""
    if not DATA_DIR.is_dir():
        pytest.skip(f"the real survey files are not at {DATA_DIR}")
    return DATA_DIR


@pytest.fixture(scope="session")
def lamost_run(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """LAMOST on APOGEE; stages that a test has run stay done for the next."""
    return load_run(JOBS / "lamost_to_apogee.toml", data_dir, tmp_path_factory.mktemp("lamost"))


@pytest.fixture(scope="session")
def disturbed(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Disturbed:
    """A trained run whose translation is to be disturbed."""
    return make_disturbed(tmp_path_factory.mktemp("disturbed"), data_dir)


@pytest.fixture(scope="session")
def client() -> Iterator[Workers]:
    """Two workers as threads of this process: tasks run as on a cluster, without its start-up.

    The limit of BLAS to one thread is that of the whole process: if each task set its own, the first one to end would
    lift that of the other, whose sums would then differ in their last bits.
    """
    # port 0 takes a free one; None takes 8787, and warns where that is taken
    cluster = LocalCluster(processes=False, n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with threadpool_limits(1), cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config) as workers:
            yield workers
