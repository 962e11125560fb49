# SPDX-License-Identifier: MIT
"""A session of the browser's connection survives the loss of its link."""

from __future__ import annotations

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
    RESUME_TOKENS,
    SEQUENCED,
    TICKETS,
    TOKEN,
    UNORDERED,
    Answer,
    Script,
    ending,
    events,
    messages,
    number,
    packets,
    play,
)

ALWAYS_HALF = 0.5


class Visit(Script):
    """A script of a client that has tickets and loses its link."""

    def lose(self) -> Visit:
        """Join, get two tickets, and lose the link."""
        self.join().get_tickets().do("lost")
        return self

    def attempt(self, packet: bytes | None = None) -> Visit:
        """Wait for the next attempt, open a link, and receive an answer."""
        self.wait(ALWAYS_HALF * 8).do("wake").do("connect")
        if packet is not None:
            self.wait(0.01).do("receive", packet=packet)
        return self

    def resume(self) -> Visit:
        """Be let in again."""
        self.attempt(wire.accepted())
        self.sequence = 0
        return self


def after_resume(answers: list[Answer]) -> bytes:
    """Return all that was sent on the last link, after the request."""
    sent = packets(answers)
    begin = max(n for n, packet in enumerate(sent) if packet[0] == 0)
    return b"".join(sent[begin + 1 :])


def requests(answers: list[Answer]) -> list[bytes]:
    """Return the tokens that were presented, as the first packets of links."""
    return [packet for packet in packets(answers) if packet[0] == 0]


class DropTests(SynchronousTestCase):
    """How a link is lost, and what is told of it."""

    def test_dropped(self) -> None:
        """A link that breaks drops the connection, which then wants another one."""
        visit = Visit().lose().wait(0.12).do("wake").wait(0.01).do("wake")
        answers = play(visit)[0]
        told = events(answers, "dropped", "closed")
        self.assertEqual(told, [{"type": "dropped", "reason": "LINK_LOST"}])
        self.assertEqual([a["state"] for a in answers[-3:]], ["dropped"] * 3)
        self.assertEqual([a["wantsLink"] for a in answers[-3:]], [False, False, True])
        self.assertEqual([a["usesLink"] for a in answers[-3:]], [False, False, True])

    def test_silent(self) -> None:
        """A server that says nothing for five seconds has lost its link."""
        script = Script().join().get_tickets()
        for _ in range(11):
            script.wait(0.5).do("wake")
        answers = play(script)[0]
        told = events(answers, "dropped", "closed")
        self.assertEqual(told, [{"type": "dropped", "reason": "TIMED_OUT"}])
        self.assertEqual(
            [a["state"] for a in answers[-3:]], ["connected", "dropped", "dropped"]
        )

    def test_without_ticket(self) -> None:
        """Who has no ticket, or no time to resume, is closed with the link."""
        answers = play(Script().join().do("lost"))[0]
        self.assertEqual(ending(answers), "LINK_LOST")
        answers = play(Visit().lose(), resumeWindow=0)[0]
        self.assertEqual(ending(answers), "LINK_LOST")
        self.assertEqual(events(answers, "dropped"), [])

    def test_leave_while_dropped(self) -> None:
        """Who leaves meanwhile makes no further attempt."""
        visit = Visit().lose().do("close", reason="NORMAL", detail="").attempt()
        answers = play(visit)[0]
        self.assertEqual(ending(answers), "NORMAL")
        self.assertFalse(any(answer["wantsLink"] for answer in answers))
        self.assertEqual(answers[-1]["thrown"], "cannot connect: state is closed")

    def test_late_packet(self) -> None:
        """What the lost link still says is not heard."""
        visit = (
            Visit().lose().get(wire.message(1, b"late")).do("receive", packet=b"junk")
        )
        answers = play(visit)[0]
        self.assertEqual(messages(answers), [])
        self.assertEqual(answers[-1]["state"], "dropped")


class AttemptTests(SynchronousTestCase):
    """When links are tried, and with which ticket."""

    def test_backoff(self) -> None:
        """Attempts come at random within spans that double from 0.25 s to 8 s."""
        draws = [1.0, 0.5, 1.0, 0.25, 1.0, 0.5, 1.0]
        wanted = [0.25, 0.25, 1.0, 0.5, 4.0, 4.0, 8.0]
        visit = Visit().lose()
        for wait in wanted:
            visit.wait(wait - 0.01).do("wake").wait(0.01).do("wake").do("lost")
        steps = play(visit, draws=draws)[0][4:]
        for n in range(len(wanted)):
            early, due, _ = steps[3 * n : 3 * n + 3]
            self.assertEqual((early["wantsLink"], due["wantsLink"]), (False, True), n)

    def test_hurry(self) -> None:
        """Who hears that the network is back tries at once, and soon after that."""
        visit = Visit().lose()
        for _ in range(4):
            visit.attempt().do("lost")
        visit.wait(0.1).do("wake").do("hurry").do("lost").wait(0.13).do("wake")
        later, now, _, soon = play(visit)[0][-4:]
        wanted = [a["wantsLink"] for a in (later, now, soon)]
        self.assertEqual(wanted, [False, True, True])

    def test_hurry_without_need(self) -> None:
        """While there is a link, or one is being made, it changes nothing."""
        connected = Script().join().do("hurry")
        trying = Visit().lose().attempt().do("hurry")
        for answers in play(connected, trying):
            self.assertFalse(answers[-1]["wantsLink"])
            self.assertEqual(answers[-1]["state"], answers[-2]["state"])
            self.assertIsNone(answers[-1]["thrown"])

    def test_stuck(self) -> None:
        """An attempt that leads to nothing within five seconds is left for another."""
        visit = Visit().lose().attempt().wait(4.9).do("wake").wait(0.2).do("wake")
        visit.wait(0.26).do("wake")
        answers = play(visit)[0][-3:]
        self.assertEqual([a["usesLink"] for a in answers], [True, False, True])
        self.assertTrue(answers[-1]["wantsLink"])

    def test_tickets(self) -> None:
        """Each attempt presents another ticket, then those again without answer."""
        visit = Visit().lose()
        for _ in range(3):
            visit.attempt().do("lost")
        presented = requests(play(visit)[0])
        tokens = [TOKEN, RESUME_TOKENS[1], RESUME_TOKENS[0], RESUME_TOKENS[1]]
        self.assertEqual(presented, [token.request(HASH) for token in tokens])

    def test_no_answer_in_time(self) -> None:
        """After thirty seconds the session is lost, for the reason the link was."""
        visit = Visit().lose()
        for _ in range(29):
            visit.wait(1).do("wake")
        answers = play(visit.wait(1).do("wake").wait(9).do("wake"))[0]
        self.assertEqual(
            [a["state"] for a in answers[-3:]], ["dropped", "closed", "closed"]
        )
        self.assertEqual(ending(answers), "LINK_LOST")

    def test_used_up(self) -> None:
        """A ticket that is used or too old is not shown again; without any, it ends."""
        for reason in (CloseReason.TOKEN_USED, CloseReason.TOKEN_EXPIRED):
            answer = wire.refused(number(reason))
            visit = Visit().lose().attempt(answer).attempt(answer)
            answers = play(visit)[0]
            self.assertEqual(len(requests(answers)), 3)
            self.assertEqual(answers[-4]["state"], "dropped")
            self.assertEqual(ending(answers), reason.name)

    def test_busy(self) -> None:
        """A server that has no room now may have it later."""
        busy = wire.refused(number(CloseReason.SERVER_FULL))
        answers = play(Visit().lose().attempt(busy).attempt(busy).resume())[0]
        self.assertEqual(len(events(answers, "resumed")), 1)

    def test_final(self) -> None:
        """A session that is gone is not asked for again."""
        for reason in (
            CloseReason.SESSION_GONE,
            CloseReason.TOKEN_INVALID,
            CloseReason.SERVER_SHUTDOWN,
            CloseReason.PROTOCOL_MISMATCH,
        ):
            answers = play(Visit().lose().attempt(wire.refused(number(reason), "why")))[
                0
            ]
            (told,) = events(answers, "closed")
            self.assertEqual((told["reason"], told["detail"]), (reason.name, "why"))

    def test_malformed(self) -> None:
        """What is no answer ends it."""
        answers = play(Visit().lose().attempt(b"\x07"))[0]
        self.assertEqual(ending(answers), "MALFORMED")

    def test_settled(self) -> None:
        """A link that breaks at once does not make the next attempt come sooner."""
        visit = Visit().lose()
        for _ in range(4):
            visit.resume().get(wire.run(wire.OWN, 2, TICKETS[2])).do("lost")
            visit.wait(0.25).do("wake")
        answers = play(visit)[0]
        soon = [a["wantsLink"] for a in answers if a["state"] == "dropped"]
        self.assertFalse(soon[-1])
        visit = (
            Visit().lose().resume().get(wire.run(wire.OWN, 2, TICKETS[2])).wait(4).get()
        )
        visit.wait(4).get().do("lost").wait(0.25).do("wake")
        self.assertTrue(play(visit)[0][-1]["wantsLink"])


class ResumeTests(SynchronousTestCase):
    """What goes on, and what begins anew."""

    def test_resumed(self) -> None:
        """Packets are counted from zero again, and nothing is acknowledged."""
        visit = Visit().lose().resume().wait(0.02).get(ack=0, stats=True)
        answers = play(visit)[0]
        told = [event["type"] for event in events(answers)]
        self.assertEqual(told, ["connected", "dropped", "resumed"])
        self.assertEqual(packets(answers)[-1], wire.packet(0))
        self.assertApproximates(answers[-1]["stats"]["rtt"], 0.02, 1e-6)

    def test_sent_again(self) -> None:
        """What was not acknowledged goes out again, with the same sequences."""
        visit = Visit().join().get_tickets()
        for n in range(4):
            visit.do("send", channel=ORDERED, payload=b"%d" % n)
        visit.do("send", channel=UNORDERED, payload=bytes(1200))
        visit.do("send", channel=LATEST, payload=b"old")
        visit.get(ack=2).do("send", channel=LATEST, payload=b"new").do("lost").resume()
        visit.do("wake", stats=True)
        answers = play(visit, channels=ALL_MODES)[0]
        body = after_resume(answers)
        frames = [wire.run(ORDERED, 2, b"2", b"3"), wire.sequenced(LATEST, 1, b"new")]
        for n, part in enumerate((bytes(1136), bytes(64))):
            frames.append(wire.piece(UNORDERED, n, n, 2, part))
        self.assertEqual([body.count(frame) for frame in frames], [1] * 4)
        self.assertNotIn(b"old", body)
        self.assertEqual(answers[-1]["stats"]["resent"], 5)

    def test_sent_meanwhile(self) -> None:
        """While away what is reliable waits, and what is not is forgotten."""
        visit = Visit().lose()
        for channel in range(6):
            visit.do("send", channel=channel, payload=b"<%d>" % channel)
        visit.do("send", channel=LATEST, payload=b"<newest>").resume().do(
            "wake", stats=True
        )
        answers = play(visit, channels=ALL_MODES)[0]
        after = after_resume(answers)
        arrived = [n for n in range(6) if b"<%d>" % n in after]
        self.assertEqual(arrived, [UNORDERED, ORDERED])
        self.assertIn(wire.sequenced(LATEST, 0, b"<newest>"), after)
        self.assertEqual(events(answers, "lost"), [{"type": "lost", "id": 2}])
        lanes = answers[-1]["stats"]["lanes"]
        for channel in (PLAIN, SEQUENCED, RECEIPTS):
            self.assertEqual(lanes[channel]["dropped"], {"away": 1})

    def test_receipts(self) -> None:
        """Of what was on its way when the link broke, the unreliable counts as lost."""
        modes = [{**mode, "receipts": True} for mode in ALL_MODES]
        visit = Visit().join().get_tickets()
        visit.do("send", channel=RECEIPTS, payload=b"?")
        visit.do("send", channel=ORDERED, payload=b"!").do("lost").resume().get(ack=0)
        answers = play(visit, channels=modes)[0]
        told = events(answers, "lost", "acked")
        self.assertEqual(told, [{"type": "lost", "id": 0}, {"type": "acked", "id": 1}])

    def test_received_twice(self) -> None:
        """What comes again is taken once; what was half there is completed."""
        first = [
            wire.run(ORDERED, 0, b"a", b"b"),
            wire.run(UNORDERED, 1, b"y"),
            wire.piece(ORDERED, 2, 0, 2, b"la"),
            wire.piece(UNORDERED, 2, 0, 2, b"LA"),
            wire.sequenced(LATEST, 4, b"4"),
        ]
        second = [
            wire.run(ORDERED, 1, b"b"),
            wire.run(UNORDERED, 0, b"x", b"y"),
            wire.piece(ORDERED, 2, 0, 2, b"la"),
            wire.piece(ORDERED, 3, 1, 2, b"st"),
            wire.piece(UNORDERED, 2, 0, 2, b"LA"),
            wire.piece(UNORDERED, 3, 1, 2, b"ST"),
            wire.sequenced(LATEST, 4, b"4"),
            wire.run(ORDERED, 4, b"c"),
        ]
        visit = Visit().join().get_tickets().get(*first).do("lost").resume()
        visit.get(*second, stats=True)
        answers = play(visit, channels=ALL_MODES)[0]
        came = [message for _, message in messages(answers)]
        self.assertEqual(came, [b"a", b"b", b"y", b"4", b"x", b"last", b"LAST", b"c"])
        self.assertEqual(answers[-1]["stats"]["duplicates"], 5)

    def test_transfer(self) -> None:
        """A large message goes on where the server has it, cancelled or not."""
        visit = Visit().join().get_tickets()
        visit.do("send", channel=ORDERED, payload=bytes(60_000)).get(ack=10).do("lost")
        visit.do("cancel", id=0).do("send", channel=ORDERED, payload=b"next").resume()
        visit.get(ack=8).get(ack=16)
        answers = play(visit, channels=ALL_MODES)[0]
        body = after_resume(answers)
        pieces = [wire.piece(ORDERED, n, n, 53, bytes(1136)) for n in range(53)]
        sent = [n for n, piece in enumerate(pieces) if piece in body]
        self.assertEqual((sent[0], sent), (10, list(range(10, len(sent) + 10))))
        n = sent[-1] + 1
        end = wire.cancelled(ORDERED, n, n) + wire.run(ORDERED, n + 1, b"next")
        self.assertTrue(body.endswith(end))

    def test_again_and_again(self) -> None:
        """Each time another ticket is used, and the server replaces it."""
        visit = Visit().lose()
        for n in range(2, 6):
            visit.resume().get(wire.run(wire.OWN, n, TICKETS[n])).wait(9).get().do(
                "lost"
            )
        answers = play(visit, timeout=60)[0]
        self.assertEqual(len(events(answers, "resumed")), 4)
        presented = requests(answers)
        self.assertEqual(len(set(presented)), 5)
        known = [token.request(HASH) for token in [TOKEN, *RESUME_TOKENS]]
        self.assertTrue(set(presented) <= set(known))

    def test_unknown_kind(self) -> None:
        """What a newer server says on gamenet's own channel is skipped."""
        script = Script().join().get(wire.run(wire.OWN, 0, b"\x09news", TICKETS[0]))
        answers = play(script.do("lost"))[0]
        self.assertEqual(answers[-1]["state"], "dropped")

    def test_ticket_in_pieces(self) -> None:
        """A ticket may come in pieces, as large messages do."""
        parts = TICKETS[0][:1136], TICKETS[0][1136:]
        frames = [wire.piece(wire.OWN, n, n, 2, part) for n, part in enumerate(parts)]
        answers = play(Script().join().get(*frames).do("lost"))[0]
        self.assertEqual(answers[-1]["state"], "dropped")
