# SPDX-License-Identifier: MIT
"""The last word of a connection: why it ends, as a number and a text."""

from __future__ import annotations

from gamenet.connection.config import Link
from gamenet.connection.envelopes import Envelope, NetcodeEnvelope
from gamenet.connection.frames import CLOSE, sized
from gamenet.connection.traffic import Traffic
from gamenet.errors import CloseReason

__all__ = ["close_frame", "last_words", "reason_of"]

MAX_DETAIL = 300
COPIES = 3  # a lost goodbye costs the peer a whole timeout
NETCODE_COPIES = 10  # as netcode's reference sends


def last_words(
    traffic: Traffic,
    envelope: Envelope,
    link: Link,
    reason: CloseReason,
    detail: str,
    now: float,
) -> list[bytes]:
    """Return the last packets: what is queued, then why the connection ends."""
    words = traffic.last_packets(now=now)
    if isinstance(envelope, NetcodeEnvelope):
        return words + [envelope.disconnect() for _ in range(NETCODE_COPIES)]
    for _ in range(COPIES if link is Link.DATAGRAM else 1):
        traffic.control(CLOSE, close_frame(reason, detail))
        words += traffic.packets(now=now)
    return words


def close_frame(reason: CloseReason, detail: str) -> bytes:
    """Return the body of a close frame; the detail is cut to what a packet takes."""
    text = detail.encode(errors="replace")[:MAX_DETAIL].decode(errors="ignore")
    return bytes((reason,)) + sized(text.encode())


def reason_of(number: int, text: bytes) -> tuple[CloseReason, str]:
    """Return reason and detail of a close frame."""
    return CloseReason.from_wire(number), text[:MAX_DETAIL].decode(errors="replace")
