# SPDX-License-Identifier: MIT
"""What the browser's connection sends, byte for byte, and what becomes of it."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from tests.browser import connection_bytes as wire
from tests.browser.conversation import (
    ALL_MODES,
    LATEST,
    ORDERED,
    PLAIN,
    RECEIPTS,
    SEQUENCED,
    UNORDERED,
    Script,
    ending,
    events,
    packets,
    play,
)


class SendTests(SynchronousTestCase):
    """What goes out, byte for byte."""

    def sent(self, script: Script, skip: int = 2) -> list[bytes]:
        """Return the packets after the first ones: request and first word."""
        return packets(play(script, channels=ALL_MODES)[0])[skip:]

    def test_modes(self) -> None:
        """Each mode has its frame, and what is numbered counts from zero."""
        script = Script().join()
        for _ in range(2):
            for channel in range(6):
                script.do("send", channel=channel, payload=b"%d" % channel)
        frames = [
            [wire.message(PLAIN, b"0")] * 2,
            [wire.sequenced(SEQUENCED, n, b"1") for n in range(2)],
            [wire.message(RECEIPTS, b"2")] * 2,
            [wire.run(UNORDERED, n, b"3") for n in range(2)],
            [wire.run(ORDERED, n, b"4") for n in range(2)],
            [wire.sequenced(LATEST, n, b"5") for n in range(2)],
        ]
        wanted = [
            wire.packet(1 + n * 6 + channel, frames[channel][n])
            for n in range(2)
            for channel in range(6)
        ]
        self.assertEqual(self.sent(script), wanted)

    def test_coalesced(self) -> None:
        """What waits together goes together; messages in a row are a run."""
        script = Script().join()
        for channel, payload in (
            (ORDERED, b"a"),
            (PLAIN, b"b"),
            (ORDERED, b""),
            (ORDERED, bytes(200)),
        ):
            script.do("send", drain=False, channel=channel, payload=payload)
        script.do("wake")
        frames = wire.message(PLAIN, b"b"), wire.run(ORDERED, 0, b"a", b"", bytes(200))
        self.assertEqual(self.sent(script), [wire.packet(1, *frames)])

    def test_long_run(self) -> None:
        """A run has at most 255 messages."""
        script = Script().join()
        script.do("fill", channel=ORDERED, size=1, count=256)
        payloads = [bytes([n & 0xFF]) for n in range(256)]
        runs = (
            wire.run(ORDERED, 0, *payloads[:255]),
            wire.run(ORDERED, 255, payloads[255]),
        )
        self.assertEqual(self.sent(script), [wire.packet(1, *runs)])

    def test_full_packets(self) -> None:
        """No packet is larger than 1,200 bytes, and none is much smaller."""
        for channel in (PLAIN, SEQUENCED, ORDERED):
            script = Script().join().do("fill", channel=channel, size=100, count=100)
            sizes = [len(packet) for packet in self.sent(script)]
            self.assertEqual(len(sizes), 10, channel)
            self.assertTrue(all(1100 <= size <= 1200 for size in sizes[:-1]), sizes)

    def test_largest(self) -> None:
        """The largest message that fits a packet goes whole; larger ones in pieces."""
        data = Random(2).randbytes(2273)
        script = Script().join()
        for size in (1136, 1137, 2272, 2273):
            script.do("send", channel=ORDERED, payload=data[:size])
        frames = [
            [wire.run(ORDERED, 0, data[:1136])],
            [
                wire.piece(ORDERED, 1, 0, 2, data[:1136]),
                wire.piece(ORDERED, 2, 1, 2, data[1136:1137]),
            ],
            [wire.piece(ORDERED, 3, 0, 2, data[:1136])],
            [wire.piece(ORDERED, 4, 1, 2, data[1136:2272])],
            [wire.piece(ORDERED, 5, 0, 3, data[:1136])],
            [
                wire.piece(ORDERED, 6, 1, 3, data[1136:2272]),
                wire.piece(ORDERED, 7, 2, 3, data[2272:]),
            ],
        ]
        wanted = [wire.packet(1 + n, *parts) for n, parts in enumerate(frames)]
        self.assertEqual(self.sent(script), wanted)

    def test_too_large(self) -> None:
        """A message above the limit of its channel is refused where it is sent."""
        for channel, largest in ((PLAIN, 1136), (LATEST, 1136), (ORDERED, 65536)):
            script = Script().join()
            script.do("send", channel=channel, payload=bytes(largest))
            script.do("send", channel=channel, payload=bytes(largest + 1))
            thrown = [a["thrown"] for a in play(script, channels=ALL_MODES)[0][-2:]]
            self.assertEqual(thrown, [None, "WireError"], channel)
        unknown = Script().join().do("send", channel=9, payload=b"")
        self.assertEqual(play(unknown)[0][-1]["thrown"], "WireError")

    def test_acks(self) -> None:
        """What came is acknowledged within 25 ms, with how long that took."""
        script = Script().join().get(wire.message(1, b"x")).wait(0.01).do("wake")
        script.wait(0.015).do("wake").wait(0.002).do("wake")
        first = wire.packet(1, wire.ack_delay(0.025), ack=0, bits=1)
        self.assertEqual(packets(play(script)[0])[2:], [first])

    def test_ack_bits(self) -> None:
        """A header acknowledges the newest packet and the 31 before it."""
        random = Random(4)
        script, came, wanted, newest = Script().join(), set(), [], -1
        for n in range(60):
            newest = script.sequence = newest + random.choice(
                (1, 1, 1, 2, 5, 31, 32, 33, 200)
            )
            script.get(wire.message(1, b""))
            script.do("send", channel=2, payload=b"")
            came.add(newest)
            bits = sum(1 << k for k in range(32) if newest - k in came)
            frame = wire.message(2, b"")
            wanted.append(wire.packet(1 + n, frame, ack=newest & 0xFFFF, bits=bits))
        self.assertEqual(packets(play(script)[0])[2:], wanted)

    def test_said_at_once(self) -> None:
        """An ack that goes out within a millisecond says nothing of its delay."""
        script = Script().join().get(wire.message(1, b"x"))
        script.do("send", channel=2, payload=b"now").wait(0.05)
        script.do("send", channel=2, payload=b"later")
        wanted = [
            wire.packet(1, wire.message(2, b"now"), ack=0, bits=1),
            wire.packet(2, wire.message(2, b"later"), ack=0, bits=1),
        ]
        self.assertEqual(packets(play(script)[0])[2:], wanted)

    def test_asked(self) -> None:
        """A ping is acknowledged at once, a path challenge answered."""
        script = Script().join().get(wire.PING).get(wire.path_challenge(b"12345678"))
        script.get(wire.path_response(b"87654321")).get(wire.ack_delay(1)).get()
        response = wire.path_response(b"12345678")
        wanted = [
            wire.packet(1, ack=0, bits=1),
            wire.packet(2, response, ack=1, bits=3),
        ]
        self.assertEqual(packets(play(script)[0])[2:], wanted)

    def test_heartbeat(self) -> None:
        """Ten times a second something goes out; no heartbeat is answered."""
        script = Script().join()
        for _ in range(20):
            script.wait(0.05).get()
        sent = packets(play(script)[0])[2:]
        self.assertEqual(len(sent), 10)
        # Each heartbeat of the server's was taken just before ours goes out.
        self.assertEqual(sent[0], wire.packet(1, ack=1, bits=3))

    def test_close(self) -> None:
        """What waits goes out before the goodbye."""
        script = Script().join()
        script.do("send", drain=False, channel=ORDERED, payload=b"last words")
        script.do("close", reason="KICKED", detail="é" * 600)
        detail = ("é" * 600).encode()[:1000]
        close = bytes([225, 2, 0x80 | 1000 & 127, 1000 >> 7]) + detail
        wanted = [
            wire.packet(1, wire.run(ORDERED, 0, b"last words")),
            wire.packet(2, close),
        ]
        self.assertEqual(self.sent(script), wanted)

    def test_priority(self) -> None:
        """A lane above goes first; lanes beside share by weight."""
        modes = [
            {"id": 0, "mode": "reliable-ordered", "weight": 1},
            {"id": 1, "mode": "reliable-ordered", "weight": 3},
            {"id": 2, "mode": "reliable-ordered", "priority": 1},
        ]
        script = Script().join()
        for channel in (0, 1):
            script.do("fill", drain=False, channel=channel, size=1000, count=120)
        script.do("fill", channel=2, size=1000, count=3, room=40 * 1200)
        sent = packets(play(script, channels=modes)[0])[2:]
        channels = [packet[4 + 5] & 31 for packet in sent]
        self.assertEqual(channels[:3], [2, 2, 2])
        shares = [channels[3:].count(channel) for channel in (0, 1)]
        self.assertEqual(len(sent), sum(shares) + 3)
        self.assertApproximates(shares[1] / shares[0], 3, 0.5)

    def test_room(self) -> None:
        """When the carrier takes no more, nothing goes out, and nobody is woken."""
        script = Script().join().do("send", channel=0, payload=b"x", room=0)
        script.wait(0.05).do("wake", room=0).wait(0.06).do("wake", room=0)
        script.wait(0.01).do("wake", room=9)
        answers = play(script)[0]
        self.assertEqual([len(a["packets"]) for a in answers[2:]], [0, 0, 0, 1])
        for answer, step in zip(answers[2:5], script.steps[2:5], strict=True):
            self.assertGreater(answer["next"], step["now"])


class TransferTests(SynchronousTestCase):
    """Large messages go in the background."""

    def test_window(self) -> None:
        """Only so much is on its way; the rest follows as it is acknowledged."""
        script = Script().join()
        script.do("send", channel=ORDERED, payload=bytes(60_000))
        script.do("send", channel=PLAIN, payload=b"input")
        script.do("send", channel=UNORDERED, payload=b"message")
        for n in range(6):
            script.wait(0.05).get(ack=18 + 20 * n)
        answers = play(script, channels=ALL_MODES)[0]
        sent = [packets([answer]) for answer in answers[2:]]
        self.assertEqual([len(step) for step in sent[:3]], [17, 1, 1])
        whole = b"".join(packets(answers))
        for n in range(52):
            self.assertEqual(whole.count(wire.piece(ORDERED, n, n, 53, bytes(1136))), 1)
        # What was left went in two goes, each as large as what had arrived by then.
        self.assertLess(len(sent[3]), 36)

    def test_progress(self) -> None:
        """How much has arrived is told on the way, and the last word says all of it."""
        modes = [{"id": 0, "mode": "reliable-ordered", "receipts": True}]
        script = Script().join().do("send", channel=0, payload=bytes(4000))
        script.get(ack=2).get(ack=3).get(ack=4)
        answers = play(script, channels=modes)[0]
        progress = [
            {"type": "progress", "id": 0, "acked": acked, "total": 4000}
            for acked in (1136 * 2, 1136 * 3, 4000)
        ]
        told = events(answers, "progress", "acked")
        self.assertEqual(told[0]["acked"], 1136)
        self.assertEqual(told[1:], [*progress, {"type": "acked", "id": 0}])

    def test_cancel(self) -> None:
        """What was given up on the way ends; what follows it takes the next place."""
        for channel in (ORDERED, UNORDERED):
            script = Script().join()
            script.do("send", channel=channel, payload=bytes(60_000))
            script.do("send", channel=channel, payload=b"next")
            script.do("send", channel=channel, payload=b"never")
            script.do("cancel", drain=False, id=2)
            script.do("cancel", id=0).do("cancel", id=0).do("cancel", id=7)
            script.wait(0.01).get(ack=18, stats=True)
            script.wait(0.01).get(ack=19, stats=True)
            answers = play(script, channels=ALL_MODES)[0]
            given_up = [answer["value"] for answer in answers[5:9]]
            self.assertEqual(given_up, [True, True, False, False])
            last = wire.cancelled(channel, 17, 17) + wire.run(channel, 18, b"next")
            self.assertTrue(packets(answers)[19].endswith(last))
            queued = [answer["stats"]["queuedBytes"] for answer in answers[-2:]]
            self.assertEqual(queued, [0, 0])

    def test_cancel_before(self) -> None:
        """What has not begun leaves no trace; what has left whole stays."""
        script = Script().join()
        script.do("send", drain=False, channel=ORDERED, payload=bytes(5000))
        script.do("cancel", id=0).do("send", channel=ORDERED, payload=b"x")
        script.do("cancel", id=1)
        answers = play(script, channels=ALL_MODES)[0]
        self.assertEqual([a["value"] for a in answers[-3:]], [True, 1, False])
        self.assertEqual(
            packets(answers)[-1], wire.packet(1, wire.run(ORDERED, 0, b"x"))
        )


class ReceiptTests(SynchronousTestCase):
    """What became of a message."""

    def test_acked(self) -> None:
        """An ack on a stream is one of everything before it."""
        modes = [{**mode, "receipts": True} for mode in ALL_MODES]
        script = Script().join()
        for channel in range(6):
            script.do("send", channel=channel, payload=b"x")
        script.get(ack=4).get(ack=6)
        told = [answer["events"] for answer in play(script, channels=modes)[0][-2:]]
        acked = [[event["id"] for event in step] for step in told]
        self.assertEqual(acked, [[2, 3], [4, 5]])

    def test_replaced(self) -> None:
        """Of a latest value only the newest is acknowledged."""
        modes = [{"id": 0, "mode": "reliable-sequenced", "receipts": True}]
        script = Script().join()
        script.do("send", channel=0, payload=b"1", drain=False)
        script.do("send", channel=0, payload=b"2")
        script.do("send", channel=0, payload=b"3")
        script.get(ack=1).get(ack=2)
        answers = play(script, channels=modes)[0]
        frames = [wire.sequenced(0, 0, b"2"), wire.sequenced(0, 1, b"3")]
        wanted = [wire.packet(1 + n, frame) for n, frame in enumerate(frames)]
        self.assertEqual(packets(answers)[2:4], wanted)
        self.assertEqual(events(answers, "acked"), [{"type": "acked", "id": 2}])

    def test_stale(self) -> None:
        """Unreliable messages that cannot go out make room, and are lost."""
        script = Script().join()
        script.do("fill", channel=RECEIPTS, size=100, count=300, room=0)
        script.do("stale", room=0).do(
            "send", channel=RECEIPTS, payload=b"x", stats=True
        )
        answers = play(script, channels=ALL_MODES)[0]
        lost = [event["id"] for event in events(answers, "lost")]
        self.assertEqual(lost, list(range(300)))
        lane = answers[-1]["stats"]["lanes"][RECEIPTS]
        self.assertEqual(lane["dropped"], {"crowded": 44, "backlog": 256})
        self.assertEqual(len(answers[-1]["packets"]), 1)

    def test_full_queue(self) -> None:
        """Reliable messages that pile up end it; the server is told why."""
        script = Script().join().do("fill", channel=0, size=900, count=2, drain=False)
        script.do("wake")
        answers = play(script, maxQueue=1024, maxMessage=1000)[0]
        self.assertEqual(ending(answers), "SEND_QUEUE_OVERFLOW")
        close = wire.close(CloseReason.SEND_QUEUE_OVERFLOW.value, "1800 bytes wait")
        self.assertEqual(packets(answers)[-1], wire.packet(1, close))
