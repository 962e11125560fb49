# SPDX-License-Identifier: MIT
"""The tables of docs/STANDARD.md, from what the code packs and unpacks by.

Private names of gamenet are read here: they are what the standard states.
"""

from __future__ import annotations

import json
import re
import struct
from enum import IntEnum
from typing import Any

import construct as cs

from examples.drift import Position
from gamenet.connection import DeliveryMode, extension, frames, headers, netcode, tokens
from gamenet.errors import CloseReason
from gamenet.game import messages
from gamenet.replication.layout import RowLayout
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
from gamenet.wire.standard import schema_table

__all__ = ["tables"]

HEAD = ["| offset | field | bytes | encoding |", "|---|---|---|---|"]


def tables() -> dict[str, str]:
    """Return every table by its name in the template."""
    return {
        "token_table": _token_table(),
        "private_table": _private_table(),
        "kinds_table": _kinds_table(),
        "accepted_table": _struct_table(
            extension.ACCEPTED_BODY,
            ("server's public key", "X25519, made for this connection alone"),
            ("connection id", "uint32: stands on the client's packets"),
            ("slot", "uint32"),
            ("places", "uint32"),
        ),
        "stream_accepted_table": _struct_table(
            extension.STREAM_ACCEPTED,
            ("kind", "uint8: 8"),
            ("slot", "uint32"),
            ("places", "uint32"),
        ),
        "header_examples": _header_examples(),
        "modes_table": _modes_table(),
        "control": _registry(messages.control_registry(), "id", "varint"),
        "position_sizes": _position_sizes(),
        "kinds": _kinds(),
        "close_reasons": _close_reasons(),
        "state_update": schema_table(StateUpdate),
        "component_update": schema_table(ComponentUpdate),
        "input_command": schema_table(InputCommand),
        "component_codecs": "\n\n".join(
            f"`{name}`:\n\n{schema_table(schema)}{_nested(schema)}"
            for name, schema in COMPONENT_CODECS.items()
        ),
    }


def _struct_table(shape: struct.Struct, *fields: tuple[str, str]) -> str:
    """Return the table of a struct, one row for each of its fields."""
    rows = list(HEAD)
    sizes = [struct.calcsize(f"<{code}") for code in _codes(shape.format)]
    offset = 0
    for size, (name, encoding) in zip(sizes, fields, strict=True):
        rows.append(f"| {offset} | {name} | {size} | {encoding} |")
        offset += size
    assert offset == shape.size
    return "\n".join(rows)


def _codes(shape: str) -> list[str]:
    """Return each field of a format: `<13sQII` has 13s, Q, I and I."""
    parts = re.findall(r"(\d*)([a-zA-Z])", shape)
    return [
        code
        for count, letter in parts
        for code in ([count + letter] if letter == "s" else [letter] * int(count or 1))
    ]


_SHARED = [
    ("timeout", "4", "int32"),
    ("number of addresses", "4", "uint32: 1 to 32"),
    ("addresses", "7 or 19 each", "see below"),
    ("key to the server", "32", ""),
    ("key to the client", "32", ""),
]


def _token_table() -> str:
    fields = (
        ("VERSION", ""),
        ("protocol id", "uint64: which game this is"),
        ("created", "uint64: unix time"),
        ("expires", "uint64: unix time"),
        ("nonce", "random"),
        ("private part", "sealed for the server"),
    )
    head = _struct_table(tokens._PUBLIC_HEAD, *fields)  # noqa: SLF001
    return _with_shared(head, tokens._PUBLIC_HEAD.size, f"{tokens.TOKEN_SIZE:,}")  # noqa: SLF001


def _private_table() -> str:
    head = _struct_table(
        tokens._PRIVATE_HEAD,  # noqa: SLF001
        ("client id", "uint64: who the client is"),
    )
    data = [("user data", f"{tokens.USER_DATA}", "filled up with zeros")]
    return _with_shared(head, tokens._PRIVATE_HEAD.size, "1,008", data)  # noqa: SLF001


def _with_shared(
    head: str, offset: int, end: str, more: list[tuple[str, str, str]] | None = None
) -> str:
    """Return a table with the fields that both parts of a token have."""
    rows = [head]
    shown = [str(offset), str(offset + 4), str(offset + 8)]
    for name, size, encoding in _SHARED + (more or []):
        at = shown.pop(0) if shown else ""
        rows.append(f"| {at} | {name} | {size} | {encoding} |")
    return "\n".join([*rows, f"|  | zeros | to {end} | |"])


_KINDS = {
    netcode.REQUEST: ("Request", "client", "nothing", ""),
    netcode.DENIED: ("Denied", "server", "token's, to client", "global"),
    netcode.CHALLENGE: ("Challenge", "server", "token's, to client", "global"),
    netcode.RESPONSE: ("Response", "client", "token's, to server", "counter"),
    netcode.KEEP_ALIVE: ("Keep-alive", "both", "token's", "counter"),
    netcode.PAYLOAD: ("Payload", "both", "token's", "counter"),
    netcode.DISCONNECT: ("Disconnect", "both", "token's", "counter"),
    netcode.JOIN: ("Join", "client", "token's, to server", "any unused"),
    netcode.ACCEPTED: ("Accepted", "server", "token's, to client", "global"),
    netcode.REFUSED: ("Refused", "server", "token's, to client", "global"),
    netcode.PACKET: ("Packet", "both", "connection's", "own counter"),
}


_REQUEST = (netcode.REQUEST_SIZE - 1,) * 2


def _kinds_table() -> str:
    lines = [
        "| kind | name | from | body, bytes | sealed with the key | sequence |",
        "|---|---|---|---|---|---|",
    ]
    for kind, (name, side, key, sequence) in _KINDS.items():
        low, high = netcode._BODIES.get(kind, _REQUEST)  # noqa: SLF001
        size = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        lines.append(f"| {kind} | {name} | {side} | {size} | {key} | {sequence} |")
    return "\n".join(lines)


def _header_examples() -> str:
    every = headers.ALL_BITS
    rows = [
        (0, 0xFFFF, 0),
        (5, 3, every),
        (5, 3, every ^ 0b10),
        (5, 3, 0b1111),
        (1000, 700, every),
        (1000, 700, every ^ 1 << 31),
        (3, 65534, every),
    ]
    return "\n".join(
        f"| {sequence} | {ack} | 0x{bits:08x} | "
        f"`{headers.write_header(sequence, ack, bits).hex(' ')}` |"
        for sequence, ack, bits in rows
    )


_PROMISES = {
    DeliveryMode.UNRELIABLE: "once or not at all, in any order",
    DeliveryMode.UNRELIABLE_SEQUENCED: "the same, and never one older than another",
    DeliveryMode.UNRELIABLE_RECEIPTS: "as unreliable; the sender learns which arrived",
    DeliveryMode.RELIABLE_UNORDERED: "exactly once, as soon as it is there",
    DeliveryMode.RELIABLE_ORDERED: "exactly once, in the order of sending",
    DeliveryMode.RELIABLE_SEQUENCED: "the newest for certain, others perhaps",
}


def _modes_table() -> str:
    names = {
        frames.MESSAGE: "MESSAGE",
        frames.SEQUENCED: "SEQUENCED",
        frames.RUN: "RUN",
        frames.PIECE: "PIECE",
        frames.CANCELLED: "CANCELLED",
    }
    return "\n".join(
        f"| {mode.value} | {_PROMISES[mode]} | "
        f"{', '.join(names[form] for form in frames._FORMS[mode])} |"  # noqa: SLF001
        for mode in DeliveryMode
    )


def _position_sizes() -> str:
    """Return how many bits each lane takes in a cell of each size."""
    layout = RowLayout([Position])
    (groups,) = layout.component_groups
    group, full = groups.start, int(layout.full[groups.start])
    masks = layout.cell_masks.reshape(3, layout.n_groups, -1)[0, group]
    sizes = range(1, full + 1)
    bits = [int(masks[size]).bit_length() for size in sizes]
    head = f"| size B | {' | '.join(map(str, sizes))} |"
    return (
        f"{head}\n|{'---|' * (full + 1)}\n| min(b, W) | {' | '.join(map(str, bits))} |"
    )


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
