# SPDX-License-Identifier: MIT
"""Write docs/STANDARD.md: the prose of the template, the bytes from the code.

`python tools/write_standard.py` writes the file; a test holds it equal.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from examples.drift import Drift, Position, Steer
from gamenet.connection import Connection, ConnectionConfig, Gate, Link
from gamenet.connection.packets import HEADER, packet_registry
from gamenet.errors import CloseReason
from gamenet.game import Protocol
from gamenet.game.messages import FIRST_GAME_MESSAGE, Welcome, control_registry
from gamenet.prediction import InputBuffer
from gamenet.replication import EntityRef, Sender
from gamenet.wire import (
    COMPONENT_CODECS,
    ComponentUpdate,
    InputCommand,
    Schema,
    StateUpdate,
)
from gamenet.wire.standard import hex_dump, schema_table
from gamenet.world import World

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "standard_template.md"
TARGET = ROOT / "docs" / "STANDARD.md"


def standard() -> str:
    """Return the whole document."""
    parts = {
        "packets": _tables(packet_registry, "type"),
        "header": _header_table(),
        "control": _tables(control_registry(), "id"),
        "entity_ref": schema_table(EntityRef),
        "state_update": schema_table(StateUpdate),
        "component_update": schema_table(ComponentUpdate),
        "input_command": schema_table(InputCommand),
        "component_codecs": "\n\n".join(
            f"`{name}`:\n\n{schema_table(schema)}"
            for name, schema in COMPONENT_CODECS.items()
        ),
        "close_reasons": _close_reasons(),
        "first_game_message": str(FIRST_GAME_MESSAGE),
        **_examples(),
    }
    text = TEMPLATE.read_text()
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], text)


def _tables(registry: Any, word: str) -> str:
    return "\n\n".join(
        f"### {schema.__name__} ({word} {number})\n\n{_purpose(schema)}\n\n"
        f"{schema_table(schema)}"
        for number, schema in registry
    )


def _purpose(schema: type[Schema]) -> str:
    return (schema.__doc__ or "").splitlines()[0]


def _header_table() -> str:
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


def _examples() -> dict[str, str]:
    """Return packets of a real exchange, with numbers that are easy to find."""
    protocol = Protocol.of(Drift)
    config = ConnectionConfig()
    client = Connection.client(
        config,
        protocol_hash=protocol.hash,
        salt=0x1122334455667788,
        link=Link.STREAM,
        user_data=b"ada",
    )
    gate = Gate(protocol.hash)
    server = Connection.server_stream(config, gate, tag=0x0102030405060708, now=0.0)
    client.connect(now=0.0)
    request = client.datagrams_to_send(now=0.0)[0]
    server.receive_datagram(request, now=0.0)
    accepted, *heartbeats = server.datagrams_to_send(now=0.0)
    client.receive_datagram(accepted, now=0.0)
    client.send(1, b"hello", now=0.0)
    payload = client.datagrams_to_send(now=0.0)[0]
    world = World(Drift.components, 16)
    for x, y in ((1.0, -1.0), (2.5, 0.0)):
        world.spawn(Position(x=x, y=y), owner=1)
    welcome = Welcome(player_id=1, tick=90, tick_rate=30.0, capacity=4096)
    return {
        "request_example": hex_dump(request),
        "accepted_example": hex_dump(accepted),
        "payload_example": hex_dump(payload),
        "heartbeat_example": hex_dump(heartbeats[0]),
        "welcome_example": hex_dump(protocol.registry.encode(welcome)),
        "snapshot_example": hex_dump(Sender(world, part_size=1180).snapshot(90)[0]),
        "input_example": hex_dump(
            InputBuffer(Drift.inputs).add(Steer(x=127, y=-1), snapshot_tick=90)
        ),
    }


if __name__ == "__main__":
    TARGET.write_text(standard())
