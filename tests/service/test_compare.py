# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.compare; the real thing is in tests/integration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from twisted.internet.defer import Deferred, ensureDeferred

from gamenet.errors import CloseReason, ConnectError
from gamenet.service import compare
from gamenet.service.compare_client import TransportFigures
from gamenet.service.compare_server import MEASURED
from gamenet.transport import ConnectSpec
from tests.service.test_command import CommandCase

PORTS = {transport: 1000 + i for i, transport in enumerate(MEASURED)}


class CompareTests(CommandCase):
    """gamenet compare-transports, with figures that were not measured."""

    def setUp(self) -> None:
        self.measured: list[tuple[str, float]] = []
        self.patch(compare, "run_to_end", self.run_to_end)
        self.patch(compare, "_server", self.server)
        self.patch(compare, "measure_transport", self.measure)

    def run_to_end(self, begin: Any) -> Any:
        """Run without a reactor."""
        return self.successResultOf(ensureDeferred(begin(None)))

    @contextmanager
    def server(self, folder: Path) -> Iterator[Any]:
        """Serve nothing."""
        yield PORTS, bytes(32), "certificate.pem"

    async def measure(
        self, reactor: Any, spec: ConnectSpec, key: bytes, trust: str, seconds: float
    ) -> TransportFigures:
        """Return figures that tell the transports apart."""
        self.measured.append((str(spec), seconds))
        return TransportFigures(
            transport=spec.transport,
            rtt_us_p50=spec.port - 900.0,
            rtt_us_p90=300,
            rtt_us_p99=400,
            rtt_us_max=5000,
            messages_per_s=123_456,
            cpu_us_client=3.5,
            cpu_us_server=1.5,
        )

    def test_table(self) -> None:
        """Each transport is a row."""
        self.assertEqual(self.command("compare-transports", "--seconds", "2"), 0)
        head, *rows = self.out.splitlines()
        self.assertTrue(head.startswith("transport  rtt p50 us"))
        self.assertEqual([row.split()[0] for row in rows], list(MEASURED))
        self.assertEqual(
            rows[0].split(),
            ["udp", "100", "300", "400", "5000", "123,456", "7.9", "3.50", "1.50"],
        )
        self.assertEqual(self.measured[0], ("udp:127.0.0.1:1000", 2.0))

    def test_json(self) -> None:
        """With --json there is one object."""
        self.assertEqual(self.command("compare-transports", "--json"), 0)
        found = json.loads(self.out)
        self.assertEqual(found["seconds"], 4.0)
        names = [each["transport"] for each in found["transports"]]
        self.assertEqual(names, list(MEASURED))
        self.assertEqual(found["transports"][0]["rtt_us_p50"], 100.0)

    def test_plot(self) -> None:
        """A plot shows four figures of each transport."""
        name = self.mktemp() + ".svg"
        self.assertEqual(self.command("compare-transports", "--plot", name), 0)
        root = ET.fromstring(Path(name).read_text(encoding="utf-8"))
        texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
        for transport in MEASURED:
            self.assertEqual(texts.count(transport), 4)
        self.assertEqual(texts.count("5.00"), len(MEASURED))

    def test_wrong_plot(self) -> None:
        """A plot that cannot be written is one line, before anything is measured."""
        for name, text in (
            ("plot.png", "--plot plot.png: allowed: a file that ends in .svg"),
            ("no/such/folder.svg", "--plot no/such/folder.svg: No such file"),
        ):
            self.assertEqual(self.command("compare-transports", "--plot", name), 1)
            self.assertEqual((self.out, self.err.count("\n")), ("", 1))
            self.assertIn(text, self.err)
        self.assertEqual(self.measured, [])

    def test_broken(self) -> None:
        """A connection that breaks is one line."""

        def measure(*_: Any) -> Deferred[Any]:
            raise ConnectError("the connection over udp ended", CloseReason.LINK_LOST)

        def run_to_end(begin: Any) -> Any:
            failure = self.failureResultOf(ensureDeferred(begin(None)))
            failure.raiseException()

        self.patch(compare, "measure_transport", measure)
        self.patch(compare, "run_to_end", run_to_end)
        self.assertEqual(self.command("compare-transports"), 1)
        text = "gamenet compare-transports: the connection over udp ended\n"
        self.assertEqual((self.out, self.err), ("", text))
