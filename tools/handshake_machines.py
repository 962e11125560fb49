# SPDX-License-Identifier: MIT
"""Find out how both sides of the handshake move, by driving them.

They are plain code: each is brought into each of its states and shown each packet that
can come, and what becomes of it is written down. The keys are zeros, all of them.
"""

from __future__ import annotations

from gamenet.connection import Accept, Acceptor, ConnectToken, Door, Link, ServerAddress
from gamenet.connection.acceptor import Reply
from gamenet.connection.crypto import public_key
from gamenet.connection.extension import (
    ACCEPTED_BODY,
    STREAM_ACCEPTED,
    marked_sequence,
)
from gamenet.connection.handshake import Admitted, ClientHandshake, Refused, _Stage
from gamenet.connection.netcode import (
    ACCEPTED,
    CHALLENGE,
    DENIED,
    KEEP_ALIVE,
    REFUSED,
    PacketSealer,
)
from gamenet.connection.outcomes import Challenged
from gamenet.errors import CloseReason
from tools.state_machines import Machine, Move

__all__ = ["client_handshake", "server_door"]

HASH, OTHER_HASH = b"protocol", b"another!"
HERE = "192.0.2.1:4000"
SERVER = ServerAddress("127.0.0.1", 7777)
NAMES = dict(enumerate("Request Denied Challenge Response Keep-alive".split()))
NAMES |= {7: "Join", 8: "Accepted", 9: "Refused"}


# -- the client's handshake --------------------------------------------------------


def _zeros(size: int) -> bytes:
    return bytes(size)


def _door() -> Door:
    return Door(
        key=bytes(32),
        protocol_id=1,
        protocol_hash=HASH,
        summary="",
        addresses=lambda: [SERVER],
        unix_time=lambda: 0.0,
        random_bytes=_zeros,
        max_clients=64,
    )


def _token(door: Door) -> ConnectToken:
    return door.issue(
        client_id=1,
        user_data=b"",
        timeout=5,
        expires_in=30,
        addresses=[SERVER],
    )


def _handshake(
    token: ConnectToken, link: Link = Link.DATAGRAM, protocol_hash: bytes = HASH
) -> ClientHandshake:
    return ClientHandshake(
        token, link=link, protocol_hash=protocol_hash, secret=b"\x11" * 32
    )


def client_handshake() -> Machine:
    """Return the stages of a client that asks to be let in."""
    token = _token(_door())
    packets = _server_packets(token)
    streamed = {
        "Accepted on a stream": STREAM_ACCEPTED.pack(ACCEPTED, 0, 64),
        "Refused on a stream": bytes((REFUSED, CloseReason.SERVER_FULL)),
    }
    moves = [_ask(token, _Stage.IDLE, "begin")]
    moves += [_ask(token, stage, "stop") for stage in _Stage]
    for stage in _Stage:
        moves += [_hear(token, stage, name, data) for name, data in packets.items()]
        if stage in (_Stage.IDLE, _Stage.REQUESTING, _Stage.DONE):
            moves += [
                _hear(token, stage, name, data, Link.STREAM)
                for name, data in streamed.items()
            ]
    stages = tuple(stage.value for stage in _Stage)
    return Machine("client-handshake", stages, tuple(moves))


def _server_packets(token: ConnectToken) -> dict[str, bytes]:
    """Return every packet that a server may send to a client that asks."""
    seal = PacketSealer(token.server_to_client, token.protocol_id).seal_as
    gamenet, netcode = marked_sequence(1), 1 << 63
    accepted = ACCEPTED_BODY.pack(public_key(b"\x22" * 32), 1, 0, 64)
    return {
        "Challenge of gamenet": seal(CHALLENGE, gamenet, bytes(308)),
        "Challenge of netcode": seal(CHALLENGE, netcode, bytes(308)),
        "Denied by gamenet": seal(DENIED, gamenet, b""),
        "Denied by netcode": seal(DENIED, netcode, b""),
        "Keep-alive": seal(KEEP_ALIVE, 0, bytes(8)),
        "Accepted": seal(ACCEPTED, gamenet, accepted),
        "Refused": seal(REFUSED, gamenet, bytes((CloseReason.SERVER_FULL,))),
    }


def _at_stage(token: ConnectToken, stage: _Stage, link: Link) -> ClientHandshake:
    handshake = _handshake(token, link)
    packets = _server_packets(token)
    if stage is not _Stage.IDLE:
        handshake.begin(now=0.0)
    if stage is _Stage.RESPONDING:
        handshake.receive(packets["Challenge of netcode"], now=0.0)
    elif stage is _Stage.JOINING:
        handshake.receive(packets["Challenge of gamenet"], now=0.0)
    elif stage is _Stage.DONE:
        handshake.stop()
    return handshake


def _stage_of(handshake: ClientHandshake) -> str:
    return handshake._stage.value  # noqa: SLF001 - that is what is looked for


def _ask(token: ConnectToken, stage: _Stage, name: str) -> Move:
    handshake = _at_stage(token, stage, Link.DATAGRAM)
    if name == "begin":
        handshake.begin(now=0.0)
    else:
        handshake.stop()
    due = handshake.packets_due(now=0.0)
    effect = f"sends {NAMES[due[0][0] & 15]}" if due else ""
    return Move(stage.value, name, _stage_of(handshake), effect)


def _hear(
    token: ConnectToken,
    stage: _Stage,
    name: str,
    data: bytes,
    link: Link = Link.DATAGRAM,
) -> Move:
    handshake = _at_stage(token, stage, link)
    outcome = handshake.receive(data, now=0.0)
    effects = {Admitted: "connected", Refused: "refused"}
    if isinstance(outcome, Challenged):
        (sent,) = handshake.packets_due(now=0.0)
        effect = f"sends {NAMES[sent[0] & 15]}"
    elif isinstance(outcome, str):
        effect = f"dropped: {outcome}"
    else:
        effect = effects[type(outcome)]
    return Move(stage.value, name, _stage_of(handshake), effect)


# -- the server's door -------------------------------------------------------------


class _Entrance:
    """A datagram server before which one client stands, with one token."""

    def __init__(self) -> None:
        self.door = _door()
        self.reason: CloseReason | None = None
        self.acceptor = Acceptor(
            self.door,
            admit=lambda _source, _pass: self.reason,
            new_secret=lambda: b"\x22" * 32,
            new_id=lambda: 1,
            slot_for=lambda _pass: 0,
        )
        self.token = _token(self.door)
        self.accept: Accept | None = None

    @property
    def state(self) -> str:
        """Return what the server knows of the token."""
        if self.accept is not None:
            return "connected"
        is_pending = len(self.acceptor._pending)  # noqa: SLF001
        return "challenged" if is_pending else "unknown"

    def take(self, data: bytes) -> str:
        """Show the server a datagram; return what it does."""
        if self.accept is not None and not self.accept.handshake.receive(data):
            (again,) = self.accept.handshake.packets_due(now=0.0)
            return f"sends {NAMES[again[0] & 15]} again"
        answer = self.acceptor.receive(data, HERE, now=0.0)
        if isinstance(answer, Reply):
            kinds = [NAMES[each[0] & 15] for each in answer.datagrams]
            return f"sends {' and '.join(kinds)}"
        if isinstance(answer, Accept):
            self.accept = answer
            (reply,) = answer.handshake.packets_due(now=0.0)
            return f"sends {NAMES[reply[0] & 15]}"
        counted = self.acceptor.dropped + self.acceptor.refused
        return f"dropped: {next(iter(counted))}"

    def answer(self, protocol_hash: bytes = HASH, *, is_plain: bool = False) -> bytes:
        """Return the Response or Join of a client that was challenged."""
        asking = ClientHandshake(
            self.token,
            link=Link.DATAGRAM,
            protocol_hash=protocol_hash,
            secret=b"\x11" * 32,
            is_plain=is_plain,
        )
        asking.begin(now=0.0)
        challenge = self.acceptor.receive(self.token.request(), HERE, now=0.0)
        assert isinstance(challenge, Reply)
        asking.receive(challenge.datagrams[-1], now=0.0)
        (sent,) = asking.packets_due(now=0.0)
        return sent


def _stand(state: str) -> tuple[_Entrance, dict[str, bytes]]:
    """Return a server in a state, and what a client may send it."""
    made = _Entrance()
    request = made.token.request()
    datagrams = {
        "Request": request,
        "Request with another seal": request[:-1] + bytes((request[-1] ^ 1,)),
        "Request that has expired": request[:22] + bytes(8) + request[30:],
        "Response": made.answer(is_plain=True),
        "Join": made.answer(),
        "Join of another protocol": made.answer(OTHER_HASH),
    }
    if state == "unknown":
        made = _Entrance()
    elif state == "connected":
        made.take(datagrams["Join"])
    return made, datagrams


def server_door() -> Machine:
    """Return what a server does with one token from one address."""
    states = ("unknown", "challenged", "connected")
    moves = []
    for state in states:
        for name in _stand(state)[1]:
            moves.append(_knock(state, name, None))
            if name in ("Request", "Response", "Join"):
                moves.append(_knock(state, name, CloseReason.SERVER_FULL))
    return Machine("server-door", states, tuple(moves))


def _knock(state: str, name: str, reason: CloseReason | None) -> Move:
    """Return what a datagram does, where there is room or none."""
    made, datagrams = _stand(state)
    assert made.state == state
    made.reason = reason
    made.acceptor.dropped.clear()
    made.acceptor.refused.clear()
    effect = made.take(datagrams[name])
    shown = name if reason is None else f"{name} at a full server"
    return Move(state, shown, made.state, effect)
