# SPDX-License-Identifier: MIT
"""Rollback: every peer makes every tick itself, and only inputs travel.

    own inputs -> held for `input_delay` ticks -> told to the host -> told to everybody
    inputs that are not there yet are guessed; when they come and are others, the state
    before them is loaded and all ticks since are made again

One of the peers is the host: the others talk to it alone, and it passes inputs on. It
also says up to which tick everything is *settled*: it has all inputs, and nobody comes
or goes there any more. A peer that has these inputs, too, confirms those ticks.

A peer that comes late, or only looks on, gets the state of a confirmed tick and all
inputs since; who does not play makes no tick before it is settled. To join is to look
on first, until one has caught up.

Source: GGPO, https://github.com/pond3r/ggpo
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Sequence

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.prediction.frame_advantage import RollbackPace
from gamenet.prediction.input_packets import InputCodec
from gamenet.prediction.inputs import Input
from gamenet.prediction.rollback_events import (
    CaughtUp,
    FellBehind,
    Held,
    PlayerChanged,
    RollbackEvent,
)
from gamenet.prediction.rollback_line import EVER, KnownInputs
from gamenet.prediction.rollback_link import RollbackLink
from gamenet.prediction.rollback_packets import (
    MAX_ABOUT,
    MAX_PART,
    Change,
    ChangeKind,
)
from gamenet.prediction.rollback_roster import Roster
from gamenet.prediction.rollback_talk import READY, RollbackTalk
from gamenet.prediction.timeline import RollbackRules, Timeline

__all__ = ["HOST", "RollbackSession"]

HOST = "host"
"""What the host is called at the other peers."""
MAX_DELAY = 32
MAX_AHEAD = 128
JOIN_LEAD = 10
"""Ticks between the host's word that somebody joins and the tick in which they do."""
MAX_BEHIND = 2048
"""Ticks that inputs are kept for a peer that does not say it has them."""
NEARLY = 2
"""A peer that lacks no more ticks than these has caught up."""
MAX_EVENTS = 4096
FASTEST = 0.1
"""How much faster or slower time may go."""
CATCH_UP_FROM = 5
"""Ticks behind, from which several are made at once."""


class RollbackSession:
    """One peer of a rollback match.

    It does no I/O. Once in a while call `due` and as often as it says `advance`; give
    it what peers sent, send what `packet` and `messages_to_send` return, and look at
    `next_event`.

    Args:
        rules: of the game; see `RollbackRules`.
        inputs: the game's input classes, in wire order.
        tick_rate: ticks a second.
        is_host: whether this peer passes on the inputs of all.
        input_delay: ticks from an own input to its effect: so much latency costs no
            rollback.
        max_prediction: ticks that may be made beyond the newest confirmed one; 0 is
            lockstep, which never predicts.
        checksum_every: ticks between two checksums that peers compare.
        patience: seconds that the host waits for somebody's inputs before it counts
            them as away.

    Raises:
        ConfigError: a number out of range.
    """

    def __init__(
        self,
        rules: RollbackRules,
        inputs: Sequence[type[Input]],
        tick_rate: float,
        *,
        is_host: bool = False,
        input_delay: int = 2,
        max_prediction: int = 12,
        checksum_every: int = 30,
        patience: float = 3.0,
    ) -> None:
        for name, value, low, high in (
            ("input_delay", input_delay, 0, MAX_DELAY),
            ("max_prediction", max_prediction, 0, MAX_AHEAD),
            ("checksum_every", checksum_every, 1, 1 << 16),
        ):
            if not low <= value <= high:
                msg = f"{name} is {value}: it must be {low} to {high}"
                raise ConfigError(msg)
        self.is_host = is_host
        self.input_delay = input_delay
        self.max_prediction = max_prediction
        self.patience = patience
        self.codec = InputCodec(inputs)
        self.roster = Roster(self.codec)
        """Who plays."""
        self.local: set[int] = set()
        """Players whose inputs come from here."""
        self.links: dict[Hashable, RollbackLink] = {}
        """The peers."""
        self._rules = rules
        self._events: deque[RollbackEvent] = deque(maxlen=MAX_EVENTS)
        self.timeline = Timeline(
            rules, self.roster, self._guess, checksum_every, self.tell
        )
        """The ticks."""
        self._talk = RollbackTalk(self, rules)
        self._pace = RollbackPace(tick_rate)
        self._held: dict[int, dict[type[Input], Input]] = {}
        self._held_since: float | None = None
        self._has_caught_up = False
        self.settled = 0
        """Up to this tick, nobody comes or goes and the host has all inputs."""
        self.is_started = is_host
        """Whether the state of the match is here."""
        self.n_holds = 0
        """How often no tick could be made because inputs were missing."""
        if is_host:
            self.timeline.begin(0)

    # -- what it knows -----------------------------------------------------------

    @property
    def tick(self) -> int:
        """Return the newest tick made."""
        return self.timeline.tick

    @property
    def confirmed(self) -> int:
        """Return the newest tick that nothing can change any more."""
        return self.timeline.confirmed

    @property
    def n_refused(self) -> int:
        """Return how many packets and messages of peers were refused."""
        return self._talk.n_refused

    @property
    def is_held(self) -> bool:
        """Return whether the next tick waits for a packet."""
        return self._held_since is not None

    @property
    def speed(self) -> float:
        """Return how fast time should go here for the peers to keep in step."""
        wrong = -self._ticks_ahead() * 0.02
        if self.is_host:
            wrong = min(wrong, 0.0)  # for who lags, time is not made to go faster
        return 1.0 + min(max(wrong, -FASTEST), FASTEST)

    def next_event(self) -> RollbackEvent | None:
        """Return what has happened, the oldest first, None at the end."""
        return self._events.popleft() if self._events else None

    def tell(self, event: RollbackEvent) -> None:
        """Keep an event until `next_event`; of too many the oldest are forgotten."""
        self._events.append(event)

    # -- time goes on ------------------------------------------------------------

    def due(self, now: float) -> int:
        """Return how often to call `advance` now.

        Args:
            now: monotonic seconds.
        """
        n_due = self._pace.due(now, self.speed)
        behind = int(-self._ticks_ahead())
        if not self.is_host and behind > CATCH_UP_FROM:
            n_due += min(behind, CATCH_UP_FROM)
        return n_due

    def wait(self) -> float:
        """Return after how many seconds to call `due` again."""
        return self._pace.wait(self.speed)

    def hold(self, player: int, item: Input) -> None:
        """Do something in the next tick that is still open; of a class once.

        Raises:
            LocalProtocolError: the player's inputs do not come from here, or it is no
                input of the game.
        """
        if player not in self.local:
            msg = f"player {player} is not ours: our players are {sorted(self.local)}"
            raise LocalProtocolError(msg)
        held = {**self._held.get(player, {}), type(item): item}
        size = len(self.codec.part(held.values()))
        if size > MAX_PART:
            msg = f"the inputs of a tick take {size} bytes: the limit is {MAX_PART}"
            raise LocalProtocolError(msg)
        self._held[player] = held

    def advance(self, now: float) -> bool:
        """Make a tick, and correct those that were wrong; return whether one was made.

        Args:
            now: monotonic seconds.
        """
        if not self.is_started:
            return False
        self._close_inputs()
        self.settle()
        if self.tick + 1 > self._confirmable() + self._may_predict():
            self._wait(now)
            self._pace.give_back()
            return False
        self._held_since = None
        self.timeline.advance()
        self.settle()
        self._note_caught_up()
        return True

    def settle(self) -> None:
        """Correct wrong ticks, confirm what can be, and forget what nobody needs."""
        if self.is_host:
            # Beyond what we could have sent ourselves nothing is settled: somebody may
            # still join there.
            limit = self.tick + 1 + self.input_delay
            self.settled = max(self.settled, min(self.roster.complete(), limit))
        self.timeline.correct()
        self.timeline.confirm(self._confirmable())
        self._forget()
        self._talk.settle()

    def _confirmable(self) -> int:
        return min(self.settled, self.roster.complete())

    def _may_predict(self) -> int:
        """Return how many ticks may be made beyond the confirmed: none to look on."""
        is_playing = self.is_host or any(
            not self.roster.lines[player].is_away for player in self._own_lines()
        )
        return self.max_prediction if is_playing else 0

    def _own_lines(self) -> list[int]:
        return sorted(self.local & self.roster.lines.keys())

    def _close_inputs(self) -> None:
        """End the frames of our players that may be ended with the coming tick."""
        through = self.tick + 1 + self.input_delay
        for player in self._own_lines():
            line = self.roster.lines[player]
            through_here = min(through, line.gone_from - 1)
            while not line.is_away and line.newest < through_here:
                is_last = line.newest + 1 == through_here
                held = self._held.pop(player, {}) if is_last else {}
                inputs = tuple(held[kind] for kind in self.codec.inputs if kind in held)
                known = KnownInputs(self.codec.part(inputs), inputs)
                tick = line.add(known)
                self.timeline.arrived(player, tick, known.part)

    def _guess(self, player: int, last: tuple[Input, ...]) -> KnownInputs:
        found = []
        for item in last:
            guessed = self._rules.missing(player, type(item), item)
            if guessed is not None:
                found.append(guessed)
        inputs = tuple(found)
        return KnownInputs(self.codec.part(inputs), inputs)

    def _wait(self, now: float) -> None:
        """Note that no tick can be made; the host does not wait forever."""
        lines = self.roster.lines.values()
        need = self.tick + 1 - self.max_prediction
        missing = [line for line in lines if line.complete < need]
        if self._held_since is None:
            self._held_since = now
            self.n_holds += 1
            players = tuple(sorted(line.player for line in missing))
            if self._may_predict() or self.is_host or self.max_prediction == 0:
                self.tell(Held(self.tick + 1, players))
        if self.is_host and now - self._held_since >= self.patience:
            for line in missing:
                if line.player not in self.local:
                    self._change(line.player, ChangeKind.IS_AWAY)
            self._held_since = None

    def _note_caught_up(self) -> None:
        is_there = self.tick >= self._confirmable() - NEARLY
        if not self.is_host and is_there and not self._has_caught_up:
            self._has_caught_up = True
            self.tell(CaughtUp(HOST))
            self.links[HOST].outbox.append(bytes((READY,)))

    def _ticks_ahead(self) -> float:
        """Return how many ticks we are ahead of whom we should keep in step with."""
        if not self.is_host and not self._may_predict() and self.max_prediction:
            # Who looks on stays a little behind what could be seen, to see it smoothly.
            backlog = self._confirmable() - self.tick
            return float(NEARLY - backlog) if self.is_started else 0.0
        ahead = [
            link.advantage.ticks
            for link in self.links.values()
            if link.is_started and (link.players or not self.is_host)
        ]
        return max(ahead, default=0.0)

    # -- peers ---------------------------------------------------------------------

    def connect(self, peer: Hashable = HOST) -> None:
        """Have a peer; the host sends it the match as soon as it can.

        Raises:
            LocalProtocolError: it is there already.
        """
        if peer in self.links:
            msg = f"peer {peer!r} is connected: give each peer another name"
            raise LocalProtocolError(msg)
        self.links[peer] = RollbackLink(peer)

    def disconnect(self, peer: Hashable, reason: int = 0) -> None:
        """Lose a peer for good; at the host, its players leave."""
        link = self.links.pop(peer, None)
        if link is not None and self.is_host:
            for player in sorted(link.players & self.roster.lines.keys()):
                self.remove_player(player, reason)

    def receive_packet(self, peer: Hashable, data: bytes) -> None:
        """Take a packet; what is wrong with it is counted, and does no harm."""
        self._talk.receive_packet(self.links[peer], data)

    def receive_message(self, peer: Hashable, data: bytes) -> None:
        """Take a reliable message; what is wrong with it is counted."""
        self._talk.receive_message(self.links[peer], data)

    def packet(self, peer: Hashable) -> bytes | None:
        """Return what to send to a peer unreliably, after each tick or so."""
        return self._talk.packet(self.links[peer])

    def messages_to_send(self, peer: Hashable) -> list[bytes]:
        """Return what to send to a peer reliably and in order; it is not kept."""
        link = self.links[peer]
        messages, link.outbox = link.outbox, []
        return messages

    # -- players: the host decides -----------------------------------------------------

    def add_player(
        self, player: int, about: bytes = b"", peer: Hashable | None = None
    ) -> int:
        """Let a player join; return the tick in which they do.

        Args:
            player: an id that nobody had before.
            about: what all are told of the player, at most 64 bytes.
            peer: where the player's inputs come from; None is here.

        Raises:
            LocalProtocolError: we are not the host, or there is such a player.
        """
        if len(about) > MAX_ABOUT:
            msg = f"{len(about)} bytes about player {player}: at most {MAX_ABOUT}"
            raise LocalProtocolError(msg)
        owner = self.local if peer is None else self.links[peer].players
        owner.add(player)
        return self._change(player, ChangeKind.JOINS, about)

    def remove_player(self, player: int, reason: int = 0) -> int:
        """Let a player leave; return the tick in which they do.

        Raises:
            LocalProtocolError: we are not the host, or there is no such player.
        """
        return self._change(player, ChangeKind.LEAVES, bytes((reason,)))

    def bring_back(self, player: int) -> None:
        """Wait for the inputs of a player again who was away; the host does it."""
        line = self.roster.lines.get(player)
        if line is not None and line.is_away and self.roster.may_come(player):
            self._change(player, ChangeKind.IS_BACK)

    def _change(self, player: int, kind: ChangeKind, about: bytes = b"") -> int:
        if not self.is_host:
            msg = "only the host says who plays: ask it"
            raise LocalProtocolError(msg)
        line = self.roster.lines.get(player)
        tick = max(self.settled + 1, 1 if line is None else line.first)
        if kind in (ChangeKind.JOINS, ChangeKind.IS_BACK):
            tick = max(tick, self.tick + 1) + JOIN_LEAD
        elif line is not None:
            tick = max(tick, line.newest + 1)
        self.changed(
            self.roster.change(tick, player, kind, about), player in self.local
        )
        return tick

    def changed(self, change: Change, is_ours: bool) -> None:
        """Note a change: ticks may have been made without it."""
        if is_ours:
            self.local.add(change.player)
            if change.kind is ChangeKind.IS_AWAY:
                self._has_caught_up = False
        self.timeline.doubt(change.tick)
        self.tell(PlayerChanged(change.tick, change.player, change.kind, is_ours))

    def _forget(self) -> None:
        """Forget inputs that all have, and give up on who never says so."""
        confirmed = self.confirmed
        links = [
            link for link in self.links.values() if link.snapshot or link.is_started
        ]
        for line in self.roster.lines.values():
            heard = [
                link.acked(line) for link in links if line.player not in link.players
            ]
            if not self.is_host and line.player not in self.local:
                heard = []
            line.forget(min([confirmed, *heard]))
        for link in links:
            told = link.settled if link.is_started else link.since
            if self.is_host and confirmed - told > MAX_BEHIND:
                detail = f"{confirmed - told} ticks behind: the limit is {MAX_BEHIND}"
                self.tell(FellBehind(link.peer, detail))
                self.disconnect(link.peer)
        oldest = min((link.changes_acked for link in links), default=EVER)
        seen = min((link.settled for link in links if self.is_host), default=confirmed)
        gone = set(self.roster.lines)
        self.roster.forget(oldest, min(seen, confirmed))
        for player in gone - self.roster.lines.keys():
            self.local.discard(player)
            for link in links:
                link.forget_player(player)
