# SPDX-License-Identifier: MIT
"""Speak to one peer, Twisted style: subclass `GameProtocol` and fill in callbacks.

The same class serves every transport. Messages arrive whole and in the order of their
channel, `connectionMade` comes before the first of them, `connectionLost` comes once
and last, and a peer that never finished its handshake is never seen at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gamenet.connection import Connection
from gamenet.errors import CloseReason
from gamenet.ids import MessageId

if TYPE_CHECKING:
    from gamenet.transport.shell import Peer

__all__ = ["GameProtocol"]


class GameProtocol:
    """One connection to one peer.

    An exception in a callback is logged with the callback's name and closes this
    connection with `INTERNAL_ERROR`; the listener and all other connections go on.

    Example:
        >>> class Echo(GameProtocol):
        ...     def messageReceived(self, channel, payload):
        ...         self.sendMessage(channel, payload)
    """

    factory: Any = None
    """The factory that built this protocol."""
    transportName: str = ""
    """"udp", "tcp", "tls", "ws", "wss" or "memory"."""
    peerAddress: str = ""
    """The peer's address and port, for logs and for people."""
    userData: bytes = b""
    """What the client said of itself in its request; empty on the client."""
    peerProtocolHash: bytes = b""
    """The protocol hash that the client asked for; zeros ask for a description."""
    connection: Connection
    """The core. Read it (`connection.stats()`); only the shell drives it."""

    _peer: Peer

    def makeConnection(self, peer: Peer) -> None:
        """Attach to a peer whose handshake succeeded; the shell calls it."""
        self._peer = peer
        self.connection = peer.connection
        self.transportName = peer.transport_name
        self.peerAddress = peer.address
        self.userData = peer.connection.user_data
        self.peerProtocolHash = peer.connection.protocol_hash.to_bytes(8, "little")
        self.connectionMade()

    def connectionMade(self) -> None:
        """Override me: the handshake succeeded, messages may flow."""

    def messageReceived(self, channel: int, payload: bytes) -> None:
        """Override me: a message arrived.

        Args:
            channel: number of the channel that it came on.
            payload: the whole message.
        """

    def messageAcked(self, messageId: MessageId) -> None:
        """Override me: the peer has a message that `sendMessage` numbered so."""

    def connectionLost(self, reason: CloseReason, detail: str) -> None:
        """Override me: the connection ended; nothing comes after this.

        Args:
            reason: why, with advice for the user in `reason.advice`.
            detail: further text, from the peer if the peer closed.
        """

    def sendMessage(
        self, channel: int, payload: bytes, flush: bool = False
    ) -> MessageId:
        """Queue a message.

        It leaves at the end of this reactor turn, at `factory.flush()`, or at once if
        `flush` is true. Messages that leave together share packets, so leave `flush`
        alone unless the turn goes on for long.

        Returns:
            The number under which `messageAcked` will report it.

        Raises:
            LocalProtocolError: the channel does not exist, the message is too large, or
                the connection has ended.
        """
        return self._peer.send(channel, payload, flush)

    def loseConnection(
        self, reason: CloseReason = CloseReason.NORMAL, detail: str = ""
    ) -> None:
        """End the connection and tell the peer why.

        `connectionLost` follows at the end of this reactor turn, with the same reason.
        Calling it again does nothing.
        """
        self._peer.close(reason, detail)
