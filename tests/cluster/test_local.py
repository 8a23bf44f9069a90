"""Workers of this machine come back whatever ends them, and say nothing when they are stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import pytest

from stdask.cluster.local import SECONDS_TO_COME_BACK, SECONDS_WITHOUT, LocalWorkers
from stdask.errors import ClusterError


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


# with a heartbeat every 4 ms there is one on its way at any moment, and with that many results some are not forgotten
BUSY = """
import sys, time
import distributed.scheduler
from stdask.cluster.local import LocalWorkers
from distributed import Client

if __name__ == "__main__":  # workers import this file again
    distributed.scheduler.heartbeat_interval = lambda n_workers: 0.004
    with LocalWorkers(2, "1GiB") as local, Client(local.cluster) as client:
        results = client.map(abs, range(300), pure=False)
        client.gather(results)
        time.sleep(1.2)  # until the workers have heard of the new interval
"""


# one heartbeat of each worker is answered late, as on a busy machine: it is still on its way when the workers stop
LATE = """
import asyncio, time
import distributed.scheduler
from stdask.cluster.local import LocalWorkers

if __name__ == "__main__":  # workers import this file again
    distributed.scheduler.heartbeat_interval = lambda n_workers: 0.05
    with LocalWorkers(2, "1GiB") as local:
        answer, asked = local.cluster.scheduler.handlers["heartbeat_worker"], []

        async def late(*arguments, **named):
            asked.append(1)
            if len(asked) <= 2:
                await asyncio.sleep(3)
            return answer(*arguments, **named)

        time.sleep(1.2)  # until the workers have heard of the new interval
        local.cluster.scheduler.handlers["heartbeat_worker"] = late
        while len(asked) < 2:
            time.sleep(0.01)
"""


@pytest.mark.parametrize("work", [pytest.param(BUSY, id="busy"), pytest.param(LATE, id="late")])
def test_workers_are_stopped_without_a_word(work: str, tmp_path: Path):
    program = tmp_path / "busy.py"
    program.write_text(work)
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


class NoCluster:
    """A cluster whose workers are all gone."""

    worker_spec: ClassVar = {}

    class scheduler:
        workers: ClassVar = {}


def test_a_machine_whose_workers_all_die_is_not_waited_for_without_end():
    now = 0.0
    local = LocalWorkers(1, "1GiB", lambda: now)
    local.cluster = NoCluster()
    local.look()
    now = SECONDS_WITHOUT
    local.look()
    now += 1
    with pytest.raises(ClusterError, match="All workers of this machine have been gone for 3 minutes"):
        local.look()


INTERRUPTED = """
import time
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig

if __name__ == "__main__":  # workers import this file again
    try:
        with Workers(ClusterConfig(workers=1)) as workers:
            future = workers.client.submit(time.sleep, 60)
            while not any(workers.client.processing().values()):
                time.sleep(0.1)
            time.sleep(0.5)
            workers.client.loop.add_callback(time.sleep, {delay})  # what is called meanwhile has to wait
            print("busy", flush=True)
            future.result()
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.mark.parametrize("delay", [pytest.param(0, id="in a call"), pytest.param(1, id="before a call has begun")])
def test_ctrl_c_stops_busy_workers_without_a_word(delay: int, tmp_path: Path):
    program = tmp_path / "interrupted.py"
    program.write_text(INTERRUPTED.format(delay=delay))
    command = [sys.executable, program]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            if line == "busy\n":
                break
        time.sleep(0.3)  # until the program waits for the result
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to all processes of a command
        rest, _ = process.communicate(timeout=60)
    assert rest == "interrupted\n"
