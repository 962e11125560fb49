# SPDX-License-Identifier: MIT
"""What encoding and decoding cost, against bare `struct` and against construct.

`flat` is a message of 17 fields, 7 integers and 10 floats, compared with one `struct`
call of the same fields: packing takes them as arguments, unpacking makes a tuple. The
state update has three components and 75 bytes, and is compared with the one `struct`
call of that layout. No floor has a Python frame of its own. The batch is a thousand
state updates, columns in and columns out.
"""

from __future__ import annotations

import random
import struct
from functools import partial
from typing import Any

import construct as cs
import numpy as np

from benchmarks.measure import nanoseconds, ratio
from gamenet.wire import (
    ComponentUpdate,
    Schema,
    StateUpdate,
    StateUpdateBatch,
    float32,
    uint8,
    uint16,
    uint32,
)

__all__ = ["run"]

BATCH = 1000


class Flat(Schema):
    """Seven integers and ten floats."""

    kind: int = uint8()
    flags: int = uint8()
    sequence: int = uint16()
    tick: int = uint32()
    entity: int = uint32()
    owner: int = uint16()
    team: int = uint8()
    x: float = float32()
    y: float = float32()
    z: float = float32()
    qx: float = float32()
    qy: float = float32()
    qz: float = float32()
    qw: float = float32()
    vx: float = float32()
    vy: float = float32()
    vz: float = float32()


FLAT = struct.Struct("<BBHIIHB10f")
UPDATE = struct.Struct("<QQBI H H8sI4s H8sI4s H6sI4s".replace(" ", ""))


def run() -> dict[str, Any]:
    """Return the figures by their keys."""
    return {
        "flat": _flat(),
        "state_update": {**_state_update(), **_batch()},
        "construct_speedup": _construct_speedup(),
    }


def _flat() -> dict[str, float]:
    message = Flat.sample(random.Random(1))
    data = message.encode()
    values = FLAT.unpack(data)
    pack, unpack, decode = FLAT.pack, FLAT.unpack, Flat.decode
    return {
        "encode_ratio": ratio(message.encode, partial(pack, *values)),
        "decode_ratio": ratio(partial(decode, data), partial(unpack, data)),
    }


def _state_update() -> dict[str, float]:
    update = StateUpdate(
        timestamp=1_700_000_000_000,
        entity_id=77,
        priority=3,
        sequence=123_456,
        components=[
            ComponentUpdate("position", b"\1\2\3\4"),
            ComponentUpdate("velocity", b"\5\6\7\0"),
            ComponentUpdate("health", b"\x64\0\x64\0"),
        ],
    )
    data = update.encode()
    assert len(data) == 75 == UPDATE.size
    values = UPDATE.unpack(data)
    pack, unpack, decode = UPDATE.pack, UPDATE.unpack, StateUpdate.decode
    assert decode(data) == update
    return {
        "encode_ratio": ratio(update.encode, partial(pack, *values)),
        "decode_ratio": ratio(partial(decode, data), partial(unpack, data)),
    }


def _batch() -> dict[str, float]:
    batch = StateUpdateBatch(
        [("position", "(3,)<f4"), ("velocity", "(3,)<f4"), ("health", "<u4")]
    )
    ids = np.arange(BATCH, dtype=np.uint64)
    places = np.random.default_rng(1).random((BATCH, 3)).astype(np.float32)
    points = np.full(BATCH, 100, np.uint32)

    def encode() -> bytes:
        rows = batch.rows(BATCH)
        rows["timestamp"] = 1_700_000_000_000
        rows["entity_id"] = ids
        rows["priority"] = 1
        rows["sequence"] = 9
        rows["position"] = places
        rows["velocity"] = places
        rows["health"] = points
        return batch.encode(rows)

    data = encode()
    columns = ("timestamp", "entity_id", "priority", "sequence")
    columns += ("position", "velocity", "health")

    def decode() -> list[Any]:
        rows = batch.decode(data)
        return [np.ascontiguousarray(rows[name]) for name in columns]

    assert (decode()[4] == places).all()
    return {
        "batch_encode_ns": nanoseconds(encode) / BATCH,
        "batch_decode_ns": nanoseconds(decode) / BATCH,
    }


def _construct_speedup() -> float:
    """Return how much faster the slower direction is than construct's compiler."""
    subcons = {"u1": cs.Int8ul, "u2": cs.Int16ul, "u4": cs.Int32ul, "f4": cs.Float32l}
    compiled = cs.Struct(
        *(
            field.name / subcons[field.word_dtype]  # type: ignore[attr-defined]
            for field in Flat.schema_fields
        )
    ).compile()
    message = Flat.sample(random.Random(1))
    data = message.encode()
    mapping = {field.name: getattr(message, field.name) for field in Flat.schema_fields}
    assert compiled.build(mapping) == data
    decode = Flat.decode
    return min(
        ratio(partial(compiled.build, mapping), message.encode),
        ratio(partial(compiled.parse, data), partial(decode, data)),
    )
