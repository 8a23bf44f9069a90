"""What stands at `[cluster] address`: a scheduler that fits, or something else, which is named."""

import asyncio
import contextlib
import http.server
import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

import stdask
from stdask.cluster.faults import address as cluster_address
from stdask.cluster.faults.address import Pulse, connect
from stdask.cluster.tls import temporary_security
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError

SECONDS = 2.0  # A process of this machine answers within that time, or never.


@contextlib.contextmanager
def listening(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    """Let a server of another kind listen on this machine."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class Mute(socketserver.BaseRequestHandler):
    """A server that takes connections and says nothing."""

    def handle(self) -> None:
        self.request.recv(1)
        self.request.settimeout(30)
        with contextlib.suppress(OSError):
            self.request.recv(1 << 20)


class Quiet(http.server.BaseHTTPRequestHandler):
    """A web server."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None: ...


def in_this_process(**settings: object) -> LocalCluster:
    """Return a cluster whose workers are threads, reached by the network as any other."""
    return LocalCluster(**{"processes": False, "protocol": "tcp", "dashboard_address": "127.0.0.1:0"} | settings)


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with in_this_process(n_workers=1) as cluster:
        yield cluster


def refusal(address: str) -> str:
    with pytest.raises(ClusterError) as caught:
        connect(address, SECONDS)
    return str(caught.value)


def test_a_web_server_is_told_from_a_scheduler():
    with listening(Quiet) as port:
        text = refusal(f"tcp://127.0.0.1:{port}")
    assert f"No Dask scheduler answers at tcp://127.0.0.1:{port} (nothing within 2 s)" in text
    assert "A web server is there" in text
    assert "usually 8786" in text


def test_the_dashboard_of_a_scheduler_is_told_from_the_scheduler(cluster: LocalCluster):
    assert "A web server is there" in refusal(f"tcp://127.0.0.1:{cluster.scheduler.http_server.port}")


def test_a_server_that_says_nothing_is_not_waited_for():
    with listening(Mute) as port:
        assert "Something else listens there. Start a scheduler" in refusal(f"tcp://127.0.0.1:{port}")


def test_nobody_and_unknown_hosts_are_named():
    assert "Connection refused" in refusal("tcp://127.0.0.1:1")
    assert "Start a scheduler there" in refusal("tcp://nowhere.invalid:8786")


@pytest.mark.parametrize("address", ["127.0.0.1", "tcp://127.0.0.1", "tcp://127.0.0.1:port"])
def test_an_address_without_a_port_is_shown_a_whole_one(address: str):
    assert "Give tcp://HOST:PORT" in refusal(address)


def test_the_address_of_a_worker_leads_to_its_scheduler(cluster: LocalCluster):
    (worker,) = cluster.workers.values()
    own = cluster.scheduler_address
    assert refusal(worker.address) == (
        f"A Dask worker answers at {worker.address}, no scheduler. Set [cluster] address = {own!r}."
    )
    connect(own, 20).close()  # The advice is followed.


def test_tls_where_none_is_spoken_and_none_where_it_is(cluster: LocalCluster):
    plain = cluster.scheduler_address
    assert "it speaks plain TCP: write tcp://" in refusal(plain.replace("tcp:", "tls:"))
    with in_this_process(n_workers=0, protocol="tls", security=temporary_security()) as other:
        text = refusal(other.scheduler_address.replace("tls:", "tcp:"))
    assert f"It speaks TLS: write {other.scheduler_address} in [cluster] address" in text


def test_workers_of_another_version_are_named(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch):
    (worker,) = cluster.workers.values()
    monkeypatch.setattr(cluster_address, "__version__", "99.0")
    text = refusal(cluster.scheduler_address)
    assert f"needs stdask 99.0 everywhere, but {worker.address} has stdask {stdask.__version__}" in text
    assert f"the scheduler has stdask {stdask.__version__}" in text


def test_workers_without_stdask_are_named(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pydoc.locate", lambda *_: None)  # as it answers for a package that cannot be imported
    assert "has none" in refusal(cluster.scheduler_address)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def looked(pulse: Pulse, client: Client, clock: Clock, seconds: float) -> None:
    """Let time pass, and look after the question of that moment has been answered."""
    clock.now += seconds
    pulse.check()
    client.sync(asyncio.sleep, 0.2)
    while pulse._is_asking:  # on a busy machine
        client.sync(asyncio.sleep, 0.2)


def looked_again(pulse: Pulse, client: Client, clock: Clock) -> None:
    """Look several times: what an answer says shows at the next look."""
    for _ in range(5):
        looked(pulse, client, clock, 5)


def test_a_scheduler_without_workers_is_waited_for_with_a_word_and_an_end(capsys: pytest.CaptureFixture[str]):
    clock = Clock()
    with in_this_process(n_workers=0) as cluster, Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        for _ in range(10):
            looked(pulse, client, clock, 5)
        said = (
            rf"{cluster.scheduler_address} has had no worker for \d\d s; the run ends after 60 s\. Start workers with"
        )
        assert len(re.findall(said, " ".join(capsys.readouterr().out.split()))) == 1
        with pytest.raises(
            ClusterError, match=re.escape(f"Start workers with `dask worker {cluster.scheduler_address}`")
        ):
            looked_again(pulse, client, clock)


def test_workers_that_went_away_may_take_their_time_to_come_back(capsys: pytest.CaptureFixture[str]):
    clock = Clock()
    with in_this_process(n_workers=1) as cluster, Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        cluster.scale(0)
        client.sync(asyncio.sleep, 1.0)
        for _ in range(20):
            looked(pulse, client, clock, 20)
        assert "the run ends after 600 s" in capsys.readouterr().out
        cluster.scale(1)
        client.wait_for_workers(1, timeout=30)
        looked(pulse, client, clock, 300)  # It has been told, by an answer to come.
        for _ in range(20):
            looked(pulse, client, clock, 60)


async def unanswered(**_: object) -> None:
    raise OSError("nobody there")


def test_a_silent_scheduler_is_waited_for_with_a_word_and_an_end(
    cluster: LocalCluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    clock = Clock()
    with Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        monkeypatch.setattr(client.scheduler, "identity", unanswered)
        looked(pulse, client, clock, 2)
        looked(pulse, client, clock, 15)
        assert "has not answered for 15 s; the run ends after 600 s" in capsys.readouterr().out
        clock.now += 600
        with pytest.raises(ClusterError, match=r"has not answered for 615 s\. Start the scheduler, and run the same"):
            pulse.check()


def test_nobody_is_silent_while_nobody_asks(cluster: LocalCluster, capsys: pytest.CaptureFixture[str]):
    clock = Clock()
    with Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        looked(pulse, client, clock, 5)
        looked(pulse, client, clock, 3600)  # The driver has worked alone for an hour.
        looked(pulse, client, clock, 5)
    assert not capsys.readouterr().out


def test_workers_that_came_back_while_nobody_asked_are_seen(capsys: pytest.CaptureFixture[str]):
    clock = Clock()
    with in_this_process(n_workers=0) as cluster, Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        looked(pulse, client, clock, 5)
        cluster.scale(1)
        client.wait_for_workers(1, timeout=30)
        looked(pulse, client, clock, 3600)
        looked(pulse, client, clock, 5)
    assert not capsys.readouterr().out


def test_a_worker_that_comes_later_is_looked_at_too(monkeypatch: pytest.MonkeyPatch):
    clock = Clock()
    with in_this_process(n_workers=0) as cluster, Client(cluster) as client:
        pulse = Pulse(client, cluster.scheduler_address, clock)
        cluster.scale(1)
        client.wait_for_workers(1, timeout=30)
        monkeypatch.setattr(cluster_address, "__version__", "99.0")
        with pytest.raises(ClusterError, match=r"needs stdask 99\.0 everywhere"):
            looked_again(pulse, client, clock)


def test_a_run_on_an_address_without_workers_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cluster_address, "SECONDS_WITHOUT_WORKERS", 4.0)
    monkeypatch.setattr(cluster_address, "SECONDS_UNTIL_SAID", 3.5)
    from stdask.cluster.tasks import each

    with in_this_process(n_workers=0) as cluster:
        config = ClusterConfig(kind="address", address=cluster.scheduler_address)
        with Workers(config, tmp_path) as workers, pytest.raises(ClusterError, match="has had no worker for"):
            list(each(workers, abs, [1, 2], description="abs"))
