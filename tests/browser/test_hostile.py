# SPDX-License-Identifier: MIT
"""Whatever a server sends, the browser's connection lives or closes."""

from __future__ import annotations

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
    PROTOCOL,
    RECEIPTS,
    SEQUENCED,
    TICKETS,
    TOKEN,
    UNORDERED,
    Script,
    ending,
    events,
    messages,
    packets,
    play,
)
from tests.browser.javascript import marked, run_program

BITS = wire.ALL_BITS

BAD_BODIES = {
    "no header": "",
    "header cut": "3e000001",
    "a fragment": "0100000000",
    "unknown prefix": "40000000",
    "ack far that is near": "0000000000",
    "bits that are set": "2200000001ff"[:10] + "ff",
    "ack never sent": wire.header(0, 5, BITS).hex(),
    "ack from before the first": wire.header(0, 0x9000, BITS).hex(),
}
BAD_FRAMES = {
    "unknown channel": wire.message(9, b"x"),
    "run on an unreliable channel": wire.run(PLAIN, 0, b"x"),
    "sequenced on an unreliable channel": wire.sequenced(PLAIN, 0, b"x"),
    "message on a sequenced channel": wire.message(SEQUENCED, b"x"),
    "piece on a latest channel": wire.piece(LATEST, 0, 0, 2, b"x"),
    "message on our own channel": wire.message(wire.OWN, b"x"),
    "form 5": b"\xa0\0",
    "form 6": b"\xc4\0",
    "size cut": b"\x00",
    "payload cut": b"\x00\x05abc",
    "size in two bytes for nothing": b"\x00\x80\x00",
    "size in two bytes that is cut": b"\x00\xff",
    "run of nothing": wire.run(ORDERED, 0),
    "run cut": wire.run(ORDERED, 0, b"abc", b"def")[:-1],
    "piece of one": wire.piece(ORDERED, 0, 0, 1, b"x"),
    "piece beyond the last": wire.piece(ORDERED, 0, 2, 2, b"x"),
    "piece of no bytes": wire.piece(ORDERED, 0, 0, 2, b""),
    "cancel cut": wire.cancelled(ORDERED, 0, 1)[:-1],
    "padding that is not": b"\xe0\0\0\1",
    "unknown control": b"\xe6",
    "close cut": wire.close(0, "bye")[:-1],
    "ack delay cut": b"\xe4\0",
    "path challenge cut": wire.path_challenge(b"1234567"),
}
BAD_STORIES = {
    "beyond the window": [wire.run(ORDERED, 17_000, b"x")],
    "beyond the window, unordered": [wire.run(UNORDERED, 17_000, b"x")],
    "other count": [
        wire.piece(ORDERED, 0, 0, 3, b"x"),
        wire.piece(ORDERED, 1, 1, 4, b"x"),
    ],
    "other size": [
        wire.piece(ORDERED, 0, 0, 3, b"xx"),
        wire.piece(ORDERED, 1, 1, 3, b"x"),
    ],
    "last too large": [
        wire.piece(UNORDERED, 0, 0, 2, b"x"),
        wire.piece(UNORDERED, 1, 1, 2, b"xx"),
    ],
    "last too large, first": [
        wire.piece(UNORDERED, 1, 1, 2, b"xx"),
        wire.piece(UNORDERED, 0, 0, 2, b"x"),
    ],
    "not from the start": [wire.piece(ORDERED, 0, 1, 3, b"x")],
    "message among pieces": [
        wire.piece(ORDERED, 0, 0, 3, b"x"),
        wire.run(ORDERED, 1, b"y"),
    ],
    "overlapping pieces": [
        wire.piece(UNORDERED, 5, 0, 3, b"x"),
        wire.piece(UNORDERED, 6, 1, 4, b"x"),
    ],
    "no ticket": [wire.run(wire.OWN, 0, b"")],
    "ticket cut": [wire.run(wire.OWN, 0, TICKETS[0][:900])],
    "ticket of another generation": [
        wire.run(wire.OWN, 0, b"\x01\x07" + TICKETS[0][2:]),
    ],
    "ticket that is no token": [
        wire.run(
            wire.OWN,
            0,
            wire.ticket(
                wire.Token(1, b"n" * 24, b"p" * 1024, b"k" * 32, addresses=()),
                1,
                TOKEN.server_key,
            ),
        )
    ],
}


class HostileTests(SynchronousTestCase):
    """Whatever a server sends, the connection lives or closes; it never throws."""

    def test_bad_packets(self) -> None:
        """Each way to be wrong closes the connection with the reason MALFORMED."""
        scripts = {}
        for name, body in BAD_BODIES.items():
            scripts[name] = Script().join().do("receive", packet=f"0a{body}")
        for name, frame in BAD_FRAMES.items():
            # Nothing of a packet takes effect of which a part is wrong.
            scripts[name] = Script().join().get(wire.message(PLAIN, b"good") + frame)
        for kind in (0, 5, 8, 9, 11):
            script = Script().join().do("receive", packet=bytes([kind]) + bytes(8))
            scripts[f"kind {kind}"] = script
        for name, answers in zip(
            scripts, play(*scripts.values(), channels=ALL_MODES), strict=True
        ):
            self.assertEqual(ending(answers), "MALFORMED", name)
            self.assertEqual(messages(answers), [], name)
            self.assertEqual(
                [a["thrown"] for a in answers], [None] * len(answers), name
            )
            close = wire.close(CloseReason.MALFORMED.value)[:2]
            self.assertIn(close, packets(answers)[-1], name)

    def test_bad_stories(self) -> None:
        """Frames that cannot belong together close it, too."""
        scripts = [Script().join() for _ in BAD_STORIES]
        for script, frames in zip(scripts, BAD_STORIES.values(), strict=True):
            for frame in frames:
                script.get(frame)
        for name, answers in zip(
            BAD_STORIES, play(*scripts, channels=ALL_MODES), strict=True
        ):
            self.assertEqual(ending(answers), "MALFORMED", name)

    def test_too_much(self) -> None:
        """Messages above the limit, and pieces without end, are not collected."""
        whole = [wire.piece(ORDERED, n, n, 60, bytes(1136)) for n in range(60)]
        first = [wire.piece(UNORDERED, 0, 0, 60_000, bytes(1136))]
        runs = [wire.run(ORDERED, 1 + n, *[b"x" * 20_000]) for n in range(120)]
        never = [wire.piece(UNORDERED, 3 * n, 0, 3, bytes(20_000)) for n in range(120)]
        packet = [wire.message(PLAIN, bytes(32_767)) * 3]
        names = "whole first runs never".split()
        scripts = [Script().join() for _ in range(5)]
        for script, frames in zip(
            scripts, (whole, first, runs, never, packet), strict=True
        ):
            for frame in frames:
                script.get(frame)
        answers = play(*scripts, channels=ALL_MODES)
        for name, answer in zip(names, answers, strict=False):
            self.assertEqual(ending(answer), "MESSAGE_TOO_LARGE", name)
        self.assertEqual(len(events(answers[1], "closed")), 1)
        self.assertEqual(ending(answers[4]), "MALFORMED")

    def test_damaged(self) -> None:
        """Changed, cut and random packets are taken without a throw."""
        random = Random(3)
        good = [
            wire.packet(0, wire.run(ORDERED, 0, b"x" * 90, b"yy"), ack=0, bits=1),
            wire.packet(0, wire.piece(UNORDERED, 0, 0, 3, bytes(300)), wire.PING),
            wire.packet(0, wire.sequenced(LATEST, 0, b"z"), wire.ack_delay(0.01)),
            wire.packet(
                0, wire.message(PLAIN, b"snapshot"), wire.cancelled(ORDERED, 2, 2)
            ),
            wire.packet(0, wire.run(wire.OWN, 0, TICKETS[0]), wire.close(3, "bye")),
        ]
        scripts = []
        for n in range(600):
            data = bytearray(random.choice(good))
            for _ in range(1 + n % 3):
                data[random.randrange(len(data))] = random.randrange(256)
            cut = bytes(data[: random.randrange(1, len(data) + 1)])
            bad = [bytes(data), cut, b"\x0a" + random.randbytes(n % 40)][n % 3]
            script = Script().join().do("receive", packet=bad).do("receive", packet=bad)
            scripts.append(script.wait(1).do("wake"))
        for answers in play(*scripts, channels=ALL_MODES):
            self.assertEqual([a["thrown"] for a in answers], [None] * len(answers))
            ending(answers)

    def test_never_acknowledged(self) -> None:
        """A server that acknowledges nothing costs a bounded memory."""
        script = Script().join()
        for _ in range(20):
            script.wait(0.01).do("fill", channel=PLAIN, size=1000, count=250)
        script.do("send", channel=RECEIPTS, payload=b"x")
        script.get(ack=5000).get(ack=5001, stats=True)
        answers = play(script, channels=ALL_MODES)[0]
        self.assertEqual(ending(answers), None)
        self.assertEqual(answers[-1]["stats"]["inFlight"], 0)
        self.assertEqual(len(events(answers, "acked")), 1)

    def test_strange_token(self) -> None:
        """A token that is none is refused before anything is sent."""
        good = TOKEN.encode()
        many = wire.Token(
            1, b"n" * 24, b"p" * 1024, b"k" * 32, (b"\1" + bytes(6),) * 33
        )
        bad = [b"", good + b"\0", b"X" + good[1:], many.encode()]
        bad += [good[:1093] + b"\x03" + good[1094:]]
        for data in bad:
            argument = {
                "token": data.hex(),
                "hash": HASH.hex(),
                "config": {},
                "plays": [[]],
            }
            with self.assertRaisesRegex(AssertionError, "no connect token"):
                run_program("connection_play.js", argument, protocol=PROTOCOL)
        short = {"token": good.rstrip(b"\0").hex(), "hash": HASH.hex(), "config": {}}
        plays = {"plays": [Script().do("connect").steps]}
        answer = run_program(
            "connection_play.js", {**short, **plays}, protocol=PROTOCOL
        )
        self.assertEqual(answer[0][0]["packets"], [marked(TOKEN.request(HASH))])
