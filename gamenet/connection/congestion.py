# SPDX-License-Identifier: MIT
"""Decide how much may be sent: as fast as the path allows, with a short queue.

A slow link queues what is too much, and a long queue makes everything late. So this
control listens to delay: it sends more until packets begin to wait, then makes room
for the queue to drain, and begins again. Losses count only where they are too many.

The window is the number of bytes that may be under way; pacing spreads them over the
round trip. A decision is made once each round, that is, when a packet sent after the
last decision is acknowledged. What a round is for:

1. Starting. The window grows by what is acknowledged, so it doubles each round, until
   packets wait for longer than noise explains.
2. Growing, by a step each round, while the standing queue is short. Too long is what
   exceeds noise and a quarter of a packet of our own. Then the window shrinks by a
   bit more than the share of the round trip that is spent waiting, so that the queue
   becomes empty. When all flows on a link do so, they see the empty path again, and a
   newcomer sees it for the first time.
3. Settling. The round after that is not judged: its packets met the old queue.
4. Measuring. If the queue has not been empty for long, or suddenly is very long, the
   path may have changed. The window is one packet for a round, and what that round
   shows is believed.

A sender that has nothing more to send neither grows its window nor makes room.

Sources: Vegas (Brakmo and others, SIGCOMM 1994) for counting our own bytes in the
queue; Copa (Arun and Balakrishnan, NSDI 2018) for the standing queue, and for steps
that double; Swift (Kumar and others, SIGCOMM 2020) for shrinking by the share of delay,
once a round trip; BBR (Cardwell and others, ACM Queue 2016) for pacing and measuring;
HyStart++ (RFC 9406) for the end of the start.
"""

from __future__ import annotations

import math

from gamenet.connection.losses import LossShare
from gamenet.connection.pacing import Pacer
from gamenet.connection.queuedelay import QueueDelay
from gamenet.connection.rounds import Phase, Round
from gamenet.connection.window import Window

__all__ = ["CongestionControl"]

QUIET_ROUND = 0.1
"""Seconds of the shortest round in which there was nothing more to send."""
SHORTEST_ROUND = 0.02
"""Seconds, so that a round of a fast path sees more than one burst of packets."""
OURS, MOST_OURS = 0.25, 0.08
"""Packets of ours that may stand in the queue, and seconds that they may take."""
SAMPLES, SURE = 8, 2.0
"""Samples in a row that prove a queue too long; times too long that one round does."""
FLOOD = 4.0
"""Times too long, that the path seems to have changed."""
DRAIN = 1.25
"""Times what waits, that the window shrinks by."""
KEPT, KEPT_IN_FLOOD, KEPT_IN_LOSS = 0.65, 0.35, 0.5
"""Share of the window that is kept at least; it is 0.5 when nothing arrives at all."""
SILENCE = 3
"""Packets lost, and none that arrived, after which we start anew."""
LEAST_RATE, LEAST_PACKETS = 4000, 4
"""Bytes a second that we insist on when others fill the queue, up to some packets."""

_STARTING = Phase.STARTING  # found faster than an attribute, for each packet


class CongestionControl:
    """Say how many bytes may leave, from what became of those that left before.

    While `budget` is positive one more packet may leave, of any size: what it takes
    too much is missing later. Of what an ack says, report the packets that arrived
    before those that are lost. If a packet that was reported lost arrives after all,
    report it with a size of 0: then its round trip counts, and nothing else.

    Args:
        packet_size: bytes of a full packet.

    Example:
        >>> control = CongestionControl()
        >>> control.budget(now=5.0)
        3000
        >>> control.sent(1200, now=5.0)
        >>> control.acked(1200, sent_at=5.0, rtt=0.05, now=5.05)
        >>> control.in_flight
        0
    """

    __slots__ = (
        "_late_since",
        "_losses",
        "_n_late",
        "_pacer",
        "_phase",
        "_queue",
        "_reset_at",
        "_round",
        "_round_trip",
        "_window",
        "in_flight",
        "rate",
    )

    def __init__(self, *, packet_size: int = 1200) -> None:
        self._window = Window(packet_size)
        self.reset(-math.inf)

    def reset(self, now: float) -> None:
        """Begin anew, on another path; what was sent before is forgotten."""
        self.in_flight = 0
        """Bytes under way."""
        self.rate = 0.0
        """Bytes a second that the window allows."""
        self._window = Window(self.packet_size)
        self._pacer = Pacer(self.window, self.packet_size)
        self._queue = QueueDelay()
        self._losses = LossShare()
        self._phase = _STARTING
        self._late_since = math.inf
        self._n_late = 0
        self._reset_at = now
        self._round_trip = 0.0
        self._round = Round(now, 0, was_limited=False)
        self._set_pace()

    @property
    def packet_size(self) -> int:
        """Bytes of a full packet; may be changed."""
        return self._window.packet_size

    @packet_size.setter
    def packet_size(self, size: int) -> None:
        self._window.packet_size = size

    @property
    def window(self) -> int:
        """Return how many bytes may be under way."""
        return self._window.size

    @property
    def queue_delay(self) -> float:
        """Return the seconds that even the luckiest packet of a round waited."""
        return self._queue.delay

    @property
    def min_rtt(self) -> float:
        """Return the round trip of the empty path; infinite until it is measured."""
        return self._queue.shortest

    # -- sending --------------------------------------------------------------

    def budget(self, now: float) -> int:
        """Return how many bytes may leave now; 0 or less if none."""
        room = self._window.size - self.in_flight
        granted = self._pacer.available(now)
        return int(room if room < granted else granted)  # noqa: FURB136 - per packet

    def next_send(self, now: float) -> float | None:
        """Return when to ask again; None if an ack has to come first."""
        if self._window.size <= self.in_flight:
            self._pacer.pause()
            return None
        return self._pacer.wait(self._window.packet_size, now)

    def sent(self, size: int, now: float) -> None:
        """Note that a packet left, whether or not the budget allowed it."""
        self._pacer.take(size, now)
        self.in_flight = in_flight = self.in_flight + size
        round_ = self._round
        if in_flight > round_.most_in_flight:  # noqa: PLR1730 - min and max are slow
            round_.most_in_flight = in_flight

    def limited(self, now: float) -> None:
        """Note that there was nothing more to send."""
        self._round.is_limited = True
        self._pacer.pause()

    # -- what became of it ----------------------------------------------------

    def acked(self, size: int, sent_at: float, rtt: float | None, now: float) -> None:
        """Note that a packet arrived.

        Args:
            size: of the packet, in bytes.
            sent_at: when it was sent.
            rtt: its round trip without the time that it waited for the peer to
                acknowledge it, if that is known.
            now: when the ack came.
        """
        if sent_at < self._reset_at:
            return
        left = self.in_flight - size
        self.in_flight = left if left > 0 else 0  # noqa: FURB136 - per packet
        round_ = self._round
        round_.n_acked += 1
        round_.size_acked += size
        round_.total_trip += now - sent_at
        if self._phase is _STARTING and round_.fills(self._window.size / 2):
            self._window.size += size
        if rtt is not None:
            wait = self._queue.add(max(0.0, rtt), size, now)
            if self._phase is _STARTING:
                self._watch_start(wait, now)
        if sent_at >= round_.began_at:
            # Whoever has little to say learns little from each round.
            shortest = QUIET_ROUND if round_.is_limited else SHORTEST_ROUND
            if now - round_.began_at > shortest:
                self._end_round(now)

    def lost(self, size: int, sent_at: float, now: float) -> None:
        """Note that a packet is lost, as far as can be known."""
        if sent_at < self._reset_at:
            return
        self.in_flight = max(0, self.in_flight - size)
        self._losses.n_lost += 1
        round_ = self._round
        if sent_at < round_.began_at or round_.n_acked:
            return
        round_.n_lost += 1
        if round_.n_lost >= SILENCE:
            self._shrink(KEPT_IN_LOSS)
            self._phase = _STARTING
            self._begin_round(now)

    def abandoned(self, size: int) -> None:
        """Forget a packet without a judgement."""
        self.in_flight = max(0, self.in_flight - size)

    # -- decisions ------------------------------------------------------------

    def _begin_round(self, now: float) -> None:
        was_limited = self._round.is_limited
        self._round = Round(now, self.in_flight, was_limited=was_limited)
        self._set_pace()

    def _set_pace(self) -> None:
        self.rate = self._pacer.follow(
            self._window.size,
            self._round_trip,
            self._window.packet_size,
            is_starting=self._phase is _STARTING,
        )

    def _watch_start(self, wait: float, now: float) -> None:
        """End the start if packets have waited for a quarter of a round trip."""
        queue = self._queue
        self._set_pace()
        if wait <= queue.noise:
            self._late_since = math.inf
            return
        self._late_since = min(self._late_since, now)
        if now - self._late_since > (wait + queue.shortest) / 4:
            self._drain(wait, KEPT_IN_FLOOD)
            queue.end_round(math.inf, now)
            self._begin_round(now)

    def _end_round(self, now: float) -> None:
        """Judge a round, if anything was measured in it, and begin the next one."""
        round_, queue, trip = self._round, self._queue, self._round_trip
        if not queue.is_sampled:
            return
        self._round_trip = trip = (trip + round_.trip) / 2 if trip else round_.trip
        is_filling = self._phase is not _STARTING and round_.fills(0.75 * self.window)
        is_stale = queue.is_stale(trip, now)
        if self._phase is Phase.MEASURING or (is_stale and not is_filling):
            queue.believe(now)
        rate = round_.rate(now)
        packet_time = self.packet_size / rate if rate else math.inf
        is_steady = self._phase is Phase.GROWING
        queue.end_round(packet_time if is_steady else math.inf, now)
        too_long = queue.noise + min(OURS * packet_time, MOST_OURS)
        self._judge(round_, rate, queue.delay / too_long)
        if is_filling and queue.is_stale(trip, now):
            self._phase = Phase.MEASURING
            self._window.narrow()
        self._begin_round(now)

    def _judge(self, round_: Round, rate: float, excess: float) -> None:
        """Grow or shrink, as the phase and the round demand.

        Args:
            round_: that has ended.
            rate: bytes a second that arrived in it.
            excess: the standing queue, in queues that are just not too long.
        """
        share_lost = self._losses.judge(round_.n_acked)
        if self._phase is Phase.MEASURING:
            self._window.widen()
            self._phase = Phase.GROWING
        elif self._phase is Phase.SETTLING:
            self._phase = Phase.GROWING
        elif share_lost:
            self._shrink(max(KEPT_IN_LOSS, 1 - share_lost))
        elif self._phase is Phase.GROWING and excess > 1:
            self._weigh(excess)
        elif self._phase is Phase.GROWING:
            self._n_late = 0
            if self._is_used(round_, rate):
                is_careful = self._losses.is_careful
                self._window.grow(is_empty=excess < 1 / 2, is_careful=is_careful)

    def _weigh(self, excess: float) -> None:
        """Make room for the queue to drain, if it is too long for sure."""
        self._n_late += self._queue.n_samples
        if excess > FLOOD:
            self._queue.doubt()
            self._drain(self._queue.delay, KEPT_IN_FLOOD)
        elif excess > SURE or self._n_late >= SAMPLES:
            self._drain(self._queue.delay, KEPT)

    def _is_used(self, round_: Round, rate: float) -> bool:
        """Return whether the window is what limits the sender, or nearly so."""
        is_near = rate >= self.rate / 2 or round_.most_in_flight >= self.window / 2
        return is_near and round_.fills(0.75 * self.window)

    def _drain(self, wait: float, least_kept: float) -> None:
        """Make room for a queue in which packets wait so long."""
        trip = max(self._round_trip, wait)
        self._shrink(max(least_kept, 1 - DRAIN * wait / trip))

    def _shrink(self, kept: float) -> None:
        packet = self.packet_size
        least = min(LEAST_PACKETS * packet, LEAST_RATE * (self._round_trip or 1.0))
        self._window.shrink(kept, max(packet, least))
        self._phase = Phase.SETTLING
        self._late_since = math.inf
        self._n_late = 0
