# SPDX-License-Identifier: MIT
"""How two peers come to be connected: the three roles, without I/O.

    client                          server (datagrams)
    Request, 1,078 B    ->          token good: its keys are kept for a while
                        <-          Challenge
    Response            ->          connection made
                        <-          Keep-alive (before each payload until confirmed)

So it is in netcode 1.02. The sequence of the Challenge says whether the server speaks
gamenet; to one that does the client sends no Response but

    Join: challenge, hash, key  ->  connection made, with keys of its own
                        <-          Accepted or Refused (again for each copy of Join)

A Join is sent again as the same bytes, so the server tells a copy from another attempt
by comparing, and nobody who does not see the packets can ask for copies of the answer.

A stream has proved the client's address itself: Request, then Accepted or Refused.

Source: netcode 1.02, "Client State Machine" and "Server-Side Connection Process".
"""

from __future__ import annotations

import math
import struct
from enum import Enum

from gamenet.connection.answering import (
    RESEND_INTERVAL,
    DatagramServerHandshake,
    StreamServerHandshake,
)
from gamenet.connection.config import Link
from gamenet.connection.crypto import public_key, shared_secret
from gamenet.connection.envelopes import (
    Envelope,
    ExtendedEnvelope,
    NetcodeEnvelope,
    StreamEnvelope,
    session_keys,
)
from gamenet.connection.extension import (
    ACCEPTED_BODY,
    EXTENSION_VERSION,
    JOIN_TAIL,
    STREAM_ACCEPTED,
    STREAM_TAIL,
    is_from_gamenet,
    read_refusal,
    stream_proof,
)
from gamenet.connection.netcode import (
    ACCEPTED,
    CHALLENGE,
    DENIED,
    JOIN,
    KEEP_ALIVE,
    REFUSED,
    RESPONSE,
    PacketOpener,
    PacketSealer,
)
from gamenet.connection.outcomes import Admitted, Challenged, Outcome, Refused
from gamenet.connection.tokens import ConnectToken
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = [
    "Admitted",
    "Challenged",
    "ClientHandshake",
    "DatagramServerHandshake",
    "Handshake",
    "Outcome",
    "Refused",
    "StreamServerHandshake",
]

_PLACE = struct.Struct("<II")


class _Stage(Enum):
    """How far a client has come."""

    IDLE = "idle"
    REQUESTING = "requesting"
    RESPONDING = "responding"
    JOINING = "joining"
    DONE = "done"


_LEGAL = {
    _Stage.REQUESTING: frozenset({DENIED, CHALLENGE}),
    _Stage.RESPONDING: frozenset({DENIED, KEEP_ALIVE}),
    _Stage.JOINING: frozenset({ACCEPTED, REFUSED}),
}
_DENIED = Refused(CloseReason.SERVER_FULL, "")


class ClientHandshake:
    """Ask, answer the challenge, until accepted, refused or out of time.

    What comes before or after that is from another attempt, or a copy: a challenge or a
    denial that the network held back must not shake a connection that stands.

    Args:
        token: says where we may go in, and holds the first keys.
        link: what carries the packets.
        protocol_hash: eight bytes; all zero asks the server to describe its protocol.
        secret: 32 random bytes that were used for nothing else.
        is_plain: speak netcode 1.02 and no more, also to a gamenet server.
        attempt: how often this token was tried before: no nonce may come twice.
    """

    def __init__(
        self,
        token: ConnectToken,
        *,
        link: Link,
        protocol_hash: bytes,
        secret: bytes,
        is_plain: bool = False,
        attempt: int = 0,
    ) -> None:
        self.expires_at = math.inf
        """When the token will have expired, if it was new as we began to ask."""
        self.token = token
        """What we ask with."""
        self._link = link
        self._hash = int.from_bytes(protocol_hash, "little")
        self._secret = secret
        self._public = b""
        self._is_plain = is_plain
        self._opener = PacketOpener(token.server_to_client, token.protocol_id)
        self._sealer = PacketSealer(
            token.client_to_server, token.protocol_id, first_sequence=attempt << 32
        )
        self._stage = _Stage.IDLE
        self._send_at: float | None = None
        self._packet = token.request()
        self._answer = b""
        if link is Link.STREAM:
            self._packet += STREAM_TAIL.pack(EXTENSION_VERSION, self._hash)
            self._packet += stream_proof(token.client_to_server, self._packet)

    def begin(self, *, now: float) -> None:
        """Begin to ask."""
        self.expires_at = now + self.token.expires - self.token.created
        self._stage = _Stage.REQUESTING
        self._send_at = now

    def stop(self) -> None:
        """Ask no more: the connection stands, or is over."""
        self._stage = _Stage.DONE
        self._send_at = None

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        return self._send_at

    def packets_due(self, *, now: float, has_payload: bool = False) -> list[bytes]:
        """Return the packet that is due, if one is."""
        if self._send_at is None or now < self._send_at:
            return []
        if self._link is Link.STREAM or now >= self.expires_at:
            self._send_at = None
            return [self._packet] if now < self.expires_at else []
        self._send_at = now + RESEND_INTERVAL
        if self._stage is _Stage.RESPONDING:
            return [self._sealer.seal(RESPONSE, self._answer)]
        return [self._packet]

    def receive(self, data: bytes, *, now: float) -> Outcome:
        """Take a packet of the server."""
        legal = _LEGAL.get(self._stage)
        if legal is None:
            return "late"
        if self._link is Link.STREAM:
            return self._receive_reply(data)
        opened = self._opener.open(data, legal)
        if isinstance(opened, str):
            return opened
        kind, sequence, body = opened
        if kind == CHALLENGE:
            return self._answer_challenge(body, is_from_gamenet(sequence), now)
        if kind == DENIED:
            return self._receive_denial(is_from_gamenet(sequence))
        if kind == ACCEPTED:
            return self._receive_acceptance(body)
        if kind == REFUSED:
            self.stop()
            return read_refusal(body)
        slot, max_clients = _PLACE.unpack(body)
        envelope = NetcodeEnvelope(self._sealer, self._opener)
        return self._finish(envelope, slot, max_clients)

    def _answer_challenge(self, body: bytes, is_gamenet: bool, now: float) -> Outcome:
        self._answer = body
        self._send_at = now
        if self._is_plain or not is_gamenet:
            self._stage = _Stage.RESPONDING
            return Challenged()
        self._public = public_key(self._secret)
        tail = JOIN_TAIL.pack(EXTENSION_VERSION, self._hash, self._public)
        # An attempt that is repeated with the same token must not repeat a nonce.
        sequence = int.from_bytes(self._public[:5], "little")
        self._packet = self._sealer.seal_as(JOIN, sequence, body + tail)
        self._stage = _Stage.JOINING
        return Challenged()

    def _receive_denial(self, is_gamenet: bool) -> Outcome:
        if is_gamenet and not self._is_plain:
            # The challenge that came with it leads to the server's reason.
            return "denied"
        self.stop()
        return _DENIED

    def _receive_acceptance(self, body: bytes) -> Outcome:
        server_public, connection_id, slot, max_clients = ACCEPTED_BODY.unpack(body)
        try:
            shared = shared_secret(self._secret, server_public)
        except RemoteProtocolError:
            return "key"
        token = self.token
        envelope = ExtendedEnvelope(
            session_keys(
                shared,
                token.client_to_server + token.server_to_client,
                self._public,
                server_public,
            ),
            protocol_id=token.protocol_id,
            connection_id=connection_id,
            is_server=False,
        )
        return self._finish(envelope, slot, max_clients)

    def _receive_reply(self, data: bytes) -> Outcome:
        kind = data[0] if data else -1
        if kind == REFUSED and len(data) > 1:
            self.stop()
            return read_refusal(data[1:])
        if kind != ACCEPTED:
            return "kind"
        if len(data) != STREAM_ACCEPTED.size:
            return "size"
        _, slot, max_clients = STREAM_ACCEPTED.unpack(data)
        return self._finish(StreamEnvelope(), slot, max_clients)

    def _finish(self, envelope: Envelope, slot: int, max_clients: int) -> Admitted:
        self.stop()
        return Admitted(envelope, None, self._hash, slot, max_clients)


Handshake = ClientHandshake | StreamServerHandshake | DatagramServerHandshake
