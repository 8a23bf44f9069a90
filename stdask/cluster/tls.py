"""The certificate of a run: it admits the run's own workers only, and encrypts what they send."""

import shutil
from pathlib import Path

from distributed.security import Security


def make_security(folder: Path) -> tuple[Security, list[str]]:
    """Make a key and a certificate, in files that only the user can read.

    Parameters
    ----------
    folder
        Where the workers read them, on a file system that driver and nodes share. Replaced if it exists.

    Returns
    -------
    security, arguments
        The settings of the driver, kept in memory, and the arguments of `dask worker`.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    security = Security.temporary()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    for path, content in ((key, security.tls_worker_key), (certificate, security.tls_worker_cert)):
        path.touch(mode=0o600)
        path.write_text(content, encoding="ascii")
    return security, ["--tls-ca-file", str(certificate), "--tls-cert", str(certificate), "--tls-key", str(key)]
