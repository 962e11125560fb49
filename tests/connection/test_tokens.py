# SPDX-License-Identifier: MIT
"""Tests of connect tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from gamenet.connection.crypto import seal_x
from gamenet.connection.netcode import VERSION, Request, read_request
from gamenet.connection.tokens import (
    MAX_ADDRESSES,
    RESUME_BIT,
    TOKEN_SIZE,
    USER_DATA,
    ConnectToken,
    PrivateToken,
    ServerAddress,
    issue_token,
    open_private,
    token_mac,
)
from gamenet.errors import (
    CloseReason,
    ConfigError,
    LocalProtocolError,
    RemoteProtocolError,
)
from tests.vectors import netcode_vectors as independent

KEY = bytes(range(32))
PROTOCOL_ID = 0x1122334455667788
NOW = 1_800_000_000
LOCAL = ServerAddress("127.0.0.1", 40000)
addresses = st.builds(
    ServerAddress,
    st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str),
    st.integers(0, 65535),
)


def issued(**changes) -> ConnectToken:
    """Return a token, with something changed."""
    settings = {
        "key": KEY,
        "protocol_id": PROTOCOL_ID,
        "client_id": 42,
        "addresses": [LOCAL],
        "timeout": 5,
        "expires_in": 30,
        "user_data": b"ada",
        "unix_now": NOW,
        "random_bytes": Random(1).randbytes,
    }
    settings |= changes
    return issue_token(settings.pop("key"), **settings)


def changed(data: bytes, at: int, value: bytes) -> bytes:
    """Return bytes with some of them replaced."""
    return data[:at] + value + data[at + len(value) :]


class AddressTests(SynchronousTestCase):
    """An address is a numeric host and a port, as text and in a token."""

    def test_parse(self) -> None:
        """Both families are read; a host has one spelling."""
        for text, host, port in (
            ("127.0.0.1:40000", "127.0.0.1", 40000),
            ("0.0.0.0:0", "0.0.0.0", 0),
            ("[::1]:65535", "::1", 65535),
            ("[2001:DB8:0:0:0:0:0:1]:80", "2001:db8::1", 80),
            ("[::]:7", "::", 7),
            ("[::ffff:192.0.2.1]:7", str(IPv6Address("::ffff:c000:201")), 7),
        ):
            address = ServerAddress.parse(text)
            self.assertEqual(address, ServerAddress(host, port))
        self.assertEqual(str(ServerAddress.parse("[0::1]:80")), "[::1]:80")
        self.assertEqual(str(ServerAddress.parse("192.0.2.1:80")), "192.0.2.1:80")

    @given(addresses)
    def test_round_trip(self, address: ServerAddress) -> None:
        """An address survives text and token."""
        self.assertEqual(ServerAddress.parse(str(address)), address)
        data = b"head" + address.encode() + b"tail"
        read, at = ServerAddress.decode(data, 4)
        self.assertEqual((read, data[at:]), (address, b"tail"))

    def test_bytes(self) -> None:
        """The groups of an IPv6 address are numbers, the low byte first."""
        data = ServerAddress.parse("[2001:db8::1]:258").encode()
        self.assertEqual(data.hex(), "020120b80d0000000000000000000001000201")
        data = ServerAddress.parse("192.0.2.1:258").encode()
        self.assertEqual(data.hex(), "01c00002010201")

    def test_no_address(self) -> None:
        """Anything else is an error that says what is wanted."""
        for text in (
            "",
            ":80",
            "127.0.0.1",
            "127.0.0.1:",
            "127.0.0.1:65536",
            "127.0.0.1:-1",
            "127.0.0.1:٣",
            "127.0.0.256:80",
            "127.0.0.1.1:80",
            "[127.0.0.1]:80",
            "::1:80",
            "[::1]",
            "[::1:80",
            "[fe80::1%eth0]:80",
            "[1:2:3]:80",
            "localhost:80",
            " 127.0.0.1:80",
            "127.0.0.1:80\n",
        ):
            with self.assertRaisesRegex(ConfigError, "numeric host"):
                ServerAddress.parse(text)

    @given(st.text(alphabet="0123456789abcf:.[]% ", max_size=30))
    def test_any_text(self, text: str) -> None:
        """Arbitrary text is an address or a ConfigError."""
        try:
            address = ServerAddress.parse(text)
        except ConfigError:
            return
        self.assertEqual(ServerAddress.parse(str(address)), address)

    def test_unknown_type(self) -> None:
        """Types other than 1 and 2 are none."""
        for kind in (0, 3, 255):
            with self.assertRaisesRegex(RemoteProtocolError, f"type {kind}"):
                ServerAddress.decode(bytes((kind,)) + bytes(30), 0)


class VectorTests(SynchronousTestCase):
    """Tokens are those of the standard, as an independent reading has them."""

    def setUp(self) -> None:
        self.cases = json.loads(independent.PATH.read_text())["connect_tokens"]

    def parts(self, case) -> tuple[PrivateToken, ConnectToken, Request]:
        """Return what a case is, read from its numbers."""
        hexadecimal = bytes.fromhex
        common = {
            "timeout": case["timeout"],
            "addresses": tuple(map(ServerAddress.parse, case["addresses"])),
            "client_to_server": hexadecimal(case["client_to_server"]),
            "server_to_client": hexadecimal(case["server_to_client"]),
        }
        private = PrivateToken(
            client_id=case["client_id"],
            user_data=hexadecimal(case["user_data"]).ljust(USER_DATA, b"\0"),
            **common,
        )
        request = read_request(hexadecimal(case["request"]))
        token = ConnectToken(
            protocol_id=case["protocol_id"],
            created=case["created"],
            expires=case["expires"],
            nonce=hexadecimal(case["nonce"]),
            private=request.private,
            **common,
        )
        return private, token, request

    def test_read(self) -> None:
        """Every token is read as what it was made of."""
        for case in self.cases:
            private, token, request = self.parts(case)
            public = bytes.fromhex(case["public_without_padding"])
            self.assertEqual(ConnectToken.decode(public), token)
            padded = public.ljust(TOKEN_SIZE, b"\0")
            self.assertEqual(ConnectToken.decode(padded), token)
            self.assertEqual(open_private(bytes.fromhex(case["key"]), request), private)

    def test_written(self) -> None:
        """Every token is written to these bytes."""
        for case in self.cases:
            private, token, _ = self.parts(case)
            public = bytes.fromhex(case["public_without_padding"])
            self.assertEqual(token.encode(), public.ljust(TOKEN_SIZE, b"\0"))
            self.assertEqual(token.request().hex(), case["request"])
            plain = bytes.fromhex(case["plain"])
            self.assertEqual(private.encode(), plain.ljust(1008, b"\0"))

    def test_issued(self) -> None:
        """A backend with the same random bytes issues the same token."""
        for case in self.cases:
            drawn = [
                bytes.fromhex(case[name])
                for name in ("client_to_server", "server_to_client", "nonce")
            ]
            token = issue_token(
                bytes.fromhex(case["key"]),
                protocol_id=case["protocol_id"],
                client_id=case["client_id"],
                addresses=[*map(ServerAddress.parse, case["addresses"])],
                timeout=case["timeout"],
                expires_in=case["expires"] - case["created"],
                user_data=bytes.fromhex(case["user_data"]),
                unix_now=case["created"],
                random_bytes=lambda size, drawn=drawn: drawn.pop(0),
            )
            self.assertEqual(token, self.parts(case)[1])


class IssueTests(SynchronousTestCase):
    """A backend issues a token; client and server each read their part of it."""

    @given(
        st.integers(0, 2**64 - 1),
        st.lists(addresses, min_size=1, max_size=MAX_ADDRESSES),
        st.integers(-(2**31), 2**31 - 1),
        st.binary(max_size=USER_DATA),
    )
    def test_round_trip(self, client_id, servers, timeout, user_data) -> None:
        """Both read the same keys, addresses and timeout."""
        token = issued(
            client_id=client_id, addresses=servers, timeout=timeout, user_data=user_data
        )
        data = token.encode()
        self.assertEqual(len(data), TOKEN_SIZE)
        self.assertEqual(ConnectToken.decode(data), token)
        self.assertEqual(ConnectToken.decode(data.rstrip(b"\0")), token)
        private = open_private(KEY, read_request(token.request()))
        expected = PrivateToken(
            client_id,
            timeout,
            tuple(servers),
            token.client_to_server,
            token.server_to_client,
            user_data.ljust(USER_DATA, b"\0"),
        )
        self.assertEqual(private, expected)

    def test_times(self) -> None:
        """It is good from now for as long as was said."""
        token = issued(expires_in=0)
        self.assertEqual((token.created, token.expires), (NOW, NOW))
        self.assertEqual(issued().expires, NOW + 30)

    def test_drawn(self) -> None:
        """Keys and nonce are drawn anew for each token, each as long as it is."""
        sizes = []
        source = Random(7)

        def random_bytes(size: int) -> bytes:
            sizes.append(size)
            return source.randbytes(size)

        tokens = [issued(random_bytes=random_bytes) for _ in range(3)]
        self.assertEqual(sizes, [32, 32, 24] * 3)
        drawn = [(t.client_to_server, t.server_to_client, t.nonce) for t in tokens]
        self.assertEqual(len({part for parts in drawn for part in parts}), 9)
        macs = {token_mac(read_request(token.request())) for token in tokens}
        self.assertEqual({len(mac) for mac in macs}, {16})
        self.assertEqual(len(macs), 3)

    def test_out_of_range(self) -> None:
        """What a token cannot say is refused, with the limit."""
        for changes, text in (
            ({"key": bytes(31)}, "32 bytes"),
            ({"addresses": []}, "1 to 32"),
            ({"addresses": [LOCAL] * 33}, "1 to 32"),
            ({"addresses": [ServerAddress("", 7)]}, "fit"),
            ({"addresses": [ServerAddress("localhost", 7)]}, "fit"),
            ({"addresses": [ServerAddress("127.0.0.1", 65536)]}, "fit"),
            ({"user_data": bytes(257)}, "256"),
            ({"expires_in": -1}, "expire"),
            ({"client_id": 2**64}, "fit"),
            ({"client_id": -1}, "fit"),
            ({"timeout": 2**31}, "fit"),
            ({"protocol_id": 2**64}, "fit"),
            ({"unix_now": 2**64 - 30}, "fit"),
        ):
            with self.assertRaisesRegex(LocalProtocolError, text):
                issued(**changes)

    def test_secrets_are_not_shown(self) -> None:
        """A token in a log does not give its keys away."""
        token = issued()
        private = open_private(KEY, read_request(token.request()))
        for shown in (repr(token), repr(private)):
            self.assertNotIn("client_to_server", shown)
            self.assertNotIn(repr(token.server_to_client), shown)


class PrivateTests(SynchronousTestCase):
    """The private part opens with its key, and only as it was sealed."""

    def setUp(self) -> None:
        self.request = read_request(issued().request())

    def sealed(self, plain: bytes) -> Request:
        """Return a request with a private part of these bytes, sealed with the key."""
        bound = VERSION + independent.u64(PROTOCOL_ID) + independent.u64(NOW)
        private = seal_x(KEY, bytes(24), plain, bound)
        return Request(PROTOCOL_ID, NOW, bytes(24), private)

    def test_other_key(self) -> None:
        """Another key does not open it."""
        self.assertIsNone(open_private(bytes(32), self.request))

    def test_bound(self) -> None:
        """Neither protocol nor expiry can be changed: no token is made to resume."""
        for changes in (
            {"protocol_id": PROTOCOL_ID + 1},
            {"protocol_id": PROTOCOL_ID ^ RESUME_BIT},
            {"expires": NOW + 31},
            {"nonce": bytes(24)},
        ):
            self.assertIsNone(open_private(KEY, replace(self.request, **changes)))

    @given(st.integers(0, 8 * 1024 - 1))
    def test_one_bit(self, bit: int) -> None:
        """One changed bit of it makes it worthless."""
        request = read_request(issued().request())
        private = bytearray(request.private)
        private[bit // 8] ^= 1 << bit % 8
        forged = replace(request, private=bytes(private))
        self.assertIsNone(open_private(KEY, forged))

    def test_malformed(self) -> None:
        """Sealed with the key it may still be nonsense, and then it is none."""
        good = open_private(KEY, self.request).encode()
        self.assertIsNotNone(open_private(KEY, self.sealed(good)))
        for n_addresses in (0, 33, 2**32 - 1):
            bad = changed(good, 12, independent.u32(n_addresses))
            self.assertIsNone(open_private(KEY, self.sealed(bad)))
        for kind in (0, 3, 255):
            bad = changed(good, 16, bytes((kind,)))
            self.assertIsNone(open_private(KEY, self.sealed(bad)))

    def test_size(self) -> None:
        """It has one size."""
        good = open_private(KEY, self.request).encode()
        for bad in (b"", good[:-1], good + b"\0"):
            with self.assertRaisesRegex(RemoteProtocolError, "1008") as caught:
                PrivateToken.decode(bad)
            self.assertEqual(caught.exception.reason, CloseReason.TOKEN_INVALID)

    @given(st.binary(max_size=1008))
    def test_any_bytes(self, data: bytes) -> None:
        """Arbitrary bytes are a token or a RemoteProtocolError."""
        data = data.ljust(1008, b"\1")
        try:
            token = PrivateToken.decode(data)
        except RemoteProtocolError:
            return
        self.assertTrue(data.startswith(token.encode().rstrip(b"\0")))

    def test_largest(self) -> None:
        """32 addresses fit, the long ones too, with all the rest."""
        servers = (ServerAddress("2001:db8::1", 65535),) * MAX_ADDRESSES
        token = PrivateToken(1, 5, servers, KEY, KEY, b"\1" * USER_DATA)
        self.assertEqual(len(token.encode()), 1008)
        self.assertEqual(PrivateToken.decode(token.encode()), token)


class PublicTests(SynchronousTestCase):
    """What a client is given may be anything, and is checked before it is used."""

    def refused(self, data: bytes, text: str) -> None:
        """Check that a token is refused, and how."""
        with self.assertRaisesRegex(RemoteProtocolError, text) as caught:
            ConnectToken.decode(data)
        self.assertEqual(caught.exception.reason, CloseReason.TOKEN_INVALID)

    def test_refused(self) -> None:
        """Too long, another version, wrong addresses, expired before it was made."""
        good = issued().encode()
        self.refused(good + b"\0", "2049")
        self.refused(b"", "version")
        self.refused(changed(good, 0, b"NETCODE 1.01\0"), "version")
        self.refused(changed(good, 29, independent.u64(NOW - 1)), "expired")
        for n_addresses in (0, 33, 2**32 - 1):
            bad = changed(good, 1089, independent.u32(n_addresses))
            self.refused(bad, "1 to 32")
        self.refused(changed(good, 1093, b"\3"), "type 3")

    def test_expired_as_made(self) -> None:
        """One that expires as it is made is a token, if not for long."""
        token = issued(expires_in=0)
        self.assertEqual(ConnectToken.decode(token.encode()), token)

    @given(st.binary(max_size=TOKEN_SIZE), st.booleans())
    def test_any_bytes(self, data: bytes, has_version: bool) -> None:
        """Arbitrary bytes are a token or a RemoteProtocolError."""
        data = (VERSION + data)[:TOKEN_SIZE] if has_version else data
        try:
            token = ConnectToken.decode(data)
        except RemoteProtocolError:
            return
        self.assertTrue(data.startswith(token.encode().rstrip(b"\0")))

    @given(
        st.lists(
            st.tuples(st.integers(0, TOKEN_SIZE - 1), st.integers(0, 255)), max_size=6
        )
    )
    def test_mutated(self, edits: list[tuple[int, int]]) -> None:
        """A changed token is a token or a RemoteProtocolError."""
        data = bytearray(issued().encode())
        for at, value in edits:
            data[at] = value
        try:
            token = ConnectToken.decode(bytes(data))
        except RemoteProtocolError:
            return
        self.assertEqual(len(token.request()), 1078)
