# SPDX-License-Identifier: MIT
"""What a game author subclasses: the rules of one game, and nothing else."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import CloseReason, LocalProtocolError
from gamenet.game.predictable import Predictable
from gamenet.game.tracking import Tracker
from gamenet.prediction import Schedule
from gamenet.replication import Rooms, Teams
from gamenet.world import EntityId

if TYPE_CHECKING:
    from gamenet.connection import Channel
    from gamenet.game.messages import Message
    from gamenet.game.player import Player
    from gamenet.game.server import GameServer
    from gamenet.prediction import Input, Scheduled
    from gamenet.replication import Event, Interest, Refusal
    from gamenet.world import Component, World

__all__ = ["Game"]

ROUNDING = 1e-6  # of a tick: so that 0.1 seconds at 30 Hz are 3 ticks


class Game(Predictable):
    """The rules of a game; one instance is one match.

    Subclass it, list what travels, and fill in hooks. The server calls every hook in
    one thread, so a game needs no locks; an exception in a hook is logged with the
    hook's name and the player, counted, and does not stop the server.
    """

    name: ClassVar[str] = ""
    """Short name, for logs and addresses; the class name in lower case by default."""
    title: ClassVar[str] = ""
    """What players read; the class name by default."""
    tick_rate: ClassVar[float] = 30
    """Steps a second."""
    components: ClassVar[Sequence[type[Component]]] = ()
    """What entities are made of; it replicates by itself, as its `sync` says."""
    inputs: ClassVar[Sequence[type[Input]]] = ()
    """What players can do."""
    messages: ClassVar[Sequence[type[Message]]] = ()
    """What else is said, either way."""
    events: ClassVar[Sequence[type[Event]]] = ()
    """What happens once in a tick, and is not state: a shot, an explosion."""
    interest: ClassVar[Interest | None] = None
    """What players see; None lets everybody see everything."""
    bandwidth: ClassVar[float] = 0.0
    """Bytes a second of snapshots for one player; 0 is what their network takes."""
    channels: ClassVar[Sequence[Channel]] = ()
    """Channels of the game's own, numbered 8 to 30, for messages that name them."""
    max_players: ClassVar[int] = 64
    """How many may play at once."""
    max_entities: ClassVar[int] = 4096
    """How many entities can live at once; memory is taken for all of them."""
    page: ClassVar[str | None] = None
    """Folder beside the game's module with an index.html; None takes a plain page."""

    players: dict[int, Player]
    """Who is playing, by id."""
    rooms: Rooms
    """Which entities are in which rooms; `player.rooms` says where a player is."""
    teams: Teams
    """Which players are in which teams."""
    tracker: Tracker
    """Plain objects that are entities."""
    schedule: Schedule
    """What is to be called in later ticks."""

    _server: GameServer | None = None

    @classmethod
    def game_name(cls) -> str:
        """Return the short name."""
        return cls.name or cls.__name__.lower()

    @classmethod
    def game_title(cls) -> str:
        """Return what players read."""
        return cls.title or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", cls.__name__)

    def bind(self, world: World, random: np.random.Generator) -> None:
        """Give the game its world and its chance; the server or a test does it."""
        super().bind(world, random)
        self.players = {}
        self.rooms = Rooms(world)
        self.teams = Teams()
        self.tracker = Tracker(world)
        self.schedule = Schedule()

    def attach(self, server: GameServer) -> None:
        """Give the game the server that carries its messages."""
        self._server = server

    # -- hooks ----------------------------------------------------------------

    def started(self) -> None:
        """Override me: the world is there and empty; fill it."""

    def player_joined(self, player: Player) -> None:
        """Override me: a player is here; spawn what is theirs."""

    def player_dropped(self, player: Player) -> None:
        """Override me: a player's link is lost; they may come back for a while.

        What is sent to them reliably waits for them. Either `player_resumed` follows or
        `player_left`.
        """

    def player_resumed(self, player: Player) -> None:
        """Override me: a player whose link was lost is here again."""

    def player_left(self, player: Player, reason: CloseReason) -> None:
        """Override me: a player is gone; by default, so is their avatar."""
        if player.avatar is not None and player.avatar in self.world:
            self.world.despawn(player.avatar)

    def message_received(self, player: Player, message: Message) -> None:
        """Override me: a player says something."""

    def write_refused(
        self, player: Player, row: int, component: type[Component], refusal: Refusal
    ) -> None:
        """Override me: a player wrote what they may not, or too late; it was not taken.

        Args:
            player: who wrote.
            row: to which row; there may be no such entity.
            component: what they wrote.
            refusal: why it was not taken.
        """

    def step(self, dt: float) -> None:
        """Override me: one tick passes.

        Args:
            dt: its length in seconds, the same every time.
        """

    def stopped(self) -> None:
        """Override me: the match is over."""

    # -- rules about who is told what -------------------------------------------

    def sees(self, player_id: int, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Override me: say which of some entities a player may see.

        Called once a tick for each player, with the rows that they would see else;
        work on whole columns.

        Shapes:
            rows: (n,); returns (n,) bool.
        """
        return np.ones(len(rows), np.bool_)

    def importance(
        self, player_id: int, rows: NDArray[np.intp]
    ) -> NDArray[np.floating[Any]]:
        """Override me: say how important some entities are to a player.

        It is a factor beside that of the distance and of the components; it counts
        where not everything can be told at once.

        Shapes:
            rows: (n,); returns (n,), of which 1 is as usual.
        """
        return np.ones(len(rows), np.float32)

    # -- for the hooks to call ------------------------------------------------

    def track(
        self,
        obj: Any,
        *fields: str,
        component: type[Component] | None = None,
        owner: object = None,
    ) -> EntityId:
        """Make an entity of an object, whose attributes are then told of each tick.

        Args:
            obj: held weakly: an object that the game forgets takes its entity along.
            fields: names of the attributes; all fields of `component` by default.
            component: whose fields they are; found by their names if left out.
            owner: as in `World.spawn`.

        Raises:
            LocalProtocolError: no component fits or several do, an attribute is missing
                or does not fit, or the object is tracked as this component already.
            WorldFullError: if no row is free.
        """
        return self.tracker.track(obj, *fields, component=component, owner=owner)

    def untrack(self, obj: Any) -> None:
        """Despawn the entity of an object.

        Raises:
            LocalProtocolError: it is not tracked.
        """
        self.tracker.untrack(obj)

    def pull_tracked(self) -> None:
        """Read the attributes of tracked objects; the server does it after `step`."""
        self.tracker.pull()

    def at(self, tick: int, function: Callable[..., Any], *args: Any) -> Scheduled:
        """Call a function in a later tick, before its inputs.

        Args:
            tick: in which one; one that has begun means the next.
            function: what is called; what it raises is logged and counted.
            args: what it is called with.

        Returns:
            What `cancel` takes back.

        Raises:
            LocalProtocolError: a prediction asks for it, or too much waits already.
        """
        if self.is_predicting:
            msg = (
                f"a prediction cannot call {function!r:.100} later: it may be made "
                "again; keep the tick in a component and compare it with self.tick"
            )
            raise LocalProtocolError(msg)
        return self.schedule.at(max(tick, self.tick + 1), function, *args)

    def after(
        self, seconds: float, function: Callable[..., Any], *args: Any
    ) -> Scheduled:
        """Call a function after some time, in the first tick that is not before it.

        Args:
            seconds: from this tick on.
            function: what is called.
            args: what it is called with.

        Raises:
            LocalProtocolError: as in `at`.
        """
        n_ticks = math.ceil(seconds * self.tick_rate - ROUNDING)
        return self.at(self.tick + n_ticks, function, *args)

    def at_time(
        self, seconds: float, function: Callable[..., Any], *args: Any
    ) -> Scheduled:
        """Call a function at a moment of the server's time, as clients can, too.

        Args:
            seconds: since the match began: tick 0.
            function: what is called.
            args: what it is called with.

        Raises:
            LocalProtocolError: as in `at`.
        """
        tick = math.ceil(seconds * self.tick_rate - ROUNDING)
        return self.at(tick, function, *args)

    def rewound(
        self, player: Player | int, limit: float | None = None
    ) -> AbstractContextManager[Any]:
        """See the world as a player saw it when they did what arrives in this tick.

        Within it the columns of the `rewindable` components hold what the player was
        shown of others, interpolation included; what is the player's own stays as it
        is. Ask where others were, remember the rows that were hit, and change them
        after it. Where it is not known what a player saw, and where there is no server,
        the world stays as it is.

        Args:
            player: who acts, or the player's id; who has left saw nothing.
            limit: seconds to go back at most; `max_rewind` if left out.

        Raises:
            LocalProtocolError: it is used within itself, or the game names no
                `rewindable` components.

        Example:
            with self.rewound(player) as seen:
                rows = seen.query(Ship)
                distances = ray_spheres(...)
        """
        if not self.rewindable:
            msg = (
                f"{type(self).__name__}.rewindable is empty: name the components that "
                "rewound() goes back in, as rewindable = [Position]"
            )
            raise LocalProtocolError(msg)
        found = self.players.get(player) if isinstance(player, int) else player
        if self._server is None or found is None:
            return nullcontext(self.world)
        return self._server.settling.rewound(found, limit)

    def emit(
        self,
        event: Event,
        *,
        to: Any = None,
        seen: EntityId | int | None = None,
        by: EntityId | int | None = None,
    ) -> None:
        """Tell players that something happened in this tick, reliably.

        Clients hear it when their world has come to this tick; of what is emitted
        between two ticks, to the later one. The entity of `seen` is there by then;
        where a snapshot was lost, others that the event names may come a moment after
        it. A player whose link is lost meanwhile misses it.

        In a predicted function give `by`. The player's client plays the event in the
        tick of the input, and knows it again when the server tells of it; where the
        prediction was wrong it is cancelled. Without `by` it is heard when the server
        tells of it.

        Args:
            event: one of the game's `events`.
            to: a player, a player id, or several of them; None tells everybody.
            seen: the entity that it is about: only who sees it is told.
            by: the entity that caused it.

        Raises:
            LocalProtocolError: the event is not one of the game's, or too large, there
                were too many in this tick, or there is no server.
            StaleEntityError: the entity is gone.
        """
        row = None if seen is None else self.world.row_of(EntityId(int(seen)))
        origin = None if by is None else self.world.row_of(EntityId(int(by)))
        if self.is_predicting:
            # Without an origin nobody could tell it from the one of the server.
            if self._made is not None and origin is not None and self._hears(to):
                self._made(event, origin)
            return
        if self._server is None:
            msg = f"{type(self).__name__} has no server: emit() needs one"
            raise LocalProtocolError(msg)
        self._server.emit(event, to=to, seen=row, origin=origin)

    def _hears(self, to: Any) -> bool:
        """Return whether the player of this client is among those who are told."""
        if to is None:
            return True
        several = to if isinstance(to, Iterable) else (to,)
        return self.player_id in (getattr(each, "id", each) for each in several)

    def broadcast(self, message: Message) -> None:
        """Send a message to everybody, reliably and in order.

        Raises:
            LocalProtocolError: the message is not one of the game's, or there is no
                server.
        """
        if self._server is None:
            msg = f"{type(self).__name__} has no server: broadcast() needs one"
            raise LocalProtocolError(msg)
        self._server.broadcast(message)
