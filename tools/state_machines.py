# SPDX-License-Identifier: MIT
"""Find out how gamenet's state machines move, by asking or by driving them.

The life of a connection is an Automat machine, which knows its transitions. How a
server follows a client that moves is plain code: it is brought into each state and
shown each thing that can happen. The handshakes are in `handshake_machines`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gamenet.connection.lifecycle import Course, Lifecycle, _machine, new_lifecycle
from gamenet.connection.path import Path
from gamenet.errors import CloseReason

__all__ = ["Machine", "Move", "lifecycle", "peer_address"]


@dataclass(frozen=True)
class Move:
    """What happens in a state when something comes."""

    state: str
    input: str
    after: str
    effect: str


@dataclass(frozen=True)
class Machine:
    """A state machine, as it was found to be."""

    name: str
    states: tuple[str, ...]
    """The initial one first."""
    moves: tuple[Move, ...]


# -- the life of a connection ------------------------------------------------------

_ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "drop": (CloseReason.TIMED_OUT,),
    "end": (CloseReason.NORMAL, ""),
}
_INPUTS = tuple(name for name in vars(Lifecycle) if not name.startswith("_"))


def lifecycle() -> Machine:
    """Return the life of a connection."""
    automaton = _machine.__automat_automaton__
    arrows = {
        (before.name, name): after.name
        for before, name, after, _ in automaton.allTransitions()
    }
    ways = _ways(automaton.initialState.name, arrows)
    moves = tuple(_live(ways[state], name) for state in ways for name in _INPUTS)
    assert all(arrows[move.state, move.input] == move.after for move in moves)
    return Machine("lifecycle", tuple(ways), moves)


def _ways(initial: str, arrows: dict[tuple[str, str], str]) -> dict[str, list[str]]:
    """Return the inputs that lead to each state, the nearest states first."""
    ways: dict[str, list[str]] = {initial: []}
    ahead = deque(ways)
    while ahead:
        state = ahead.popleft()
        for name in _INPUTS:
            after = arrows[state, name]
            if after not in ways:
                ways[after] = [*ways[state], name]
                ahead.append(after)
    return ways


def _live(way: list[str], name: str) -> Move:
    """Return what an input does behind others."""
    told: list[str] = []

    def tells(event: str) -> Callable[..., None]:
        return lambda *_: told.append(event)

    course = Course(*map(tells, ("Connected", "Dropped", "Resumed", "Closed")))
    machine = new_lifecycle(course)
    for step in way:
        getattr(machine, step)(*_ARGUMENTS.get(step, ()))
    before = course.state
    told.clear()
    getattr(machine, name)(*_ARGUMENTS.get(name, ()))
    return Move(before, name, course.state, "".join(f"reports {e}" for e in told))


# -- where the peer is -------------------------------------------------------------

_HOME, _AWAY = "home", "away"


def peer_address() -> Machine:
    """Return how a server follows a client that moves."""
    states = ("proved", "on trial")
    inputs: dict[str, Callable[[Path], bool]] = {
        "packet from there": lambda path: _come(path, path.current),
        "packet with the answer": lambda path: _come(
            path, path.current, response=path.challenge
        ),
        "newest packet from elsewhere": lambda path: _come(path, "elsewhere"),
        "older packet from elsewhere": lambda path: _come(
            path, "elsewhere", is_newest=False
        ),
        "newest packet from the proved place": lambda path: _come(path, _HOME),
        "no answer in time": lambda path: path.handle_timeout(1e9),
        "no answer after all tries": _exhaust,
    }
    moves = []
    for state in states:
        for name, act in inputs.items():
            path = Path(_HOME, bytes)
            if state == "on trial":
                _come(path, _AWAY)
                path.asked(0.1, 0.0)
            n_moves, asks = path.n_moves, act(path)
            effects = ["sends a challenge"] if asks else []
            if path.n_moves > n_moves:
                effects.insert(0, "sends there from now on")
            if state == "on trial" and not asks and path.current == _HOME:
                effects = ["sends to the proved place again"]
            after = states[path.is_unproved]
            moves.append(Move(state, name, after, ", ".join(effects)))
    return Machine("peer-address", states, tuple(moves))


def _come(
    path: Path, place: Any, *, is_newest: bool = True, response: bytes = b"none"
) -> bool:
    return path.heard(place, 100, is_newest=is_newest, response=response)


def _exhaust(path: Path) -> bool:
    while path.deadline is not None and path.handle_timeout(1e9):
        pass
    return False
