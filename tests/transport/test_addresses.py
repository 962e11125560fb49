# SPDX-License-Identifier: MIT
"""Listen and connect strings: what they mean, and what is said about wrong ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.errors import ConfigError
from gamenet.transport import ConnectSpec, ListenSpec, parse_connect, parse_listen
from gamenet.transport.addresses import TRANSPORTS

TEXTS = st.text(min_size=1, max_size=12)
PORTS = st.integers(1, 65535)


class ListenTests(SynchronousTestCase):
    """`parse_listen` reads listen strings."""

    def test_forms(self):
        """Every transport has its form."""
        for text, spec in {
            "udp:7777": ListenSpec("udp", 7777),
            "tcp:0:interface=127.0.0.1": ListenSpec("tcp", 0, "127.0.0.1"),
            r"udp:7777:interface=\:\:1": ListenSpec("udp", 7777, "::1"),
            "ws:8080": ListenSpec("ws", 8080),
            "tls:7779:certificate=c.pem:key=k.pem": ListenSpec(
                "tls", 7779, certificate="c.pem", key="k.pem"
            ),
            "wss:8443:key=k.pem:certificate=c.pem:authority=a.pem": ListenSpec(
                "wss", 8443, certificate="c.pem", key="k.pem", authority="a.pem"
            ),
            r"tls:1:certificate=C\:\\c.pem:key=a=b": ListenSpec(
                "tls", 1, certificate=r"C:\c.pem", key="a=b"
            ),
            "memory:arena": ListenSpec("memory", name="arena"),
        }.items():
            self.assertEqual(parse_listen(text), spec, text)

    def test_errors(self):
        """A wrong string is an error that repeats it and shows the form."""
        for text, message in {
            "": "no such transport; use udp, tcp, tls, ws, wss, memory",
            "quic:1": "no such transport",
            "udp": "has 0 values; use udp:PORT",
            "udp:1:2": "has 2 values",
            "udp:x": "port 'x' is not a number from 0 to 65535",
            "udp:-1": "port '-1'",
            "udp:65536": "port '65536'",
            "udp:٣": "port '٣'",
            "udp:1e3": "port '1e3'",
            "udp:7777:color=red": "has no option 'color'",
            "udp:7777:certificate=a": "has no option 'certificate'",
            "udp:7777:interface=a:interface=b": "repeats an option",
            "tls:7779": "lacks certificate= or key=",
            "wss:7779:key=k": "lacks certificate= or key=",
            "memory:": "lacks a name",
            "memory:a:interface=b": "has no option 'interface'",
            "udp:7777\\": "ends in a lone backslash",
        }.items():
            with self.assertRaises(ConfigError) as caught:
                parse_listen(text)
            self.assertIn(message, str(caught.exception))
            self.assertIn(repr(text), str(caught.exception))

    @given(
        st.sampled_from([t for t in TRANSPORTS if t != "memory"]),
        st.integers(0, 65535),
        TEXTS,
        TEXTS,
        TEXTS,
    )
    def test_round_trip(self, transport, port, interface, certificate, key):
        """The text of a spec gives the spec, whatever characters are in it."""
        files = {"certificate": certificate, "key": key}
        secure = files if transport in ("tls", "wss") else {}
        spec = ListenSpec(transport, port, interface, **secure)
        self.assertEqual(parse_listen(str(spec)), spec)

    @given(TEXTS)
    def test_round_trip_of_names(self, name):
        """A memory listener may have any name."""
        spec = ListenSpec("memory", name=name)
        self.assertEqual(parse_listen(str(spec)), spec)

    @given(st.text())
    def test_any_text(self, text):
        """Any text is a spec or a ConfigError."""
        for parse in (parse_listen, parse_connect):
            try:
                parse(text)
            except ConfigError as error:
                self.assertIn(repr(text), str(error))


class ConnectTests(SynchronousTestCase):
    """`parse_connect` reads connect strings and URLs."""

    def test_forms(self):
        """Every transport has its form, WebSockets also that of a URL."""
        for text, spec in {
            "udp:127.0.0.1:7777": ConnectSpec("udp", "127.0.0.1", 7777),
            r"tcp:\:\:1:7778": ConnectSpec("tcp", "::1", 7778),
            "tcp:[::1]:7778": ConnectSpec("tcp", "::1", 7778),
            "tls:play.example:7779:trust=c.pem": ConnectSpec(
                "tls", "play.example", 7779, trust="c.pem"
            ),
            "ws:h:8080": ConnectSpec("ws", "h", 8080, "/ws"),
            "ws:h:8080:path=/other": ConnectSpec("ws", "h", 8080, "/other"),
            "ws://h:8080/ws": ConnectSpec("ws", "h", 8080, "/ws"),
            "ws://h": ConnectSpec("ws", "h", 80, "/"),
            "wss://h/ws?a=1": ConnectSpec("wss", "h", 443, "/ws?a=1"),
            "wss://[::1]:8443/ws": ConnectSpec("wss", "::1", 8443, "/ws"),
            "memory:arena": ConnectSpec("memory", "arena"),
        }.items():
            self.assertEqual(parse_connect(text), spec, text)

    def test_url(self):
        """The URL of a spec leads back to it."""
        spec = parse_connect("ws:[::1]:8080:path=/x")
        self.assertEqual(spec.url, "ws://[::1]:8080/x")
        self.assertEqual(parse_connect(spec.url), spec)

    def test_errors(self):
        """A wrong string is an error that shows the form."""
        for text, message in {
            "udp:7777": "has 1 values; use udp:HOST:PORT",
            "udp::7777": "lacks a name",
            "udp:h:0": "port '0' is not a number from 1 to 65535",
            "udp:::1:7777": "values; use udp:HOST:PORT",
            "tcp:h:1:trust=x": "has no option 'trust'",
            "ws:h:1:path=x": "must begin with '/'",
            "ws://": "lacks a host",
            "ws://h:0/": "lacks a host or a port",
            "ws://h:99999/": "is not a URL",
            "ws://[::1/": "is not a URL",
            "http://h/": "no such transport",
            "memory:a:1": "has 2 values; use memory:NAME",
        }.items():
            with self.assertRaisesRegex(ConfigError, message):
                parse_connect(text)

    @given(st.sampled_from(["udp", "tcp", "tls", "ws", "wss"]), TEXTS, PORTS, TEXTS)
    def test_round_trip(self, transport, host, port, text):
        """The text of a spec gives the spec, whatever characters are in it."""
        path = {"path": f"/{text}"} if transport in ("ws", "wss") else {}
        trust = {"trust": text} if transport in ("tls", "wss") else {}
        spec = ConnectSpec(transport, host, port, **path, **trust)
        self.assertEqual(parse_connect(str(spec)), spec)
