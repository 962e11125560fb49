# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.profile_run and gamenet.service.profile_site."""

from __future__ import annotations

import tracemalloc
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from twisted.web.test.requesthelper import DummyRequest

from gamenet.errors import LocalProtocolError
from gamenet.game import StageTimes
from gamenet.service.inspect_access import InspectDesk
from gamenet.service.profile_run import ProfileRun
from gamenet.service.profile_site import ProfileAnswer
from gamenet.testing import Clock
from tests.service.browsing import ask


class ProfileCase(SynchronousTestCase):
    """A case with a profile of a server that does not run."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.now = 0.0
        self.blocks = 1000
        self.stages = StageTimes(("step", "send"), lambda: self.now)
        self.run_ = ProfileRun(self.stages, self.clock, lambda: self.blocks)
        self.addCleanup(tracemalloc.stop)

    def tick(self, ms: float = 2.0) -> None:
        """Make a tick that retains three blocks."""
        self.stages.begin()
        self.now += ms / 1000
        self.stages.mark("step")
        self.stages.end()
        self.blocks += 3


class RunTests(ProfileCase):
    """Figures of some seconds."""

    def test_figures(self) -> None:
        """The figures are of the ticks that were made meanwhile."""
        self.tick(50)
        result = self.run_.start(5.0, has_lines=False)
        self.tick()
        self.tick()
        self.clock.advance(4.9)
        self.assertNoResult(result)
        self.clock.advance(0.2)
        found = self.successResultOf(result)
        self.assertEqual((found["seconds"], found["ticks"]), (5.0, 2))
        self.assertEqual((found["blocks"], found["blocks_per_tick"]), (6, 3.0))
        self.assertAlmostEqual(found["tick"]["max_ms"], 2.0)
        names = [each["name"] for each in found["stages"]]
        self.assertEqual((names, found["memory"]), (["step", "send", "rest"], None))

    def test_no_ticks(self) -> None:
        """A game that does not tick has figures, too."""
        result = self.run_.start(1.0, has_lines=False)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(result)["blocks_per_tick"], 0.0)

    def test_one_at_a_time(self) -> None:
        """While one is made, another is refused; after it, it is not."""
        first = self.run_.start(1.0, has_lines=False)
        start = self.run_.start
        error = self.assertRaises(LocalProtocolError, start, 1.0, has_lines=False)
        self.assertIn("try again when it is done", str(error))
        self.clock.advance(1)
        self.successResultOf(first)
        start(1.0, has_lines=False)

    def test_limits(self) -> None:
        """It takes no longer than it may, and with memory less."""
        start = self.run_.start
        for seconds, has_lines, text in (
            (0.0, False, "0 seconds: allowed: above 0, at most 60"),
            (61.0, False, "61 seconds: allowed: above 0, at most 60"),
            (31.0, True, "31 seconds with memory: allowed: above 0, at most 30"),
            (float("nan"), False, "nan seconds"),
        ):
            error = self.assertRaises(
                LocalProtocolError, start, seconds, has_lines=has_lines
            )
            self.assertIn(text, str(error))

    def test_memory(self) -> None:
        """The lines that hold memory are named, and tracing ends."""
        result = self.run_.start(1.0, has_lines=True)
        self.assertTrue(tracemalloc.is_tracing())
        held = [bytes(1000) for _ in range(300)]
        self.clock.advance(1)
        memory = self.successResultOf(result)["memory"]
        self.assertFalse(tracemalloc.is_tracing())
        self.assertGreater(memory["kib"], 200)
        self.assertGreaterEqual(memory["peak_kib"], memory["kib"])
        first = memory["lines"][0]
        self.assertEqual(first["file"], __file__)
        self.assertGreaterEqual(first["blocks"], len(held))

    def test_traced_already(self) -> None:
        """Who traces the server for other reasons is not disturbed."""
        tracemalloc.start()
        start = self.run_.start
        error = self.assertRaises(LocalProtocolError, start, 1.0, has_lines=True)
        self.assertIn("for somebody else", str(error))
        start(1.0, has_lines=False)
        self.clock.advance(1)
        self.assertTrue(tracemalloc.is_tracing())

    def test_cancel(self) -> None:
        """One that is given up leaves nothing behind."""
        result = self.run_.start(9.0, has_lines=True)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertFalse(tracemalloc.is_tracing())
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.run_.start(1.0, has_lines=False)


class SiteTests(ProfileCase):
    """The address of it."""

    def ask(self, query: str = "", peer: str = "127.0.0.1") -> Any:
        """Return the answer, after enough time for it."""
        desk = InspectDesk(key=b"", secret="", seconds=self.clock.seconds)
        root = Resource()
        root.putChild(b"profile", Late(self.run_, desk, self.clock))
        return ask(root, f"/profile{query}", peer=peer, host="localhost")

    def test_answer(self) -> None:
        """The figures come when the seconds are over."""
        found = self.ask("?seconds=2")
        self.assertEqual((found.code, found.json["seconds"]), (200, 2.0))
        self.assertIsNone(found.json["memory"])
        self.assertEqual(self.ask().json["seconds"], 5.0)
        self.assertIn("lines", self.ask("?seconds=1&memory=1").json["memory"])

    def test_nonsense(self) -> None:
        """What is not understood is refused, with what is allowed."""
        for query in ("?seconds=x", "?seconds=1&memory=2"):
            found = self.ask(query)
            self.assertEqual(found.code, 400)
            self.assertIn("allowed: ?seconds=S", found.json["error"])

    def test_busy(self) -> None:
        """Two at a time are one too many."""
        self.run_.start(60.0, has_lines=False)
        found = self.ask("?seconds=1")
        self.assertEqual(found.code, 409)
        self.assertIn("try again when it is done", found.json["error"])

    def test_strangers(self) -> None:
        """A stranger cannot have the server slowed."""
        self.assertEqual(self.ask("?memory=1", peer="192.0.2.7").code, 403)
        self.assertFalse(tracemalloc.is_tracing())

    def test_gone(self) -> None:
        """Who goes away before the answer makes place for others."""
        desk = InspectDesk(key=b"", secret="", seconds=self.clock.seconds)
        request = DummyRequest([b""])
        request.requestHeaders.setRawHeaders("host", ["localhost"])
        request.client = IPv4Address("TCP", "127.0.0.1", 50_000)
        request.args = {b"seconds": [b"60"], b"memory": [b"0"]}
        found = ProfileAnswer(self.run_, desk).render(request)
        self.assertEqual(found, NOT_DONE_YET)
        request.processingFailed(Failure(ConnectionLost()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.run_.start(1.0, has_lines=False)


class Late(ProfileAnswer):
    """The address, on a server whose time passes as soon as it is asked."""

    def __init__(self, run: ProfileRun, desk: InspectDesk, clock: Clock) -> None:
        super().__init__(run, desk)
        self._clock = clock

    def render_GET(self, request: Any) -> Any:
        found = super().render_GET(request)
        if found is NOT_DONE_YET:
            self._clock.advance(10)
        return found
