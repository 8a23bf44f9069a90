"""The certificate of a run: for the user's eyes alone, whole, and a new one for each start."""

import shutil
import ssl
import stat
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from stdask.cluster.local import LocalWorkers
from stdask.cluster.tls import make_security


def paths_in(arguments: list[str]) -> dict[str, Path]:
    return dict(zip(arguments[::2], map(Path, arguments[1::2]), strict=True))


def test_only_the_user_can_read_the_key(tmp_path: Path):
    folder = tmp_path / "run" / "cluster" / "tls"
    files = paths_in(make_security(folder)[1])
    assert set(files) == {"--tls-ca-file", "--tls-cert", "--tls-key"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert {path.parent for path in files.values()} == {folder}


def test_key_and_certificate_belong_together_and_the_driver_trusts_them(tmp_path: Path):
    security, arguments = make_security(tmp_path / "tls")
    files = paths_in(arguments)
    worker = ssl.create_default_context(cafile=str(files["--tls-ca-file"]))
    worker.load_cert_chain(files["--tls-cert"], files["--tls-key"])  # It raises if they do not fit.
    assert security.tls_ca_file == files["--tls-ca-file"].read_text()
    assert security.require_encryption


def test_each_start_has_a_certificate_of_its_own_and_leaves_no_other(tmp_path: Path):
    folder = tmp_path / "tls"
    first = make_security(folder)[0]
    (folder / "left.pem").write_text("of an earlier run")
    second, arguments = make_security(folder)
    assert first.tls_worker_key != second.tls_worker_key
    assert set(folder.iterdir()) == set(paths_in(arguments).values())


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_node_whose_clock_is_hours_behind_or_ahead_accepts_the_certificate(tmp_path: Path):
    certificate = paths_in(make_security(tmp_path / "tls")[1])["--tls-cert"]
    for hours in (-23, -1, 0, 24 * 300):  # no run lasts longer than 300 days
        at = int(time.time() + 3600 * hours)
        # another program judges, by a clock that is set to the time of the node
        command = ["openssl", "verify", "-attime", str(at), "-CAfile", certificate, certificate]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{hours} h: {done.stderr}"


def test_workers_of_this_machine_have_such_a_certificate_too():
    with LocalWorkers(1, "1GiB") as workers:
        certificate = x509.load_pem_x509_certificate(workers.cluster.security.tls_worker_cert.encode())
    assert datetime.now(UTC) - certificate.not_valid_before_utc > timedelta(hours=23)
