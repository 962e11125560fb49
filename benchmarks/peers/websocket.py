# SPDX-License-Identifier: MIT
"""WebSocket through websockets: an ordered stream, here without compression or TLS."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from benchmarks.blasting import BATCH, Blast, Tally
from benchmarks.peers.asking import asked
from benchmarks.roles import Pipe

__all__ = ["MODES", "blast", "count"]

MODES = ("reliable",)


def count(pipe: Pipe, mode: str) -> None:
    """Count what comes as fast as it can: a role of `throughput`."""
    asyncio.run(_count(pipe))


def blast(pipe: Pipe, mode: str, port: int, ticket: bytes, blasting: Blast) -> None:
    """Send as much as the connection takes: a role of `throughput`."""
    asyncio.run(_blast(port, blasting))
    pipe.send(blasting.result())


async def _count(pipe: Pipe) -> None:
    tally = Tally()

    async def counting(socket: Any) -> None:
        async for message in socket:
            tally.note(message)

    async with serve(counting, "127.0.0.1", 0, compression=None) as server:
        pipe.send((next(iter(server.sockets)).getsockname()[1], b""))
        await asked(pipe)
    pipe.send(tally.result())


async def _blast(port: int, blasting: Blast) -> None:
    async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
        blasting.begin()
        while not blasting.is_over():
            for _ in range(BATCH):
                await socket.send(blasting.next_message())
