"""What all tasks share reaches every worker, late ones too, and damage on the way is noticed."""

import pytest
from distributed import Client, LocalCluster

from stdask.cluster.broadcast import Broadcast, broadcast, call_broadcast
from stdask.errors import ClusterError


def scaled(number: int, factor: int) -> int:
    return factor * number


def test_the_same_content_has_the_same_digest_and_another_has_another():
    digests = [Broadcast(scaled, (factor,)).digest for factor in (3, 3, 4)]
    assert digests[0] == digests[1] != digests[2]


def test_what_arrives_damaged_is_refused_in_words():
    plugin = Broadcast(scaled, (b"weights" * 100,))
    plugin._payload = plugin._payload.replace(b"weights", b"weightz", 1)
    with pytest.raises(ClusterError, match=r"arrived damaged at this worker\. Run the same command again"):
        plugin.setup(None)


def test_a_worker_that_joins_late_has_what_was_sent_before():
    with (
        LocalCluster(processes=False, n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
        broadcast(client, scaled, 3) as digest,
    ):
        first = set(client.scheduler_info()["workers"])
        cluster.scale(2)
        client.wait_for_workers(2, timeout=30)
        (late,) = set(client.scheduler_info()["workers"]) - first
        assert client.submit(call_broadcast, digest, 2, workers=[late], pure=False).result(timeout=30) == 6
