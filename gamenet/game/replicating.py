# SPDX-License-Identifier: MIT
"""Tell every player the world, once a tick: what is new, what they see, what fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gamenet.game.game import Game
from gamenet.game.outlook import Outlook
from gamenet.game.player import Player
from gamenet.game.protocol import EVENTS, SNAPSHOTS, Protocol
from gamenet.game.stages import StageTimes
from gamenet.ids import MessageId
from gamenet.replication import (
    Changed,
    Event,
    EventCodec,
    EventOutbox,
    Part,
    Sender,
    SyncSettings,
    Visibility,
    Weights,
    changed_fields,
    nearness,
)
from gamenet.world import Audience, Changes, Component, EntityId, World

__all__ = ["RULES", "Replication"]

RELIABLE_TRANSPORTS = frozenset({"tcp", "tls", "ws", "wss"})
"""What leaves us on these arrives, or the link breaks."""
RULES = "a rule of who is told what"
"""What the log calls `Game.sees`, `Game.importance`, and what players look with."""
NO_ROWS = np.empty(0, np.intp)

Sent = Callable[[Player, Part, float, NDArray[np.float32] | None], None]
Report = Callable[[str, Player], None]


class Replication:
    """The way of one match's world to its players.

    Args:
        game: its interest, rooms, teams and rules are asked.
        world: the authority's world.
        protocol: what the game speaks.
        part_size: largest snapshot message in bytes.
        stages: where it is noted how long things take.
        report: called where a rule of the game's has raised, while that is handled.
    """

    def __init__(
        self,
        game: Game,
        world: World,
        protocol: Protocol,
        part_size: int,
        stages: StageTimes,
        report: Report,
    ) -> None:
        self._game = game
        self._world = world
        self._stages = stages
        self._report = report
        self.sender = Sender(
            world,
            part_size=part_size,
            tick_rate=game.tick_rate,
            predicted=game.predicted_components(),
        )
        self.weights = Weights(world, protocol.components)
        self.events = EventOutbox(EventCodec(protocol.events), world.capacity)
        rule = game.sees if type(game).sees is not Game.sees else None
        self.visibility = Visibility(world, game.interest, game.rooms, game.teams, rule)
        self._judge = (
            game.importance if type(game).importance is not Game.importance else None
        )
        private = {component.sync.audience for component in protocol.components}
        self._is_open = (
            game.interest is None
            and rule is None
            and private <= {Audience.EVERYONE}
            # A game may hide entities by them at any time.
            and SyncSettings not in world.components
        )
        self._entering = np.zeros(world.capacity, np.bool_)
        self.on_sent: Sent | None = None
        """Called for each part that was sent, with the budget and what its rows
        had gathered; for those who watch."""
        self.n_parts = 0
        """Snapshot messages that were sent."""
        self.n_resyncs = 0
        """How often a client was told everything again because it asked."""

    # -- players ----------------------------------------------------------------

    def admit(self, player: Player) -> None:
        """Begin to tell a player; the next tick tells all that they see."""
        viewer = self.sender.admit(player.id)
        if not self._is_open:
            viewer.level.fill(0)
        player.outlook = Outlook(
            player,
            viewer,
            self._world.capacity,
            self._game.tick_rate,
            self._game.bandwidth,
        )

    def restart(self, player: Player) -> None:
        """Tell a player everything again, as if they held nothing."""
        player.outlook.restart()

    def acked(self, player: Player, message_id: MessageId) -> None:
        """Note that a snapshot message has arrived."""
        player.outlook.acked(message_id)

    def lost(self, player: Player, message_id: MessageId) -> None:
        """Note that a snapshot message was lost."""
        player.outlook.lost(
            message_id, was_certain=player.transport in RELIABLE_TRANSPORTS
        )

    # -- the tick ---------------------------------------------------------------

    def emit(
        self, event: Event, tick: int, *, to: Any, seen: int | None, origin: int | None
    ) -> None:
        """Take an event for the end of the tick."""
        self.events.emit(event, tick, to=to, seen=seen, origin=origin)

    def begin(self, tick: int, insisted: NDArray[np.intp] = NO_ROWS) -> Changes:
        """Take the state of the world for a tick.

        Args:
            tick: which one.
            insisted: rows that each snapshot for their owner tells.
        """
        changes = self.sender.begin(tick, insisted)
        self._stages.mark("mirror")
        if self._is_open and self._game.rooms.version:
            self._close()
        if not self._is_open:
            self.visibility.refresh(tick)
            self._look_all(tick)
        self._stages.mark("interest")
        self.weights.refresh()
        return changes

    def _look_all(self, tick: int) -> None:
        """Find out for every player what they see now."""
        entering = self._entering
        entering.fill(False)
        for player in self._game.players.values():
            if not player.is_dropped:
                entering[self._look(player, tick)] = True
        self.sender.expect(entering.nonzero()[0])

    def _close(self) -> None:
        """Look, from now on, who may see what: the game has begun to use rooms."""
        self._is_open = False
        for player in self._game.players.values():
            # Of who is gone by now the player may not have heard: the look will tell.
            player.outlook.viewer.level[:] = self._world.generation != 0

    def tell(self, player: Player, tick: int) -> None:
        """Send a player what is due, and the events of the tick that they hear."""
        outlook = player.outlook
        viewer = outlook.viewer
        if self.events:
            heard = viewer.level if outlook.heard is None else outlook.heard
            for message in self.events.messages(player.id, heard):
                player.send_bytes(EVENTS, message)
            # Whatever snapshot an event waits for shall show what it is about.
            rows = self.events.rows
            viewer.insist(rows[viewer.level.take(rows) != 0])
        self._stages.mark("interest")
        budget = outlook.budget(player.budget())
        if budget > 0:
            self._send(player, outlook, budget)

    def _look(self, player: Player, tick: int) -> NDArray[np.intp]:
        """Bring up to date what a player sees; return the rows that changed."""
        outlook = player.outlook
        level = outlook.viewer.level
        before = level.copy() if self.events else None
        eye = outlook.eye
        eye.where = player.avatar if player.eye is None else player.eye
        eye.radius, eye.rooms = player.sight, player.rooms
        changed = NO_ROWS
        try:
            changed = self.visibility.look(eye, level)
        except Exception:  # noqa: BLE001 - the rules of an author raise anything
            # They see on what they saw, but nobody new.
            self._report(RULES, player)
            changed = self.visibility.lose_replaced(eye, level)
        outlook.viewer.see(changed, tick)
        # Who was seen until now, and ends in this tick, is heard to end.
        outlook.heard = None if before is None else np.maximum(level, before)
        return changed

    def _send(self, player: Player, outlook: Outlook, budget: float) -> None:
        viewer = outlook.viewer
        parts = self.sender.parts(
            viewer, budget, outlook.priorities, self._weigher(player)
        )
        self._stages.mark("encode")
        outlook.begin(viewer.n_left_out)
        n_bytes = 0
        is_reliable = player.transport in RELIABLE_TRANSPORTS
        for part in parts:
            message_id = player.send_bytes(SNAPSHOTS, part.payload)
            if message_id is None:
                viewer.has_backlog = True
                return
            gathered = outlook.sent(part, message_id)
            if is_reliable:
                viewer.settle(part)
            n_bytes += len(part.payload)
            if self.on_sent is not None:
                self.on_sent(player, part, budget, gathered)
        self.n_parts += len(parts)
        outlook.spent(parts, n_bytes)
        self._stages.mark("send")

    def _weigher(self, player: Player) -> Callable[[Any], Any]:
        """Return what says how important rows are to a player now."""
        eye = player.outlook.eye
        radius = self.visibility.interest.radius if eye.radius is None else eye.radius
        has_places = not self._is_open and 0.0 < radius < math.inf

        def weigh(rows: Any) -> Any:
            near = None
            if has_places:
                squares = self.visibility.distances(eye)
                near = nearness(squares.take(rows), radius)
            judge = self._judge
            rule = None if judge is None else lambda some: judge(player.id, some)
            try:
                return self.weights.of(rows, near, rule)
            except Exception:  # noqa: BLE001 - the rules of an author raise anything
                self._report(RULES, player)
                return self.weights.of(rows, near)

        return weigh

    def end(self) -> None:
        """Forget the tick's events: everybody has been told."""
        self.events.clear()

    # -- what it knows ----------------------------------------------------------

    def changed(
        self, components: Collection[type[Component]], new: Iterable[EntityId]
    ) -> Changed:
        """Return which rows and fields of some components the tick has changed.

        Args:
            components: whose changes are wanted.
            new: entities that are new, which are left out.
        """
        mirror = self.sender.mirror
        return changed_fields(
            (
                (component, rows, lanes.changed_fields(flipped))
                for component, lanes in zip(
                    mirror.components, mirror.layout.lanes, strict=True
                )
                if component in components
                for rows, flipped in [mirror.changed_values(component)]
            ),
            new,
        )

    def is_synced(self, player: Player, tick: int) -> bool:
        """Return whether a player holds all that they see, as of a tick."""
        return self.sender.is_held(player.outlook.viewer, tick)

    def stats(self) -> dict[str, Any]:
        """Return what was counted so far, ready for JSON."""
        sender = self.sender
        n_blocks = sender.n_blocks_made + sender.n_blocks_shared
        pools = sender.pools
        n_lent = sum(pool.n_made + pool.n_reused for pool in pools)
        outlooks = [player.outlook for player in self._game.players.values()]
        return {
            "rows_left_out": sum(each.n_left_out for each in outlooks),
            "snapshots_lost": sum(each.viewer.n_lost for each in outlooks),
            "snapshot_parts": self.n_parts,
            "resyncs": self.n_resyncs,
            "buffer_reuse": sum(p.n_reused for p in pools) / n_lent if n_lent else 0.0,
            "blocks_shared": sender.n_blocks_shared / n_blocks if n_blocks else 0.0,
        }
