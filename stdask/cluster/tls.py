"""The certificate of a run: it admits the run's own workers only, and encrypts what they send."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed.security import Security

NAME = "stdask"
CLOCKS_APART = timedelta(days=1)  # A node whose clock is behind by no more than this accepts the certificate.
LIFETIME = timedelta(days=366)


def temporary_security() -> Security:
    """Make a key and a certificate for one start, kept in memory."""
    return _security(*_key_and_certificate())


def _security(key: str, certificate: str) -> Security:
    roles = ("client", "scheduler", "worker")
    keys = {f"tls_{role}_key": key for role in roles} | {f"tls_{role}_cert": certificate for role in roles}
    return Security(require_encryption=True, tls_ca_file=certificate, **keys)


def _key_and_certificate() -> tuple[str, str]:
    """Make a key and a certificate that it signed itself, as PEM.

    `Security.temporary()` of Dask is valid from the second of its creation, so that a node whose clock is a little
    behind refuses it.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCKS_APART)
        .not_valid_after(now + LIFETIME)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return private, public


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
    contents = _key_and_certificate()
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    for path, content in zip((key, certificate), contents, strict=True):
        path.touch(mode=0o600)
        path.write_text(content, encoding="ascii")
    return _security(*contents), [
        "--tls-ca-file",
        str(certificate),
        "--tls-cert",
        str(certificate),
        "--tls-key",
        str(key),
    ]
