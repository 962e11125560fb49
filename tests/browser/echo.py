# SPDX-License-Identifier: MIT
"""A game that says back what is said to it, and counts: nothing is lost unseen."""

from __future__ import annotations

from gamenet.connection import Channel, DeliveryMode
from gamenet.game import Game, Message, Player, blob, uint32


class Line(Message):
    """A number, in order."""

    number: int = uint32()


class Note(Message):
    """A number that need not wait for those before it."""

    channel = "notes"
    number: int = uint32()


class Book(Message):
    """What takes many packets."""

    channel = "books"
    pages: bytes = blob(150_000)


class Beat(Message):
    """Server: a tick has passed."""

    number: int = uint32()


class Echo(Game):
    """Everything comes back to who said it."""

    messages = [Line, Note, Book, Beat]
    channels = [
        Channel(9, DeliveryMode.RELIABLE_UNORDERED, "notes"),
        Channel(
            10,
            DeliveryMode.RELIABLE_ORDERED,
            "books",
            priority=-1,
            max_message=200_000,
            compression=True,
        ),
    ]

    def message_received(self, player: Player, message: Message) -> None:
        """Say it back."""
        player.send(message)

    def step(self, dt: float) -> None:
        """Count for everybody."""
        self.broadcast(Beat(self.tick))
