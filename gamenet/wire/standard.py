# SPDX-License-Identifier: MIT
"""Write the byte tables of schemas as Markdown, for docs/STANDARD.md.

What the document says of bytes is made from what the code does with them.
"""

from __future__ import annotations

import numpy as np

from gamenet.wire.bits import BitRun, bit_runs
from gamenet.wire.fields import Field, WordField
from gamenet.wire.schema import Schema

__all__ = ["hex_dump", "schema_table"]

BYTES_A_LINE = 16

Lead = tuple[str, int, str]


def schema_table(schema: type[Schema], lead: Lead | None = None) -> str:
    """Return a table of a schema's fields, in the order of the wire.

    Offsets are given as long as everything before has a fixed size.

    Args:
        schema: the schema.
        lead: what stands before it, as the type of a packet or the id of a message:
            its name, its bytes and its encoding.
    """
    lines = ["| offset | field | bytes | encoding |", "|---|---|---|---|"]
    offset: int | None = 0
    if lead is not None:
        name, offset, encoding = lead
        lines.append(f"| 0 | {name} | {offset} | {encoding} |")
    for item in bit_runs(f for f in schema.schema_fields if not f.appended):
        name, size, encoding = _row(item)
        shown = "" if offset is None else str(offset)
        lines.append(f"| {shown} | {name} | {size or 'varies'} | {encoding} |")
        offset = None if offset is None or not size else offset + size
    lines += [
        f"| tail | `{field.name}` | varies | appended: {field.layout} |"
        for field in schema.schema_fields
        if field.appended
    ]
    return "\n".join(lines)


def hex_dump(data: bytes) -> str:
    """Return bytes in hexadecimal, sixteen to a line, as a code block."""
    lines = [
        f"{at:04x}  {data[at : at + BYTES_A_LINE].hex(' ')}"
        for at in range(0, len(data), BYTES_A_LINE)
    ]
    return "\n".join(["```text", *lines, "```"])


def _row(item: Field | BitRun) -> tuple[str, int, str]:
    if isinstance(item, BitRun):
        names = ", ".join(f"`{field.name}`" for field in item.fields)
        spans = zip(item.shifts, [field.bits for field in item.fields], strict=True)
        bits = ", ".join(
            f"bit {begin}" if n_bits == 1 else f"bits {begin}-{begin + n_bits - 1}"
            for begin, n_bits in spans
        )
        return names, item.word_size, f"uint{8 * item.word_size}: {bits}"
    size = np.dtype(item.word_dtype).itemsize if isinstance(item, WordField) else 0
    return f"`{item.name}`", size, item.layout
