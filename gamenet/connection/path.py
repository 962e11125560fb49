# SPDX-License-Identifier: MIT
"""Follow a peer whose address changes, without being led astray.

Packets are told apart by their connection id and their keys, so an address is only
where to send. When an authentic packet, newer than every other, comes from somewhere
else, packets go there at once, and with them a challenge: eight random bytes that the
peer must send back. Until it has, no more than three times as many bytes go there as
came from there; if it does not, the old address holds again.

Source: RFC 9000, sections 8.2 (path validation), 8.1 (the factor three) and 9.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

__all__ = ["Path"]

_FACTOR = 3
_SHORTEST, _LONGEST = 0.1, 1.0  # seconds to wait for an answer
_N_TRIES = 3


class Path:
    """Where the peer is.

    Args:
        current: where it is now.
        random_bytes: source of challenges; without it the path never changes.
    """

    __slots__ = (
        "_credit",
        "_n_left",
        "_proved",
        "_random_bytes",
        "challenge",
        "current",
        "deadline",
        "is_unproved",
        "n_moves",
    )

    def __init__(
        self,
        current: Hashable = None,
        random_bytes: Callable[[int], bytes] | None = None,
    ) -> None:
        self.current = current
        self.n_moves = 0
        """How often it has changed."""
        self.is_unproved = False
        """Whether the peer has yet to prove that it is there."""
        self.challenge = b""
        """What the peer must send back."""
        self.deadline: float | None = None
        """When the proof is missed."""
        self._random_bytes = random_bytes
        self._proved = current
        self._credit = 0
        self._n_left = 0

    def move(self, path: Hashable) -> None:
        """Be somewhere else: a handshake, or an answer, has proved it."""
        self.current = self._proved = path
        self.is_unproved = False
        self.deadline = None

    def heard(
        self, path: Hashable, size: int, *, is_newest: bool, response: bytes
    ) -> bool:
        """Take note of an authentic packet that came from somewhere else, or unproved.

        Args:
            path: where it came from.
            size: its bytes.
            is_newest: whether it is newer than every other.
            response: what came back of a challenge, if anything.

        Returns:
            Whether the peer is to be challenged.
        """
        if self._random_bytes is None:
            return False
        if path == self.current:
            self._credit += _FACTOR * size
            if response == self.challenge:
                self.move(path)
            return False
        if not is_newest:
            return False
        self.n_moves += 1
        if path == self._proved:
            self.move(path)
            return False
        self.current = path
        self.is_unproved = True
        self.challenge = self._random_bytes(8)
        self._credit = _FACTOR * size
        self._n_left = _N_TRIES
        return True

    def asked(self, rtt: float, now: float) -> None:
        """Note that the challenge is on its way."""
        self.deadline = now + min(_LONGEST, max(2 * rtt, _SHORTEST))

    @property
    def credit(self) -> int:
        """Return how many bytes may go to a place that is not proved."""
        return self._credit

    def charge(self, size: int) -> None:
        """Count bytes to the new place."""
        self._credit -= size

    def afford(self, packets: list[bytes]) -> list[bytes]:
        """Return those of the packets that may go, of too many the last ones."""
        left, begin = self._credit, len(packets)
        while begin and left >= len(packets[begin - 1]):
            begin -= 1
            left -= len(packets[begin])
        return packets[begin:] if self.is_unproved else packets

    def handle_timeout(self, now: float) -> bool:
        """Return whether to ask again; in the end, believe the old place."""
        if self.deadline is None or now < self.deadline:
            return False
        if self._n_left:
            self._n_left -= 1
            return True
        self.move(self._proved)
        return False
