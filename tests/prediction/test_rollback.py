# SPDX-License-Identifier: MIT
"""Tests of rollback sessions, most of them over bad networks in simulated time."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, LocalProtocolError
from gamenet.prediction import (
    HOST,
    CaughtUp,
    ChangeKind,
    DesyncFound,
    EffectCancelled,
    EffectPlayed,
    FellBehind,
    Held,
    PlayerChanged,
    RollbackSession,
    RolledBack,
)
from gamenet.prediction.rollback_packets import (
    Change,
    RollbackPacket,
)
from tests.prediction.rollback_net import (
    TICK_RATE,
    Bang,
    Bodies,
    Fire,
    Network,
    Score,
    Stick,
)


class RollbackTestCase(SynchronousTestCase):
    """What all these tests check."""

    def match(self, seed: int, n_players: int = 2, **settings) -> Network:
        """Return a match in which all play, the first of them at the host."""
        net = Network(seed, **{"checksum_every": 1, **settings})
        net.play_here(1)
        for player in range(2, n_players + 1):
            net.connect(f"peer {player}", player)
        net.until_all_play()
        return net

    def check_alike(self, net: Network) -> None:
        """Check every confirmed tick of every peer against the straight run."""
        straight = net.straight()
        self.assertTrue(straight)
        for peer, sums in net.sums.items():
            self.assertTrue(sums, f"seed {net.seed}: {peer} confirmed nothing")
            for tick, checksum in sums.items():
                if tick in straight:
                    where = f"seed {net.seed}, {peer}, tick {tick}"
                    self.assertEqual(checksum, straight[tick], where)

    def heard(self, net: Network, peer, kind) -> list:
        """Return the events of a kind that a peer had."""
        return [event for event in net.events[peer] if isinstance(event, kind)]


class AgreementTests(RollbackTestCase):
    """With the same inputs every peer confirms the same."""

    @settings(max_examples=25, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        n_players=st.integers(2, 4),
        latency=st.floats(0.0, 0.15),
        jitter=st.floats(0.0, 0.1),
        loss=st.floats(0.0, 0.3),
        delay=st.integers(0, 4),
        prediction=st.integers(0, 16),
    )
    def test_any_network(
        self, seed, n_players, latency, jitter, loss, delay, prediction
    ):
        """Every confirmed tick is that of the straight run, and nothing piles up."""
        net = self.match(
            seed,
            n_players,
            latency=latency,
            jitter=jitter,
            loss=loss,
            input_delay=delay,
            max_prediction=prediction,
        )
        net.run(2.0)
        self.check_alike(net)
        for session in net.sessions.values():
            self.assertEqual(session.n_refused, 0, f"seed {seed}")
        self.assertLess(net.n_kept, 150, f"seed {seed}")

    def test_inputs_come_as_given(self) -> None:
        """Each tick is made of what its players did `input_delay` ticks before."""
        net = self.match(5, 3, input_delay=3)
        net.run(3.0)
        host = net.host
        begin = max(line.first for line in host.roster.lines.values()) + 60
        self.assertGreater(host.confirmed, begin + 60)
        for tick in range(begin, host.confirmed + 1):
            for player, items in net.rules[HOST].made[tick][0].items():
                self.assertEqual(list(items), net.wiggle(player, tick - 4))

    def test_rolls_back(self) -> None:
        """What was guessed wrong is made again, and players are told."""
        net = self.match(6)
        net.run(2.0)
        rolled = self.heard(net, HOST, RolledBack)
        self.assertTrue(rolled)
        timeline = net.host.timeline
        self.assertEqual(sum(each.n_ticks for each in rolled), timeline.n_remade)
        self.assertEqual(len(rolled), timeline.n_rollbacks)

    def test_input_delay_hides_latency(self) -> None:
        """With more delay than latency nothing is ever guessed or made again."""
        net = self.match(7, latency=0.01, jitter=0.0, loss=0.0, input_delay=6)
        net.run(1.0)
        before = net.host.timeline.n_remade
        net.run(2.0)
        self.assertEqual(net.host.timeline.n_remade, before)

    def test_lockstep_never_predicts(self) -> None:
        """With `max_prediction` 0 a tick waits for all its inputs."""
        net = self.match(8, 3, max_prediction=0, input_delay=4)
        net.run(3.0)
        for session in net.sessions.values():
            timeline = session.timeline
            self.assertEqual((timeline.n_predicted, timeline.n_remade), (0, 0))
        self.assertGreater(net.host.confirmed, 30)
        self.check_alike(net)

    def test_in_step(self) -> None:
        """Peers keep together: who is ahead slows down."""
        net = self.match(9, 3)
        net.run(6.0)
        ticks = [session.tick for session in net.sessions.values()]
        self.assertLess(max(ticks) - min(ticks), 8)
        self.assertGreater(min(ticks), 5 * TICK_RATE)

    def test_effects_once(self) -> None:
        """Every shot is played once, or cancelled if it was none; on all peers."""
        net = self.match(10)
        net.run(4.0)
        through = min(session.confirmed for session in net.sessions.values())
        begin = max(line.first for line in net.host.roster.lines.values())
        expected = sorted(
            (tick, item.power)
            for tick in range(begin, through + 1)
            for items in net.rules[HOST].made[tick][0].values()
            for item in items
            if isinstance(item, Fire)
        )
        self.assertTrue(expected)
        for peer in net.sessions:
            played: list = []
            for event in net.events[peer]:
                if isinstance(event, EffectPlayed):
                    played.append((event.tick, event.event.power))
                elif isinstance(event, EffectCancelled):
                    played.remove((event.tick, event.event.power))
            inside = sorted(each for each in played if begin <= each[0] <= through)
            self.assertEqual(inside, expected, peer)


class DesyncTests(RollbackTestCase):
    """A peer that goes another way is found, and what differs is named."""

    def test_named(self) -> None:
        """Both sides come to the same tick, entity, component, field and values."""
        net = self.match(11, 3, checksum_every=10)
        spoiled = net.sessions["peer 2"].tick + 20
        net.rules["peer 2"].spoil = spoiled
        net.run(3.0)
        (theirs,) = self.heard(net, "peer 2", DesyncFound)
        (ours,) = self.heard(net, HOST, DesyncFound)
        self.assertEqual(ours.peer, "peer 2")
        one, other = ours.desync, theirs.desync
        self.assertEqual(
            (one.tick, one.entity, one.component, one.field),
            (other.tick, other.entity, Score, "points"),
        )
        self.assertEqual((one.ours, one.theirs), (other.theirs, other.ours))
        self.assertNotEqual(one.ours, one.theirs)
        self.assertLess(one.tick - spoiled, 20)
        self.assertGreaterEqual(one.tick, spoiled)
        self.assertEqual(one.entity, net.rules[HOST].avatars[3])
        self.assertEqual(one.differing, ("Score.points",))
        self.assertIn("Score.points of entity", str(one))
        self.assertEqual(self.heard(net, "peer 3", DesyncFound), [])

    def test_none(self) -> None:
        """Peers that agree are never said to differ, and know that they agree."""
        net = self.match(12, 3)
        net.run(3.0)
        for peer, session in net.sessions.items():
            self.assertEqual(self.heard(net, peer, DesyncFound), [])
            for link in session.links.values():
                self.assertGreater(link.agreed, session.confirmed - 60)


class ComingAndGoingTests(RollbackTestCase):
    """Peers come late, look on, are away and leave."""

    def test_late(self) -> None:
        """Who comes late gets the state, catches up and plays."""
        net = self.match(13)
        net.run(4.0)
        late = net.connect("late", 7)
        net.until_all_play()
        net.run(2.0)
        self.assertEqual(late.local, {7})
        self.assertGreater(min(net.sums["late"]), 200)
        self.assertGreater(len(net.sums["late"]), 60)
        self.check_alike(net)
        joined = self.heard(net, "peer 2", PlayerChanged)[-1]
        self.assertEqual((joined.player, joined.kind), (7, ChangeKind.JOINS))
        self.assertFalse(joined.is_ours)

    def test_spectator(self) -> None:
        """Who looks on has confirmed ticks only, and little behind."""
        net = self.match(14)
        watcher = net.connect("watcher")
        net.run(5.0)
        self.assertEqual(len(self.heard(net, "watcher", CaughtUp)), 1)
        self.assertEqual(watcher.tick, watcher.confirmed)
        self.assertEqual(watcher.timeline.n_remade, 0)
        self.assertLess(net.host.tick - watcher.tick, 40)
        self.check_alike(net)

    def test_leaves(self) -> None:
        """Who leaves does so in the same tick everywhere."""
        net = self.match(15, 3)
        net.run(1.0)
        net.host.disconnect("peer 2", 33)
        del net.sessions["peer 2"], net._players["peer 2"]
        net.run(2.0)
        self.assertEqual(sorted(net.host.roster.lines), [1, 3])
        self.assertEqual(sorted(net.sessions["peer 3"].roster.lines), [1, 3])
        self.assertEqual(net.host.roster.changes, [])
        gone = [tick for tick, made in net.rules[HOST].made.items() if made[2]]
        self.assertEqual(net.rules[HOST].made[gone[0]][2], [(2, 33)])
        self.check_alike(net)

    def test_stall(self) -> None:
        """Who falls silent is waited for, then taken as away, then back again."""
        net = self.match(16, 3, patience=1.0)
        net.cut.add("peer 2")
        before = net.host.tick
        net.run(0.9)
        self.assertLessEqual(net.host.tick - before, 30)
        self.assertTrue(net.host.is_held)
        self.assertEqual(self.heard(net, HOST, Held)[-1].players, (2,))
        net.run(3.0)
        self.assertTrue(net.host.roster.lines[2].is_away)
        self.assertGreater(net.host.tick - before, 60)
        net.cut.clear()
        net.run(4.0)
        self.assertFalse(net.host.roster.lines[2].is_away)
        kinds = [each.kind for each in self.heard(net, "peer 2", PlayerChanged)]
        self.assertEqual(kinds[-2:], [ChangeKind.IS_AWAY, ChangeKind.IS_BACK])
        self.assertLess(net.host.tick - net.sessions["peer 2"].tick, 10)
        self.check_alike(net)

    def test_behind(self) -> None:
        """Nothing is kept for ever for a peer that does not hear."""
        net = self.match(17)
        net.connect("deaf")
        net.run(1.0)
        net.cut.add("deaf")
        net.run(40.0)
        (event,) = self.heard(net, HOST, FellBehind)
        self.assertEqual(event.peer, "deaf")
        self.assertNotIn("deaf", net.host.links)
        self.assertLess(net.n_kept, 2300)
        self.assertLess(max(map(len, net.host.roster.lines.values())), 60)


class HostileTests(RollbackTestCase):
    """What a peer does against the rules is refused, counted, and harmless."""

    def setUp(self) -> None:
        self.net = self.match(18, 3)
        self.link = self.net.host.links["peer 2"]

    def send(self, *lines, **head) -> None:
        """Let the second peer send what it should not."""
        packet = RollbackPacket(**head)
        data = packet.encode([(player, inputs) for player, inputs in lines])
        before = self.net.host.n_refused
        self.net.host.receive_packet("peer 2", data)
        self.assertEqual(self.net.host.n_refused, before + 1)

    def tearDown(self) -> None:
        self.net.run(2.0)
        self.check_alike(self.net)

    def test_another_player(self) -> None:
        """Nobody speaks for another player."""
        line = self.net.host.roster.lines[3]
        newest = line.newest
        self.send((3, [(newest + 1, b"\0")]))
        self.assertEqual(line.newest, newest)

    def test_future(self) -> None:
        """Inputs of the far future are not kept."""
        self.send((2, [(self.net.host.tick + 1000, b"\0")]))

    def test_flood(self) -> None:
        """Of a run of thousands of ticks no more is kept than may be."""
        line = self.net.host.roster.lines[2]
        many = [(line.newest + 1 + n, b"\0") for n in range(4000)]
        self.net.host.receive_packet("peer 2", RollbackPacket().encode([(2, many)]))
        self.assertLess(len(line), 120)

    def test_past(self) -> None:
        """Inputs that are known are not changed afterwards."""
        line = self.net.host.roster.lines[2]
        tick = line.newest
        known = line.known(tick)
        other = self.net.host.codec.part((Stick(99), Fire(200)))
        packet = RollbackPacket().encode([(2, [(tick, other)])])
        self.net.host.receive_packet("peer 2", packet)
        self.assertEqual(line.known(tick), known)

    def test_nonsense(self) -> None:
        """Inputs that are none, in whatever way, are refused."""
        tick = self.net.host.roster.lines[2].newest + 1
        for part in (
            b"",
            b"\1",
            b"\1\7\0",
            b"\1\0\2\0\0",
            b"\2\0\1\5\0\1\5",
            b"\0\0\1\5",
            b"\1\0\x81\0\5",
        ):
            self.send((2, [(tick, part)]))

    def test_roster(self) -> None:
        """Only the host says who plays."""
        change = Change(99, self.net.host.tick + 20, 5, ChangeKind.JOINS)
        self.send(changes=[change])
        self.assertRaises(LocalProtocolError, self.net.sessions["peer 2"].add_player, 9)

    def test_acks(self) -> None:
        """What was never told cannot be acknowledged."""
        self.send(acks=[(1, self.net.host.tick + 500)])

    def test_random_bytes(self) -> None:
        """Random packets and messages, and those with bits flipped, do no harm."""
        chance = Random(1)
        host, peer = self.net.host, self.net.sessions["peer 2"]
        good = peer.packet(HOST)
        for _ in range(300):
            noise = chance.randbytes(chance.randrange(600))
            host.receive_packet("peer 2", noise)
            host.receive_message("peer 2", noise)
            host.receive_message("peer 2", bytes((chance.randrange(6),)) + noise)
            cut = good[: chance.randrange(len(good))]
            host.receive_packet("peer 2", cut)
        self.assertGreater(host.n_refused, 900)

    def test_hostile_host(self) -> None:
        """A host cannot change what is confirmed, nor break a peer."""
        peer = self.net.sessions["peer 2"]
        number = peer.roster.n_changes + 1
        for change in (
            Change(number, peer.confirmed, 9, ChangeKind.JOINS),
            Change(number, peer.tick + 9, 2, ChangeKind.JOINS),
            Change(number, peer.tick + 9, 9, ChangeKind.LEAVES),
            Change(number, peer.tick + 9, 2, ChangeKind.IS_BACK),
        ):
            before = peer.n_refused
            data = RollbackPacket(changes=[change]).encode([])
            peer.receive_packet(HOST, data)
            self.assertEqual(peer.n_refused, before + 1, change)


class SessionTests(SynchronousTestCase):
    """What a session refuses of its own side."""

    def session(self, **settings) -> RollbackSession:
        return RollbackSession(Bodies(), [Stick, Fire], TICK_RATE, **settings)

    def test_settings(self) -> None:
        """Numbers out of range are refused."""
        for name, value in (
            ("input_delay", 33),
            ("max_prediction", -1),
            ("checksum_every", 0),
        ):
            self.assertRaises(ConfigError, self.session, **{name: value})

    def test_players(self) -> None:
        """Players are added once, and act where they are."""
        host = self.session(is_host=True)
        self.assertRaises(LocalProtocolError, host.hold, 1, Stick(1))
        host.add_player(1)
        host.hold(1, Stick(1))
        self.assertRaises(LocalProtocolError, host.hold, 1, Bang(1))
        self.assertRaises(LocalProtocolError, host.add_player, 1)
        self.assertRaises(LocalProtocolError, host.add_player, 2, b"x" * 65)
        self.assertRaises(LocalProtocolError, host.remove_player, 2)
        host.connect("a")
        self.assertRaises(LocalProtocolError, host.connect, "a")

    def test_not_started(self) -> None:
        """Without the match there are no ticks, and nothing is said."""
        peer = self.session()
        peer.connect()
        self.assertFalse(peer.advance(0.0))
        self.assertIsNone(peer.packet(HOST))

    def test_bad_match(self) -> None:
        """A match that makes no sense is refused; there is none then."""
        peer = self.session()
        peer.connect()
        chance = Random(2)
        for _ in range(100):
            peer.receive_message(HOST, b"\1" + chance.randbytes(50))
        self.assertEqual((peer.n_refused, peer.is_started), (100, False))
