# SPDX-License-Identifier: MIT
"""Connect tokens: the tickets with which clients are let in.

A backend that knows the player and the server's key issues a token. The client reads
its public part: where to connect, until when, and with which keys. The private part is
sealed for the server: the same keys, which servers it is for, and who the client is.
So the server believes a client that it has never heard of, without asking anybody.

Source: netcode 1.02, "Connect Token".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from gamenet.connection.crypto import KEY, TAG, open_x, seal_x
from gamenet.connection.netcode import (
    NONCE_X,
    PRIVATE_SIZE,
    VERSION,
    Request,
    write_request,
)
from gamenet.errors import (
    CloseReason,
    ConfigError,
    LocalProtocolError,
    RemoteProtocolError,
)

__all__ = [
    "MAX_ADDRESSES",
    "RESUME_BIT",
    "TOKEN_SIZE",
    "USER_DATA",
    "ConnectToken",
    "PrivateToken",
    "ServerAddress",
    "issue_token",
    "open_private",
    "token_mac",
]

RESUME_BIT = 1 << 63
"""A token for `protocol_id ^ RESUME_BIT` resumes a session."""
TOKEN_SIZE = 2048
MAX_ADDRESSES = 32
USER_DATA = 256
"""Bytes of user data in a token, shorter ones filled up with zeros."""

_PLAIN_SIZE = PRIVATE_SIZE - TAG
_PRIVATE_HEAD = struct.Struct("<Q")
_PUBLIC_HEAD = struct.Struct(f"<13sQQQ{NONCE_X}s{PRIVATE_SIZE}s")
_SHARED_HEAD = struct.Struct("<iI")
_V4 = struct.Struct("<B4sH")
_V6 = struct.Struct("<B8HH")
_IS_V4, _IS_V6 = 1, 2
_ADDRESS = re.compile(
    r"(?P<host>[0-9.]+|\[[0-9a-fA-F:.]+:[0-9a-fA-F:.]*\]):(?P<port>[0-9]{1,5})"
)


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is: a numeric host and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> ServerAddress:
        """Return the address in a text like 192.0.2.1:7777 or [2001:db8::1]:7777.

        Raises:
            ConfigError: If it is none.
        """
        match = _ADDRESS.fullmatch(text)
        host = _numeric(match["host"].strip("[]")) if match else ""
        if match is None or not host or int(match["port"]) > 0xFFFF:
            raise ConfigError(
                f"{text!r} is no server address: write a numeric host and a port up to "
                "65535, like 192.0.2.1:7777 or [2001:db8::1]:7777"
            )
        return cls(host, int(match["port"]))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def encode(self) -> bytes:
        """Return the 7 or 19 bytes of an address in a token."""
        ip = ip_address(self.host)
        if isinstance(ip, IPv4Address):
            return _V4.pack(_IS_V4, ip.packed, self.port)
        return _V6.pack(_IS_V6, *struct.unpack(">8H", ip.packed), self.port)

    @classmethod
    def decode(cls, data: bytes, at: int) -> tuple[ServerAddress, int]:
        """Return the address at a place in a token, and the place behind it."""
        if data[at] == _IS_V4:
            _, packed, port = _V4.unpack_from(data, at)
            return cls(str(IPv4Address(packed)), port), at + _V4.size
        if data[at] == _IS_V6:
            _, *words, port = _V6.unpack_from(data, at)
            packed = struct.pack(">8H", *words)
            return cls(str(IPv6Address(packed)), port), at + _V6.size
        raise _malformed(f"address type {data[at]} is unknown: 1 and 2 are known")


def _numeric(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def _malformed(message: str) -> RemoteProtocolError:
    return RemoteProtocolError(message, CloseReason.TOKEN_INVALID)


@dataclass(frozen=True, slots=True)
class PrivateToken:
    """The part of a token that only backend and server read."""

    client_id: int
    timeout: int
    """Seconds of silence after which the connection is lost; negative: never."""
    addresses: tuple[ServerAddress, ...]
    """The servers that the token is for, 1 to 32."""
    client_to_server: bytes = field(repr=False)
    """Key of the packets to the server."""
    server_to_client: bytes = field(repr=False)
    """Key of the packets to the client."""
    user_data: bytes
    """Up to 256 bytes of the backend's; read back, it is filled up with zeros."""

    def encode(self) -> bytes:
        """Return the 1,008 bytes that are sealed."""
        shared = _write_shared(self)
        return (
            _PRIVATE_HEAD.pack(self.client_id)
            + shared
            + self.user_data.ljust(USER_DATA, b"\0")
        ).ljust(_PLAIN_SIZE, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> PrivateToken:
        """Return the token of the 1,008 bytes.

        Raises:
            RemoteProtocolError: wrong size, number of addresses or type of one.
        """
        if len(data) != _PLAIN_SIZE:
            raise _malformed(f"a private token is {_PLAIN_SIZE} bytes, not {len(data)}")
        (client_id,) = _PRIVATE_HEAD.unpack_from(data)
        shared, at = _read_shared(data, _PRIVATE_HEAD.size)
        return cls(client_id, *shared, data[at : at + USER_DATA])


@dataclass(frozen=True, slots=True)
class ConnectToken:
    """A whole token, as the client has it."""

    protocol_id: int
    created: int
    """When it was made, in seconds of unix time."""
    expires: int
    """Until when it is good, in seconds of unix time."""
    nonce: bytes
    private: bytes
    """1,024 bytes that only backend and server can read."""
    timeout: int
    """Seconds of silence after which the connection is lost; negative: never."""
    addresses: tuple[ServerAddress, ...]
    """The servers to try, in this order, 1 to 32."""
    client_to_server: bytes = field(repr=False)
    server_to_client: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Return the 2,048 bytes of the token."""
        head = _PUBLIC_HEAD.pack(
            VERSION,
            self.protocol_id,
            self.created,
            self.expires,
            self.nonce,
            self.private,
        )
        return (head + _write_shared(self)).ljust(TOKEN_SIZE, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> ConnectToken:
        """Return the token of up to 2,048 bytes; trailing zeros may be absent.

        Raises:
            RemoteProtocolError: too long, another version, a wrong number of addresses
                or type of one, or expired before it was made.
        """
        if len(data) > TOKEN_SIZE:
            raise _malformed(f"a token is {TOKEN_SIZE} bytes, not {len(data)}")
        data = data.ljust(TOKEN_SIZE, b"\0")
        head = _PUBLIC_HEAD.unpack_from(data)
        version, protocol_id, created, expires, nonce, private = head
        if version != VERSION:
            raise _malformed(f"version {version!r} is not {VERSION!r}")
        if created > expires:
            raise _malformed(f"the token expired at {expires}, made at {created}")
        shared, _ = _read_shared(data, _PUBLIC_HEAD.size)
        return cls(protocol_id, created, expires, nonce, private, *shared)

    def request(self) -> bytes:
        """Return the packet that asks for a connection."""
        return write_request(
            Request(self.protocol_id, self.expires, self.nonce, self.private)
        )


_Shared = tuple[int, tuple[ServerAddress, ...], bytes, bytes]


def _write_shared(token: PrivateToken | ConnectToken) -> bytes:
    addresses = token.addresses
    return b"".join(
        (
            _SHARED_HEAD.pack(token.timeout, len(addresses)),
            *[address.encode() for address in addresses],
            token.client_to_server,
            token.server_to_client,
        )
    )


def _read_shared(data: bytes, at: int) -> tuple[_Shared, int]:
    # 32 addresses and two keys always fit, so nothing here reads beyond the end.
    timeout, n_addresses = _SHARED_HEAD.unpack_from(data, at)
    if not 1 <= n_addresses <= MAX_ADDRESSES:
        raise _malformed(f"{n_addresses} addresses: there are 1 to {MAX_ADDRESSES}")
    at += _SHARED_HEAD.size
    addresses = []
    for _ in range(n_addresses):
        address, at = ServerAddress.decode(data, at)
        addresses.append(address)
    keys_end = at + 2 * KEY
    keys = data[at : at + KEY], data[at + KEY : keys_end]
    return (timeout, tuple(addresses), *keys), keys_end


def issue_token(  # noqa: PLR0913 - these are what a token is made of
    key: bytes,
    *,
    protocol_id: int,
    client_id: int,
    addresses: Sequence[ServerAddress],
    timeout: int,
    expires_in: int,
    user_data: bytes,
    unix_now: int,
    random_bytes: Callable[[int], bytes],
) -> ConnectToken:
    """Return a new token, with new keys.

    Args:
        key: 32 bytes that the server shares.
        protocol_id: which game this is.
        client_id: who the client is, a number of the backend's.
        addresses: the servers it may try, in this order, 1 to 32.
        timeout: seconds of silence after which a connection is lost; negative: never.
        expires_in: seconds for which the token is good.
        user_data: up to 256 bytes for the server.
        unix_now: seconds of unix time.
        random_bytes: source of keys and nonce, fit for secrets.

    Raises:
        LocalProtocolError: If something is out of these ranges.
    """
    _check(key, addresses, user_data, expires_in)
    shared = timeout, tuple(addresses), random_bytes(KEY), random_bytes(KEY)
    nonce, expires = random_bytes(NONCE_X), unix_now + expires_in
    try:
        plain = PrivateToken(client_id, *shared, user_data).encode()
        private = seal_x(key, nonce, plain, _associated(protocol_id, expires))
    except (ValueError, struct.error) as error:
        raise LocalProtocolError(f"a value does not fit a token: {error}") from None
    return ConnectToken(protocol_id, unix_now, expires, nonce, private, *shared)


def _check(
    key: bytes, addresses: Sequence[ServerAddress], user_data: bytes, expires_in: int
) -> None:
    if len(key) != KEY:
        raise LocalProtocolError(f"a key is {KEY} bytes, not {len(key)}")
    if not 1 <= len(addresses) <= MAX_ADDRESSES:
        raise LocalProtocolError(
            f"a token is for 1 to {MAX_ADDRESSES} servers, not {len(addresses)}"
        )
    if len(user_data) > USER_DATA:
        raise LocalProtocolError(
            f"{len(user_data)} bytes of user data: a token takes {USER_DATA}"
        )
    if expires_in < 0:
        raise LocalProtocolError(f"a token cannot expire {-expires_in} s ago")


def open_private(key: bytes, request: Request) -> PrivateToken | None:
    """Return the private part of a request, or None if it is not of this key."""
    associated = _associated(request.protocol_id, request.expires)
    plain = open_x(key, request.nonce, request.private, associated)
    if plain is None:
        return None
    try:
        return PrivateToken.decode(plain)
    except RemoteProtocolError:
        return None


def token_mac(request: Request) -> bytes:
    """Return the 16 bytes that tell one token from every other."""
    return request.private[-TAG:]


def _associated(protocol_id: int, expires: int) -> bytes:
    return VERSION + struct.pack("<QQ", protocol_id, expires)
