# SPDX-License-Identifier: MIT
"""How two peers come to be connected: the three roles, without I/O.

    client                          server (datagrams)
    Request, padded     ->
                        <-          Challenge, nothing kept
    Response            ->          cookie good: connection made
                        <-          Accepted (again for each further Response)

On a stream the address is proved by the stream itself: Request, then Accepted.
"""

from __future__ import annotations

from dataclasses import dataclass

from gamenet.connection.config import Link
from gamenet.connection.packets import (
    MAGIC,
    PROTOCOL_VERSION,
    REQUEST,
    Accepted,
    Challenge,
    Denied,
    Request,
    Response,
    packet_registry,
    padded_request,
    shortened,
)
from gamenet.errors import CloseReason
from gamenet.wire import Schema

__all__ = [
    "Admitted",
    "Challenged",
    "ClientHandshake",
    "DatagramServerHandshake",
    "Gate",
    "Refused",
    "StreamServerHandshake",
]

RESEND_INTERVAL = 0.1  # 10 Hz, as netcode 1.02's client
ANY_PROTOCOL = 0  # a client that wants the protocol described


@dataclass(frozen=True, slots=True)
class Challenged:
    """The server wants its cookie back."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The handshake is done."""

    tag: int
    user_data: bytes
    protocol_hash: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake has failed."""

    reason: CloseReason
    detail: str


Outcome = Challenged | Admitted | Refused | None


class Gate:
    """Decide from a request alone whether a peer can be understood.

    Args:
        protocol_hash: of what this server speaks.
        summary: what it speaks, in words; told to peers that speak something else.
    """

    def __init__(self, protocol_hash: bytes, summary: str = "") -> None:
        self._hash = int.from_bytes(protocol_hash, "little")
        self._summary = shortened(summary)

    def check(self, request: Request | Response) -> Refused | None:
        """Return why a request is refused, or None."""
        if request.magic != MAGIC:
            return Refused(CloseReason.MALFORMED, "not a gamenet request")
        if request.version != PROTOCOL_VERSION:
            return Refused(CloseReason.VERSION_MISMATCH, _versions(request.version))
        if request.protocol_hash not in (ANY_PROTOCOL, self._hash):
            return Refused(CloseReason.PROTOCOL_MISMATCH, self._summary)
        return None

    @staticmethod
    def foreign_version(data: bytes) -> bytes | None:
        """Return the reply to a request of another version, or None."""
        if len(data) < 23 or data[0] != REQUEST or data[1:5] != b"GNET":
            return None
        version = int.from_bytes(data[5:7], "little")
        if version == PROTOCOL_VERSION:
            return None
        salt = int.from_bytes(data[15:23], "little")
        denied = Denied(salt, CloseReason.VERSION_MISMATCH, _versions(version))
        return packet_registry.encode(denied)


def _versions(theirs: int) -> str:
    return f"the server speaks version {PROTOCOL_VERSION}, the client {theirs}"


class ClientHandshake:
    """Ask, answer the challenge, until accepted, denied or out of time.

    What comes before or after that is from another attempt, or a copy: a challenge or a
    denial that the network held back must not shake a connection that stands.
    """

    def __init__(
        self, protocol_hash: bytes, user_data: bytes, salt: int, link: Link
    ) -> None:
        self._request = Request(
            protocol_hash=int.from_bytes(protocol_hash, "little"),
            client_salt=salt,
            user_data=user_data,
        )
        self._link = link
        self._packet = (
            padded_request(self._request)
            if link is Link.DATAGRAM
            else packet_registry.encode(self._request)
        )
        self._send_at: float | None = None
        self._is_asking = False

    def begin(self, *, now: float) -> None:
        """Begin to ask."""
        self._is_asking = True
        self._send_at = now

    def stop(self) -> None:
        """Ask no more: the connection stands, or is over."""
        self._is_asking = False
        self._send_at = None

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        return self._send_at

    def packets_due(self, *, now: float) -> list[bytes]:
        """Return the packet that is due, if one is."""
        if self._send_at is None or now < self._send_at:
            return []
        is_datagram = self._link is Link.DATAGRAM
        self._send_at = now + RESEND_INTERVAL if is_datagram else None
        return [self._packet]

    def receive(self, packet: Schema, *, now: float) -> Outcome:
        """Take a packet of the server."""
        salt = self._request.client_salt
        if not self._is_asking or getattr(packet, "client_salt", None) != salt:
            return None
        if isinstance(packet, Denied):
            self.stop()
            return Refused(CloseReason.from_wire(packet.reason), packet.detail)
        if isinstance(packet, Accepted):
            self.stop()
            return Admitted(packet.tag, b"", self._request.protocol_hash)
        if isinstance(packet, Challenge) and self._link is Link.DATAGRAM:
            self._packet = packet_registry.encode(self._respond(packet))
            self._send_at = now
            return Challenged()
        return None

    def _respond(self, challenge: Challenge) -> Response:
        return Response(
            protocol_hash=self._request.protocol_hash,
            client_salt=self._request.client_salt,
            cookie_time=challenge.cookie_time,
            cookie_low=challenge.cookie_low,
            cookie_high=challenge.cookie_high,
            user_data=self._request.user_data,
        )


class StreamServerHandshake:
    """Wait for the first packet of a stream, and answer it."""

    def __init__(self, gate: Gate, tag: int) -> None:
        self._gate = gate
        self._tag = tag
        self._replies: list[bytes] = []

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        return 0.0 if self._replies else None

    def packets_due(self, *, now: float) -> list[bytes]:
        """Return the answer, once."""
        replies, self._replies = self._replies, []
        return replies

    def stop(self) -> None:
        """Do nothing: what was answered is still to be told."""

    def receive(self, packet: Schema, *, now: float) -> Outcome:
        """Take a packet of the client."""
        if not isinstance(packet, Request):
            return Refused(CloseReason.MALFORMED, "the first packet is no request")
        refused = self._gate.check(packet)
        if refused is not None:
            denied = Denied(packet.client_salt, refused.reason, refused.detail)
            self._replies.append(packet_registry.encode(denied))
            return refused
        accepted = Accepted(packet.client_salt, self._tag)
        self._replies.append(packet_registry.encode(accepted))
        return Admitted(self._tag, packet.user_data, packet.protocol_hash)


class DatagramServerHandshake:
    """Say Accepted, and say it again for each Response that comes again."""

    def __init__(self, response: Response, tag: int) -> None:
        self.client_salt = response.client_salt
        self._accepted = packet_registry.encode(Accepted(response.client_salt, tag))
        self._is_due = True

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        return 0.0 if self._is_due else None

    def packets_due(self, *, now: float) -> list[bytes]:
        """Return Accepted if it is due."""
        was_due, self._is_due = self._is_due, False
        return [self._accepted] if was_due else []

    def stop(self) -> None:
        """Do nothing: what was answered is still to be told."""

    def receive(self, packet: Schema, *, now: float) -> Outcome:
        """Take a packet of the client."""
        if isinstance(packet, Response) and packet.client_salt == self.client_salt:
            self._is_due = True
        return None


Handshake = ClientHandshake | StreamServerHandshake | DatagramServerHandshake
