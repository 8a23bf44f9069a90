"""Workers of this machine come back whatever ends them."""

import time

import pytest

from stdask.cluster.local import SECONDS_TO_COME_BACK, LocalWorkers


@pytest.mark.faults
def test_a_worker_whose_nanny_has_given_up_is_replaced(capsys: pytest.CaptureFixture[str]):
    now = 0.0
    with LocalWorkers(2, "1GiB", lambda: now) as local:
        (victim, nanny), *_ = local.cluster.workers.items()
        local.cluster.sync(nanny.close)  # as one that failed to start its worker
        deadline = time.monotonic() + 60
        while len(local.cluster.scheduler.workers) > 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        local.look()  # gone since now
        now = SECONDS_TO_COME_BACK
        local.look()
        assert victim in local.cluster.worker_spec  # it may still come
        now += 1
        local.look()
        while len(local.cluster.scheduler.workers) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(local.cluster.scheduler.workers) == 2
    assert "1 workers did not come back" in capsys.readouterr().out
