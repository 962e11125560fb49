# SPDX-License-Identifier: MIT
"""Tokens and packets, exchanged with the reference implementation of netcode.

Its example programs `client` and `server` have to be in the folder that the environment
variable GAMENET_NETCODE_REFERENCE names; they are not part of gamenet. Without them the
tests are skipped, with a reason; where GAMENET_REQUIRE names `netcode-reference` that
is a failure (see tests/requirements.py).

The examples share a key and a protocol id, and send payloads of 1,200 bytes 60 times a
second; they end, with an error, when they receive any other payload.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.challenges import ChallengeTokens
from gamenet.connection.netcode import (
    CHALLENGE,
    DENIED,
    DISCONNECT,
    KEEP_ALIVE,
    PAYLOAD,
    RESPONSE,
    PacketOpener,
    PacketSealer,
    Request,
    read_request,
)
from gamenet.connection.tokens import (
    ConnectToken,
    PrivateToken,
    ServerAddress,
    issue_token,
    open_private,
)
from tests.requirements import VARIABLE, RequirementMissingError

FOLDER = "GAMENET_NETCODE_REFERENCE"
COMPONENT = "netcode-reference"
KEY = bytes.fromhex("606abe6ec91910ea9a6562f66f2b30e44371d62cd19927266b3c60f4b715aba1")
PROTOCOL_ID = 0x1122334455667788
PATTERN = bytes(i % 256 for i in range(1200))
CLIENT_ID = 0xFEDCBA9876543210
GLOBAL = 1 << 63 | 0x474E << 40 | 0x123456789A
"""A sequence as gamenet's servers have them for packets outside a connection."""
FROM_SERVER = frozenset({DENIED, CHALLENGE, KEEP_ALIVE, PAYLOAD, DISCONNECT})
FROM_CLIENT = frozenset({RESPONSE, KEEP_ALIVE, PAYLOAD, DISCONNECT})
LIMIT = 5.0
SILENCE = 0.4


def program(name: str) -> str:
    """Return the path of a program of the reference, or skip (or fail) the test."""
    path = Path(os.environ.get(FOLDER, "")) / name
    if FOLDER in os.environ and os.access(path, os.X_OK):
        return str(path)
    reason = (
        f"the reference implementation of netcode is not at hand: {FOLDER} names no "
        "folder with its example programs `client` and `server`"
    )
    if COMPONENT in re.split(r"[,\s]+", os.environ.get(VARIABLE, "")):
        raise RequirementMissingError(f"{reason}; {VARIABLE} demands it")
    raise SkipTest(reason)


def token_for(address: ServerAddress, *, key: bytes = KEY, **changes) -> ConnectToken:
    """Return a token for a server."""
    settings = {
        "protocol_id": PROTOCOL_ID,
        "client_id": CLIENT_ID,
        "addresses": [address],
        "timeout": 5,
        "expires_in": 30,
        "user_data": b"gamenet",
        "unix_now": int(time.time()),
        "random_bytes": os.urandom,
    }
    return issue_token(key, **(settings | changes))


class ReferenceTestCase(SynchronousTestCase):
    """A socket of ours, and a program of the reference."""

    def setUp(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        self.output = ""

    def start(self, name: str, address: ServerAddress) -> subprocess.Popen:
        """Start a program; it is gone when the test is over."""
        process = subprocess.Popen(
            [program(name), str(address)], stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def finish(self, process: subprocess.Popen) -> None:
        """Wait for the end of a program that was content, and keep what it said."""
        self.output, _ = process.communicate(timeout=LIMIT)
        self.assertEqual(process.returncode, 0, self.output)

    def receive(self, seconds: float = LIMIT) -> tuple[bytes, tuple[str, int]] | None:
        """Return a datagram and its sender, or None if none comes."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recvfrom(2048)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def expect(self, opener: PacketOpener, kind: int, legal: frozenset[int]):
        """Return sequence and body of the next packet of a kind."""
        ends_at = time.monotonic() + LIMIT
        while time.monotonic() < ends_at:
            received = self.receive()
            self.assertIsNotNone(received, f"kind {kind} did not come")
            opened = opener.open(received[0], legal)
            if isinstance(opened, tuple) and opened[0] == kind:
                return opened[1:]
        return self.fail(f"kind {kind} did not come among others")


class ServerTests(ReferenceTestCase):
    """The reference's server takes our tokens and packets, and we read its own."""

    def setUp(self) -> None:
        super().setUp()
        self.server = self.start("server", self.free_address())

    def free_address(self) -> ServerAddress:
        """Return an address of the loopback that nobody listens on."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = ServerAddress(*probe.getsockname())
        return self.address

    def send(self, packet: bytes) -> None:
        """Send a packet to the server."""
        self.socket.sendto(packet, (self.address.host, self.address.port))

    def request(self, token: ConnectToken) -> tuple[bytes, tuple[str, int]] | None:
        """Ask for a connection until there is an answer, or clearly none."""
        ends_at = time.monotonic() + LIMIT
        while time.monotonic() < ends_at:
            self.send(token.request())
            received = self.receive(0.1)
            if received is not None:
                return received
        return None

    def stop(self) -> None:
        """End the server as an operator does."""
        self.server.send_signal(signal.SIGINT)
        self.finish(self.server)

    def test_connection(self) -> None:
        """We ask, prove our address, exchange payloads and leave."""
        token = token_for(self.address)
        sealer = PacketSealer(token.client_to_server, PROTOCOL_ID)
        opener = PacketOpener(token.server_to_client, PROTOCOL_ID)
        received = self.request(token)
        self.assertIsNotNone(received, "the server does not take our token")
        kind, sequence, challenge = opener.open(received[0], FROM_SERVER)
        self.assertEqual(kind, CHALLENGE)
        self.assertGreaterEqual(sequence, 1 << 63)
        self.send(sealer.seal(RESPONSE, challenge))
        _, places = self.expect(opener, KEEP_ALIVE, FROM_SERVER)
        self.assertEqual(struct.unpack("<II", places), (0, 256))
        for _ in range(300):
            self.send(sealer.seal(PAYLOAD, PATTERN))
        self.assertGreater(sealer.sequence, 255)
        for _ in range(10):
            _, body = self.expect(opener, PAYLOAD, FROM_SERVER)
            self.assertEqual(body, PATTERN)
        self.assertGreaterEqual(opener.newest, 10)
        self.send(sealer.seal(DISCONNECT, b""))
        while self.receive(SILENCE):
            pass
        self.stop()
        self.assertIn(f"{CLIENT_ID:016x} in slot 0", self.output)
        self.assertIn("server disconnected client 0", self.output)
        self.assertNotIn("timed out", self.output)

    def test_refused(self) -> None:
        """Tokens of another key, game or server, and expired ones, get no answer."""
        self.assertIsNotNone(self.request(token_for(self.address)))
        elsewhere = ServerAddress(self.address.host, self.address.port ^ 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            for token in (
                token_for(self.address, key=bytes(32)),
                token_for(self.address, protocol_id=PROTOCOL_ID ^ 1 << 63),
                token_for(self.address, expires_in=0),
                token_for(elsewhere),
            ):
                to = self.address.host, self.address.port
                stranger.sendto(token.request(), to)
            stranger.settimeout(SILENCE)
            self.assertRaises(TimeoutError, stranger.recv, 2048)
        self.stop()

    def test_replayed(self) -> None:
        """Packets that come twice, corrupted or late do no harm, there or here."""
        token = token_for(self.address)
        sealer = PacketSealer(token.client_to_server, PROTOCOL_ID)
        opener = PacketOpener(token.server_to_client, PROTOCOL_ID)
        received = self.request(token)
        _, _, challenge = opener.open(received[0], FROM_SERVER)
        self.send(sealer.seal(RESPONSE, challenge))
        self.expect(opener, KEEP_ALIVE, FROM_SERVER)
        packets = [sealer.seal(PAYLOAD, PATTERN) for _ in range(20)]
        for packet in (*packets[10:], *packets, *packets):
            self.send(packet)
            self.send(packet[:-1] + bytes((packet[-1] ^ 1,)))
        data, _ = self.receive()
        while not isinstance(opener.open(data, FROM_SERVER), tuple):
            data, _ = self.receive()
        self.assertEqual(opener.open(data, FROM_SERVER), "replayed")
        self.send(sealer.seal(DISCONNECT, b""))
        self.stop()


class ClientTests(ReferenceTestCase):
    """The reference's client joins a server of ours, which reads its token."""

    def setUp(self) -> None:
        super().setUp()
        self.address = ServerAddress(*self.socket.getsockname())
        self.client = self.start("client", self.address)
        self.challenges = ChallengeTokens(os.urandom(32))

    def admit(self) -> tuple[Request, PrivateToken]:
        """Read the client's request and challenge it, so that it responds."""
        data, self.peer = self.receive()
        request = read_request(data)
        token = open_private(KEY, request)
        self.assertIsNotNone(token, "we do not read its token")
        self.sealer = PacketSealer(token.server_to_client, PROTOCOL_ID)
        self.opener = PacketOpener(token.client_to_server, PROTOCOL_ID)
        number, sealed = self.challenges.seal(token.client_id, token.user_data)
        challenge = number.to_bytes(8, "little") + sealed
        self.send(self.sealer.seal_as(CHALLENGE, GLOBAL, challenge))
        return request, token

    def send(self, packet: bytes) -> None:
        """Send a packet to the client."""
        self.socket.sendto(packet, self.peer)

    def test_connection(self) -> None:
        """It asks, proves its address, exchanges payloads, and leaves when told to."""
        request, token = self.admit()
        self.assertEqual(request.protocol_id, PROTOCOL_ID)
        self.assertLess(abs(request.expires - time.time() - 30), 5)
        self.assertEqual((token.timeout, token.addresses), (5, (self.address,)))
        _, body = self.expect(self.opener, RESPONSE, FROM_CLIENT)
        number = int.from_bytes(body[:8], "little")
        opened = self.challenges.open(number, body[8:])
        self.assertEqual(opened, (token.client_id, token.user_data))
        self.send(self.sealer.seal(KEEP_ALIVE, struct.pack("<II", 3, 16)))
        for _ in range(10):
            _, body = self.expect(self.opener, PAYLOAD, FROM_CLIENT)
            self.assertEqual(body, PATTERN)
            self.send(self.sealer.seal(PAYLOAD, PATTERN))
        self.send(self.sealer.seal(DISCONNECT, b""))
        self.finish(self.client)
        self.assertIn(f"client id is {token.client_id:016x}", self.output)
        self.assertIn("client connected to server", self.output)
        self.assertNotIn("timed out", self.output)

    def test_denied(self) -> None:
        """A denial, too, has one of the sequences outside a connection."""
        self.admit()
        self.send(self.sealer.seal_as(DENIED, GLOBAL + 1, b""))
        self.finish(self.client)
        self.assertNotIn("client connected", self.output)
        self.assertNotIn("timed out", self.output)
