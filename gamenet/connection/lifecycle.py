# SPDX-License-Identifier: MIT
"""The life of a connection as a state machine.

Idle, asking, connected; dropped when its link is lost, until it is resumed or given up;
closed. Nothing per packet goes through it: a connection asks it only when the handshake
moves on, the link is lost, or the connection ends. docs/STATE-MACHINES.md is drawn from
it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from gamenet.errors import CloseReason

__all__ = ["Lifecycle", "new_lifecycle"]


class Lifecycle(Protocol):
    """What can happen to a connection."""

    def connect(self) -> None:
        """Ask to be let in."""

    def challenge(self) -> None:
        """Prove our address, as the server wants."""

    def accept(self) -> None:
        """Have a link: the handshake is done, or the lost peer is heard again."""

    def drop(self, reason: CloseReason) -> None:
        """Be without a link for now."""

    def end(self, reason: CloseReason, detail: str) -> None:
        """End it, as either side or time has decided."""


@dataclass
class Course:
    """What the machine tells the connection."""

    # Required parameters.
    on_connected: Callable[[], None]
    on_dropped: Callable[[CloseReason], None]
    on_resumed: Callable[[], None]
    on_closed: Callable[[CloseReason, str], None]

    # Internal state.
    state: str = "Idle"


def new_lifecycle(course: Course) -> Lifecycle:
    """Return a machine in its idle state."""
    return _machine(course)


def _enter(name: str) -> Callable[[Lifecycle, Course], None]:
    def entering(_lifecycle: Lifecycle, course: Course) -> None:
        course.state = name

    return entering


def _be_connected(_lifecycle: Lifecycle, course: Course) -> None:
    course.state = "Connected"
    course.on_connected()


def _be_dropped(_lifecycle: Lifecycle, course: Course, reason: CloseReason) -> None:
    course.state = "Dropped"
    course.on_dropped(reason)


def _be_resumed(_lifecycle: Lifecycle, course: Course) -> None:
    course.state = "Connected"
    course.on_resumed()


def _be_closed(
    _lifecycle: Lifecycle, course: Course, reason: CloseReason, detail: str
) -> None:
    course.state = "Closed"
    course.on_closed(reason, detail)


def _make_machine() -> Callable[[Course], Lifecycle]:
    builder = TypeMachineBuilder(Lifecycle, Course)
    idle = builder.state("Idle")
    requesting = builder.state("Requesting")
    responding = builder.state("Responding")
    connected = builder.state("Connected")
    dropped = builder.state("Dropped")
    closed = builder.state("Closed")

    # Behavior-less state transitions: every input is legal in every state.
    for state in (requesting, responding, connected, dropped, closed):
        state.upon(Lifecycle.connect).loop().returns(None)
    for state in (idle, responding, connected, dropped, closed):
        state.upon(Lifecycle.challenge).loop().returns(None)
    for state in (connected, closed):
        state.upon(Lifecycle.accept).loop().returns(None)
    for state in (idle, requesting, responding, dropped, closed):
        state.upon(Lifecycle.drop).loop().returns(None)
    closed.upon(Lifecycle.end).loop().returns(None)

    # Behavior-full state transitions.
    idle.upon(Lifecycle.connect).to(requesting)(_enter("Requesting"))
    requesting.upon(Lifecycle.challenge).to(responding)(_enter("Responding"))
    for state in (idle, requesting, responding):
        state.upon(Lifecycle.accept).to(connected)(_be_connected)
    connected.upon(Lifecycle.drop).to(dropped)(_be_dropped)
    dropped.upon(Lifecycle.accept).to(connected)(_be_resumed)
    for state in (idle, requesting, responding, connected, dropped):
        state.upon(Lifecycle.end).to(closed)(_be_closed)
    return builder.build()


_machine = _make_machine()
