# SPDX-License-Identifier: MIT
"""Make TLS contexts from files, and a self-signed certificate for development.

Servers offer TLS 1.2 and later. Clients verify the server's name by service-identity
against the system's authorities, or against a file of certificates: with a self-signed
development certificate, that file is the certificate itself.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL, crypto
from twisted.internet import ssl

from gamenet.errors import ConfigError

__all__ = [
    "client_context",
    "development_certificate",
    "server_context",
    "write_development_certificate",
]

_LIFETIME = timedelta(days=30)
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


def development_certificate(
    hosts: Sequence[str] = (), *, now: datetime | None = None
) -> tuple[bytes, bytes]:
    """Return a self-signed certificate and its private key, both as PEM.

    It is for this machine's names and the given ones, and valid for 30 days: for
    development only, because nobody vouches for it.

    Args:
        hosts: further host names and addresses that the server is reached by.
        now: start of the validity; the current time if left out.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gamenet development")])
    start = now or datetime.now(UTC)
    names = [_general_name(host) for host in dict.fromkeys((*_LOCAL_HOSTS, *hosts))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A clock that is a little behind must not refuse a fresh certificate.
        .not_valid_before(start - timedelta(hours=1))
        .not_valid_after(start + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def write_development_certificate(
    certificate: str | Path, key: str | Path, hosts: Sequence[str] = ()
) -> None:
    """Write a development certificate and its key, the key readable by us alone.

    Raises:
        ConfigError: one of the files exists already, or cannot be written.
    """
    certificate_pem, key_pem = development_certificate(hosts)
    _write_new(Path(key), key_pem, 0o600)
    _write_new(Path(certificate), certificate_pem, 0o644)


def server_context(
    certificate: str | Path, key: str | Path, authority: str | Path = ""
) -> ssl.CertificateOptions:
    """Return the TLS settings of a server.

    Args:
        certificate: PEM file with the server's certificate, then its chain.
        key: PEM file with the private key.
        authority: PEM file; if given, a client must show a certificate of it.

    Raises:
        ConfigError: a file is missing or does not hold what it should; it is named.
    """
    with _pyopenssl_objects():
        leaf, *chain = _load_certificates("certificate", certificate)
        options = ssl.CertificateOptions(
            privateKey=_load_key(key),
            certificate=leaf.original,
            extraCertChain=[each.original for each in chain],
            trustRoot=_trust_root("authority", authority) if authority else None,
            raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
        )
        try:
            # Twisted keeps the context: it is made here, where errors have a name.
            options.getContext().check_privatekey()
        except SSL.Error:
            raise ConfigError(
                f"key {str(key)!r} does not belong to certificate {str(certificate)!r}"
            ) from None
    return options


def client_context(host: str, trust: str | Path = "") -> Any:
    """Return the TLS settings of a client, which verify the server's certificate.

    Args:
        host: name or address that the certificate must be for.
        trust: PEM file of the certificates to trust instead of the system's.

    Raises:
        ConfigError: the file is missing or holds no certificate.
    """
    with _pyopenssl_objects():
        root = _trust_root("trust", trust) if trust else None
        return ssl.optionsForClientTLS(host, trustRoot=root)


@contextlib.contextmanager
def _pyopenssl_objects() -> Iterator[None]:
    """Let Twisted 26.10 pass pyOpenSSL's own objects to pyOpenSSL, which warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Passing pyOpenSSL", DeprecationWarning)
        yield


def _general_name(host: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ipaddress.ip_address(host))
    try:
        return x509.DNSName(host)
    except ValueError:
        raise ConfigError(
            f"certificate host {host!r} is neither a name in ASCII nor an address"
        ) from None


def _write_new(path: Path, content: bytes, mode: int) -> None:
    """Create a file with its final mode from the start; never replace one."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise ConfigError(f"cannot create {str(path)!r}: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _read(option: str, path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{option} file {str(path)!r} cannot be read: {error.strerror}"
        ) from None


def _load_certificates(option: str, path: str | Path) -> list[ssl.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(_read(option, path))
    except ValueError as error:
        raise ConfigError(
            f"{option} file {str(path)!r} holds no PEM certificate: {error}"
        ) from None
    return [ssl.Certificate(crypto.X509.from_cryptography(each)) for each in found]


def _load_key(path: str | Path) -> crypto.PKey:
    try:
        key: Any = serialization.load_pem_private_key(_read("key", path), None)
    except TypeError:
        raise ConfigError(
            f"key file {str(path)!r} is encrypted; a server needs it in plain"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            f"key file {str(path)!r} holds no private key in PEM form"
        ) from None
    return crypto.PKey.from_cryptography_key(key)


def _trust_root(option: str, path: str | Path) -> Any:
    return ssl.trustRootFromCertificates(_load_certificates(option, path))
