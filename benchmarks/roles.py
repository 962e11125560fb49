# SPDX-License-Identifier: MIT
"""Run one part of a benchmark in a process of its own, with a pipe to it.

A role is a function of a module, so that the new process can import it. It gets its end
of the pipe first, answers in an agreed order, and returns when it is told "stop".
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection as Pipe
from typing import Any

__all__ = ["Pipe", "Role", "playing"]

PATIENCE = 60.0
"""Seconds without an answer after which a role is taken for stuck."""


class Role:
    """Our end of the pipe to a process.

    Args:
        pipe: what leads to the process.
        name: of the role, for error messages.
    """

    def __init__(self, pipe: Pipe, name: str) -> None:
        self._pipe = pipe
        self._name = name

    def tell(self, message: Any) -> None:
        """Send the role a message."""
        self._pipe.send(message)

    def hear(self, patience: float = PATIENCE) -> Any:
        """Return the role's next message.

        Raises:
            RuntimeError: the role ended, or said nothing for so long.
        """
        if not self._pipe.poll(patience):
            raise RuntimeError(f"{self._name} said nothing for {patience:g} s")
        try:
            return self._pipe.recv()
        except EOFError:
            raise RuntimeError(f"{self._name} ended before it answered") from None

    def ask(self, message: Any, patience: float = PATIENCE) -> Any:
        """Send the role a message and return what it answers."""
        self.tell(message)
        return self.hear(patience)


@contextmanager
def playing(role: Callable[..., None], *arguments: Any) -> Iterator[Role]:
    """Start `role(pipe, *arguments)` in a new process, and see to its end."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    name = f"{role.__module__}.{role.__qualname__}"
    process = context.Process(target=role, args=(theirs, *arguments), daemon=True)
    process.start()
    # Ours alone must hold the other end, or its closing would not be noticed.
    theirs.close()
    try:
        yield Role(ours, name)
    finally:
        ours.close()
        process.join(2.0)
        if process.is_alive():
            process.kill()
            process.join()
