# SPDX-License-Identifier: MIT
"""The examples of docs/STANDARD.md: real exchanges, with numbers easy to find.

Nothing is drawn at random here: whoever writes a client can make the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from examples.drift import Drift, Position, Steer
from gamenet.connection import (
    Accept,
    Acceptor,
    Admitted,
    Channel,
    Connection,
    ConnectionConfig,
    ConnectToken,
    DeliveryMode,
    Door,
    Link,
    Reply,
    ServerAddress,
    StreamServerHandshake,
)
from gamenet.connection.connection import CloseReason
from gamenet.connection.crypto import public_key, shared_secret
from gamenet.connection.envelopes import session_keys
from gamenet.connection.netcode import PACKET, PacketOpener, Request
from gamenet.connection.tickets import TicketIssuer
from gamenet.connection.tokens import PrivateToken, open_private
from gamenet.game import Protocol, messages, protocol
from gamenet.ids import MessageId
from gamenet.prediction import Feedback, InputBuffer, Sight
from gamenet.replication import Event, EventCodec, EventOutbox, Sender, Viewer
from gamenet.wire import COMPONENT_CODECS, ComponentUpdate, StateUpdate, fixed
from gamenet.wire.standard import hex_dump
from gamenet.world import World

__all__ = ["CAPACITY", "UNRELIABLE", "examples"]

KEY = bytes(range(32))
PROTOCOL_ID = 0x1122334455667788
UNIX_TIME = 1_800_000_000
SERVER = ServerAddress("127.0.0.1", 40000)
CLIENT = "192.0.2.1:4000"
CLIENT_SECRET, SERVER_SECRET = b"\x11" * 32, b"\x22" * 32
CONNECTION_ID = 0x01020304
MAX_CLIENTS = 64
CAPACITY = 4096
LARGE = 5000
N_LEFT = 3
"""Pieces of a large message that have left when it is given up."""
SHOWN = 32
"""Bytes that are shown of something long."""
CONFIG = ConnectionConfig(
    channels=(*protocol.CHANNELS, Channel(8, DeliveryMode.UNRELIABLE_SEQUENCED, "s"))
)
UNRELIABLE = Connection(CONFIG, Link.DATAGRAM).limit_of(1)


class Counted:
    """Bytes that say how often they were asked for: 01 01 01, then 02 02 02."""

    def __init__(self) -> None:
        self._n = 0

    def __call__(self, size: int) -> bytes:
        self._n += 1
        return bytes((self._n,)) * size


def new_door() -> Door:
    """Return the door of a server for the game of the README."""
    return Door(
        key=KEY,
        protocol_id=PROTOCOL_ID,
        protocol_hash=Protocol.of(Drift).hash,
        summary=Protocol.of(Drift).summary(),
        addresses=lambda: [SERVER],
        unix_time=lambda: UNIX_TIME,
        random_bytes=Counted(),
        max_clients=MAX_CLIENTS,
    )


def new_token(door: Door) -> ConnectToken:
    """Return the token of a client who wants to be called ada."""
    return door.issue(
        client_id=7, user_data=b"ada", timeout=5, expires_in=30, addresses=[SERVER]
    )


def new_client(token: ConnectToken, link: Link) -> Connection:
    """Return a client that asks with a token."""
    client = Connection.client(
        CONFIG,
        token=token,
        protocol_hash=Protocol.of(Drift).hash,
        secret=CLIENT_SECRET,
        link=link,
    )
    client.connect(now=0.0)
    return client


def examples() -> dict[str, str]:
    """Return every example by its name in the template."""
    return {
        **_token_examples(),
        **_datagram_examples(),
        **_stream_examples(),
        **_frame_examples(),
        **_resume_example(),
        **_game_examples(),
    }


# -- tokens and handshakes --------------------------------------------------------


def _plain_text(token: ConnectToken) -> bytes:
    request = Request(token.protocol_id, token.expires, token.nonce, token.private)
    private = open_private(KEY, request)
    assert isinstance(private, PrivateToken)
    return private.encode()


def _token_examples() -> dict[str, str]:
    token = new_token(new_door())
    plain = _plain_text(token)
    shown = plain.rstrip(b"\0")
    return {
        "example_protocol_id": f"0x{PROTOCOL_ID:x}",
        "example_expires": str(token.expires),
        "private_example": hex_dump(shown),
        "private_padding": f"{len(plain) - len(shown)} zeros follow:",
        "sealed_example": f"{hex_dump(token.private[:SHOWN])}\n\n"
        f"{hex_dump(token.private[-16:])}",
    }


def _datagram_examples() -> dict[str, str]:
    door = new_door()
    token = new_token(door)
    client = new_client(token, Link.DATAGRAM)
    acceptor = Acceptor(
        door,
        admit=lambda _source, _pass: None,
        new_secret=lambda: SERVER_SECRET,
        new_id=lambda: CONNECTION_ID,
        slot_for=lambda _pass: 3,
    )
    (request,) = client.datagrams_to_send(now=0.0)
    challenged = acceptor.receive(request, CLIENT, now=1.0)
    assert isinstance(challenged, Reply)
    (challenge,) = challenged.datagrams
    client.receive_datagram(challenge, now=0.0)
    (join,) = client.datagrams_to_send(now=0.0)
    accept = acceptor.receive(join, CLIENT, now=1.0)
    assert isinstance(accept, Accept)
    (accepted,) = accept.handshake.packets_due(now=1.0)
    client.receive_datagram(accepted, now=0.0)
    client.send(1, b"hello", now=0.0)
    packet = client.datagrams_to_send(now=0.0)[0]
    return {
        "request_example": hex_dump(request[:54]),
        "request_padding": f"{len(request) - 54:,} bytes of private part follow.",
        "challenge_example": hex_dump(challenge),
        "join_example": hex_dump(join),
        "accepted_example": hex_dump(accepted),
        **_sealed_examples(token, packet),
    }


def _sealed_examples(token: ConnectToken, packet: bytes) -> dict[str, str]:
    """Return the keys of the connection, and a packet with and without its seal."""
    up, down = session_keys(
        shared_secret(CLIENT_SECRET, public_key(SERVER_SECRET)),
        token.client_to_server + token.server_to_client,
        public_key(CLIENT_SECRET),
        public_key(SERVER_SECRET),
    )
    opener = PacketOpener(up, PROTOCOL_ID, CONNECTION_ID.to_bytes(4, "little"))
    opened = opener.open(packet, frozenset({PACKET}))
    assert not isinstance(opened, str)
    return {
        "keys_example": f"{hex_dump(up)}\n\n{hex_dump(down)}",
        "packet_example": hex_dump(packet),
        "body_example": hex_dump(opened[2]),
    }


def _stream_pair() -> tuple[Connection, Connection, bytes, bytes]:
    """Return both ends of a stream, and the two packets that have made them."""
    door = new_door()
    client = new_client(new_token(door), Link.STREAM)
    (request,) = client.datagrams_to_send(now=0.0)
    handshake = StreamServerHandshake(door)
    admitted = handshake.receive(request, CLIENT, now=0.0)
    assert isinstance(admitted, Admitted)
    handshake.accept(0)
    (accepted,) = handshake.packets_due(now=0.0)
    client.receive_datagram(accepted, now=0.0)
    server = Connection.accepted(CONFIG, admitted, link=Link.STREAM, now=0.0)
    return client, server, request, accepted


def _stream_examples() -> dict[str, str]:
    _client, _server, request, accepted = _stream_pair()
    return {
        "stream_request_example": hex_dump(request[1078:]),
        "stream_accepted_example": hex_dump(accepted),
    }


# -- bodies ------------------------------------------------------------------------


def _bodies_with(*sends: tuple[int, bytes]) -> list[bytes]:
    """Return the bodies of the client's first packets with some messages."""
    client, _server, _request, _accepted = _stream_pair()
    for channel, payload in sends:
        client.send(channel, payload, now=0.0)
    return [packet[1:] for packet in client.datagrams_to_send(now=0.0)]


def _frame_examples() -> dict[str, str]:
    piece = _bodies_with((0, bytes(LARGE)))[0]
    head = piece.rstrip(b"\0")
    return {
        "run_example": hex_dump(_bodies_with((0, b"one"), (0, b"two"))[0]),
        "message_example": hex_dump(_bodies_with((1, b"hello"))[0]),
        "sequenced_example": hex_dump(_bodies_with((8, b"now"))[0]),
        "piece_example": hex_dump(head),
        "piece_padding": f"it is {len(piece)} bytes long, and zeros after these:",
        "cancelled_example": hex_dump(_cancelled()),
        "close_example": hex_dump(_close()),
    }


def _cancelled() -> bytes:
    """Return the body that gives a large message up, of which some pieces have left."""
    door = new_door()
    slow = replace(CONFIG, bandwidth=1000.0)
    client = Connection.client(
        slow,
        token=new_token(door),
        protocol_hash=Protocol.of(Drift).hash,
        secret=CLIENT_SECRET,
        link=Link.STREAM,
    )
    client.connect(now=0.0)
    client.datagrams_to_send(now=0.0)
    client.receive_datagram(_stream_pair()[3], now=0.0)
    number = client.send(0, bytes(LARGE), now=0.0)
    assert len(client.datagrams_to_send(now=0.0)) == N_LEFT
    client.cancel(number)
    return client.datagrams_to_send(now=9.0)[0][1:]


def _close() -> bytes:
    client, _server, _request, _accepted = _stream_pair()
    client.datagrams_to_send(now=0.0)
    client.close(CloseReason.NORMAL, "bye", now=0.0)
    return client.datagrams_to_send(now=0.0)[-1][1:]


def _resume_example() -> dict[str, str]:
    door = new_door()
    token = new_token(door)
    issued: list[ConnectToken] = []

    def issue(_generation: int) -> ConnectToken:
        issued.append(token)
        return token

    (message, _second) = TicketIssuer(b"\x03" * 32, issue).messages()
    return {
        "resume_example": hex_dump(message[: 5 + SHOWN]),
        "resume_padding": f"of its {len(message):,} bytes the first ones (the token "
        "sealed here is that above):",
    }


# -- games -------------------------------------------------------------------------


def _game_examples() -> dict[str, str]:
    speaks = Protocol.of(Drift)
    encode = speaks.registry.encode
    welcome = encode(
        messages.Welcome(player_id=1, tick=90, tick_rate=30.0, capacity=CAPACITY)
    )
    pilot = InputBuffer(Drift.inputs)
    for tick in (94, 95):
        pilot.hold(Steer(x=127, y=-1), tick)
        pilot.close(tick, Sight(tick - 5.25, tick - 6, tick - 4))
    feedback = Feedback(1_000_000, 0.005, 93.5, 95, slack=1.5, wanted=1.25, depth=2)
    health = COMPONENT_CODECS["health"](75, 100).encode()
    update = StateUpdate(1, 2, 3, 4, [ComponentUpdate("health", health)])
    return {
        "welcome_example": hex_dump(welcome),
        "welcome_packet_example": hex_dump(_packet_with(welcome)),
        "document": f"```json\n{json.dumps(speaks.document, indent=2)}\n```",
        "hash": speaks.hash.hex(),
        **_snapshot_examples(),
        "event_example": hex_dump(_explosion()),
        "input_example": hex_dump(pilot.packet(1_000_000)),
        "feedback_example": hex_dump(feedback.encode()),
        "state_update_example": hex_dump(update.encode()),
    }


def _snapshot_examples() -> dict[str, str]:
    """Return the snapshots of three ticks, of which the second is lost."""
    world = World(Drift.components, 16)
    first, second = (
        world.spawn(Position(x=x, y=y), owner=1) for x, y in ((1.0, -1.0), (2.5, 0.0))
    )
    sender = Sender(world, part_size=UNRELIABLE)
    viewer = sender.admit(1)
    world.tick = 90
    told = _told(sender, viewer, 90)
    viewer.acknowledge(MessageId(90))
    world.tick = 91
    world[second, Position].x = 2.75
    moved = _told(sender, viewer, 91)
    viewer.lose(MessageId(91))
    world.tick = 92
    world[second, Position].x = 3.0
    world.despawn(first)
    gone = _told(sender, viewer, 92)
    return {
        "snapshot_example": hex_dump(told),
        "moved_example": hex_dump(moved),
        "gone_example": hex_dump(gone),
    }


def _told(sender: Sender, viewer: Viewer, tick: int) -> bytes:
    """Send a client the only part of a tick; the message has the tick's number."""
    sender.begin(tick)
    (part,) = sender.parts(viewer)
    viewer.sent(part, MessageId(tick))
    return part.payload


def _explosion() -> bytes:
    """Return the message of an event."""

    class Explosion(Event):
        x: float = fixed(-512, 512, step=1 / 64)
        y: float = fixed(-512, 512, step=1 / 64)

    outbox = EventOutbox(EventCodec([Explosion]), 1)
    outbox.emit(Explosion(x=1.0, y=-1.0), 90)
    (message,) = outbox.messages(1, np.ones(1, np.uint8))
    return message


def _packet_with(message: bytes) -> bytes:
    """Return the first packet that a server sends on a stream, with a message in it."""
    _client, server, _request, _accepted = _stream_pair()
    server.send(protocol.CONTROL, message, now=0.0)
    (packet,) = server.datagrams_to_send(now=0.0)
    return packet
