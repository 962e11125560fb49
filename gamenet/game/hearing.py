# SPDX-License-Identifier: MIT
"""Take what players send: inputs, messages, writes, requests to be told all again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from gamenet.errors import CloseReason, RemoteProtocolError
from gamenet.game.game import Game
from gamenet.game.hooks import Hooks
from gamenet.game.messages import Message, Resync, WriteRefused, Written
from gamenet.game.player import Player
from gamenet.game.protocol import CONTROL, EVENTS, INPUTS, SNAPSHOTS, Protocol
from gamenet.game.replicating import Replication
from gamenet.prediction import Input
from gamenet.replication import Refusal, Writes

__all__ = ["Hearing"]

ANSWERS = 10
"""How often a second players hear how their inputs arrive."""


class Hearing:
    """Hear the players of a match; each may say so much, and no more.

    Args:
        game: the game, of which hooks are called.
        protocol: what the game speaks.
        players: who is playing, by id.
        replication: tells players the world.
        writes: takes what players write to what they own.
        hooks: call the game.
        server_time: tells the server's time in ticks.
    """

    def __init__(
        self,
        game: Game,
        protocol: Protocol,
        players: Mapping[int, Player],
        replication: Replication,
        writes: Writes,
        hooks: Hooks,
        server_time: Callable[[], float],
    ) -> None:
        self._game = game
        self._protocol = protocol
        self._players = players
        self._replication = replication
        self.writes = writes
        self._hooks = hooks
        self._server_time = server_time
        self._period = max(1, round(game.tick_rate / ANSWERS))
        self._has_rule = type(game).input_missing is not Game.input_missing
        self.on_inputs: Callable[[Player, int, float, bytes], None] | None = None
        """Called with each packet of inputs that was understood; None: nobody asks."""
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
            tick, at = self._game.tick, self._server_time()
            player.inputs.receive(payload, tick=tick, at=at)
            if self.on_inputs is not None:
                self.on_inputs(player, tick, at, payload)
        else:
            self.n_rate_limited += 1

    def take_inputs(self, player: Player) -> list[Input]:
        """Return what a player does in the tick that is being made."""
        rule = partial(self._instead, player) if self._has_rule else None
        return player.inputs.take(self._game.tick, rule)

    def _instead(
        self, player: Player, kind: type[Input], last: Input | None
    ) -> Input | None:
        """Ask the game what stands in for an input that did not come in time."""
        try:
            return self._game.input_missing(player, kind, last)
        except Exception:  # noqa: BLE001 - an author's errors must not stop the server
            self._hooks.report("input_missing", player)
            return None

    def answer(self, player: Player) -> None:
        """Tell a player how their inputs arrive, if it is their turn."""
        if (self._game.tick + player.id) % self._period:
            return
        feedback = player.inputs.feedback(self._server_time())
        if feedback is not None:
            player.send_bytes(INPUTS, feedback.encode())

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

    def stats(self) -> dict[str, Any]:
        """Return what was counted so far, ready for JSON."""
        queues = [player.inputs for player in self._players.values()]
        return {
            "malformed": self.n_malformed,
            "rate_limited": self.n_rate_limited,
            "inputs_late": sum(queue.n_late for queue in queues),
            "inputs_missing": sum(queue.n_missing for queue in queues),
            "inputs_duplicate": sum(queue.n_duplicate for queue in queues),
            "inputs_early": sum(queue.n_early for queue in queues),
            "inputs_depth": max((queue.depth for queue in queues), default=0),
        }

    def refuse_overruled(self) -> None:
        """Tell players of writes that the game has undone since they were applied."""
        for player_id, row, generation, component in self.writes.overruled():
            player = self._players.get(player_id)
            if player is not None:
                refusal = Refusal.OVERRULED
                self._refuse(player, row, generation, component, refusal)
