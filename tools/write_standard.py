# SPDX-License-Identifier: MIT
"""Write docs/STANDARD.md: the prose of the template, the bytes from the code.

`python tools/write_standard.py` writes the file; a test holds it equal.
"""

from __future__ import annotations

import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import construct as cs

from examples.drift import Drift, Position, Steer
from gamenet.connection import (
    Accept,
    Acceptor,
    Connection,
    ConnectionConfig,
    Gate,
    Link,
    Reply,
    acks,
    channels,
    connection,
    handshake,
    packets,
    rtt,
    traffic,
)
from gamenet.connection.packets import HEADER, REQUEST_SIZE, packet_registry
from gamenet.errors import CloseReason
from gamenet.game import Protocol, messages, protocol
from gamenet.prediction import InputBuffer, inputs
from gamenet.replication import EntityRef, Sender, blocks, sender
from gamenet.replication import messages as replicated
from gamenet.transport import Limits
from gamenet.wire import (
    COMPONENT_CODECS,
    ComponentUpdate,
    InputCommand,
    Schema,
    StateUpdate,
    angle,
    array,
    blob,
    enum,
    fixed,
    flag,
    nbits,
    nested,
    optional,
    quaternion,
    text,
    uint8,
    varint,
    wrapped,
)
from gamenet.wire.compounds import NestedField
from gamenet.wire.standard import hex_dump, schema_table
from gamenet.world import World

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "standard_template.md"
TARGET = ROOT / "docs" / "STANDARD.md"

CONFIG = ConnectionConfig()
LIMITS = Limits()
FRAGMENT = CONFIG.packet_size - HEADER.size - channels.FRAME_OVERHEAD
UNRELIABLE = CONFIG.packet_size - HEADER.size - traffic.UNRELIABLE_OVERHEAD
SALT, TAG = 0x1122334455667788, 0x0102030405060708
CAPACITY = 4096
SHOWN = 32
"""Bytes that are shown of a padded request."""


def standard() -> str:
    """Return the whole document."""
    parts = {**_numbers(), **_tables(), **_handshake_examples(), **_game_examples()}
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], template)


# -- numbers ----------------------------------------------------------------------


def _numbers() -> dict[str, str]:
    numbers = {
        "version": packets.PROTOCOL_VERSION,
        "request_size": REQUEST_SIZE,
        "max_frame": LIMITS.max_frame,
        "packet_size": CONFIG.packet_size,
        "max_name": messages.MAX_NAME,
        "resend": handshake.RESEND_INTERVAL,
        "handshake_timeout": CONFIG.handshake_timeout,
        "ack_window": acks.WINDOW,
        "ack_span": acks.ACK_SPAN - 1,
        "window": channels.WINDOW,
        "reorder": acks._REORDER_THRESHOLD,  # noqa: SLF001 - a part of the standard
        "fragment_size": FRAGMENT,
        "unreliable_size": UNRELIABLE,
        "max_message": CONFIG.max_message,
        "rtt_first": rtt._FIRST,  # noqa: SLF001
        "rtt_shortest": rtt._SHORTEST,  # noqa: SLF001
        "rtt_longest": rtt._LONGEST,  # noqa: SLF001
        "ack_delay": traffic.ACK_DELAY,
        "heartbeat": CONFIG.heartbeat,
        "timeout": CONFIG.timeout,
        "disconnect_copies": connection.DISCONNECT_COPIES,
        "first_game_message": messages.FIRST_GAME_MESSAGE,
        "max_capacity": messages.MAX_CAPACITY,
        "capacity": CAPACITY,
        "max_document": protocol.MAX_DOCUMENT,
        "inputs_per_packet": inputs.MAX_PER_PACKET,
        "inputs_queued": inputs.MAX_QUEUED,
        "repeats": inputs.REPEATS_PER_CLASS,
        "backlog": inputs.BACKLOG_TICKS,
        "repeated_bytes": inputs.MAX_REPEATED,
    }
    return {name: _shown(number) for name, number in numbers.items()}


def _shown(number: float) -> str:
    return f"{number:,.10g}" if isinstance(number, float) else f"{number:,}"


def _limits() -> str:
    rows = [
        ("`user_data`", packets.MAX_USER_DATA, "bytes", ""),
        ("`detail`", packets.MAX_DETAIL, "bytes", ""),
        ("reliable fragments on their way, a channel", channels.WINDOW, "", ""),
        ("rows of a block, from the first to the last", blocks.MAX_SPAN, "", ""),
        ("`block` of Spawned", replicated.MAX_BLOCK, "bytes", ""),
        ("`entities` of Despawned", replicated.MAX_DESPAWNED, "", ""),
        ("parts of a snapshot", sender.MAX_PARTS, "", ""),
        ("capacity of a world", messages.MAX_CAPACITY, "rows", ""),
        ("inputs of a message", inputs.MAX_PER_PACKET, "", ""),
        ("packet", CONFIG.packet_size, "bytes", "on both sides alike"),
        ("message", CONFIG.max_message, "bytes", "on both sides alike"),
        ("packet on tcp, tls, ws, wss", LIMITS.max_frame, "bytes", "yes"),
        ("handshake", CONFIG.handshake_timeout, "s", "yes"),
        ("silence", CONFIG.timeout, "s", "yes"),
        ("connections of one address", LIMITS.max_per_address, "", "yes"),
    ]
    lines = ["| what | at most | can be set |", "|---|---|---|"]
    lines += [
        f"| {what} | {_shown(number)} {unit}".rstrip() + f" | {settable or 'no'} |"
        for what, number, unit, settable in rows
    ]
    return "\n".join(lines)


# -- tables -----------------------------------------------------------------------


def _tables() -> dict[str, str]:
    return {
        "packets": _registry(packet_registry, "type", "uint8"),
        "header": _header(),
        "control": _registry(messages.control_registry(), "id", "varint"),
        "entity_ref": schema_table(EntityRef),
        "kinds": _kinds(),
        "close_reasons": _close_reasons(),
        "limits": _limits(),
        "state_update": schema_table(StateUpdate),
        "component_update": schema_table(ComponentUpdate),
        "input_command": schema_table(InputCommand),
        "component_codecs": "\n\n".join(
            f"`{name}`:\n\n{schema_table(schema)}{_nested(schema)}"
            for name, schema in COMPONENT_CODECS.items()
        ),
    }


def _registry(registry: Any, word: str, kind: str) -> str:
    return "\n\n".join(
        f"### {schema.__name__} ({word} {number})\n\n{_purpose(schema)}\n\n"
        + schema_table(schema, lead=(word, 1, f"{kind}: {number}"))
        for number, schema in registry
    )


def _purpose(schema: type[Schema]) -> str:
    return (schema.__doc__ or "").splitlines()[0]


def _nested(schema: type[Schema]) -> str:
    """Return the table of the schema that an array holds, if it does."""
    items = [getattr(field, "item", None) for field in schema.schema_fields]
    inner = [item.schema for item in items if isinstance(item, NestedField)]
    return "".join(f"\n\n{item.__name__}:\n\n{schema_table(item)}" for item in inner)


def _header() -> str:
    fields = [
        ("type", 1, "uint8: 5"),
        ("tag", 8, "uint64: as in Accepted"),
        ("sequence", 2, "uint16: 0 for the first packet of a side, then one more"),
        ("ack", 2, "uint16: newest sequence received; 65,535 before the first"),
        ("ack_bits", 4, "uint32: bit n is set if sequence ack - n - 1 was received"),
    ]
    assert sum(size for _, size, _ in fields) == HEADER.size
    lines = ["| offset | field | bytes | encoding |", "|---|---|---|---|"]
    offset = 0
    for name, size, encoding in fields:
        lines.append(f"| {offset} | `{name}` | {size} | {encoding} |")
        offset += size
    return "\n".join(lines)


def _close_reasons() -> str:
    lines = ["| number | name | what a user is told |", "|---|---|---|"]
    lines += [f"| {r.value} | {r.name} | {r.advice} |" for r in CloseReason]
    return "\n".join(lines)


def _kinds() -> str:
    """Return how a field of each kind is described."""

    class Weapon(IntEnum):
        NONE = 0
        LASER = 3

    class Point(Schema):
        x: int = uint8()

    fields = [
        ("numbers", uint8()),
        ("varint, zigzag", varint()),
        ("flag", flag()),
        ("nbits", nbits(5)),
        ("fixed", fixed(-512, 512, step=1 / 64)),
        ("angle", angle(16)),
        ("quaternion", quaternion(10)),
        ("enum", enum(Weapon)),
        ("text", text(64)),
        ("blob", blob(9, length="u16")),
        ("array", array(uint8(), 4, length="u8")),
        ("optional", optional(uint8())),
        ("nested", nested(Point)),
        ("wrapped", wrapped(cs.Int8ul, 9, 0)),
    ]
    lines = ["| kind | for example |", "|---|---|"]
    for kinds, field in fields:
        field.name = "f"
        lines.append(f"| {kinds} | `{json.dumps(field.describe())}` |")
    return "\n".join(lines)


# -- examples: a real exchange, with numbers that are easy to find -----------------


def _client(link: Link) -> Connection:
    return Connection.client(
        CONFIG,
        protocol_hash=Protocol.of(Drift).hash,
        salt=SALT,
        link=link,
        user_data=b"ada",
    )


def _handshake_examples() -> dict[str, str]:
    gate = Gate(Protocol.of(Drift).hash)
    client = _client(Link.DATAGRAM)
    client.connect(now=0.0)
    acceptor = Acceptor(CONFIG, gate, secret=bytes(32), new_tag=lambda: TAG)
    (request,) = client.datagrams_to_send(now=0.0)
    challenged = acceptor.receive(request, "192.0.2.1:4000", now=1.0)
    assert isinstance(challenged, Reply)
    client.receive_datagram(challenged.datagrams[0], now=0.0)
    (response,) = client.datagrams_to_send(now=0.0)
    accept = acceptor.receive(response, "192.0.2.1:4000", now=1.0)
    assert isinstance(accept, Accept)
    accepted, heartbeat = accept.connection.datagrams_to_send(now=1.0)
    client.receive_datagram(accepted, now=0.0)
    client.receive_datagram(heartbeat, now=0.0)
    client.send(1, b"hello", now=0.0)
    (payload,) = client.datagrams_to_send(now=0.0)
    stream = _client(Link.STREAM)
    stream.connect(now=0.0)
    padding = f"and {REQUEST_SIZE - SHOWN:,} further zeros."
    return {
        "request_udp_example": f"{hex_dump(request[:SHOWN])}\n\n{padding}",
        "challenge_example": hex_dump(challenged.datagrams[0]),
        "response_example": hex_dump(response),
        "accepted_udp_example": hex_dump(accepted),
        "request_example": hex_dump(stream.datagrams_to_send(now=0.0)[0]),
        "payload_example": hex_dump(payload),
        "heartbeat_example": hex_dump(heartbeat),
    }


def _game_examples() -> dict[str, str]:
    speaks = Protocol.of(Drift)
    encode = speaks.registry.encode
    welcome = encode(
        messages.Welcome(player_id=1, tick=90, tick_rate=30.0, capacity=CAPACITY)
    )
    world = World(Drift.components, 16)
    for x, y in ((1.0, -1.0), (2.5, 0.0)):
        world.spawn(Position(x=x, y=y), owner=1)
    two = Sender(world, part_size=UNRELIABLE)
    (spawned,) = two.changes(90)
    assert isinstance(spawned, replicated.Spawned)
    pilot = InputBuffer(Drift.inputs)
    health = COMPONENT_CODECS["health"](75, 100).encode()
    update = StateUpdate(1, 2, 3, 4, [ComponentUpdate("health", health)])
    return {
        "welcome_example": hex_dump(welcome),
        "welcome_packet_example": hex_dump(_packet_with(welcome)),
        "document": f"```json\n{json.dumps(speaks.document, indent=2)}\n```",
        "hash": speaks.hash.hex(),
        "spawned_example": hex_dump(encode(spawned)),
        "block_example": hex_dump(spawned.block),
        "snapshot_example": hex_dump(two.snapshot(90)[0]),
        "input_example": hex_dump(pilot.add(Steer(x=127, y=-1), snapshot_tick=90)),
        "second_input_example": hex_dump(pilot.add(Steer(x=0, y=1), snapshot_tick=90)),
        "state_update_example": hex_dump(update.encode()),
    }


def _packet_with(message: bytes) -> bytes:
    """Return the first packet that a server sends on a stream, with a message in it."""
    client = _client(Link.STREAM)
    client.connect(now=0.0)
    gate = Gate(Protocol.of(Drift).hash)
    ours = Connection.server_stream(CONFIG, gate, tag=TAG, now=0.0)
    ours.receive_datagram(client.datagrams_to_send(now=0.0)[0], now=0.0)
    ours.send(protocol.CONTROL, message, now=0.0)
    _accepted, packet = ours.datagrams_to_send(now=0.0)
    return packet


if __name__ == "__main__":
    TARGET.write_text(standard(), encoding="utf-8")
