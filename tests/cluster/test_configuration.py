"""Dask's configuration: its defaults and stdask's own settings, whatever the user or the site has set."""

from collections.abc import Iterator
from copy import deepcopy

import dask
import pytest
import yaml

from stdask.cluster.configuration import ONE_THREAD, SETTINGS, own_configuration
from stdask.errors import ClusterError
from tests.hostile import FILES


@pytest.fixture
def hostile() -> Iterator[dict]:
    """Configure Dask as a site does, until the test ends."""
    before = deepcopy(dask.config.config)
    for name, text in FILES.items():
        if name.startswith("home/.config/dask"):
            dask.config.update(dask.config.config, yaml.safe_load(text))
    yield deepcopy(dask.config.config)
    dask.config.config.clear()
    dask.config.config.update(before)


def test_nothing_of_a_hostile_configuration_is_left_and_all_of_it_comes_back(hostile: dict):
    with own_configuration("slurm"):
        expected = dask.config.merge(*map(deepcopy, dask.config.defaults))
        dask.config.set(deepcopy(SETTINGS), config=expected)
        assert dask.config.config == expected
        assert "logging" not in dask.config.config
    assert dask.config.config == hostile


def test_a_block_that_fails_gives_the_configuration_back_too(hostile: dict):
    with pytest.raises(KeyError), own_configuration("local"):
        raise KeyError
    assert dask.config.config == hostile


def test_timeouts_of_the_site_are_used():
    with dask.config.set({"distributed.comm.timeouts.connect": "77s"}), own_configuration("local"):
        assert dask.config.get("distributed.comm.timeouts.connect") == "77s"
        assert dask.config.get("distributed.comm.timeouts.tcp") == "30s"


@pytest.mark.parametrize("value", ["soon", "-1s", [30]])
def test_a_timeout_that_is_none_is_a_clear_error(value: object):
    message = r"distributed\.comm\.timeouts\.tcp = .*, which is no duration"
    with (
        dask.config.set({"distributed.comm.timeouts.tcp": value}),
        pytest.raises(ClusterError, match=message),
        own_configuration("local"),
    ):
        pass


def test_certificates_of_the_user_are_for_a_scheduler_at_an_address_only():
    with dask.config.set({"distributed.comm.tls.ca-file": "/my/ca.pem"}):
        with own_configuration("address"):
            assert dask.config.get("distributed.comm.tls.ca-file") == "/my/ca.pem"
        with own_configuration("slurm"):
            assert dask.config.get("distributed.comm.tls.ca-file") is None


def test_settings_that_dask_changes_do_not_become_those_of_the_next_run():
    with own_configuration("local"):
        dask.config.get("distributed.nanny.pre-spawn-environ")["ADDED"] = "1"
    assert "ADDED" not in ONE_THREAD
