# SPDX-License-Identifier: MIT
"""Write docs/STANDARD.md: the prose of the template, the bytes from the code.

`python tools/write_standard.py` writes the file; a test holds it equal. The examples
are in `standard_examples`, the tables in `standard_tables`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from inspect import signature
from pathlib import Path
from typing import Any

from gamenet.connection import (
    EXTENSION_VERSION,
    ConnectionConfig,
    acceptor,
    acks,
    answering,
    connection,
    door,
    extension,
    farewell,
    frames,
    headers,
    netcode,
    outbox,
    path,
    pending,
    reassembly,
    reliable,
    rtt,
    tickets,
    tokens,
)
from gamenet.connection.replay import ReplayWindow
from gamenet.errors import CloseReason
from gamenet.game import match, messages, protocol
from gamenet.prediction import feedback, input_packets, input_queue, late_inputs
from gamenet.prediction.frames import PER_TICK
from gamenet.replication import HISTORY, due, events, packing, rowlists, writes
from gamenet.transport import Limits, connecting
from tools.standard_examples import CAPACITY, UNRELIABLE, examples
from tools.standard_tables import tables

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = ROOT / "tools" / "standard_template.md"
TARGET = ROOT / "docs" / "STANDARD.md"

CONFIG = ConnectionConfig()
LIMITS = Limits()


def standard() -> str:
    """Return the whole document."""
    parts = {**_numbers(), "limits": _limits(), **tables(), **examples()}
    template = TEMPLATE.read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found.group(1)], template)


# -- numbers ----------------------------------------------------------------------


def _numbers() -> dict[str, str]:
    numbers = {**_handshake_numbers(), **_body_numbers(), **_game_numbers()}
    shown = {name: _shown(number) for name, number in numbers.items()}
    mark = extension._MARK  # noqa: SLF001 - a part of the standard, as all such here
    return shown | {
        "mark": f"0x{mark & 0x7FFFFF:x}",
        "mark_with_bit": f"0x{mark:x}",
        "spent_reasons": _listed(connection._SPENT),  # noqa: SLF001
        "later_reasons": _listed(connection._LATER),  # noqa: SLF001
    }


def _listed(reasons: Iterable[CloseReason]) -> str:
    *names, last = [reason.name for reason in sorted(reasons)]
    return f"{', '.join(names)} or {last}"


def _handshake_numbers() -> dict[str, float]:
    return {
        "version": EXTENSION_VERSION,
        "extension_version": EXTENSION_VERSION,
        "tag": netcode.TAG,
        "token_size": tokens.TOKEN_SIZE,
        "private_plain": tokens._PLAIN_SIZE,  # noqa: SLF001
        "request_size": netcode.REQUEST_SIZE,
        "max_payload": netcode.MAX_PAYLOAD,
        "max_detail": extension.MAX_DETAIL,
        "replay_window": _default(ReplayWindow, "size"),
        "patience": connecting._PATIENCE,  # noqa: SLF001
        "resend": answering.RESEND_INTERVAL,
        "attempts": acceptor.ATTEMPTS_PER_SECOND,
        "attempts_at_once": acceptor.ATTEMPTS_AT_ONCE,
        "max_used": _default(door.Door, "max_used"),
        "max_pending": acceptor.MAX_PENDING,
        "pending_of_one": pending.MOST_OF_ONE,
        "pending_time": pending.LONGEST,
        "handshake_timeout": CONFIG.handshake_timeout,
        "max_frame": LIMITS.max_frame,
        "resume_hours": door.RESUME_LIFETIME // 3600,
        "outstanding": tickets.OUTSTANDING,
        "resume_window": CONFIG.resume_window,
        "padded": connection.N_PADDED,
        "path_tries": path._N_TRIES,  # noqa: SLF001
    }


def _body_numbers() -> dict[str, float]:
    return {
        "packet_size": CONFIG.packet_size,
        "max_packet_size": CONFIG.max_packet_size,
        "min_header": headers.MIN_HEADER,
        "max_header": headers.MAX_HEADER,
        "largest_size": frames.LARGEST_SIZE,
        "ack_window": acks.WINDOW,
        "ack_span": acks.ACK_SPAN - 1,
        "ack_bits_span": acks.ACK_SPAN,
        "reorder": acks._REORDER_THRESHOLD,  # noqa: SLF001
        "reliable_ahead": reliable.WINDOW + reliable.PIECE_WINDOW,
        "window_messages": reliable.WINDOW,
        "window_pieces": reliable.PIECE_WINDOW,
        "window_bytes": CONFIG.window,
        "fragment_bytes": connection._FRAGMENT_BYTES,  # noqa: SLF001
        "fragment_packets": _default(reassembly.Reassembly, "max_packets"),
        "unreliable_size": UNRELIABLE,
        "piece_size": UNRELIABLE,
        "max_message": CONFIG.max_message,
        "own_limit": outbox.OWN.max_message,
        "rtt_first": rtt._FIRST,  # noqa: SLF001
        "rtt_shortest": rtt._SHORTEST,  # noqa: SLF001
        "rtt_longest": rtt._LONGEST,  # noqa: SLF001
        "rtt_ack_delay": rtt._ACK_DELAY,  # noqa: SLF001
        "redundancy": CONFIG.redundancy,
        "ride_along": CONFIG.ride_along,
        "heartbeat": CONFIG.heartbeat,
        "timeout": CONFIG.timeout,
        "close_copies": farewell.COPIES,
        "netcode_copies": farewell.NETCODE_COPIES,
    }


def _game_numbers() -> dict[str, float]:
    return {
        "max_name": messages.MAX_NAME,
        "first_game_message": messages.FIRST_GAME_MESSAGE,
        "max_capacity": messages.MAX_CAPACITY,
        "capacity": CAPACITY,
        "max_document": protocol.MAX_DOCUMENT,
        **_replication_numbers(),
        "frames_per_packet": input_packets.MAX_FRAMES,
        "input_packet": input_packets.MAX_PACKET,
        "lag_steps": PER_TICK,
        "frames_ahead": input_queue.MAX_AHEAD,
        "late_inputs": late_inputs.MAX_LATE,
        "slack_steps": feedback.PER_TICK,
        "feedback_bytes": feedback.SIZE,
    }


def _replication_numbers() -> dict[str, float]:
    return {
        "history": HISTORY,
        "max_told_age": HISTORY - 1,
        "max_age": due.MAX_AGE,
        "max_early": match.MAX_EARLY,
        "max_event": events.MAX_EVENT,
        "max_events": events.MAX_EVENTS,
        "max_batch": events.MAX_BATCH,
        "max_held": events.MAX_HELD,
        "writes_a_second": writes.WRITES_A_SECOND,
    }


def _default(made: Any, name: str) -> int:
    """Return the default of an argument."""
    return int(signature(made).parameters[name].default)


def _shown(number: float) -> str:
    return f"{number:,.10g}" if isinstance(number, float) else f"{number:,}"


def _limits() -> str:
    rows = [
        ("`detail` of Refused", extension.MAX_DETAIL, "bytes", ""),
        ("`detail` of CLOSE", farewell.MAX_DETAIL, "bytes", ""),
        ("user data of a token", tokens.USER_DATA, "bytes", ""),
        ("addresses of a token", tokens.MAX_ADDRESSES, "", ""),
        ("tokens that a server remembers", _default(door.Door, "max_used"), "", ""),
        ("channels", 31, "", ""),
        ("rows of a row list, or bits of its bitmap", rowlists.MAX_ROWS, "", ""),
        ("age of a base", HISTORY - 1, "ticks", ""),
        ("parts of a snapshot", packing.MAX_PARTS, "", ""),
        ("`body` of Written", messages.MAX_WRITTEN, "bytes", ""),
        ("event", events.MAX_EVENT, "bytes", ""),
        ("events of a message", events.MAX_EVENTS, "", ""),
        ("message of events", events.MAX_BATCH, "bytes", ""),
        ("events that a client holds back", events.MAX_HELD, "", ""),
        ("capacity of a world", messages.MAX_CAPACITY, "rows", ""),
        ("frames of a packet of inputs", input_packets.MAX_FRAMES, "", ""),
        ("packet of inputs", input_packets.MAX_PACKET, "bytes", ""),
        ("message", CONFIG.max_message, "bytes", "on both sides alike"),
        ("bytes on their way on a channel", CONFIG.window, "", "on both sides alike"),
        ("datagram", CONFIG.max_packet_size, "bytes", "yes, from 1,200 up"),
        ("packet on tcp, tls, ws, wss", LIMITS.max_frame, "bytes", "yes"),
        ("handshake", CONFIG.handshake_timeout, "s", "yes"),
        ("silence", CONFIG.timeout, "s", "yes, by each side"),
        ("waiting to be resumed", CONFIG.resume_window, "s", "yes, by each side"),
        ("connections of one address", LIMITS.max_per_address, "", "yes"),
    ]
    lines = ["| what | at most | can be set |", "|---|---|---|"]
    lines += [
        f"| {what} | {_shown(number)} {unit}".rstrip() + f" | {settable or 'no'} |"
        for what, number, unit, settable in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    TARGET.write_text(standard(), encoding="utf-8")
