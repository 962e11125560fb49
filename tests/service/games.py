# SPDX-License-Identifier: MIT
"""Games for tests: one component, two inputs, a message, notes of what happened."""

from __future__ import annotations

import contextlib
from threading import Event
from typing import Any

from twisted.logger import Logger

from gamenet.game import Component, Game, Input, Message, fixed, flag, int8, text


class Position(Component):
    """Where something is."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Steer(Input):
    """Go somewhere."""

    x: int = int8()
    y: int = int8()


class Jump(Input):
    """Jump, or do not."""

    high: bool = flag()


class Chat(Message):
    """Something said."""

    line: str = text(80)


class Field(Game):
    """Everybody moves, and every input is noted."""

    title = "A Field"
    components = [Position]
    inputs = [Steer, Jump]
    messages = [Chat]
    max_players = 8
    max_entities = 64

    def started(self) -> None:
        self.heard: list[tuple[int, Any]] = []
        self.has_stopped = False

    def player_joined(self, player: Any) -> None:
        player.avatar = self.world.spawn(Position(x=0, y=0), owner=player)

    def input_received(self, player: Any, input: Any) -> None:
        self.heard.append((player.id, input))

    def stopped(self) -> None:
        self.has_stopped = True


class Paged(Field):
    """A game with a page that is not there."""

    page = "no-such-folder"


class Endless(Field):
    """A game that does not come to an end, and swallows whatever would make it."""

    def stopped(self) -> None:
        Logger(namespace="tests").info("the hook begins")
        while True:
            with contextlib.suppress(BaseException):
                Event().wait(1)


class Silent(Field):
    """A game that takes no inputs."""

    inputs = []
