# SPDX-License-Identifier: MIT
"""The development certificate, and errors of files that are not what they should be."""

from __future__ import annotations

import ipaddress
import stat
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.transport import development_certificate, write_development_certificate
from gamenet.transport.certificates import client_context, server_context

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class CertificateTestCase(SynchronousTestCase):
    """Have a folder for files."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.certificate = self.folder / "certificate.pem"
        self.key = self.folder / "key.pem"


class DevelopmentTests(CertificateTestCase):
    """A development certificate is for this machine, for a month."""

    def test_contents(self):
        """It names the local hosts and the given ones, and lasts 30 days."""
        pem, _ = development_certificate(["play.example", "10.0.0.1"], now=NOW)
        certificate = x509.load_pem_x509_certificate(pem)
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        self.assertEqual(
            names.get_values_for_type(x509.DNSName), ["localhost", "play.example"]
        )
        self.assertEqual(
            names.get_values_for_type(x509.IPAddress),
            [ipaddress.ip_address(each) for each in ("127.0.0.1", "::1", "10.0.0.1")],
        )
        self.assertEqual(certificate.not_valid_after_utc, NOW + timedelta(days=30))
        self.assertLess(certificate.not_valid_before_utc, NOW)
        self.assertIsInstance(certificate.public_key().curve, ec.SECP256R1)

    def test_host_twice(self):
        """A host that is given twice is named once."""
        pem, _ = development_certificate(["localhost", "a.example", "a.example"])
        self.assertEqual(
            x509.load_pem_x509_certificate(pem)
            .extensions.get_extension_for_class(x509.SubjectAlternativeName)
            .value.get_values_for_type(x509.DNSName),
            ["localhost", "a.example"],
        )

    def test_host_that_is_none(self):
        """A host that no certificate can name is an error."""
        with self.assertRaisesRegex(ConfigError, "'bücher.example'"):
            development_certificate(["bücher.example"])

    def test_files(self):
        """The key file is readable by its owner alone."""
        write_development_certificate(self.certificate, self.key)
        self.assertEqual(stat.S_IMODE(self.key.stat().st_mode), 0o600)
        server_context(self.certificate, self.key)
        client_context("localhost", self.certificate)

    def test_nothing_is_overwritten(self):
        """A file that exists is an error, and stays."""
        self.key.write_text("precious")
        with self.assertRaisesRegex(ConfigError, r"key.pem': File exists"):
            write_development_certificate(self.certificate, self.key)
        self.assertEqual(self.key.read_text(), "precious")
        self.assertFalse(self.certificate.exists())


class FileTests(CertificateTestCase):
    """A file that is wrong is named, with what is wrong."""

    def setUp(self):
        super().setUp()
        write_development_certificate(self.certificate, self.key)
        self.other = self.folder / "other.pem"

    def test_missing(self):
        """A missing file is named."""
        for arguments in (
            (self.other, self.key),
            (self.certificate, self.other),
            (self.certificate, self.key, self.other),
        ):
            with self.assertRaisesRegex(
                ConfigError, "other.pem' cannot be read: No such"
            ):
                server_context(*arguments)
        with self.assertRaisesRegex(ConfigError, "trust file .* cannot be read"):
            client_context("localhost", self.other)

    def test_not_pem(self):
        """A file without certificate or key is named."""
        self.other.write_text("hello")
        with self.assertRaisesRegex(ConfigError, "holds no PEM certificate"):
            server_context(self.other, self.key)
        with self.assertRaisesRegex(ConfigError, "holds no private key"):
            server_context(self.certificate, self.other)

    def test_broken(self):
        """A certificate that is cut is named."""
        text = self.certificate.read_text()
        self.other.write_text(text[:100] + text[200:])
        with self.assertRaisesRegex(ConfigError, "certificate file .*other.pem' holds"):
            server_context(self.other, self.key)

    def test_encrypted_key(self):
        """A key behind a passphrase is an error, and nobody is asked for one."""
        key = serialization.load_pem_private_key(self.key.read_bytes(), None)
        self.other.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(b"secret"),
            )
        )
        with self.assertRaisesRegex(ConfigError, "other.pem' is encrypted"):
            server_context(self.certificate, self.other)

    def test_other_key(self):
        """A key that belongs to another certificate is an error."""
        other_certificate = self.folder / "second.pem"
        write_development_certificate(other_certificate, self.other)
        with self.assertRaisesRegex(ConfigError, "does not belong to certificate"):
            server_context(self.certificate, self.other)
