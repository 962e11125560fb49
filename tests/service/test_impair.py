# SPDX-License-Identifier: MIT
"""Tests of gamenet.service.impair, in simulated time."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import fail, succeed
from twisted.internet.error import DNSLookupError
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError, ConnectError, ListenError
from gamenet.service.impair import ImpairOptions, parse_host_port, run_impair
from gamenet.testing import MemoryReactor


class Reactor(MemoryReactor):
    """A reactor that knows one host."""

    def resolve(self, name: str) -> Any:
        known = name == "game.example.com"
        return succeed("127.0.0.1") if known else fail(DNSLookupError(name))


class Echo(DatagramProtocol):
    """Send everything back."""

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.transport.write(datagram, addr)


class RunTests(SynchronousTestCase):
    """The command prints when it is ready, now and then, and at the end."""

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.reactor.listenUDP(7777, Echo())
        self.lines: list[str] = []

    def begin(self, **options: Any) -> Any:
        usual = {"listen": "127.0.0.1:7000", "to": "127.0.0.1:7777", "impair": "lte"}
        chosen = ImpairOptions(**{**usual, **options})
        return run_impair(self.reactor, chosen, self.lines.append)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            self.reactor.advance(0.25)

    def test_lines(self) -> None:
        """A line when ready, one every ten seconds, one at the end."""
        result = self.begin(impair="down: loss=1", seconds=25)
        client = self.reactor.listenUDP(0, DatagramProtocol())
        self.assertEqual(
            self.lines,
            ["ready: 127.0.0.1:7000 -> 127.0.0.1:7777 through 'down: loss=1'"],
        )
        client.write(bytes(100), ("127.0.0.1", 7000))
        self.pass_time(24.5)
        self.assertNoResult(result)
        self.pass_time(1)
        stats = self.successResultOf(result)
        self.assertEqual((stats.up.lost, stats.down.lost), (0, 1))
        begun = [line.split(":")[0] for line in self.lines]
        self.assertEqual(begun, ["ready", "10 s", "20 s", "end after 25 s"])
        self.assertIn("1 clients (1 seen) | up 1 packets, 0.1 kB", self.lines[1])
        self.assertIn("lost 1 (100.0 %)", self.lines[1])
        self.assertNotIn("refused", self.lines[1])
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cancel(self) -> None:
        """An interrupted run ends with its summary, and frees the port."""
        result = self.begin()
        self.pass_time(3)
        result.cancel()
        self.assertEqual(self.successResultOf(result).clients, 0)
        self.assertIn("end after 3 s: 0 clients", self.lines[-1])
        self.reactor.listenUDP(7000, Echo())
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_host_name(self) -> None:
        """The server may be given by its name, as in a connect string."""
        result = self.begin(to="udp:game.example.com:7777", impair="", seconds=1)
        self.assertIn("-> 127.0.0.1:7777 through 'nothing'", self.lines[0])
        self.pass_time(2)
        self.successResultOf(result)

    def test_seed(self) -> None:
        """A seed of the command replaces that of the text."""
        lost = []
        for seed in (None, 5, 5, 6):
            result = self.begin(impair="up: loss=50% seed=4", seconds=2, seed=seed)
            client = self.reactor.listenUDP(0, DatagramProtocol())
            for _ in range(64):
                client.write(b"x", ("127.0.0.1", 7000))
            self.pass_time(3)
            lost.append(self.successResultOf(result).up.lost)
        self.assertEqual(lost[1], lost[2])
        self.assertEqual(len(set(lost)), 3)

    def test_problems(self) -> None:
        """Whatever cannot be done fails before anything is printed."""
        for options, error in (
            ({"impair": "5g"}, ConfigError),
            ({"listen": "7000"}, ConfigError),
            ({"to": "127.0.0.1:0"}, ConfigError),
            ({"to": "nowhere.example.com:7777"}, ConnectError),
            ({"listen": "127.0.0.1:7777"}, ListenError),
        ):
            self.failureResultOf(self.begin(**options), error)
        self.assertEqual(self.lines, [])


class AddressTests(SynchronousTestCase):
    """HOST:PORT, as people write it."""

    def test_forms(self) -> None:
        """A name, a number, an IPv6 number in brackets, or nothing for every host."""
        for text, expected in {
            "localhost:7777": ("localhost", 7777),
            "udp:192.0.2.1:1": ("192.0.2.1", 1),
            "[::1]:65535": ("::1", 65535),
            "udp:[::1]:80": ("::1", 80),
            ":7000": ("", 7000),
        }.items():
            self.assertEqual(parse_host_port("--to", text), expected)
        self.assertEqual(parse_host_port("--listen", ":0", lowest=0), ("", 0))

    def test_wrong(self) -> None:
        """Anything else is an error that names the option."""
        for text in ("", "a", "a:", "::1:80", "a:0", "a:65536", "tcp:a:1", "a:1:2"):
            with self.assertRaisesRegex(ConfigError, "--to is .* HOST:PORT"):
                parse_host_port("--to", text)
