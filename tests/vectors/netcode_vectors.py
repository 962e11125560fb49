# SPDX-License-Identifier: MIT
"""Write netcode.json: tokens and packets as the text of netcode 1.02 has them.

Nothing here comes from gamenet, nor from a library of cryptography: ciphers are written
out from RFC 8439 and draft-irtf-cfrg-xchacha-03, layouts from the standard's tables. So
if gamenet makes the same bytes, two readings of the same text agree.

    python tests/vectors/netcode_vectors.py      writes netcode.json beside this file
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("netcode.json")
VERSION = b"NETCODE 1.02\0"
PROTOCOL_ID = 0x1122334455667788
MASK = 0xFFFFFFFF
QUARTERS = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)


def u8(value: int) -> bytes:
    """Return a number in one byte."""
    return value.to_bytes(1, "little")


def u16(value: int) -> bytes:
    """Return a number in two bytes, the low one first."""
    return value.to_bytes(2, "little")


def u32(value: int) -> bytes:
    """Return a number in four bytes; a negative one as its two's complement."""
    return (value & MASK).to_bytes(4, "little")


def u64(value: int) -> bytes:
    """Return a number in eight bytes, the low one first."""
    return value.to_bytes(8, "little")


# ------------------------------------------------------------ RFC 8439


def rotated(word: int, by: int) -> int:
    """Return 32 bits rotated to the left."""
    return (word << by | word >> (32 - by)) & MASK


def quarter_round(s: list[int], a: int, b: int, c: int, d: int) -> None:
    """Mix four words of a state (s2.1)."""
    for x, y, z, by in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        s[z] = rotated(s[z] ^ s[x], by)


def words(data: bytes) -> list[int]:
    """Return bytes as numbers of 32 bits."""
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]


def rounds(key: bytes, tail: bytes) -> tuple[list[int], list[int]]:
    """Return a state before and after the 20 rounds; `tail` is its last 16 bytes."""
    before = words(b"expand 32-byte k" + key + tail)
    after = before.copy()
    for _ in range(10):
        for quarter in QUARTERS:
            quarter_round(after, *quarter)
    return before, after


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    """Return 64 bytes of key stream (s2.3)."""
    before, after = rounds(key, u32(counter) + nonce)
    return b"".join(u32(x + y) for x, y in zip(before, after, strict=True))


def chacha20(key: bytes, counter: int, nonce: bytes, text: bytes) -> bytes:
    """Return a text encrypted or decrypted (s2.4)."""
    n_blocks = (len(text) + 63) // 64
    stream = b"".join(chacha20_block(key, counter + i, nonce) for i in range(n_blocks))
    return bytes(x ^ y for x, y in zip(text, stream, strict=False))


def poly1305(key: bytes, text: bytes) -> bytes:
    """Return the tag of a text under a key for one use (s2.5)."""
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for i in range(0, len(text), 16):
        total = (total + int.from_bytes(text[i : i + 16] + b"\1", "little")) * r
        total %= (1 << 130) - 5
    last = (total + int.from_bytes(key[16:], "little")) % (1 << 128)
    return last.to_bytes(16, "little")


def padded(text: bytes) -> bytes:
    """Return a text with zeros up to a multiple of 16 bytes."""
    return text + bytes(-len(text) % 16)


def seal(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Return a text sealed with ChaCha20-Poly1305 (s2.8)."""
    once = chacha20_block(key, 0, nonce)[:32]
    box = chacha20(key, 1, nonce, plain)
    lengths = u64(len(associated)) + u64(len(box))
    return box + poly1305(once, padded(associated) + padded(box) + lengths)


# ------------------------------------------------------------ XChaCha20, the draft


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """Return the key for the rest of a long nonce (s2.2)."""
    _, after = rounds(key, nonce)
    return b"".join(u32(word) for word in after[:4] + after[12:])


def seal_x(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Return a text sealed with XChaCha20-Poly1305 (s2.3)."""
    rest = bytes(4) + nonce[16:]
    return seal(hchacha20(key, nonce[:16]), rest, plain, associated)


# ------------------------------------------------------------ netcode 1.02


def address(text: str) -> bytes:
    """Return a server address: 1.2.3.4:5, or eight groups in brackets and a port."""
    host, _, port = text.rpartition(":")
    if host.startswith("["):
        groups = [int(group, 16) for group in host[1:-1].split(":")]
        return u8(2) + b"".join(map(u16, groups)) + u16(int(port))
    return u8(1) + bytes(map(int, host.split("."))) + u16(int(port))


def shared_part(token: dict[str, Any]) -> bytes:
    """Return what public and private part of a token have in common."""
    return (
        u32(token["timeout"])
        + u32(len(token["addresses"]))
        + b"".join(map(address, token["addresses"]))
        + bytes.fromhex(token["client_to_server"])
        + bytes.fromhex(token["server_to_client"])
    )


def connect_token(token: dict[str, Any]) -> dict[str, str]:
    """Return the parts of a token ("Connect Token")."""
    key, nonce = bytes.fromhex(token["key"]), bytes.fromhex(token["nonce"])
    user_data = bytes.fromhex(token["user_data"]).ljust(256, b"\0")
    plain = u64(token["client_id"]) + shared_part(token) + user_data
    bound = VERSION + u64(token["protocol_id"]) + u64(token["expires"])
    private = seal_x(key, nonce, plain.ljust(1024 - 16, b"\0"), bound)
    public = (
        VERSION
        + u64(token["protocol_id"])
        + u64(token["created"])
        + u64(token["expires"])
        + nonce
        + private
        + shared_part(token)
    )
    request = (
        u8(0)
        + VERSION
        + u64(token["protocol_id"])
        + u64(token["expires"])
        + nonce
        + private
    )
    return {
        "plain": plain.hex(),
        "public_without_padding": public.hex(),
        "request": request.hex(),
    }


def challenge_token(token: dict[str, Any]) -> dict[str, str]:
    """Return a challenge token ("Challenge Token")."""
    plain = u64(token["client_id"]) + bytes.fromhex(token["user_data"])
    nonce = u32(0) + u64(token["sequence"])
    key = bytes.fromhex(token["key"])
    return {"sealed": seal(key, nonce, plain.ljust(300 - 16, b"\0"), b"").hex()}


def packet(made_of: dict[str, Any]) -> dict[str, str]:
    """Return a packet ("Packets"); the label is gamenet's, and empty in netcode."""
    sequence, sequence_bytes = made_of["sequence"], b""
    while not sequence_bytes or sequence:
        sequence_bytes += u8(sequence & 0xFF)
        sequence >>= 8
    prefix = u8(len(sequence_bytes) << 4 | made_of["kind"])
    label = bytes.fromhex(made_of["label"])
    associated = VERSION + u64(made_of["protocol_id"]) + prefix + label
    box = seal(
        bytes.fromhex(made_of["key"]),
        u32(0) + u64(made_of["sequence"]),
        bytes.fromhex(made_of["body"]),
        associated,
    )
    return {"packet": (prefix + label + sequence_bytes + box).hex()}


# ------------------------------------------------------------ the cases


def drawn(size: int, *name: object) -> str:
    """Return bytes, in hexadecimal, that differ from name to name and never change."""
    return hashlib.shake_256(repr(name).encode()).hexdigest(size)


V4 = ["127.0.0.1:40000", "255.0.1.2:65535"]
V6 = ["[0:0:0:0:0:0:0:1]:40000", "[2001:db8:0:1:2:30:400:ffff]:1"]
MANY = [
    f"10.0.{i}.1:{7000 + i}" if i % 2 else f"[fd00:{i:x}:0:0:0:0:0:1]:80"
    for i in range(32)
]
SERVERS = ((V4[:1], 5), (V6, 0x7FFFFFFF), ([*V6, *V4], -1), (MANY, 30))
SEQUENCES = (
    0, 1, 255, 256, 1000, 2**16 - 1, 2**16, 2**24 - 1, 2**24, 2**32, 2**40, 2**48,
    2**56 - 1, 2**56, 2**63, 2**64 - 256, 2**64 - 1,
)  # fmt: skip
BODIES = {
    1: [0], 2: [308], 3: [308], 4: [8], 5: [1, 15, 16, 17, 100, 1200], 6: [0],
    7: [350], 8: [44], 9: [1, 1001], 10: [4, 100],
}  # fmt: skip


def tokens() -> Iterator[dict[str, Any]]:
    """Yield what connect tokens are made of."""
    for i, (addresses, timeout) in enumerate(SERVERS):
        yield {
            "key": drawn(32, "key", i),
            "protocol_id": PROTOCOL_ID + i,
            "client_id": 2**64 - 1 - i,
            "created": 1_800_000_000,
            "expires": 1_800_000_000 + 45 * i,
            "nonce": drawn(24, "nonce", i),
            "timeout": timeout,
            "addresses": addresses,
            "client_to_server": drawn(32, "to server", i),
            "server_to_client": drawn(32, "to client", i),
            "user_data": drawn(256, "user", i) if i else "",
        }


def challenges() -> Iterator[dict[str, Any]]:
    """Yield what challenge tokens are made of."""
    key = drawn(32, "challenges")
    for i in range(3):
        user_data = drawn(256, "challenge", i)
        yield {"key": key, "sequence": i, "client_id": i << 60, "user_data": user_data}


def packets() -> Iterator[dict[str, Any]]:
    """Yield what packets are made of: every kind, every number of sequence bytes."""
    sizes = [(kind, size, 77) for kind in BODIES for size in BODIES[kind]]
    counted = [(kind, 20, sequence) for kind in (5, 10) for sequence in SEQUENCES]
    for kind, size, sequence in sizes + counted:
        for label in ("", "78563412") if kind == 10 else ("",):
            yield {
                "key": drawn(32, "packets"),
                "protocol_id": PROTOCOL_ID,
                "kind": kind,
                "label": label,
                "sequence": sequence,
                "body": drawn(size, "body", kind, size),
            }


def vectors() -> dict[str, list[dict[str, Any]]]:
    """Return every case with its bytes."""
    return {
        "connect_tokens": [case | connect_token(case) for case in tokens()],
        "challenge_tokens": [case | challenge_token(case) for case in challenges()],
        "packets": [case | packet(case) for case in packets()],
    }


def written() -> str:
    """Return the text of netcode.json."""
    return json.dumps(vectors(), indent=1) + "\n"


if __name__ == "__main__":
    PATH.write_text(written(), encoding="utf-8")
