# SPDX-License-Identifier: MIT
"""Take what players send: inputs, messages, writes, requests to be told all again."""

from __future__ import annotations

from collections.abc import Mapping

from gamenet.errors import CloseReason, RemoteProtocolError
from gamenet.game.hooks import Hooks
from gamenet.game.messages import Message, Resync, WriteRefused, Written
from gamenet.game.player import Player
from gamenet.game.protocol import CONTROL, EVENTS, INPUTS, SNAPSHOTS, Protocol
from gamenet.game.replicating import Replication
from gamenet.replication import Refusal, Writes

__all__ = ["Hearing"]


class Hearing:
    """Hear the players of a match; each may say so much, and no more.

    Args:
        protocol: what the game speaks.
        players: who is playing, by id.
        replication: tells players the world.
        writes: takes what players write to what they own.
        hooks: call the game.
    """

    def __init__(
        self,
        protocol: Protocol,
        players: Mapping[int, Player],
        replication: Replication,
        writes: Writes,
        hooks: Hooks,
    ) -> None:
        self._protocol = protocol
        self._players = players
        self._replication = replication
        self.writes = writes
        self._hooks = hooks
        self.n_malformed = 0
        """Messages that could not be understood."""
        self.n_rate_limited = 0
        """Messages that were more than a player may send."""

    def hear(self, player: Player, channel: int, payload: bytes) -> None:
        """Take what a player sent; what is malformed is counted, never raised."""
        if player.is_leaving:
            return
        try:
            if channel == INPUTS:
                self._hear_inputs(player, payload)
            else:
                self._hear_message(player, channel, payload)
        except RemoteProtocolError as error:
            self.n_malformed += 1
            if not player.mistakes.take():
                player.disconnect(CloseReason.MALFORMED, str(error)[:200])

    def _hear_inputs(self, player: Player, payload: bytes) -> None:
        # The next packet repeats what this one says: leaving it out costs little.
        if player.input_packets.take():
            player.inputs.receive(payload)
        else:
            self.n_rate_limited += 1

    def _hear_message(self, player: Player, channel: int, payload: bytes) -> None:
        if channel in (SNAPSHOTS, EVENTS):
            msg = f"a message on channel {channel}, where only the server speaks"
            raise RemoteProtocolError(msg)
        message = self._protocol.registry.decode(payload)
        is_control = channel == CONTROL
        write = message if is_control and isinstance(message, Written) else None
        if not (player.messages if write is None else player.writes).take():
            self.n_rate_limited += 1
            detail = "more messages than a player may send"
            player.disconnect(CloseReason.RATE_LIMITED, detail)
        elif write is not None:
            self._take_write(player, write)
        elif is_control and isinstance(message, Resync):
            self._resync(player)
        elif (
            isinstance(message, Message)
            and self._protocol.channel_of(message) == channel
        ):
            self._hooks.call("message_received", player, message)
        else:
            msg = f"{type(message).__name__} is no message for channel {channel}"
            raise RemoteProtocolError(msg)

    def _resync(self, player: Player) -> None:
        """Tell a player everything again, unless they ask for it too often."""
        if player.resyncs.take():
            self._replication.n_resyncs += 1
            self._replication.restart(player)
        else:
            self.n_rate_limited += 1

    def _take_write(self, player: Player, write: Written) -> None:
        """Take what a player wrote to a component, or tell them why not."""
        row, generation, component = write.row, write.generation, write.component
        refusal = self.writes.take(
            player.id, row, generation, component, write.tick, write.body
        )
        # No client of ours would write a component that there is not.
        if refusal is not None and component < len(self._protocol.components):
            self._refuse(player, row, generation, component, refusal)

    def _refuse(
        self,
        player: Player,
        row: int,
        generation: int,
        component: int,
        refusal: Refusal,
    ) -> None:
        """Tell a player, and the game, that a write was not taken."""
        refused = WriteRefused(row, generation, component, refusal)
        player.refuse((row, component), self._protocol.registry.encode(refused))
        known = self._protocol.components[component]
        self._hooks.call("write_refused", player, row, known, refusal)

    def refuse_overruled(self) -> None:
        """Tell players of writes that the game has undone since they were applied."""
        for player_id, row, generation, component in self.writes.overruled():
            player = self._players.get(player_id)
            if player is not None:
                refusal = Refusal.OVERRULED
                self._refuse(player, row, generation, component, refusal)
