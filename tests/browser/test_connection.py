# SPDX-License-Identifier: MIT
"""The browser's connection on one link: how it begins, and what it makes of what comes.

Every byte that it is given, and that is expected of it, is made by connection_bytes.py.
"""

from __future__ import annotations

import zlib
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import CloseReason
from tests.browser import connection_bytes as wire
from tests.browser.conversation import (
    ALL_MODES,
    HASH,
    LATEST,
    ORDERED,
    PLAIN,
    RECEIPTS,
    SEQUENCED,
    TOKEN,
    UNORDERED,
    Script,
    ending,
    events,
    messages,
    packets,
    play,
)


class HandshakeTests(SynchronousTestCase):
    """The first packet of a link, and the answer."""

    def test_request(self) -> None:
        """The token is presented with version and hash of the protocol, once."""
        answers = play(Script().do("connect").wait(1).do("wake"))[0]
        self.assertEqual(packets(answers), [TOKEN.request(HASH)])
        self.assertEqual(len(packets(answers)[0]), 1104)

    def test_accepted(self) -> None:
        """A packet that acknowledges nothing yet is the first word."""
        answers = play(Script().join())[0]
        self.assertEqual(events(answers), [{"type": "connected"}])
        self.assertEqual(packets(answers)[1:], [bytes.fromhex("0a3e00000100000000")])

    def test_refused(self) -> None:
        """A refusal is told with reason and detail, whatever the reason."""
        full, other = CloseReason.SERVER_FULL, 99
        cut = wire.refused(full.value) + "é".encode()[:1]
        for packet, wanted in (
            (wire.refused(full.value, "64 of 64"), ("SERVER_FULL", "64 of 64")),
            (wire.refused(full.value), ("SERVER_FULL", "")),
            (wire.refused(other), ("NORMAL", "")),
            (cut, ("SERVER_FULL", "\N{REPLACEMENT CHARACTER}")),
        ):
            script = Script().do("connect").do("receive", packet=packet)
            (told,) = events(play(script)[0])
            self.assertEqual((told["reason"], told["detail"]), wanted)

    def test_malformed_answer(self) -> None:
        """What is no answer closes the connection."""
        bad = ["", "07", "08", "0800000000000000", "080000000000000000ff", "09", "0a"]
        bad += ["0a3e00000100000000"]
        scripts = [
            Script().do("connect").do("receive", packet=packet) for packet in bad
        ]
        for answers in play(*scripts):
            self.assertEqual(ending(answers), "MALFORMED")
            self.assertEqual(len(packets(answers)), 1)

    def test_no_answer(self) -> None:
        """A server that never answers is given up after five seconds."""
        script = Script().do("connect").wait(4.9).do("wake").wait(0.1).do("wake")
        answers = play(script)[0]
        self.assertEqual(
            [answer["state"] for answer in answers[1:]], ["requesting", "closed"]
        )
        self.assertEqual(ending(answers), "HANDSHAKE_TIMED_OUT")

    def test_no_link(self) -> None:
        """Without a link, or an answer, there is no session to resume."""
        never = Script().do("lost", reason="UNREACHABLE")
        soon = Script().do("connect").do("lost")
        for answers, wanted in zip(
            play(never, soon), ("UNREACHABLE", "LINK_LOST"), strict=True
        ):
            self.assertEqual(ending(answers), wanted)
            self.assertFalse(answers[-1]["wantsLink"])

    def test_misuse(self) -> None:
        """What the page does at the wrong time is told to the page."""
        early = Script().do("send", channel=0, payload=b"")
        twice = Script().join().do("connect")
        late = Script().join().do("close", reason="NORMAL", detail="")
        late.do("send", channel=0, payload=b"")
        thrown = [answers[-1]["thrown"] for answers in play(early, twice, late)]
        wanted = ["send: state is idle", "connect: state is connected"]
        wanted += ["send: state is closed"]
        self.assertEqual(thrown, [f"cannot {what}" for what in wanted])


class ReceiveTests(SynchronousTestCase):
    """What comes out of frames, by the mode of their channel."""

    def received(self, *frames: bytes) -> list[tuple[int, bytes]]:
        """Return what comes out of packets of one frame each."""
        script = Script().join()
        for frame in frames:
            script.get(frame)
        answers = play(script, channels=ALL_MODES)[0]
        self.assertEqual(ending(answers), None)
        return messages(answers)

    def test_unreliable(self) -> None:
        """Messages come out as they come, with one byte of size or two."""
        payloads = [
            bytes(n % 256 for n in range(size)) for size in (0, 1, 127, 128, 1190)
        ]
        frames = [wire.message(PLAIN, payload) for payload in payloads]
        frames += [wire.message(RECEIPTS, payload) for payload in payloads]
        wanted = [(channel, p) for channel in (PLAIN, RECEIPTS) for p in payloads]
        self.assertEqual(self.received(*frames), wanted)

    def test_sequenced(self) -> None:
        """What is older than something delivered, or the same, is dropped."""
        order = [0, 2, 1, 2, 3, 0x8003, 0x8002, 3, 0xFFFF, 5, 4]
        kept = [0, 2, 3, 0x8002, 0xFFFF, 5]
        for channel in (SEQUENCED, LATEST):
            frames = [wire.sequenced(channel, n, b"%d" % n) for n in order]
            wanted = [(channel, b"%d" % n) for n in kept]
            self.assertEqual(self.received(*frames), wanted)

    def test_ordered(self) -> None:
        """Messages come out once each, in the order of their sequences."""
        frames = [
            wire.run(ORDERED, 2, b"c", b"d"),
            wire.run(ORDERED, 1, b"b"),
            wire.run(ORDERED, 2, b"c", b"d"),
            wire.run(ORDERED, 0, b"a"),
            wire.run(ORDERED, 0, b"a", b"b", b"c", b"d", b"e"),
        ]
        wanted = [(ORDERED, bytes([letter])) for letter in b"abcde"]
        self.assertEqual(self.received(*frames), wanted)

    def test_unordered(self) -> None:
        """Messages come out once each, as they come."""
        frames = [
            wire.run(UNORDERED, 2, b"c", b"d"),
            wire.run(UNORDERED, 1, b"b"),
            wire.run(UNORDERED, 2, b"c", b"d"),
            wire.run(UNORDERED, 0, b"a", b"b", b"c", b"d", b"e"),
        ]
        wanted = [(UNORDERED, bytes([letter])) for letter in b"cdbae"]
        self.assertEqual(self.received(*frames), wanted)

    def test_wrap(self) -> None:
        """Sequences go on after 65535."""
        for channel in (ORDERED, UNORDERED):
            script = Script().join()
            for n in range(0, 66_300, 255):
                script.get(wire.run(channel, n & 0xFFFF, *[b"%d" % n] * 255))
            script.get(wire.run(channel, 66_299 & 0xFFFF, b"old", b"new"))
            came = messages(play(script, channels=ALL_MODES)[0])
            self.assertEqual(len(came), 66_301)
            self.assertEqual(came[-1][1], b"new")

    def test_pieces(self) -> None:
        """A large message comes out when its last piece has come, in any order."""
        random = Random(1)
        whole = random.randbytes(1000)
        parts = [whole[n : n + 300] for n in range(0, 1000, 300)]
        for channel in (ORDERED, UNORDERED):
            frames = [wire.run(channel, 0, b"before")]
            frames += [wire.piece(channel, 1 + n, n, 4, p) for n, p in enumerate(parts)]
            frames += [wire.run(channel, 5, b"after")]
            wanted = [b"before", whole, b"after"]
            self.assertEqual([m for _, m in self.received(*frames)], wanted)
            random.shuffle(frames)
            came = [message for _, message in self.received(*frames, *frames)]
            self.assertEqual(sorted(came), sorted(wanted))

    def test_cancelled(self) -> None:
        """A large message that was given up never comes; what follows it does."""
        for channel in (ORDERED, UNORDERED):
            frames = [
                wire.piece(channel, 0, 0, 9, b"one"),
                wire.piece(channel, 1, 1, 9, b"two"),
                wire.cancelled(channel, 2, 2),
                wire.run(channel, 3, b"next"),
                wire.piece(channel, 4, 0, 2, b"ne"),
                wire.cancelled(channel, 2, 2),
                wire.piece(channel, 5, 1, 2, b"w"),
            ]
            wanted = [(channel, b"next"), (channel, b"new")]
            self.assertEqual(self.received(*frames), wanted)
            # The pieces themselves may be missing: nobody needs them.
            self.assertEqual(self.received(*frames[1:]), wanted)
            self.assertEqual(self.received(*frames[2:]), wanted)

    def test_one_packet(self) -> None:
        """Frames of one packet are taken in order; padding ends them."""
        frames = wire.message(PLAIN, b"1") + wire.run(ORDERED, 0, b"2", b"3")
        frames += wire.PING + wire.sequenced(LATEST, 9, b"4") + b"\xe0" + bytes(9)
        wanted = [(PLAIN, b"1"), (ORDERED, b"2"), (ORDERED, b"3"), (LATEST, b"4")]
        self.assertEqual(self.received(frames), wanted)

    def test_repeated_packet(self) -> None:
        """A packet counts once."""
        script = Script().join().get(wire.message(PLAIN, b"x"))
        again = script.steps[-1]
        script.steps += [again, {**again, "stats": True}]
        answers = play(script, channels=ALL_MODES)[0]
        self.assertEqual(messages(answers), [(PLAIN, b"x")])
        self.assertEqual(answers[-1]["stats"]["dropped"], {"replayed": 2})

    def test_compressed(self) -> None:
        """A message says in its first byte how it is packed; its size has a limit."""
        made = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = b"\x01" + made.compress(b"word " * 20) + made.flush()
        modes = [
            {"id": 0, "mode": "unreliable", "compression": True, "maxMessage": 100}
        ]
        modes += [{**modes[0], "id": 4, "mode": "reliable-ordered"}]
        good = Script().join().get(wire.message(0, b"\0plain"), wire.message(0, packed))
        good.get(wire.piece(4, 0, 0, 2, packed[:9]), wire.piece(4, 1, 1, 2, packed[9:]))
        good.get(wire.piece(4, 2, 0, 2, bytes(100)), wire.piece(4, 3, 1, 2, b"\0"))
        good.do("send", channel=0, payload=b"up")
        answers = play(good, channels=modes)[0]
        words = b"word " * 20
        wanted = [(0, b"plain"), (0, words), (4, words), (4, bytes(100))]
        self.assertEqual(messages(answers), wanted)
        self.assertTrue(packets(answers)[-1].endswith(wire.message(0, b"\0up")))
        made = zlib.compressobj(9, zlib.DEFLATED, -15)
        bomb = b"\x01" + made.compress(bytes(101)) + made.flush()
        for payload, reason in (
            (b"", "MALFORMED"),
            (b"\x02", "MALFORMED"),
            (b"\x01\xff", "MALFORMED"),
            (bytes(102), "MESSAGE_TOO_LARGE"),
            (bomb, "MESSAGE_TOO_LARGE"),
        ):
            script = Script().join().get(wire.message(0, payload))
            self.assertEqual(ending(play(script, channels=modes)[0]), reason)

    def test_close(self) -> None:
        """The server's reason ends it, after what came before."""
        last = wire.message(1, b"last") + wire.close(
            CloseReason.KICKED.value, "too loud"
        )
        answers = play(Script().join().get_tickets().get(last + wire.message(1, b"x")))[
            0
        ]
        self.assertEqual(messages(answers), [(1, b"last")])
        (told,) = events(answers, "closed")
        self.assertEqual((told["reason"], told["detail"]), ("KICKED", "too loud"))
        self.assertEqual(
            (answers[-1]["usesLink"], answers[-1]["wantsLink"]), (False, False)
        )
