# SPDX-License-Identifier: MIT
"""Find in a recording what is needed to play a player's match once more.

A file is read from front to end, more than once, and never held in memory.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter, deque
from collections.abc import Iterator
from statistics import median

from gamenet.errors import ConfigError, RemoteProtocolError
from gamenet.game import Arrival, Game, Packet, Protocol, Recording
from gamenet.prediction import Feedback, InputCodec
from gamenet.sequence import distance32
from gamenet.service.replay_ghost import Ghost
from gamenet.service.replay_run import Replay, ReplayedTick

__all__ = ["ReplayFile"]

MOST_SAMPLES = 4096
"""Round trips of which the middle one is taken."""


class ReplayFile:
    """Play a file for one player.

    Args:
        path: of the recording.
        player_id: whose match; None takes the first player of the file.
        game: what the match was of, to predict what the client had; None does not.

    Raises:
        ConfigError: the file is no recording, has no inputs or no such player, or it
            is one of another game.
    """

    def __init__(
        self, path: str, player_id: int | None = None, game: type[Game] | None = None
    ) -> None:
        self.path = path
        self.players: list[int] = []
        """Ids of those who are in the file."""
        self.warnings: list[str] = []
        """What is wrong with the file, once it was read."""
        self._game = game
        with self._open() as recording:
            self.tick_rate = float(recording.tick_rate)
            self._protocol = recording.protocol
            self._check(recording)
            counts = Counter(each.player_id for each in recording.records())
        self.players = sorted(counts)
        if not self.players:
            raise ConfigError(f"{path}: nobody is in this recording")
        if player_id is not None and player_id not in counts:
            known = ", ".join(map(str, self.players))
            msg = f"--player {player_id}: is not in {path}; there are: {known}"
            raise ConfigError(msg)
        self.player_id = self.players[0] if player_id is None else player_id
        """Whose match is played."""
        self.trip = 0.0 if game is None else self._measured_trip()
        """Ticks from sending something to the player to what answers it."""

    def _open(self) -> contextlib.closing[Recording]:
        return contextlib.closing(Recording(self.path))

    def _check(self, recording: Recording) -> None:
        """Refuse what cannot be played."""
        if not recording.has_inputs:
            msg = (
                f"{self.path}: is of format 1, which has no inputs, so there is "
                "nothing to replay; record the match anew, or see gamenet inspect"
            )
            raise ConfigError(msg)
        if not (0.0 < self.tick_rate < math.inf):
            msg = f"{self.path}: {self.tick_rate} ticks a second: more than 0 are some"
            raise ConfigError(msg)
        if self._game is not None:
            self._check_game(self._game, recording.protocol)

    def _check_game(self, game: type[Game], recorded: Protocol) -> None:
        ours, name = Protocol.of(game), f"--game {game.__module__}:{game.__name__}"
        if ours.hash != recorded.hash:
            found = ours.differences(recorded.summary()).replace("the server", "it")
            msg = f"{name}: {self.path} is of {recorded.name}, which speaks otherwise"
            raise ConfigError(f"{msg}: {found}" if found else msg)
        if not game.predicted_components():
            raise ConfigError(f"{name}: predicts nothing; leave --game out")
        if not math.isclose(game.tick_rate, self.tick_rate, rel_tol=1e-6):
            self.warnings.append(
                f"it has {self.tick_rate:g} ticks a second and the game "
                f"{game.tick_rate:g}, with which clients predict"
            )

    def ticks(self) -> Iterator[ReplayedTick]:
        """Yield every tick of the player, from the first record to the last.

        Raises:
            ConfigError: with a game, but the player's match does not begin in the file.
        """
        # With the game, inputs have to be of its own classes.
        protocol, ghost = self._protocol, None
        if self._game is not None:
            protocol = Protocol.of(self._game)
            ghost = Ghost(protocol, self._game(), self.tick_rate)
        replay = Replay(protocol, self.tick_rate, self.player_id, ghost, self.trip)
        with self._open() as recording:
            for line in replay.ticks(recording.records()):
                self._check_joined(ghost)
                yield line
            self._check_joined(ghost)
            self._warn(recording, replay, ghost)

    def _check_joined(self, ghost: Ghost | None) -> None:
        if ghost is not None and not ghost.has_joined:
            msg = (
                f"--game: {self.path} does not say how player {self.player_id} "
                "joined, so nothing can be predicted; leave --game out"
            )
            raise ConfigError(msg)

    def _warn(self, recording: Recording, replay: Replay, ghost: Ghost | None) -> None:
        """Note what was wrong with what was read."""
        warnings = self.warnings
        if recording.damage:
            warnings.append(recording.damage)
        if recording.n_missing:
            warnings.append(
                f"{recording.n_missing} packets of any player are missing here, "
                "because the disk was too slow for them"
            )
        if not replay.n_arrivals:
            warnings.append(f"player {self.player_id} has sent no inputs")
        n_malformed = replay.n_malformed + (ghost.n_malformed if ghost else 0)
        if n_malformed:
            warnings.append(
                f"left out, because they are malformed: {n_malformed} packets"
            )
        if ghost is not None and ghost.raised:
            hooks = ", ".join(f"{name} {n}" for name, n in ghost.raised.items())
            warnings.append(f"the game has raised in its predictions: {hooks}")

    def _measured_trip(self) -> float:
        """Return how long the player's answers took, in ticks; 0 if nothing says it."""
        with self._open() as recording:
            trips = Trips(recording.protocol)
            for record in recording.records():
                if record.player_id == self.player_id:
                    with contextlib.suppress(RemoteProtocolError):
                        trips.take(record)
        return trips.middle


class Trips:
    """Measure how long a player takes to answer, in ticks.

    The server says which frames it has, and the client no longer repeats these: the
    first packet without them was sent by one that had heard it.

    Args:
        protocol: what the game speaks.
    """

    def __init__(self, protocol: Protocol) -> None:
        self._codec = InputCodec(protocol.inputs)
        names = {each.name: each.id for each in protocol.channels}
        self._channel = names["inputs"]
        self._said: deque[Feedback] = deque(maxlen=64)
        self._found: deque[float] = deque(maxlen=MOST_SAMPLES)

    @property
    def middle(self) -> float:
        """Return the middle of what was measured; 0 if nothing was."""
        return median(self._found) if self._found else 0.0

    def take(self, record: Packet | Arrival) -> None:
        """Take what was said, or what came.

        Raises:
            RemoteProtocolError: malformed.
        """
        if isinstance(record, Packet):
            if record.channel == self._channel:
                self._said.append(Feedback.decode(record.payload))
            return
        packet = self._codec.decode(record.payload)
        heard = None
        while packet.frames and self._said:
            if distance32(packet.frames[-1].tick, self._said[0].acked) <= 0:
                break
            heard = self._said.popleft()
        if heard is not None and 0 <= record.at - heard.server_tick < math.inf:
            self._found.append(record.at - heard.server_tick)
