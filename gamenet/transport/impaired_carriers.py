# SPDX-License-Identifier: MIT
"""Put a bad network between a carrier and the peer whose packets it carries.

    network -- carrier --receive--> [path] --receive--> peer
    network -- carrier <---send---- [path] <---send---- peer

Neither of them knows. It works for every carrier: datagrams are lost, doubled and
reordered; on a stream the same settings make delay and a slow link, because that is
what a stream makes of them. A slow link pushes back both ways: the peer is told that
its carrier is blocked, and the transport that it should stop reading.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gamenet.errors import CloseReason
from gamenet.transport.impairment import Impairment, ImpairmentStats
from gamenet.transport.impairments import Impairments
from gamenet.transport.paths import Path

__all__ = ["ImpairedCarrier", "ImpairedLinks"]


class ImpairedLinks:
    """Put a bad network before every peer that is made; each has its own link.

    Args:
        impairments: what happens each way.
        clock: gives delayed calls and the time.
        is_server: whether the peers are a server's, whose packets go down.
    """

    def __init__(
        self, impairments: Impairments, clock: Any, *, is_server: bool
    ) -> None:
        self._impairments = impairments
        self._clock = clock
        self._is_server = is_server
        self._n_links = 0

    def before(
        self, make_peer: Callable[[Any], Any], *, is_stream: bool
    ) -> Callable[[Any], Any]:
        """Return a function that makes the peer of a carrier, behind a bad network.

        Args:
            make_peer: makes the peer of a carrier; None if there is to be none.
            is_stream: whether the carriers are streams.
        """

        def make_distant_peer(carrier: Any) -> Any:
            between = self._link(carrier, is_stream)
            peer = make_peer(between)
            return None if peer is None else between.facing(peer)

        return make_distant_peer

    def _link(self, carrier: Any, is_stream: bool) -> ImpairedCarrier:
        self._n_links += 1
        link = self._impairments.link(self._n_links)
        ways = (link.down, link.up) if self._is_server else (link.up, link.down)
        return ImpairedCarrier(carrier, *ways, self._clock, is_stream=is_stream)


class ImpairedCarrier:
    """What a peer sees of its carrier: the far end of a bad network.

    Args:
        carrier: takes packets to the network; anything else that it can do, this can.
        outgoing: what happens to packets of the peer.
        incoming: what happens to packets for the peer.
        clock: gives delayed calls and the time.
        is_stream: whether the carrier is a stream.
    """

    def __init__(
        self,
        carrier: Any,
        outgoing: Impairment,
        incoming: Impairment,
        clock: Any,
        *,
        is_stream: bool,
    ) -> None:
        self.is_blocked = bool(carrier.is_blocked)
        self._carrier = carrier
        self.receiver: Any = None
        """What is told of packets; it may put another in its place."""
        self._is_stream = is_stream
        self._out_is_full = False
        self._in_is_full = False
        self._out = Path(clock, outgoing, self._leave, in_order=is_stream)
        self._in = Path(clock, incoming, self._enter, in_order=is_stream)

    def __getattr__(self, name: str) -> Any:
        # Whoever makes the peer asks the carrier for its address, and other things.
        return getattr(self._carrier, name)

    def facing(self, peer: Any) -> ImpairedPeer:
        """Return what the carrier is to see of its peer."""
        if self.receiver is None:
            self.receiver = peer
        return ImpairedPeer(self)

    def stats(self) -> tuple[ImpairmentStats, ImpairmentStats]:
        """Return what happened to outgoing and incoming packets."""
        return self._out.impairment.stats(), self._in.impairment.stats()

    # ---------------------------------------------------------------- from the peer

    def send(self, packets: list[bytes]) -> None:
        """Send packets; they reach the carrier later."""
        for packet in packets:
            self._out.send(packet)
        if self._is_stream and self._out.is_full and not self._out_is_full:
            self._out_is_full = True
            self.look()
            # A peer may send while it is being made.
            if self.receiver is not None:
                self.receiver.blocked()
            self._out.when_room(self._has_room_out)

    def close(self) -> None:
        """Close the carrier at once; what is on its way out arrives before that.

        A farewell comes early, but it comes: nobody need keep a socket open for it.
        """
        self._in.close()
        if self._in_is_full:
            # Nobody waits for room any more; and TLS reads when it closes.
            self._has_room_in()
        self._out.flush()
        self._out.close()
        self._carrier.close()

    # ------------------------------------------------------------- from the carrier

    def receive(self, packet: bytes) -> None:
        """Take a packet in; it reaches the peer later."""
        self._in.send(packet)
        if self._is_stream and self._in.is_full and not self._in_is_full:
            self._in_is_full = True
            self._carrier.transport.pauseProducing()
            self._in.when_room(self._has_room_in)

    def lost(self) -> None:
        """Note that the carrier is gone: what a stream has brought still arrives."""
        self._out.close()
        if self._is_stream:
            self._in.flush()
        self._in.close()

    def look(self) -> None:
        """Look whether the peer may send."""
        self.is_blocked = self._out_is_full or bool(self._carrier.is_blocked)

    def _leave(self, packet: bytes) -> None:
        self._carrier.send([packet])

    def _enter(self, packet: bytes) -> None:
        self.receiver.receive_all([packet])

    def _has_room_out(self) -> None:
        self._out_is_full = False
        self.look()
        if not self.is_blocked:
            self.receiver.pump()

    def _has_room_in(self) -> None:
        self._in_is_full = False
        self._carrier.transport.resumeProducing()


class ImpairedPeer:
    """What a carrier sees of its peer: the near end of the same network.

    Args:
        between: the network; anything else that the peer can do, this can.
    """

    def __init__(self, between: ImpairedCarrier) -> None:
        self._between = between

    def __getattr__(self, name: str) -> Any:
        return getattr(self._between.receiver, name)

    def receive(self, packet: bytes) -> None:
        """Take a packet in; it reaches the peer later."""
        self._between.receive(packet)

    def receive_all(self, packets: list[bytes]) -> None:
        """Take in packets that came together; they need not arrive together."""
        for packet in packets:
            self._between.receive(packet)

    def lost(self, reason: CloseReason, detail: str) -> None:
        """Note that the carrier is gone."""
        self._between.lost()
        self._between.receiver.lost(reason, detail)

    def blocked(self) -> None:
        """Note that the carrier's write buffer is full."""
        self._between.look()
        self._between.receiver.blocked()

    def pump(self) -> None:
        """Note that the carrier's write buffer has drained."""
        self._between.look()
        if not self._between.is_blocked:
            self._between.receiver.pump()
