# SPDX-License-Identifier: MIT
"""The server's door for datagrams: who is not connected yet talks to this.

Nothing is kept about an address from which no good token came. For one with a good
token its keys are kept, for some seconds and in a table with a bound, until the client
shows by returning the challenge that it receives at that address. The challenge that
comes back has to be the very one that went there.

Opening what strangers send costs time, so there is a limit on how often a second it is
tried. Requests and answers have limits of their own: a flood of forged requests must
not lock out those who have been challenged already. No reply is larger than what it
answers, so nobody can aim our replies at somebody else to any gain.

Source: netcode 1.02, "Processing Connection Requests" and "Processing Connection
Response Packets".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from gamenet.connection.answering import DatagramServerHandshake
from gamenet.connection.buckets import TokenBucket
from gamenet.connection.challenges import CHALLENGE_SIZE, ChallengeTokens
from gamenet.connection.crypto import public_key, shared_secret
from gamenet.connection.door import Door
from gamenet.connection.envelopes import (
    ExtendedEnvelope,
    NetcodeEnvelope,
    session_keys,
)
from gamenet.connection.extension import ACCEPTED_BODY, JOIN_TAIL, write_refusal
from gamenet.connection.netcode import (
    ACCEPTED,
    CHALLENGE,
    DENIED,
    JOIN,
    REFUSED,
    REQUEST,
    RESPONSE,
    TAG,
    PacketOpener,
    PacketSealer,
)
from gamenet.connection.outcomes import Admitted, Pass, Refused
from gamenet.connection.pending import Pending, PendingTable
from gamenet.connection.tokens import token_mac
from gamenet.errors import CloseReason, RemoteProtocolError

__all__ = ["Accept", "Acceptor", "Reply"]

MAX_PENDING = 1024
ATTEMPTS_PER_SECOND = 5000
ATTEMPTS_AT_ONCE = 2000

_ANSWERS = frozenset({RESPONSE, JOIN})
_CHALLENGE_BODY = 8 + CHALLENGE_SIZE
_GLOBAL_OVERHEAD = 1 + 8 + TAG


@dataclass(frozen=True, slots=True)
class Reply:
    """Send these datagrams back."""

    datagrams: list[bytes]


@dataclass(frozen=True, slots=True)
class Accept:
    """A client has proved its address: make a connection of these."""

    admitted: Admitted
    handshake: DatagramServerHandshake


class Acceptor:
    """Answer handshake datagrams of clients that have no connection.

    Args:
        door: checks tokens; all sockets of a server share it.
        admit: says why a client at an address may not come in, or None. It is asked
            more than once for each client. It is asked for those who want to resume a
            session, too (`Pass.session`), and must check that the session is there and
            that this generation of its tokens was not used.
        new_secret: returns 32 random bytes, fit for a secret.
        new_id: returns the id of a new connection, of 32 bits.
        slot_for: returns the place of a client who comes in.
    """

    def __init__(
        self,
        door: Door,
        *,
        admit: Callable[[str, Pass], CloseReason | None],
        new_secret: Callable[[], bytes],
        new_id: Callable[[], int],
        slot_for: Callable[[Pass], int],
    ) -> None:
        self._door = door
        self._admit = admit
        self._new_secret = new_secret
        self._new_id = new_id
        self._slot_for = slot_for
        self._challenges = ChallengeTokens(door.random_bytes(32))
        self._pending = PendingTable(MAX_PENDING)
        self._requests = TokenBucket(ATTEMPTS_PER_SECOND, ATTEMPTS_AT_ONCE)
        self._answers = TokenBucket(ATTEMPTS_PER_SECOND, ATTEMPTS_AT_ONCE)
        self.dropped: Counter[str] = Counter()
        """Datagrams dropped, by reason."""
        self.refused: Counter[str] = Counter()
        """Clients refused, by the name of the close reason, told or not."""

    def receive(self, data: bytes, source: str, *, now: float) -> Reply | Accept | None:
        """Take a datagram of an unconnected address; None means it was dropped."""
        kind = data[0] & 15 if data else -1
        if kind == REQUEST:
            return self._receive_request(data, source, now)
        if kind in _ANSWERS:
            return self._receive_answer(data, source, now)
        return self._drop("unconnected" if data else "truncated")

    # ------------------------------------------------------------------ requests

    def _receive_request(self, data: bytes, source: str, now: float) -> Reply | None:
        door = self._door
        request = door.read(data)
        if isinstance(request, Refused):
            return self._ignore(request.reason)
        pending = self._pending.find(source, token_mac(request))
        if pending is not None:
            pending.renew(now)
            return self._challenge(pending, source)
        if door.is_elsewhere(request, source):
            return self._ignore(CloseReason.TOKEN_USED)
        if self._requests.available(now) < 1:
            return self._drop("throttled")
        self._requests.take(1, now)
        pass_ = door.open_request(request)
        if isinstance(pass_, Refused):
            return self._ignore(pass_.reason)
        refused = door.use(pass_, source)
        if refused is not None:
            return self._ignore(refused.reason)
        if not self._pending.has_room(now=now):
            return self._drop("crowded")
        pending = self._pend(pass_)
        pending.renew(now)
        self._pending.add(source, pending)
        return self._challenge(pending, source)

    def _pend(self, pass_: Pass) -> Pending:
        sealer = PacketSealer(pass_.server_to_client, pass_.protocol_id)
        sequence, token = self._challenges.seal(pass_.client_id, pass_.user_data)
        body = sequence.to_bytes(8, "little") + token
        return Pending(
            pass_=pass_,
            sealer=sealer,
            opener=PacketOpener(pass_.client_to_server, pass_.protocol_id),
            answer=body,
            challenge=sealer.seal_as(CHALLENGE, self._door.next_sequence(), body),
        )

    def _challenge(self, pending: Pending, source: str) -> Reply:
        """Challenge a client, though it may not come in.

        A request does not say whether its sender speaks gamenet. A plain client has to
        be denied now; a gamenet client learns the reason when it has answered.
        """
        reason = self._admit(source, pending.pass_)
        if reason is None:
            return Reply([pending.challenge])
        self._count(pending, reason)
        if reason is CloseReason.TOKEN_USED:
            # netcode ignores who is connected already.
            return Reply([pending.challenge])
        return Reply([self._seal(pending, DENIED, b""), pending.challenge])

    # ------------------------------------------------------------------- answers

    def _receive_answer(
        self, data: bytes, source: str, now: float
    ) -> Reply | Accept | None:
        why = "unconnected"
        # Mostly there is one; if there are more, the newest is the likeliest.
        for pending in reversed(self._pending.at(source, now=now)):
            if self._answers.available(now) < 1:
                return self._drop("throttled")
            self._answers.take(1, now)
            opened = pending.opener.open(data, _ANSWERS)
            if isinstance(opened, str):
                why = opened
                continue
            kind, _, body = opened
            if not body.startswith(pending.answer):
                return self._drop("challenge")
            if kind == JOIN:
                return self._join(pending, data, body, source)
            return self._respond(pending, source)
        return self._drop(why)

    def _respond(self, pending: Pending, source: str) -> Reply | Accept | None:
        pass_ = pending.pass_
        refused = self._take_in(pending, source)
        if refused is not None:
            if refused.reason is CloseReason.TOKEN_USED:
                return None
            return Reply([self._seal(pending, DENIED, b"")])
        slot, max_clients = self._slot_for(pass_), self._door.max_clients
        envelope = NetcodeEnvelope(
            PacketSealer(pass_.server_to_client, pass_.protocol_id),
            pending.opener,
            slot=slot,
            max_clients=max_clients,
        )
        self._pending.connected(source, pending)
        admitted = Admitted(envelope, pass_, 0, slot, max_clients)
        return Accept(admitted, DatagramServerHandshake(plain=envelope))

    def _join(
        self, pending: Pending, data: bytes, body: bytes, source: str
    ) -> Reply | Accept | None:
        pass_, door = pending.pass_, self._door
        version, protocol_hash, client_public = JOIN_TAIL.unpack_from(
            body, _CHALLENGE_BODY
        )
        refused = door.check_protocol(protocol_hash, version)
        if refused is not None:
            self._count(pending, refused.reason)
        else:
            refused = self._take_in(pending, source)
        if refused is not None:
            body = write_refusal(refused, len(data) - _GLOBAL_OVERHEAD)
            return Reply([self._seal(pending, REFUSED, body)])
        secret = self._new_secret()
        try:
            shared = shared_secret(secret, client_public)
        except RemoteProtocolError:
            return self._drop("key")
        server_public = public_key(secret)
        slot, connection_id = self._slot_for(pass_), self._new_id()
        envelope = ExtendedEnvelope(
            session_keys(shared, pass_.token_keys, client_public, server_public),
            protocol_id=pass_.protocol_id,
            connection_id=connection_id,
            is_server=True,
        )
        place = connection_id, slot, door.max_clients
        accepted = self._seal(
            pending, ACCEPTED, ACCEPTED_BODY.pack(server_public, *place)
        )
        self._pending.connected(source, pending)
        admitted = Admitted(envelope, pass_, protocol_hash, slot, door.max_clients)
        return Accept(admitted, DatagramServerHandshake(accepted, data))

    def _take_in(self, pending: Pending, source: str) -> Refused | None:
        """Spend the token of a client, or return why it may not come in."""
        reason = self._admit(source, pending.pass_)
        if reason is None:
            refused = self._door.spend(pending.pass_)
        else:
            refused = Refused(reason, "")
        if refused is not None:
            self._count(pending, refused.reason)
        return refused

    # ------------------------------------------------------------------ counting

    def _seal(self, pending: Pending, kind: int, body: bytes) -> bytes:
        return pending.sealer.seal_as(kind, self._door.next_sequence(), body)

    def _count(self, pending: Pending, reason: CloseReason) -> None:
        """Count a client that is refused, once for all its tries."""
        if pending.told is not reason:
            pending.told = reason
            self.refused[reason.name] += 1

    def _ignore(self, reason: CloseReason) -> Reply | None:
        self.refused[reason.name] += 1
        return None

    def _drop(self, reason: str) -> Reply | None:
        self.dropped[reason] += 1
        return None
