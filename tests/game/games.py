# SPDX-License-Identifier: MIT
"""Small games that the tests of this folder play."""

from __future__ import annotations

from gamenet.errors import CloseReason
from gamenet.game import (
    Component,
    Game,
    Input,
    Message,
    Player,
    fixed,
    int8,
    text,
    uint16,
)


class Place(Component):
    """Where somebody is."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Marker(Component):
    """Something that not everybody has."""

    number: int = uint16()


class Push(Input):
    """Move by so much."""

    x: int = int8()


class Wave(Input):
    """Do something else."""

    hand: int = int8()


class Say(Message):
    """Say something."""

    words: str = text(100_000)


class Meadow(Game):
    """Everybody moves, everybody hears everybody."""

    components = [Place, Marker]
    inputs = [Push, Wave]
    messages = [Say]
    max_players = 4
    max_entities = 256

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []
        self.broken: set[str] = set()

    def note(self, hook: str, *what: object) -> None:
        """Remember that a hook was called, and break if it is to break."""
        self.calls.append((hook, *what))
        if hook in self.broken:
            msg = f"{hook} is broken"
            raise RuntimeError(msg)

    def heard(self, hook: str) -> list[tuple[object, ...]]:
        """Return the calls of one hook."""
        return [call for call in self.calls if call[0] == hook]

    def started(self) -> None:
        self.note("started")

    def player_joined(self, player: Player) -> None:
        self.note("player_joined", player.id, player.name)
        player.avatar = self.world.spawn(Place(x=float(player.id)), owner=player)

    def player_dropped(self, player: Player) -> None:
        self.note("player_dropped", player.id)

    def player_resumed(self, player: Player) -> None:
        self.note("player_resumed", player.id)

    def player_left(self, player: Player, reason: CloseReason) -> None:
        self.note("player_left", player.id, reason)
        super().player_left(player, reason)

    def input_received(self, player: Player, input: Input) -> None:
        self.note("input_received", player.id, input)
        if isinstance(input, Push) and player.avatar is not None:
            self.world[player.avatar, Place].x += input.x

    def message_received(self, player: Player, message: Message) -> None:
        self.note("message_received", player.id, message)
        self.broadcast(message)

    def step(self, dt: float) -> None:
        self.note("step", self.tick)

    def stopped(self) -> None:
        self.note("stopped")
