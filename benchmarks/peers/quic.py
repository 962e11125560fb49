# SPDX-License-Identifier: MIT
"""QUIC datagrams through aioquic: unreliable, encrypted, congestion-controlled."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import DatagramFrameReceived, QuicEvent
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.blasting import Blast, Tally
from benchmarks.peers.asking import asked
from benchmarks.roles import Pipe

__all__ = ["MODES", "blast", "count"]

MODES = ("unreliable",)
LARGEST_FRAME = 65_536
PROTOCOLS = ["bench"]
PENDING = 64
"""Datagrams that wait in aioquic, which itself would queue without limit."""


def count(pipe: Pipe, mode: str) -> None:
    """Count what comes as fast as it can: a role of `throughput`."""
    asyncio.run(_count(pipe))


def blast(pipe: Pipe, mode: str, port: int, ticket: bytes, blasting: Blast) -> None:
    """Send as much as the connection takes: a role of `throughput`."""
    asyncio.run(_blast(port, blasting))
    pipe.send(blasting.result())


async def _count(pipe: Pipe) -> None:
    tally = Tally()

    class Counting(QuicConnectionProtocol):
        def quic_event_received(self, event: QuicEvent) -> None:
            if isinstance(event, DatagramFrameReceived):
                tally.note(event.data)

    configuration = _configuration(is_client=False)
    _certify(configuration)
    server: Any = await serve(
        "127.0.0.1", 0, configuration=configuration, create_protocol=Counting
    )
    pipe.send((_port(server), b""))
    await asked(pipe)
    pipe.send(tally.result())
    server.close()


async def _blast(port: int, blasting: Blast) -> None:
    configuration = _configuration(is_client=True)
    configuration.verify_mode = ssl.CERT_NONE
    async with connect("127.0.0.1", port, configuration=configuration) as protocol:
        quic: Any = protocol._quic  # noqa: SLF001 - it has no other way to send datagrams
        pending = quic._datagrams_pending  # noqa: SLF001 - or to tell its queue
        blasting.begin()
        while not blasting.is_over():
            for _ in range(PENDING - len(pending)):
                quic.send_datagram_frame(blasting.next_message())
            protocol.transmit()
            await asyncio.sleep(0)


def _configuration(*, is_client: bool) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=PROTOCOLS,
        max_datagram_frame_size=LARGEST_FRAME,
    )


def _port(server: Any) -> int:
    transport = server._transport  # noqa: SLF001 - it does not tell its port otherwise
    return int(transport.get_extra_info("sockname")[1])


def _certify(configuration: QuicConfiguration) -> None:
    """Give the server a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    with tempfile.TemporaryDirectory() as folder:
        chain, secret = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_bytes(public)
        secret.write_bytes(private)
        configuration.load_cert_chain(chain, secret)
