# SPDX-License-Identifier: MIT
"""Hand what players are sent to those who watch: accounts of players, a recording.

While nobody does, nothing is handed on: replication does not even call.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from twisted.logger import Logger

from gamenet.errors import RemoteProtocolError
from gamenet.game.player import Player
from gamenet.game.protocol import SNAPSHOTS, Protocol
from gamenet.game.recorder import Recorder
from gamenet.game.recording import Arrival, Packet
from gamenet.game.replicating import Replication
from gamenet.replication import Ledger, Part, shapes_of
from gamenet.world import World

__all__ = ["Inspection"]

Gathered = NDArray[Any] | None
"""The priority of each row of a part; None where there was room for all."""


class Inspection:
    """Watch what replication sends.

    Args:
        replication: calls when something was sent, once it is asked to.
        world: the authority's world.
        protocol: what the game speaks.
    """

    log = Logger()

    def __init__(
        self, replication: Replication, world: World, protocol: Protocol
    ) -> None:
        self._replication = replication
        self._recorder: Recorder | None = None
        components = protocol.components
        shapes = shapes_of(world, components)
        self._ledger = Ledger(components, world.capacity, shapes)

    @property
    def is_on(self) -> bool:
        """Return whether somebody watches."""
        return bool(self._ledger.watched) or self._recorder is not None

    def record(self, recorder: Recorder) -> None:
        """Record all that is sent from now on."""
        self._recorder = recorder
        self._replication.on_sent = self._sent

    def stop(self) -> None:
        """Close the recording, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.stop()

    @property
    def is_recording(self) -> bool:
        """Return whether `told` wants to know what players are sent."""
        return self._recorder is not None

    def told(self, player: Player, channel: int, tick: int, payload: bytes) -> None:
        """Take note of what a player is sent beside snapshots.

        Args:
            player: who is sent it.
            channel: by which channel.
            tick: of now.
            payload: the message.
        """
        if self._recorder is not None:
            self._recorder.sent(Packet(player.id, tick, channel, payload))

    def heard(self, player: Player, tick: int, at: float, payload: bytes) -> None:
        """Take note of a packet of inputs, as it arrived.

        Args:
            player: who has sent it.
            tick: of now.
            at: server time, in ticks.
            payload: the packet.
        """
        if self._recorder is not None:
            self._recorder.heard(Arrival(player.id, tick, at, payload))

    def watch(self, player_id: int, tick: int) -> None:
        """Keep an account of a player from now on; called again, for longer.

        Args:
            player_id: the player.
            tick: of now.

        Raises:
            LocalProtocolError: there are too many others.
        """
        self._ledger.watch(player_id, tick)
        self._replication.on_sent = self._sent

    def report(self, player_id: int, tick: int | None = None) -> dict[str, Any]:
        """Return what a player was sent, ready for JSON.

        Args:
            player_id: the player.
            tick: to be shown row by row; the newest if left out.

        Raises:
            LocalProtocolError: the player is not watched, or the tick is not kept.
        """
        return self._ledger.report(player_id, tick)

    def _sent(
        self, player: Player, part: Part, budget: float, gathered: Gathered
    ) -> None:
        """Take note of a part of a snapshot; replication calls it."""
        decided = (budget, player.outlook.viewer.n_left_out)
        if self._ledger.watched:
            self._enter(player, part, *decided, gathered)
        if self._recorder is not None:
            told = (part.payload, *decided, part.rows, gathered, part.levels)
            self._recorder.sent(Packet(player.id, part.tick, SNAPSHOTS, *told))
        if not self.is_on:
            self._replication.on_sent = None

    def _enter(
        self,
        player: Player,
        part: Part,
        budget: float,
        n_left_out: int,
        gathered: Gathered,
    ) -> None:
        decided = (budget, n_left_out, gathered)
        try:
            self._ledger.sent(player.id, part.tick, part, *decided)
        except RemoteProtocolError as error:
            # What we wrote we cannot read: our mistake, and no reason to end the tick.
            self._ledger.forget(player.id)
            text = "{player}: no account is kept: {error}"
            self.log.error(text, player=player, error=error)  # noqa: TRY400 - no stdlib
