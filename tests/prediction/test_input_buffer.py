# SPDX-License-Identifier: MIT
"""Tests of the client's frames."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import LocalProtocolError
from gamenet.prediction import Input, InputBuffer, InputCodec, Sight
from tests.prediction.pilots import INPUTS, Aim, Fire, Paint, Steer, Stranger


def read(data: bytes) -> list[tuple[int, list[Any]]]:
    """Return tick and inputs of a packet's frames."""
    frames = InputCodec(INPUTS).decode(data).frames
    return [(frame.tick, list(frame.inputs)) for frame in frames]


class HoldTests(SynchronousTestCase):
    """An input gets the frame that it is meant for, or the next that can take it."""

    def setUp(self) -> None:
        self.buffer = InputBuffer(INPUTS)

    def held(self, *items: Input, tick: int = 10) -> list[int]:
        """Return the ticks in which some inputs end."""
        return [self.buffer.hold(item, tick) for item in items]

    def test_one_of_a_class(self) -> None:
        """Classes share a frame; a second of a class waits for the next."""
        self.assertEqual(
            self.held(Steer(1), Fire(1), Steer(2), Fire(2), Aim()), [10, 10, 11, 11, 10]
        )

    def test_newest_wins(self) -> None:
        """Of more than fit into five ticks the last is the newest."""
        ticks = self.held(*map(Steer, range(8)))
        self.assertEqual(ticks, [10, 11, 12, 13, 14, 14, 14, 14])
        self.assertEqual(self.buffer.at(14), (Steer(7),))
        self.assertEqual(self.buffer.n_replaced, 3)

    def test_closed(self) -> None:
        """A frame that is closed takes nothing more."""
        self.held(Steer(1))
        self.buffer.close(10)
        self.assertEqual(self.held(Fire(1)), [11])
        self.assertEqual(self.held(Fire(2), tick=5), [12])

    def test_left(self) -> None:
        """A frame that has left takes nothing more, nor is it replaced."""
        self.held(Steer(1))
        self.buffer.packet(0)
        self.assertEqual(self.held(Fire(1)), [11])
        for n in range(2, 9):
            self.held(Steer(n))
            self.buffer.packet(0)
        self.assertEqual(self.buffer.at(14), (Steer(5),))
        self.assertEqual(self.buffer.n_replaced, 3)

    def test_as_sent(self) -> None:
        """The client predicts with what the server will decode."""
        self.held(Aim(0.1, [0.7]))
        self.assertEqual(self.buffer.at(10), (Aim.decode(Aim(0.1, [0.7]).encode()),))
        self.assertNotEqual(self.buffer.at(10), (Aim(0.1, [0.7]),))
        self.assertEqual(self.buffer.at(11), ())

    def test_refused(self) -> None:
        """What cannot be sent is refused, and nothing is held."""
        for item in (Stranger(1), Paint(bytes(600)), Aim(float("nan"))):
            self.assertRaises(LocalProtocolError, self.held, item)
        self.assertEqual(self.buffer.n_unacked, 0)

    def test_large(self) -> None:
        """What does not fit beside others waits for the next frame."""
        self.assertEqual(self.held(Paint(bytes(480)), Steer(1), Fire(1)), [10, 10, 10])
        self.assertEqual(self.held(Aim(), Steer(2)), [11, 11])


class PacketTests(SynchronousTestCase):
    """A packet has what the server does not have yet, newest first."""

    def setUp(self) -> None:
        self.buffer = InputBuffer(INPUTS)

    def played(self, *ticks: int) -> None:
        """Close some frames, each with an input."""
        for tick in ticks:
            self.buffer.hold(Steer(tick % 2**32), tick)
            self.buffer.close(tick, Sight(tick - 3.5))

    def test_repeats(self) -> None:
        """Frames are repeated until they are acknowledged."""
        self.played(10, 11, 12)
        self.assertEqual(
            [tick for tick, _ in read(self.buffer.packet(0))], [12, 11, 10]
        )
        self.buffer.acked(11)
        self.assertEqual(read(self.buffer.packet(0)), [(12, [Steer(12)])])
        self.buffer.acked(10)
        self.assertEqual(self.buffer.n_unacked, 1)
        self.buffer.acked(12)
        self.assertEqual(read(self.buffer.packet(0)), [])

    def test_steady(self) -> None:
        """Who closes frames is steady, and what is not closed waits."""
        self.buffer.hold(Steer(1), 10)
        sparse = InputCodec(INPUTS).decode(self.buffer.packet(7))
        self.assertEqual(
            (sparse.is_steady, sparse.newest, sparse.clock), (False, 10, 7)
        )
        self.played(11)
        self.buffer.hold(Steer(2), 12)
        steady = InputCodec(INPUTS).decode(self.buffer.packet(8))
        self.assertEqual((steady.is_steady, steady.newest), (True, 11))
        self.assertEqual(steady.frames[0].sight, Sight(7.5))

    def test_empty_frames(self) -> None:
        """A tick without inputs has a frame too."""
        self.buffer.close(10)
        self.buffer.close(10)
        self.assertEqual(read(self.buffer.packet(0)), [(10, [])])

    def test_oldest_first_time(self) -> None:
        """What is large leaves one by one: none is overtaken before it has left."""
        for n in range(3):
            self.buffer.hold(Paint(bytes([n]) * 400), 10)
        ticks = [[tick for tick, _ in read(self.buffer.packet(0))] for _ in range(3)]
        self.assertEqual(ticks, [[10], [11], [12]])
        self.buffer.acked(11)
        self.assertEqual(self.buffer.n_unacked, 1)

    def test_strange_acks(self) -> None:
        """An acknowledgement of what never left is none."""
        self.buffer.acked(5)
        self.played(10, 11)
        self.buffer.packet(0)
        for tick in (12, 2**31, 2**32 - 1):
            self.buffer.acked(tick)
            self.assertEqual(self.buffer.n_unacked, 2)

    def test_wraps(self) -> None:
        """Ticks are 32 bits on the wire, and more here."""
        self.played(2**32 - 1, 2**32, 2**32 + 1)
        self.assertEqual(InputCodec(INPUTS).decode(self.buffer.packet(0)).newest, 1)
        self.buffer.acked(0)
        self.assertEqual(self.buffer.n_unacked, 1)

    def test_bounded(self) -> None:
        """Without any acknowledgement the oldest frames are dropped."""
        self.played(*range(3000))
        self.assertEqual(self.buffer.n_unacked, 1024)
        self.assertEqual(self.buffer.at(1975), ())
        self.assertLessEqual(len(self.buffer.packet(0)), 512)

    def test_forget(self) -> None:
        """What is acknowledged and settled is dropped."""
        self.played(10, 11, 12)
        self.buffer.packet(0)
        self.buffer.acked(11)
        self.buffer.forget(99)
        self.assertEqual([self.buffer.at(tick) for tick in (10, 11)], [(), ()])
        self.assertEqual(self.buffer.at(12), (Steer(12),))

    def test_restart(self) -> None:
        """After a jump of the own time it begins anew, also earlier."""
        self.played(10, 11)
        self.buffer.packet(0)
        self.buffer.restart()
        self.played(5)
        self.assertEqual(read(self.buffer.packet(0)), [(5, [Steer(5)])])
        self.assertTrue(self.buffer.is_steady)
