# SPDX-License-Identifier: MIT
"""The server's door: who may come in, by datagram or by stream.

A client shows a connect token. What makes a token good is the same on every link, so it
is checked here, in netcode's order, the cheapest check first. A good one is a `Pass`;
one that is not is `Refused`: on a datagram link nobody is told, because an answer to a
stranger is a favour to whoever forged his address.

A token opens the door once; see `gamenet.connection.used`.

Source: netcode 1.02, "Processing Connection Requests".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Sequence

from gamenet.connection.extension import (
    ANY_PROTOCOL,
    EXTENSION_VERSION,
    RANDOM_BITS,
    marked_sequence,
    shortened,
)
from gamenet.connection.netcode import (
    REQUEST,
    REQUEST_SIZE,
    VERSION,
    Request,
    read_request,
)
from gamenet.connection.outcomes import Pass, Refused
from gamenet.connection.tokens import (
    RESUME_BIT,
    ConnectToken,
    PrivateToken,
    ServerAddress,
    issue_token,
    open_private,
    token_mac,
)
from gamenet.connection.used import Binding, UsedTokens
from gamenet.errors import CloseReason

__all__ = ["Door", "Pass", "Refused"]

RESUME_LIFETIME = 24 * 3600
"""Seconds for which a token to resume a session is good."""

_RESUME_MEMORY = 60  # s; beyond it the session knows which of its tokens are used
_ANYWHERE = "anywhere"
_ANY_HOST = frozenset({"", "0.0.0.0", "::"})
_IDENTITY = struct.Struct("<QQ")
_RESUME = struct.Struct("<16sI")


_MISSHAPEN = Refused(
    CloseReason.MALFORMED, f"a request is {REQUEST_SIZE} bytes that begin with 0"
)
_OTHER_VERSION = Refused(CloseReason.VERSION_MISMATCH, "the server speaks netcode 1.02")
_OTHER_PROTOCOL = Refused(
    CloseReason.PROTOCOL_MISMATCH, "the token is for another protocol id"
)
_EXPIRED = Refused(CloseReason.TOKEN_EXPIRED, "")
_INVALID = Refused(CloseReason.TOKEN_INVALID, "")
_FOREIGN = Refused(CloseReason.TOKEN_FOREIGN, "")
_USED = Refused(CloseReason.TOKEN_USED, "")
_BINDINGS = {
    Binding.OURS: None,
    Binding.USED: _USED,
    Binding.CROWDED: Refused(CloseReason.RATE_LIMITED, "too many tokens are in use"),
}


class Door:
    """Check the tokens of clients, and issue tokens.

    Args:
        key: 32 bytes that backend and server share.
        protocol_id: which game this is, to netcode.
        protocol_hash: of the messages that this server speaks, 8 bytes.
        summary: what it speaks, in words; told to clients that speak otherwise.
        addresses: returns where this server is reached; an empty host, 0.0.0.0 and ::
            stand for every host.
        unix_time: returns the seconds of unix time.
        random_bytes: source of randomness fit for secrets.
        max_clients: how many places there are.
        max_used: how many tokens are remembered; at the bound new ones are refused.
    """

    def __init__(  # noqa: PLR0913 - these are what a server knows of itself
        self,
        *,
        key: bytes,
        protocol_id: int,
        protocol_hash: bytes,
        summary: str,
        addresses: Callable[[], Collection[ServerAddress]],
        unix_time: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        max_clients: int,
        max_used: int = 65_536,
    ) -> None:
        self.max_clients = max_clients
        self.random_bytes = random_bytes
        self._key = key
        self._protocol_id = protocol_id
        self._resume_id = protocol_id ^ RESUME_BIT
        self._hash = int.from_bytes(protocol_hash, "little")
        self._other_hash = Refused(
            CloseReason.PROTOCOL_MISMATCH, shortened(summary).decode()
        )
        self._addresses = addresses
        self._unix_time = unix_time
        self._used = UsedTokens(max_used)
        self._resumed = UsedTokens(max_used)
        self._n_global = int.from_bytes(random_bytes(RANDOM_BITS // 8), "little")

    # ------------------------------------------------------------------- checking

    def open(self, data: bytes) -> Pass | Refused:
        """Return the pass in a request, or why it is none."""
        request = self.read(data)
        return request if isinstance(request, Refused) else self.open_request(request)

    def read(self, data: bytes) -> Request | Refused:
        """Return a request of which all is good that can be seen from outside."""
        if len(data) != REQUEST_SIZE or data[0] != REQUEST:
            return _MISSHAPEN
        if not data.startswith(VERSION, 1):
            return _OTHER_VERSION
        protocol_id, expires = _IDENTITY.unpack_from(data, 1 + len(VERSION))
        if protocol_id == self._protocol_id:
            forgotten_until = self._used.forgotten_until
        elif protocol_id == self._resume_id:
            forgotten_until = 0
        else:
            return _OTHER_PROTOCOL
        if expires <= self._moment() or expires <= forgotten_until:
            return _EXPIRED
        return read_request(data)

    def open_request(self, request: Request) -> Pass | Refused:
        """Return the pass in a request that `read` found good, or why it is none."""
        private = open_private(self._key, request)
        if private is None:
            return _INVALID
        if not self._is_for_us(private.addresses):
            return _FOREIGN
        return self._pass(request, private)

    def is_elsewhere(self, request: Request, source: str) -> bool:
        """Return whether a token was used already, without opening it."""
        mac = token_mac(request)
        if request.protocol_id == self._resume_id:
            return self._resumed.is_elsewhere(mac, _ANYWHERE)
        return self._used.is_elsewhere(mac, _host(source))

    def use(self, pass_: Pass, source: str) -> Refused | None:
        """Bind a token to the first source that shows it.

        A token to resume is bound to none: a client whose network dies may have shown
        it there before it comes by another one.

        Returns:
            Why this source may not have it, or None.
        """
        moment, host = self._moment(), _host(source)
        if pass_.expires <= moment:
            return _EXPIRED
        if pass_.session:
            return None
        return _BINDINGS[self._used.bind(pass_.mac, host, pass_.expires, moment)]

    def spend(self, pass_: Pass) -> Refused | None:
        """Let a token open the door no more, not even to the source that has it.

        Returns:
            Why it does not open the door this time either, or None.
        """
        if pass_.session:
            moment = self._moment()
            until = min(pass_.expires, moment + _RESUME_MEMORY)
            binding = self._resumed.bind(pass_.mac, _ANYWHERE, until, moment)
            self._resumed.spend(pass_.mac)
            return _BINDINGS[binding]
        return None if self._used.spend(pass_.mac) else _USED

    def check_protocol(self, protocol_hash: int, version: int) -> Refused | None:
        """Return why a gamenet client cannot be understood, or None if it can."""
        if version != EXTENSION_VERSION:
            detail = f"the server speaks {EXTENSION_VERSION}, the client {version}"
            return Refused(CloseReason.VERSION_MISMATCH, detail)
        if protocol_hash not in (ANY_PROTOCOL, self._hash):
            return self._other_hash
        return None

    def _moment(self) -> int:
        return max(0, int(self._unix_time()))

    def _is_for_us(self, addresses: Sequence[ServerAddress]) -> bool:
        own = self._addresses()
        ports = {address.port for address in own if address.host in _ANY_HOST}
        return any(address in own or address.port in ports for address in addresses)

    def _pass(self, request: Request, private: PrivateToken) -> Pass:
        session, generation, user_data = b"", 0, private.user_data.rstrip(b"\0")
        if request.protocol_id == self._resume_id:
            session, generation = _RESUME.unpack_from(private.user_data)
            user_data = b""
        return Pass(
            client_id=private.client_id,
            user_data=user_data,
            timeout=private.timeout,
            addresses=private.addresses,
            client_to_server=private.client_to_server,
            server_to_client=private.server_to_client,
            mac=token_mac(request),
            expires=request.expires,
            protocol_id=request.protocol_id,
            session=session,
            generation=generation,
        )

    # -------------------------------------------------------------------- issuing

    def issue(
        self,
        *,
        client_id: int,
        user_data: bytes,
        timeout: int,
        expires_in: int,
        addresses: Sequence[ServerAddress],
    ) -> ConnectToken:
        """Return a new token; see `issue_token`.

        Raises:
            LocalProtocolError: something is out of range.
        """
        return self._issue(
            self._protocol_id, client_id, user_data, timeout, expires_in, addresses
        )

    def issue_resume(self, session: bytes, generation: int, like: Pass) -> ConnectToken:
        """Return a new token with which a client comes back to its session.

        Args:
            session: the 16 bytes of the session.
            generation: which of its tokens this is.
            like: what the client came in with.
        """
        user_data = _RESUME.pack(session, generation)
        return self._issue(
            self._resume_id,
            like.client_id,
            user_data,
            like.timeout,
            RESUME_LIFETIME,
            like.addresses,
        )

    def _issue(
        self,
        protocol_id: int,
        client_id: int,
        user_data: bytes,
        timeout: int,
        expires_in: int,
        addresses: Sequence[ServerAddress],
    ) -> ConnectToken:
        return issue_token(
            self._key,
            protocol_id=protocol_id,
            client_id=client_id,
            addresses=addresses,
            timeout=timeout,
            expires_in=expires_in,
            user_data=user_data,
            unix_now=self._moment(),
            random_bytes=self.random_bytes,
        )

    def next_sequence(self) -> int:
        """Return the sequence of the next packet to a client not connected yet.

        Such packets are sealed with a token's key as those of a netcode connection are,
        which count up from zero. Bit 63 keeps the two apart; the random start keeps
        apart two runs of the server that see one token (netcode's IMPLEMENTERS.md,
        section 3). All sockets of a server share the counter, as they share the tokens.
        """
        self._n_global += 1
        return marked_sequence(self._n_global)


def _host(source: str) -> str:
    """Return the host of a source: the same client may try UDP first, then a stream."""
    return source.rpartition(":")[0] or source
