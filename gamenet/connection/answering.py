# SPDX-License-Identifier: MIT
"""The server's side of the handshake; see `gamenet.connection.handshake`."""

from __future__ import annotations

from hmac import compare_digest

from gamenet.connection.door import Door
from gamenet.connection.envelopes import NetcodeEnvelope, StreamEnvelope
from gamenet.connection.extension import (
    MAX_DETAIL,
    STREAM_ACCEPTED,
    STREAM_REQUEST_SIZE,
    STREAM_TAIL,
    stream_proof,
    write_refusal,
)
from gamenet.connection.netcode import ACCEPTED, REFUSED, REQUEST_SIZE, TAG
from gamenet.connection.outcomes import Admitted, Outcome, Pass, Refused
from gamenet.errors import CloseReason

__all__ = ["RESEND_INTERVAL", "DatagramServerHandshake", "StreamServerHandshake"]

RESEND_INTERVAL = 0.1  # 10 Hz, as netcode's reference client


class StreamServerHandshake:
    """Wait for the first frame of a stream; answer when it is decided who may stay.

    Args:
        door: checks the token.
    """

    def __init__(self, door: Door) -> None:
        self._door = door
        self._pass: Pass | None = None
        self._has_received = False
        self._replies: list[bytes] = []

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        return 0.0 if self._replies else None

    def packets_due(self, *, now: float, has_payload: bool = False) -> list[bytes]:
        """Return the answer, once."""
        replies, self._replies = self._replies, []
        return replies

    def stop(self) -> None:
        """Do nothing: what was answered is still to be told."""

    def receive(self, data: bytes, source: str, *, now: float) -> Outcome:
        """Take the first frame of the client.

        Returns:
            Admitted, without a slot: `accept` gives one; or Refused, and the client
            will be told.
        """
        if self._has_received:
            return "late"
        self._has_received = True
        outcome = self._examine(data, source)
        if isinstance(outcome, Refused):
            self.refuse(outcome)
        else:
            self._pass = outcome.pass_
        return outcome

    def accept(self, slot: int) -> Refused | None:
        """Let the client in.

        Returns:
            Why it may not come in after all, or None.
        """
        assert self._pass is not None
        refused = self._door.spend(self._pass)
        if refused is not None:
            self.refuse(refused)
            return refused
        reply = STREAM_ACCEPTED.pack(ACCEPTED, slot, self._door.max_clients)
        self._replies.append(reply)
        return None

    def refuse(self, refused: Refused) -> None:
        """Tell the client why it may not come in."""
        body = write_refusal(refused, 1 + MAX_DETAIL)
        self._replies.append(bytes((REFUSED,)) + body)

    def _examine(self, data: bytes, source: str) -> Admitted | Refused:
        door = self._door
        request = door.read(data[:REQUEST_SIZE])
        if isinstance(request, Refused):
            return request
        if len(data) < REQUEST_SIZE + STREAM_TAIL.size:
            return Refused(CloseReason.MALFORMED, "no protocol behind the request")
        version, protocol_hash = STREAM_TAIL.unpack_from(data, REQUEST_SIZE)
        refused = door.check_protocol(protocol_hash, version)
        if refused is not None:
            return refused
        if len(data) != STREAM_REQUEST_SIZE:
            return Refused(CloseReason.MALFORMED, "a request is longer or shorter")
        pass_ = door.open_request(request)
        if isinstance(pass_, Refused):
            return pass_
        proof = stream_proof(pass_.client_to_server, data[:-TAG])
        if not compare_digest(data[-TAG:], proof):
            return Refused(CloseReason.TOKEN_INVALID, "no proof of the token's key")
        refused = door.use(pass_, source)
        if refused is not None:
            return refused
        return Admitted(StreamEnvelope(), pass_, protocol_hash, -1, door.max_clients)


class DatagramServerHandshake:
    """Tell a client that it is in, until it must have understood.

    Args:
        accepted: the packet that says so, of the extension.
        join: the packet that it answers.
        plain: instead of both, the envelope of a plain netcode peer, which learns it
            from keep-alives.
    """

    __slots__ = ("_accepted", "_is_due", "_join", "_plain", "_send_at")

    def __init__(
        self,
        accepted: bytes = b"",
        join: bytes = b"",
        plain: NetcodeEnvelope | None = None,
    ) -> None:
        self._accepted = accepted
        self._join = join
        self._plain = plain
        self._is_due = True
        self._send_at = 0.0

    def confirm(self) -> None:
        """Note that the client has sent something: it knows."""
        self._is_due = False
        self._accepted = self._join = b""
        self._plain = None

    def stop(self) -> None:
        """Say no more: the connection is over."""
        self.confirm()

    def next_timeout(self) -> float | None:
        """Return when a packet is due."""
        if self._is_due:
            return 0.0
        return None if self._plain is None else self._send_at

    def packets_due(self, *, now: float, has_payload: bool = False) -> list[bytes]:
        """Return what is due.

        Args:
            now: monotonic seconds.
            has_payload: whether a payload is about to be sent.
        """
        if self._plain is None:
            was_due, self._is_due = self._is_due, False
            return [self._accepted] if was_due else []
        if not (self._is_due or has_payload or now >= self._send_at):
            return []
        self._is_due = False
        self._send_at = now + RESEND_INTERVAL
        return [self._plain.keep_alive()]

    def receive(self, data: bytes) -> str:
        """Take a Response or Join from the client's address.

        Returns:
            Nothing if it is a copy of the one that was accepted, and will be answered
            as that was. Otherwise why it is dropped; it may be of another client at the
            same address, so the acceptor should have it.
        """
        if not self._join or data != self._join:
            return "unexpected"
        self._is_due = True
        return ""
