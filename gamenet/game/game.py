# SPDX-License-Identifier: MIT
"""What a game author subclasses: the rules of one game, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from gamenet.errors import CloseReason, LocalProtocolError

if TYPE_CHECKING:
    from gamenet.connection import Channel
    from gamenet.game.messages import Message
    from gamenet.game.player import Player
    from gamenet.game.server import GameServer
    from gamenet.prediction import Input
    from gamenet.world import Component, World

__all__ = ["Game"]


class Game:
    """The rules of a game; one instance is one match.

    Subclass it, list what travels, and fill in hooks. The server calls every hook in
    one thread, so a game needs no locks; an exception in a hook is logged with the
    hook's name and the player, counted, and does not stop the server.
    """

    name: ClassVar[str] = ""
    """Short name, for logs and addresses; the class name in lower case by default."""
    title: ClassVar[str] = ""
    """What players read; the class name by default."""
    tick_rate: ClassVar[float] = 30
    """Steps a second."""
    components: ClassVar[Sequence[type[Component]]] = ()
    """What entities are made of; every value of it is told to every player."""
    inputs: ClassVar[Sequence[type[Input]]] = ()
    """What players can do."""
    messages: ClassVar[Sequence[type[Message]]] = ()
    """What else is said, either way."""
    channels: ClassVar[Sequence[Channel]] = ()
    """Channels of the game's own, numbered 8 to 30, for messages that name them."""
    max_players: ClassVar[int] = 64
    """How many may play at once."""
    max_entities: ClassVar[int] = 4096
    """How many entities can live at once; memory is taken for all of them."""
    page: ClassVar[str | None] = None
    """Folder beside the game's module with an index.html; None takes a plain page."""

    world: World
    """The entities; there from `started` on."""
    random: np.random.Generator
    """The only source of chance that a game should use: it is seeded by the server."""
    tick: int = 0
    """Number of the present step."""
    players: dict[int, Player]
    """Who is playing, by id."""

    _server: GameServer | None = None

    @classmethod
    def game_name(cls) -> str:
        """Return the short name."""
        return cls.name or cls.__name__.lower()

    @classmethod
    def game_title(cls) -> str:
        """Return what players read."""
        return cls.title or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__)

    def bind(self, world: World, random: np.random.Generator) -> None:
        """Give the game its world and its chance; the server or a test does it."""
        self.world = world
        self.random = random
        self.tick = 0
        self.players = {}

    def attach(self, server: GameServer) -> None:
        """Give the game the server that carries its messages."""
        self._server = server

    # -- hooks ----------------------------------------------------------------

    def started(self) -> None:
        """Override me: the world is there and empty; fill it."""

    def player_joined(self, player: Player) -> None:
        """Override me: a player is here; spawn what is theirs."""

    def player_dropped(self, player: Player) -> None:
        """Override me: a player's link is lost; they may come back for a while.

        What is sent to them reliably waits for them. Either `player_resumed` follows or
        `player_left`.
        """

    def player_resumed(self, player: Player) -> None:
        """Override me: a player whose link was lost is here again."""

    def player_left(self, player: Player, reason: CloseReason) -> None:
        """Override me: a player is gone; by default, so is their avatar."""
        if player.avatar is not None and player.avatar in self.world:
            self.world.despawn(player.avatar)

    def input_received(self, player: Player, input: Input) -> None:
        """Override me: a player does something; before `step`, in the order sent."""

    def message_received(self, player: Player, message: Message) -> None:
        """Override me: a player says something."""

    def step(self, dt: float) -> None:
        """Override me: one tick passes.

        Args:
            dt: its length in seconds, the same every time.
        """

    def stopped(self) -> None:
        """Override me: the match is over."""

    # -- for the hooks to call ------------------------------------------------

    def broadcast(self, message: Message) -> None:
        """Send a message to everybody, reliably and in order.

        Raises:
            LocalProtocolError: the message is not one of the game's, or there is no
                server.
        """
        if self._server is None:
            msg = f"{type(self).__name__} has no server: broadcast() needs one"
            raise LocalProtocolError(msg)
        self._server.broadcast(message)
