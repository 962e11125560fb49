# SPDX-License-Identifier: MIT
"""What the peers of a rollback match say to each other.

A packet in every tick or so, which may be lost; and reliable messages, of which each
begins with a byte for its kind: the match for who comes late, and the search for the
first difference between two peers who have gone different ways.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gamenet.errors import LocalProtocolError, RemoteProtocolError
from gamenet.prediction.checkpoints import Checkpoints
from gamenet.prediction.desync import Divergence
from gamenet.prediction.rollback_events import (
    CaughtUp,
    DesyncFound,
    FellBehind,
    Started,
)
from gamenet.prediction.rollback_line import EVER, KnownInputs, PlayerLine
from gamenet.prediction.rollback_link import RollbackLink
from gamenet.prediction.rollback_packets import (
    MAX_PART,
    Change,
    LineRuns,
    RollbackPacket,
)
from gamenet.prediction.rollback_roster import known_inputs
from gamenet.prediction.snapshot_parts import IncomingSnapshot, OutgoingSnapshot

if TYPE_CHECKING:
    from gamenet.prediction.rollback import RollbackSession
    from gamenet.prediction.timeline import RollbackRules

__all__ = ["READY", "RollbackTalk"]

PART, GOT, SEARCH, READY = 1, 2, 3, 4
SETTINGS = struct.Struct("<HI")
COUNT = struct.Struct("<H")
TICK = struct.Struct("<I")
MAX_CHANGES = 8
MAX_CHECKS = 16
MAX_KNOWN = 512
"""Inputs that need not be decoded again."""
HOST_AHEAD = 34
"""Ticks of input delay and prediction by which a peer may be ahead, and to spare."""
PEER_AHEAD = 4096
"""Ticks that the host may tell at once to who comes late."""


class RollbackTalk:
    """Say and hear what a session has to say and to hear.

    Args:
        session: whose talk it is.
        rules: of the game.
    """

    def __init__(self, session: RollbackSession, rules: RollbackRules) -> None:
        self._session, self._rules = session, rules
        self._incoming = IncomingSnapshot()
        self._known: dict[bytes, KnownInputs] = {}
        self.n_refused = 0
        """Packets and messages refused."""

    # -- packets -------------------------------------------------------------------

    def packet(self, link: RollbackLink) -> bytes | None:
        """Return what to tell a peer now; None before both have the match."""
        session = self._session
        if not link.is_started:
            return None
        roster = session.roster
        lines = roster.lines.values()
        theirs = [line for line in lines if self._is_theirs(line.player, link)]
        ours = [line for line in lines if self._is_told(line.player, link)]
        checks: list[tuple[int, int]] = []
        if not link.is_diverged:
            known = session.timeline.checkpoints.after(link.agreed_there)
            checks = [(each.tick, each.checksum) for each in known[:MAX_CHECKS]]
        packet = RollbackPacket(
            newest=session.tick,
            settled=session.settled if session.is_host else session.confirmed,
            agreed=link.agreed,
            advantage=link.advantage.local,
            n_changes=roster.n_changes,
            acks=link.in_turn([(line.player, line.newest) for line in theirs]),
            changes=self._changes(link),
            checks=checks,
        )
        return packet.encode(link.inputs(ours))

    def receive_packet(self, link: RollbackLink, data: bytes) -> None:
        """Take a packet of a peer."""
        if not link.is_started:
            return  # one may overtake the match itself
        try:
            packet = RollbackPacket.decode(data)
            runs = [(each, self._inputs(each, link)) for each in packet.lines]
            self._take_changes(packet.changes)
            self._take_head(packet, link)
            for each, known in runs:
                self._take_line(each, known)
        except RemoteProtocolError:
            self._refuse(link)
        else:
            link.n_packets += 1

    def _refuse(self, link: RollbackLink) -> None:
        link.n_refused += 1
        self.n_refused += 1

    def _is_theirs(self, player: int, link: RollbackLink) -> bool:
        """Return whether a player's inputs come from a peer."""
        session = self._session
        return (
            player in link.players if session.is_host else player not in session.local
        )

    def _is_told(self, player: int, link: RollbackLink) -> bool:
        session = self._session
        return (
            player not in link.players if session.is_host else player in session.local
        )

    def _changes(self, link: RollbackLink) -> list[Change]:
        session = self._session
        if not session.is_host:
            return []
        changes = session.roster.since(link.changes_acked)[:MAX_CHANGES]
        return [replace(each, is_yours=each.player in link.players) for each in changes]

    def _inputs(self, told: LineRuns, link: RollbackLink) -> list[KnownInputs]:
        """Return the inputs of a line's runs.

        Raises:
            RemoteProtocolError: they are none, or another player's.
        """
        session = self._session
        if session.is_host and told.player not in link.players:
            msg = f"inputs of player {told.player} came from {link.peer!r}: not theirs"
            raise RemoteProtocolError(msg)
        found = []
        for run in told.runs:
            if len(run.part) > MAX_PART:
                msg = f"inputs of {len(run.part)} bytes: the limit is {MAX_PART}"
                raise RemoteProtocolError(msg)
            known = self._known.get(run.part)
            if known is None:
                known = known_inputs(session.codec, run.part)
                if len(self._known) >= MAX_KNOWN:
                    self._known.clear()
                self._known[run.part] = known
            found.append(known)
        return found

    def _take_changes(self, changes: Sequence[Change]) -> None:
        session = self._session
        if changes and session.is_host:
            raise RemoteProtocolError("a peer says who plays: only the host does")
        for change in changes:
            if change.number != session.roster.n_changes + 1:
                continue  # known, or to come again
            if change.tick <= session.confirmed:
                msg = f"{change} comes too late: {session.confirmed} is confirmed"
                raise RemoteProtocolError(msg)
            session.roster.take(change)
            session.changed(change, change.is_yours)

    def _take_head(self, packet: RollbackPacket, link: RollbackLink) -> None:
        session, roster = self._session, self._session.roster
        for player, tick in packet.acks:
            line = roster.lines.get(player)
            if line is not None and self._is_told(player, link):
                if tick > line.newest:
                    msg = f"inputs of tick {tick} acknowledged, {line.newest} was told"
                    raise RemoteProtocolError(msg)
                link.ack(player, tick)
        if session.is_host:
            acked = (packet.n_changes - link.changes_acked) & 0xFFFF
            if acked <= roster.n_changes - link.changes_acked:
                link.changes_acked += acked
            link.settled = max(link.settled, min(packet.settled, session.confirmed))
        elif packet.n_changes == roster.n_changes & 0xFFFF:
            session.settled = max(session.settled, packet.settled)
        if packet.newest >= link.newest:
            link.newest = packet.newest
            link.advantage.heard(session.tick, packet.newest, packet.advantage)
        link.agreed_there = max(
            link.agreed_there, min(packet.agreed, session.confirmed)
        )
        if not link.is_diverged:
            link.hear_checks(packet.checks)

    def _take_line(self, told: LineRuns, known: list[KnownInputs]) -> None:
        session = self._session
        line = session.roster.lines.get(told.player)
        if line is None or told.player in session.local:
            return  # who has left, or is to come
        tick = told.first
        limit = session.tick + PEER_AHEAD
        if session.is_host:
            limit = session.settled + session.max_prediction + HOST_AHEAD
        if tick > limit:
            msg = f"inputs of tick {tick}: the limit is {limit} now"
            raise RemoteProtocolError(msg)
        for run, inputs in zip(told.runs, known, strict=True):
            end = min(tick + run.count, limit + 1)
            self._take_run(line, tick, end, inputs)
            tick += run.count

    def _take_run(
        self, line: PlayerLine, tick: int, end: int, inputs: KnownInputs
    ) -> None:
        """Take the ticks of a run that come next; those before are known."""
        while tick <= line.newest + 1 < end:
            if line.complete == EVER:
                return  # away or gone: nobody waits for this
            added = line.add(inputs)
            self._session.timeline.arrived(line.player, added, inputs.part)

    # -- messages ------------------------------------------------------------------

    def receive_message(self, link: RollbackLink, data: bytes) -> None:
        """Take a reliable message of a peer."""
        try:
            self._take_message(link, data[0] if data else -1, data[1:])
        except RemoteProtocolError:
            self._refuse(link)

    def _take_message(self, link: RollbackLink, kind: int, body: bytes) -> None:
        is_host = self._session.is_host
        if kind == PART and not is_host:
            self._take_part(link, body)
        elif kind == GOT and is_host and link.snapshot is not None:
            self._take_got(link, body)
        elif kind == SEARCH and link.is_started:
            self._take_search(link, body)
        elif kind == READY and is_host and link.is_started:
            self._take_ready(link)
        else:
            msg = f"a message of kind {kind} cannot come now"
            raise RemoteProtocolError(msg)

    def settle(self) -> None:
        """Compare checksums, and send the match to who has none."""
        for link in list(self._session.links.values()):
            if link.is_started:
                self._compare(link)
            elif self._session.is_host:
                self._send_match(link)

    def _send_match(self, link: RollbackLink) -> None:
        session, timeline = self._session, self._session.timeline
        if link.snapshot is None:
            tick = timeline.confirmed
            try:
                data = self._rules.to_bytes(timeline.state(tick))
                if data is None:
                    return
                settings = SETTINGS.pack(
                    session.max_prediction, timeline.checkpoints.every
                )
                head = settings + session.roster.to_bytes(tick)
                link.snapshot = OutgoingSnapshot(head + data)
            except LocalProtocolError as error:
                session.tell(FellBehind(link.peer, str(error)))
                session.disconnect(link.peer)
                return
            link.since = link.settled = tick
            link.changes_acked = session.roster.n_changes
        link.outbox += [bytes((PART,)) + part for part in link.snapshot.parts()]

    def _take_got(self, link: RollbackLink, body: bytes) -> None:
        snapshot = link.snapshot
        if len(body) != COUNT.size or snapshot is None:
            raise RemoteProtocolError("a count of parts that is none")
        snapshot.got(*COUNT.unpack(body))
        if snapshot.is_there:
            link.snapshot, link.is_started = None, True
        else:
            self._send_match(link)

    def _take_part(self, link: RollbackLink, body: bytes) -> None:
        session, incoming = self._session, self._incoming
        incoming.receive(body)
        link.outbox.append(bytes((GOT,)) + COUNT.pack(incoming.n_parts))
        data = incoming.data
        if data is None:
            return
        if len(data) < SETTINGS.size:
            raise RemoteProtocolError("a match without its settings")
        max_prediction, every = SETTINGS.unpack_from(data)
        if every < 1:
            raise RemoteProtocolError("a match with a checksum every 0 ticks")
        tick, rest = session.roster.take_bytes(data[SETTINGS.size :])
        self._rules.from_bytes(tick, rest)
        session.max_prediction = max_prediction
        session.timeline.checkpoints = Checkpoints(every)
        session.timeline.begin(tick)
        session.settled = link.since = tick
        session.is_started = link.is_started = True
        session.tell(Started(tick))

    def _take_ready(self, link: RollbackLink) -> None:
        for player in sorted(link.players):
            self._session.bring_back(player)
        if not link.is_ready:
            link.is_ready = True
            self._session.tell(CaughtUp(link.peer))

    def _compare(self, link: RollbackLink) -> None:
        if link.is_diverged:
            return
        tick = link.compare(self._session.timeline.checkpoints)
        if tick is not None:
            self._search(link, tick)

    def _search(self, link: RollbackLink, tick: int) -> None:
        """Begin to search a checkpoint for its first difference."""
        checkpoint = self._session.timeline.checkpoints.at(tick)
        if checkpoint is None:
            msg = f"tick {tick} cannot be compared: its state is not kept"
            raise RemoteProtocolError(msg)
        link.is_diverged = True
        saved = checkpoint.saved
        world, extras = self._rules.world(saved), self._rules.extras(saved)
        link.divergence = Divergence(tick, world, extras)
        link.outbox.append(bytes((SEARCH,)) + link.divergence.opening())

    def _take_search(self, link: RollbackLink, body: bytes) -> None:
        if len(body) < TICK.size:
            raise RemoteProtocolError("a search without a tick")
        (tick,) = TICK.unpack_from(body)
        search = link.divergence
        # Both may have begun, with different ticks: the later one counts.
        if (search is None and not link.is_diverged) or (
            search is not None and tick > search.tick
        ):
            self._search(link, tick)
        search = link.divergence
        if search is None or tick < search.tick:
            return
        answer = search.receive(body)
        if answer is not None:
            link.outbox.append(bytes((SEARCH,)) + answer)
        if search.found is not None:
            link.divergence = None
            self._session.tell(DesyncFound(link.peer, search.found))
