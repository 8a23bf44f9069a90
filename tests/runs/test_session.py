"""A command works in a folder alone, and its workers start only when a task needs them."""

from pathlib import Path

import pytest

from stdask.cluster.tasks import each
from stdask.config.cluster import ClusterConfig
from stdask.errors import BusyError
from stdask.runs.recorder import recorded_workers
from stdask.runs.session import session
from stdask.storage import paths


def double(number: int) -> int:
    return 2 * number


def test_nobody_else_works_in_the_folder_meanwhile(tmp_path: Path):
    with session(tmp_path, ClusterConfig()) as workers:
        assert workers.started is None
        assert recorded_workers() is workers
        with pytest.raises(BusyError), session(tmp_path, ClusterConfig()):
            pass
    assert recorded_workers() is None
    assert not paths.lock(tmp_path).exists()


def test_small_work_needs_no_workers(tmp_path: Path):
    with session(tmp_path, ClusterConfig(), in_process=True) as workers:
        assert dict(each(workers, double, [1, 2], description="double")) == {1: 2, 2: 4}
        assert workers.started is None
