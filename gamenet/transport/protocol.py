# SPDX-License-Identifier: MIT
"""Speak to one peer, Twisted style: subclass `GameProtocol` and fill in callbacks.

The same class serves every transport. Messages arrive whole and in the order of their
channel, `connectionMade` comes before the first of them, `connectionLost` comes once
and last, and a peer that never finished its handshake is never seen at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gamenet.connection import Channel, Connection, ConnectionConfig
from gamenet.errors import CloseReason
from gamenet.ids import MessageId

if TYPE_CHECKING:
    from gamenet.transport.shell import Peer

__all__ = ["GameProtocol"]


class GameProtocol:
    """One connection to one peer.

    An exception in a callback is logged with the callback's name and closes this
    connection with `INTERNAL_ERROR`; the listener and all other connections go on.

    A class may declare its `channels`, the same on both sides; `ConfigError` tells of
    a mistake in them. Its factories use them
    if they are given no settings, or settings that leave the channels as they are by
    default: 0 is reliable and ordered then, 1 is unreliable.

    Example:
        >>> from gamenet.connection import Channel, DeliveryMode
        >>> class Echo(GameProtocol):
        ...     channels = [
        ...         Channel(0, DeliveryMode.RELIABLE_ORDERED, "chat"),
        ...         Channel(1, DeliveryMode.UNRELIABLE_SEQUENCED, "places"),
        ...     ]
        ...
        ...     def messageReceived(self, channel, payload):
        ...         self.sendMessage(channel, payload)
    """

    channels: Sequence[Channel] = ()
    """The channels of the connection; empty for those of the factory's settings."""
    factory: Any = None
    """The factory that built this protocol."""
    transportName: str = ""
    """"udp", "tcp", "tls", "ws", "wss" or "memory"."""
    peerAddress: str = ""
    """The peer's address and port, for logs and for people."""
    userData: bytes = b""
    """What the client's token says of it; empty on the client."""
    clientId: int = 0
    """The number of the client in its token; 0 on the client."""
    peerProtocolHash: bytes = b""
    """The protocol hash that the client asked for; zeros ask for a description."""
    connection: Connection
    """The core. Read it (`connection.stats()`); only the shell drives it."""

    _peer: Peer

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if cls.channels:
            ConnectionConfig(channels=tuple(cls.channels))  # it checks them

    def makeConnection(self, peer: Peer) -> None:
        """Attach to a peer whose handshake succeeded; the shell calls it."""
        self._peer = peer
        self.connection = peer.connection
        self.transportName = peer.transport_name
        self.peerAddress = peer.address
        self.userData = peer.connection.session.user_data
        self.clientId = peer.connection.session.client_id
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

    def messageLost(self, messageId: MessageId) -> None:
        """Override me: an unreliable message with a receipt did not arrive."""

    def transferProgress(self, messageId: MessageId, acked: int, total: int) -> None:
        """Override me: so many bytes of a large message have arrived.

        Args:
            messageId: what `sendMessage` returned for it.
            acked: bytes that the peer has.
            total: bytes of the message, as it travels.
        """

    def connectionDropped(self, reason: CloseReason) -> None:
        """Override me: the link is lost; the session waits to be resumed.

        Reliable messages may still be sent: they wait, too. Either `connectionResumed`
        follows or, when the configuration's `resume_window` is over, `connectionLost`.
        """

    def connectionResumed(self) -> None:
        """Override me: the session goes on; no reliable message is missing.

        `transportName` and `peerAddress` are those of the new link.
        """

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
            Its number, by which it can be given up, and under which its progress is
            reported, and that it arrived if the channel has receipts.

        Raises:
            LocalProtocolError: the channel does not exist, the message is too large, or
                the connection has ended.
        """
        return self._peer.send(channel, payload, flush)

    def cancelMessage(self, messageId: MessageId) -> bool:
        """Give up a reliable message that has not left whole.

        Returns:
            Whether it was still there to give up; then it is never delivered.
        """
        return self.connection.cancel(messageId)

    def sendBudget(self) -> float:
        """Return how many bytes the network is ready to take from us now.

        A stream takes what its write buffer has room for, and nothing while that is
        full and has not drained.
        """
        return self._peer.budget()

    def rebind(self) -> None:
        """Go on from a new local socket (client side, udp), as on another network.

        No handshake is needed: the server knows the connection by its id and its keys.
        """
        self._peer.rebind()

    def loseConnection(
        self, reason: CloseReason = CloseReason.NORMAL, detail: str = ""
    ) -> None:
        """End the connection and tell the peer why.

        `connectionLost` follows at the end of this reactor turn, with the same reason.
        Calling it again does nothing.
        """
        self._peer.close(reason, detail)
