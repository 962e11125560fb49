# SPDX-License-Identifier: MIT
"""Wait in asyncio until the pipe of a role has a message."""

from __future__ import annotations

import asyncio

from benchmarks.roles import Pipe

__all__ = ["asked"]


async def asked(pipe: Pipe) -> None:
    """Return when there is something to read, or the other end is closed."""
    loop = asyncio.get_running_loop()
    has_news = asyncio.Event()
    loop.add_reader(pipe.fileno(), has_news.set)
    await has_news.wait()
    loop.remove_reader(pipe.fileno())
