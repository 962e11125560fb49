# SPDX-License-Identifier: MIT
"""The server's time, as a client knows it.

Each answer of the server tells its time at an instant that lies between a sending and a
receipt of ours. Half of the round trip is the best guess of when that was; how wrong it
is no one-way link can tell, but what is sent now arrives at `server_tick(now)` and half
a round trip, whatever the asymmetry.

A Kalman filter keeps the offset between the clocks and their drift. A sample counts
less the longer its round trip was beyond the mean, because such a delay lies on one of
the two ways. Small steps of the server's time (a skipped tick) are followed in a second
or two; what cannot be explained by delays, three times in a row, is a new time.

Source: RFC 5905, section 10 (the clock filter, the step threshold).
"""

from __future__ import annotations

import math

__all__ = ["ClockSync"]

DRIFT = 100e-6  # of a quartz oscillator, at the outside
WANDER = 3e-4  # seconds in a second: the offset's noise
DRIFT_WANDER = 1e-6  # of the drift, in a second
RESOLUTION = 2e-4  # seconds: no sample is better
SEED_ERROR = 0.1  # seconds: a welcome may have been sent twice
SMOOTHING = 1 / 32
NOISE_SMOOTHING = 1 / 64
BIAS_SMOOTHING = 1 / 8
BIAS = 1.3  # standard deviations of the noise: five of the mean of some 15 samples
CLIP = 4.0  # standard deviations
LEAST_CLIP = 0.01  # seconds
GATE = 6.0  # standard deviations
STEP = 0.05  # seconds: less is never a new time
N_STRANGE = 3  # samples in a row


class ClockSync:
    """Estimate the server's time from round trips.

    Args:
        tick_rate: ticks a second.
    """

    def __init__(self, tick_rate: float) -> None:
        self._tick_rate = tick_rate
        self._begin(0.0, 0.0, SEED_ERROR)
        self._usual = 0.0
        self.is_synced = False
        """Whether anything is known of the server's time."""
        self.rtt = 0.0
        """Mean round trip, in seconds."""
        self.jitter = 0.0
        """Mean deviation of the round trip from its mean, in seconds."""
        self.n_samples = 0
        """Round trips that were measured."""
        self.n_resyncs = 0
        """How often the server's time was taken anew."""

    @property
    def drift(self) -> float:
        """Return how much faster the server's clock runs: 1e-6 is 1 ppm."""
        return self._drift

    @property
    def error(self) -> float:
        """Return the standard deviation of the estimate, in seconds."""
        return math.sqrt(self._p00)

    def seed(self, tick: float, rtt: float, now: float) -> None:
        """Begin with a first guess, such as a welcome allows.

        Args:
            tick: server time in ticks when it was sent.
            rtt: round trip in seconds, as the connection measured it.
            now: when it came, in seconds.
        """
        self._begin(tick / self._tick_rate + rtt / 2 - now, now, SEED_ERROR + rtt / 2)
        self.rtt, self.is_synced = rtt, True

    def sample(
        self, sent: float, received: float, server_tick: float, held: float | None
    ) -> None:
        """Take a round trip.

        Args:
            sent: when we sent, in seconds of our clock.
            received: when the answer came.
            server_tick: server time in ticks when the answer was sent.
            held: seconds between the arrival of ours and the answer; None or more than
                the time that passed: nothing can be learned.
        """
        if held is None or not 0.0 <= held <= received - sent:
            return
        rtt = received - sent - held
        offset = server_tick / self._tick_rate + rtt / 2 - received
        self._measure(rtt)
        if not self.is_synced:
            self._begin(offset, received, rtt / 2 + RESOLUTION)
            self.is_synced = True
            return
        self._predict(received)
        excess = self._excess(rtt)
        if self._is_strange(offset, excess):
            if len(self._strange) >= N_STRANGE:
                self.n_resyncs += 1
                median = sorted(self._strange)[len(self._strange) // 2]
                self._begin(median, received, rtt / 4 + RESOLUTION)
            return
        self._strange.clear()
        self._correct(offset - self._offset, excess)

    def server_tick(self, now: float) -> float:
        """Return the server's time, in ticks, at an instant of our clock."""
        passed = now - self._at
        return (now + self._offset + self._drift * passed) * self._tick_rate

    def _begin(self, offset: float, now: float, error: float) -> None:
        """Start the filter at an offset, in seconds, and its standard deviation."""
        self._offset, self._at, self._drift = offset, now, 0.0
        self._p00, self._p01, self._p11 = error**2, 0.0, DRIFT**2
        self._noise = max(error / 2, RESOLUTION) ** 2
        self._n_noise = 0
        self._bias = 0.0
        self._strange: list[float] = []

    def _measure(self, rtt: float) -> None:
        """Take a round trip into mean and deviation."""
        self.n_samples += 1
        if self.n_samples == 1:
            self.rtt = self._usual = rtt
        weight = max(SMOOTHING, 1 / self.n_samples)
        self.jitter += (abs(rtt - self.rtt) - self.jitter) * weight
        self.rtt += (rtt - self.rtt) * weight

    def _excess(self, rtt: float) -> float:
        """Return by how much a round trip may have misled, in seconds."""
        excess = max(rtt - self._usual, 0.0) / 2
        # What is usual changes slowly: a queue of seconds is not.
        most = max(CLIP * math.sqrt(self._noise), LEAST_CLIP)
        self._usual += min(max(rtt - self._usual, -most), most) * SMOOTHING
        return excess

    def _predict(self, now: float) -> None:
        """Move the state to an instant."""
        passed = max(now - self._at, 0.0)
        self._offset += self._drift * passed
        self._p00 += (2 * self._p01 + self._p11 * passed) * passed
        self._p00 += WANDER**2 * passed
        self._p01 += self._p11 * passed
        self._p11 = min(self._p11 + DRIFT_WANDER**2 * passed, DRIFT**2)
        self._at = max(now, self._at)

    def _is_strange(self, offset: float, excess: float) -> bool:
        """Return whether no delay explains an offset, and keep it if so."""
        gate = GATE * math.sqrt(self._p00 + self._noise)
        strange = abs(offset - self._offset) - excess > max(gate, STEP)
        if strange:
            self._strange.append(offset)
        return strange

    def _correct(self, residual: float, excess: float) -> None:
        """Take a residual into the state."""
        variance = max(self._noise, RESOLUTION**2)
        if excess**2 < (CLIP**2) * variance:
            self._watch(residual)
        total = self._p00 + variance + excess**2
        gain, drift_gain = self._p00 / total, self._p01 / total
        self._offset += gain * residual
        self._drift += drift_gain * residual
        self._p11 -= drift_gain * self._p01
        self._p01 -= drift_gain * self._p00
        self._p00 -= gain * self._p00

    def _watch(self, residual: float) -> None:
        """Measure the noise of what was not delayed, and see whether it has a bias."""
        self._n_noise += 1
        self._bias += (residual - self._bias) * BIAS_SMOOTHING
        if abs(self._bias) > BIAS * math.sqrt(self._noise + self._p00):
            # The mean is off by more than chance: the server's time has stepped.
            self._p00 += self._bias**2
            self._bias = 0.0
        weight = max(NOISE_SMOOTHING, 1 / (self._n_noise + 1))
        self._noise += (residual**2 - self._noise) * weight
