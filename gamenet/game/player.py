# SPDX-License-Identifier: MIT
"""One player, as the game and the server see them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.game.allowance import Allowance
from gamenet.game.messages import MAX_NAME
from gamenet.game.protocol import SNAPSHOTS
from gamenet.ids import MessageId, PlayerId
from gamenet.prediction import InputQueue
from gamenet.stats import ConnectionStats, Sample

if TYPE_CHECKING:
    from gamenet.game.messages import Message
    from gamenet.game.outlook import Outlook
    from gamenet.game.server import GameServer
    from gamenet.game.waiting import Waiting
    from gamenet.transport import GameProtocol
    from gamenet.world import EntityId

CONTROL = 0  # the channel, as `protocol` numbers it
MAX_REFUSALS = 256  # answers that wait; who has more is not honest

__all__ = ["Player", "player_name", "user_data_of"]


class Player:
    """Somebody who is in the game.

    Args:
        server: whose player it is.
        number: the player's id, never used for another one.
        name: as the player wishes to be called; anybody may choose any.
        link: the connection to the player.
    """

    outlook: Outlook
    """What the server keeps for the player's share of the world."""
    waiting: Waiting
    """Who waits for something of this player's."""

    def __init__(
        self,
        server: GameServer,
        number: int,
        name: str,
        link: GameProtocol,
    ) -> None:
        self._server = server
        protocol = server.protocol
        self.id = PlayerId(number)
        self.name = name
        self.avatar: EntityId | None = None
        """The entity that the game gave this player; the game sets it."""
        self.eye: EntityId | Sequence[float] | None = None
        """What the player looks from, an entity or coordinates; None is the avatar."""
        self.sight: float | None = None
        """How far the player sees; None is what the game's interest says."""
        self.rooms: Collection[Hashable] = frozenset()
        """The rooms that the player is in; the game sets them."""
        self.inputs = InputQueue(protocol.inputs, server.game.tick_rate)
        """Inputs that wait for their tick."""
        self.is_connected = True
        """Whether messages can still reach the player."""
        self.is_dropped = False
        """Whether the player's link is lost, and may come back."""
        self.away_since = 0.0
        """Since when they could not be heard, the last time that was so."""
        self.messages = Allowance(burst=256, rate=120)
        """How many messages the player may still send."""
        self.writes = Allowance(burst=512, rate=480)
        """How many writes are looked at: twice as many as are taken."""
        # One goes for each tick, and those of a pause come all at once.
        packets = max(90.0, 3 * server.game.tick_rate)
        self.input_packets = Allowance(burst=packets, rate=packets)
        """How many packets of inputs the player may still send."""
        self.mistakes = Allowance(burst=16, rate=1)
        """How many malformed messages we still put up with."""
        self.answers = Allowance(burst=16, rate=4)
        """How many refused writes are still answered."""
        self.resyncs = Allowance(burst=4, rate=1)
        """How often the player may still ask to be told everything again."""
        self._protocol = protocol
        self._link = link
        self._outbox: list[tuple[int, bytes]] = []
        self._refusals: dict[tuple[int, int], bytes] = {}

    def __repr__(self) -> str:
        return f"<Player {self.id} {self.name!r}>"

    @property
    def is_leaving(self) -> bool:
        """Return whether the connection is over, seen by the game or not yet."""
        return not self.is_connected or self._link.connection.is_closed

    @property
    def client_id(self) -> int:
        """Return the number that the player's token gives, of whoever issued it."""
        return self._link.clientId

    @property
    def transport(self) -> str:
        """Return "udp", "tcp", "tls", "ws", "wss" or "memory"."""
        return self._link.transportName

    @property
    def address(self) -> str:
        """Return where the player connects from."""
        return self._link.peerAddress

    def send(self, message: Message) -> None:
        """Send a message; a player who left misses it.

        It leaves with the next tick, and may arrive before the world of that tick does,
        or long after: what must be understood together with the world, such as the hit
        on an entity, is an event, see `Game.emit`. Until it leaves it has no number by
        which it could be given up: that, receipts and progress are for those who write
        a `GameProtocol`.

        Raises:
            LocalProtocolError: the message is not one of the game's, or too large.
        """
        payload = self._protocol.registry.encode(message)
        self.post(payload, self._protocol.channel_of(message))

    def post(self, payload: bytes, channel: int = 0) -> None:
        """Keep an encoded message for the end of the tick.

        Raises:
            LocalProtocolError: the message is too large for the connection; told here,
                where the game can be blamed, and not in the midst of the tick.
        """
        if self.is_leaving:
            return
        limit = self._link.connection.limit_of(channel)
        if len(payload) > limit:
            msg = (
                f"a message of {len(payload)} bytes on channel {channel}: the limit is "
                f"{limit}; split it"
            )
            raise LocalProtocolError(msg)
        self._outbox.append((channel, payload))

    def send_posted(self) -> None:
        """Send what was kept; the server does it once in a tick."""
        posted, self._outbox = self._outbox, []
        for channel, payload in posted:
            self.send_bytes(channel, payload)

    def pass_time(self, seconds: float) -> None:
        """Grant what the player may do in the time; the server does it each tick."""
        self.messages.pass_time(seconds)
        self.writes.pass_time(seconds)
        self.input_packets.pass_time(seconds)
        self.mistakes.pass_time(seconds)
        self.answers.pass_time(seconds)
        self._answer()
        self.resyncs.pass_time(seconds)

    def refuse(self, what: tuple[int, int], answer: bytes) -> None:
        """Answer a write that was not taken, now or when it is this player's turn.

        Who floods us with what we refuse is not flooded with answers: a few go in each
        second, and of all that are for the same row and component, the last one.
        """
        self._refusals.pop(what, None)
        if len(self._refusals) < MAX_REFUSALS:
            self._refusals[what] = answer
        self._answer()

    def _answer(self) -> None:
        while self._refusals and self.answers.take():
            what = next(iter(self._refusals))
            self.send_bytes(CONTROL, self._refusals.pop(what))

    def send_bytes(self, channel: int, payload: bytes) -> MessageId | None:
        """Send what was encoded before, at once; return its number if it was sent."""
        if self.is_leaving:
            return None
        server = self._server
        if channel != SNAPSHOTS and server.inspection.is_recording:
            server.inspection.told(self, channel, server.game.tick, payload)
        return self._link.sendMessage(channel, payload)

    def synced(self, timeout: float | None = None) -> Deferred[Player]:
        """Wait until the player holds everything that they may see by now.

        Args:
            timeout: seconds; None waits for as long as it takes.

        Returns:
            A Deferred of this player; cancel it to give up. It fails with Twisted's
            `TimeoutError` when time is up, and with `ConnectError` when the player
            leaves.
        """
        begun = self._server.world.tick

        def is_synced() -> Player | None:
            if self._server.game.tick < begun:
                return None
            return self if self._server.replication.is_synced(self, begun) else None

        return self.waiting.wait(is_synced, f"{self!r} to be synced", timeout)

    def kick(self, detail: str = "") -> None:
        """Remove the player, and say why."""
        self.disconnect(CloseReason.KICKED, detail)

    def disconnect(self, reason: CloseReason, detail: str = "") -> None:
        """End the player's connection, after what was sent before."""
        self.send_posted()
        self._link.loseConnection(reason, detail)

    def budget(self) -> float:
        """Return how many bytes the network is ready to take for this player now."""
        return self._link.sendBudget()

    def stats(self) -> ConnectionStats:
        """Return what the player's connection measured."""
        return self._link.connection.stats()

    def history(self) -> list[Sample]:
        """Return a sample of each of the last seconds of the connection."""
        return self._link.connection.history()


def user_data_of(name: str) -> bytes:
    """Return what a token says for its client to be called by a name."""
    return name.encode("utf-8", "replace")[:MAX_NAME]


def player_name(user_data: bytes, number: int) -> str:
    """Return a name that can be shown, from what a client sent.

    Control characters are taken out; nothing left gives a name with the number.
    """
    name = user_data.decode("utf-8", "replace")
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    name = name.encode()[:MAX_NAME].decode("utf-8", "ignore")
    return name or f"player {number}"
