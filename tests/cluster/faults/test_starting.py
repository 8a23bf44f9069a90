"""Machines on which no worker can start: one sentence with the cause, whatever Dask makes of it."""

import errno
import logging
import multiprocessing.popen_spawn_posix
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from stdask.cluster.faults.starting import explaining_start, noting_troubles, require_machine
from stdask.cluster.local import LocalWorkers
from stdask.cluster.workers import Workers
from stdask.config.cluster import ClusterConfig
from stdask.errors import ClusterError


def test_a_working_directory_that_is_gone_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ClusterError, match=r"The working directory cannot be used.*Change to another folder with `cd`"):
        require_machine()
    os.chdir(tmp_path)
    require_machine()  # The advice is followed.


def full(number: int) -> type:
    class FullFile:
        def __init__(self, **_: object) -> None:
            raise OSError(number, os.strerror(number))

    return FullFile


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EACCES])
def test_a_folder_for_temporary_files_that_takes_none_is_named(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", full(number))
    expected = f"Workers cannot write their temporary files to {tmp_path} ({os.strerror(number)}"
    with pytest.raises(ClusterError, match=re.escape(expected)) as caught:
        require_machine()
    assert "TMPDIR" in str(caught.value)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("unshare") is None, reason="needs the rights of root")
def test_a_full_temporary_folder_of_the_kernel_is_seen(tmp_path: Path):
    program = "from stdask.cluster.faults.starting import require_machine; require_machine()"
    mount = "mount -t tmpfs -o size=64k tmpfs . && TMPDIR=$PWD exec"
    command = f'{mount} {sys.executable} -c "{program}"'
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no file system can be mounted here")
    assert f"Workers cannot write their temporary files to {tmp_path} (No space left on device" in done.stderr


def test_a_limit_of_file_sizes_is_told_from_a_full_folder(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "TemporaryFile", full(errno.EFBIG))
    with pytest.raises(ClusterError, match=r"size of files is limited\. Raise the limit with `ulimit -f unlimited`"):
        require_machine()


def test_shared_memory_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch):
    def read_only(context: object) -> NoReturn:  # noqa: ARG001 - as multiprocessing has it
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(type(multiprocessing.get_context("spawn")), "Lock", read_only)
    with pytest.raises(ClusterError, match=r"Read-only file system.*Make /dev/shm writable"):
        require_machine()


def test_a_machine_without_a_loopback_network_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: object) -> NoReturn:
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))

    monkeypatch.setattr(socket, "create_connection", unreachable)
    with pytest.raises(ClusterError, match=r"cannot connect to itself.*ip link set lo up"):
        require_machine()


@pytest.mark.parametrize(
    ("number", "remedy"), [(errno.EAGAIN, "Start fewer workers with --workers"), (errno.ENOSPC, "/dev/shm")]
)
def test_worker_processes_that_cannot_be_started_are_one_sentence(
    number: int, remedy: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    def launch(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(multiprocessing.popen_spawn_posix.Popen, "_launch", launch)
    with pytest.raises(ClusterError) as caught, Workers(ClusterConfig(workers=2)) as workers:
        workers.client  # noqa: B018 - asking for it starts them
    assert "A worker of this machine could not start" in str(caught.value)
    assert os.strerror(number) in str(caught.value)
    assert remedy in str(caught.value)
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err


def test_workers_that_die_when_they_start_are_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "sitecustomize.py").write_text("import os, sys\nif 'spawn_main' in str(sys.orig_argv): os._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(ClusterError, match="A worker of this machine could not start"), LocalWorkers(1, "1GiB"):
        pass


def test_an_interface_that_does_not_exist_is_one_sentence_with_those_that_do(
    idle_slurm: Path, capfd: pytest.CaptureFixture[str]
):
    config = ClusterConfig(kind="slurm", workers=1, interface="ib7")
    with (
        pytest.raises(ClusterError, match=r"'ib7' is not a valid network interface.*'lo'.*Set \[cluster\] interface"),
        Workers(config, idle_slurm) as workers,
    ):
        workers.client  # noqa: B018 - asking for it starts them
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err


def test_the_first_cause_is_named_and_not_what_dask_makes_of_it():
    trouble = RuntimeError("Nanny failed to start.")
    trouble.__cause__ = OSError("disk on fire")
    with pytest.raises(ClusterError, match=r"^No start: disk on fire\. "), explaining_start("No start"):
        raise trouble


def test_what_dask_reports_is_kept_and_not_printed(capfd: pytest.CaptureFixture[str]):
    logger = logging.getLogger("distributed.nanny")
    with noting_troubles() as troubles:
        try:
            raise OSError("disk on fire")
        except OSError:
            logger.exception("Failed to start process")
        logger.error("without an exception")
    assert [str(error) for error in troubles.errors] == ["disk on fire"]
    assert "".join(capfd.readouterr()) == ""
