# SPDX-License-Identifier: MIT
"""Declare messages and components once; encode and decode them fast everywhere.

A `Schema` names its fields with the field functions (`uint8`, `fixed`, `text`...).
The framework compiles it to `struct` code for single messages, to numpy `Planes` for
many rows, and to a JavaScript codec for the browser; its construct declaration is the
oracle that the tests compare all of them with. The bytes are in docs/STANDARD.md.
"""

from gamenet.wire.codecs import COMPONENT_CODECS
from gamenet.wire.declare import (
    angle,
    array,
    blob,
    enum,
    fixed,
    flag,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    nbits,
    nested,
    optional,
    quaternion,
    text,
    uint8,
    uint16,
    uint32,
    uint64,
    varint,
    wrapped,
    zigzag,
)
from gamenet.wire.description import schema_from_description
from gamenet.wire.fields import Field, RandomSource
from gamenet.wire.javascript import javascript_module
from gamenet.wire.kernels import (
    bitmap_size,
    read_bitmap,
    read_words,
    write_bitmap,
    write_words,
)
from gamenet.wire.lanes import Lanes
from gamenet.wire.planes import Planes
from gamenet.wire.pool import BufferPool
from gamenet.wire.registry import Registry, UnknownMessage, protocol_hash
from gamenet.wire.schema import Schema, SchemaType
from gamenet.wire.updates import (
    ComponentUpdate,
    InputCommand,
    StateUpdate,
    StateUpdateBatch,
)
from gamenet.wire.varint import read_varint, varint_bytes

__all__ = [
    "COMPONENT_CODECS",
    "BufferPool",
    "ComponentUpdate",
    "Field",
    "InputCommand",
    "Lanes",
    "Planes",
    "RandomSource",
    "Registry",
    "Schema",
    "SchemaType",
    "StateUpdate",
    "StateUpdateBatch",
    "UnknownMessage",
    "angle",
    "array",
    "bitmap_size",
    "blob",
    "enum",
    "fixed",
    "flag",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "javascript_module",
    "nbits",
    "nested",
    "optional",
    "protocol_hash",
    "quaternion",
    "read_bitmap",
    "read_varint",
    "read_words",
    "schema_from_description",
    "text",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "varint",
    "varint_bytes",
    "wrapped",
    "write_bitmap",
    "write_words",
    "zigzag",
]
