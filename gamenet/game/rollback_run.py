# SPDX-License-Identifier: MIT
"""What hosts and other peers of a rollback match have in common."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from contextlib import suppress
from typing import Any

from twisted.logger import Logger

from gamenet.errors import LocalProtocolError
from gamenet.game.game import Game
from gamenet.game.hooks import Hooks
from gamenet.game.own_ticks import OwnTicks
from gamenet.game.protocol import CONTROL, INPUTS, Protocol
from gamenet.game.rollback_rules import GameRules
from gamenet.prediction import (
    ChangeKind,
    Desync,
    DesyncFound,
    EffectCancelled,
    EffectPlayed,
    Held,
    Input,
    PlayerChanged,
    RollbackEvent,
    RollbackSession,
    RolledBack,
)
from gamenet.replication import Event
from gamenet.transport import GameProtocol, monotonic_seconds
from gamenet.wire import protocol_hash
from gamenet.world import World

__all__ = ["RollbackRun", "rollback_hash"]

MAX_REFUSED = 1000
"""Packets of a peer that are refused before it is sent away."""


def rollback_hash(game: type[Game], protocol: Protocol) -> bytes:
    """Return what peers of a match have in common, and no server of the game."""
    shape = [game.tick_rate, game.max_entities, sorted(game.kept)]
    return protocol_hash({**protocol.document, "game": "", "rollback": shape})


class RollbackRun:
    """A game that runs here, by the inputs of everybody.

    Subclass `RollbackHost` or `RollbackPeer` and override what you want to hear of, or
    assign the methods.
    """

    log = Logger()

    def __init__(
        self, game: Game | type[Game], reactor: Any, seed: int, **settings: Any
    ) -> None:
        self._reactor = reactor
        self._seconds = monotonic_seconds(reactor)
        self.rules = GameRules(game, seed, self._report, self._is_told)
        self.game: Game = self.rules.match.game
        """The game; its state is that of the newest tick, predicted inputs included."""
        self.protocol = Protocol.of(type(self.game))
        self.session = RollbackSession(
            self.rules, self.game.inputs, self.game.tick_rate, **settings
        )
        """What makes the ticks, and knows the other peers."""
        self.hooks = Hooks(self.game, self._seconds, self.log)
        """What calls the game and our own hooks."""
        self._links: dict[Hashable, GameProtocol] = {}
        self._ticks = OwnTicks(reactor, self._wake)
        self._asked = -1

    # -- to act, and to know ---------------------------------------------------------

    @property
    def world(self) -> World:
        """Return the world in the newest tick."""
        return self.rules.match.world

    @property
    def tick(self) -> int:
        """Return the newest tick."""
        return self.session.tick

    @property
    def confirmed(self) -> int:
        """Return the newest tick that nothing can change any more."""
        return self.session.confirmed

    @property
    def player_id(self) -> int:
        """Return the id of the player who plays here, 0 if there is none."""
        return min(self.session.local, default=0)

    def send_input(self, item: Input) -> None:
        """Do something, in the tick that `on_tick` is called for, or in the next.

        Raises:
            LocalProtocolError: nobody plays here, or it is no input of the game.
        """
        self.session.hold(self.player_id, item)

    def checksums(self) -> dict[int, int]:
        """Return the checksums of the last confirmed ticks that were compared."""
        kept = self.session.timeline.checkpoints.after(-1)
        return {each.tick: each.checksum for each in kept}

    def stats(self) -> dict[str, Any]:
        """Return what is going on, ready for JSON."""
        session, timeline = self.session, self.session.timeline
        return {
            "tick": session.tick,
            "confirmed": session.confirmed,
            "speed": session.speed,
            "players": len(session.roster.lines),
            "peers": len(session.links),
            "rollbacks": timeline.n_rollbacks,
            "ticks_made": timeline.n_made,
            "ticks_remade": timeline.n_remade,
            "inputs_predicted": timeline.n_predicted,
            "holds": session.n_holds,
            "refused": session.n_refused,
            "hook_errors": self.hooks.n_errors,
        }

    # -- override me -------------------------------------------------------------------

    def on_tick(self, tick: int) -> None:
        """Override me: say with `send_input` what the player here does in a tick."""

    def on_event(self, event: Event, tick: int) -> None:
        """Override me: something happened in a tick, or so it seems: show it."""

    def on_event_cancelled(self, event: Event, tick: int) -> None:
        """Override me: an event has not happened after all: take it back."""

    def on_rolled_back(self, tick: int, n_ticks: int) -> None:
        """Override me: ticks were made again, because inputs were other than guessed.

        Args:
            tick: the first of them.
            n_ticks: how many.
        """

    def on_held(self, tick: int, players: tuple[int, ...]) -> None:
        """Override me: a tick has to wait for the inputs of some players."""

    def on_player_changed(self, player: int, kind: ChangeKind, tick: int) -> None:
        """Override me: a player joins, is away, is back or leaves in a tick."""

    def on_desync(self, desync: Desync) -> None:
        """Override me: a peer has gone another way; by default it is logged."""
        self.log.error("a peer went another way: {desync}", desync=str(desync))

    # -- inside ----------------------------------------------------------------------

    def _begin(self) -> None:
        self._ticks.wake_in(0.0)

    def _wake(self) -> float:
        """Make what ticks are due, and tell the others."""
        self._make_ticks()
        self._pump()
        self._send_packets()
        return self.session.wait()

    def _make_ticks(self) -> bool:
        session, now, n_made = self.session, self._seconds(), 0
        for _ in range(session.due(now)):
            tick = session.tick + 1 + session.input_delay
            if tick != self._asked and session.local:
                self._asked = tick
                self.hooks.run("on_tick", self.on_tick, tick)
            if not session.advance(now):
                break
            n_made += 1
        return n_made > 0

    def _pump(self) -> None:
        """Pass on what has happened, and messages."""
        while (event := self.session.next_event()) is not None:
            self._hear(event)
        for peer, link in list(self._links.items()):
            if peer in self.session.links:
                for message in self.session.messages_to_send(peer):
                    _say(link, CONTROL, message)

    def _send_packets(self) -> None:
        for peer, link in list(self._links.items()):
            if peer in self.session.links:
                packet = self.session.packet(peer)
                if packet is not None:
                    _say(link, INPUTS, packet)

    def _received(self, peer: Hashable, channel: int, payload: bytes) -> None:
        """Take what a peer says; a tick that waited for it is made at once."""
        session = self.session
        if peer not in session.links:
            return
        if channel == INPUTS:
            session.receive_packet(peer, payload)
        else:
            session.receive_message(peer, payload)
        is_made = session.is_held and self._make_ticks()
        self._pump()
        if is_made:
            self._send_packets()

    def _hear(self, event: RollbackEvent) -> None:
        """Call the hook of an event."""
        run = self.hooks.run
        if isinstance(event, EffectPlayed):
            run("on_event", self.on_event, event.event, event.tick)
        elif isinstance(event, EffectCancelled):
            run("on_event_cancelled", self.on_event_cancelled, event.event, event.tick)
        elif isinstance(event, RolledBack):
            run("on_rolled_back", self.on_rolled_back, event.tick, event.n_ticks)
        elif isinstance(event, Held):
            run("on_held", self.on_held, event.tick, event.players)
        elif isinstance(event, DesyncFound):
            run("on_desync", self.on_desync, event.desync)
        elif isinstance(event, PlayerChanged):
            kind = ChangeKind(event.kind)
            run(
                "on_player_changed",
                self.on_player_changed,
                event.player,
                kind,
                event.tick,
            )

    def _report(self, hook: str) -> None:
        self.hooks.report(hook, None)

    def _is_told(self, to: Any) -> bool:
        """Return whether a player here is among those whom an event is for."""
        several = to if isinstance(to, Iterable) else (to,)
        return any(getattr(each, "id", each) in self.session.local for each in several)


def _say(link: GameProtocol, channel: int, payload: bytes) -> None:
    """Send a message, unless the connection has just ended."""
    with suppress(LocalProtocolError):
        link.sendMessage(channel, payload)
