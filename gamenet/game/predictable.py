# SPDX-License-Identifier: MIT
"""What of a game runs on clients, too: the base of `Game`.

A client that predicts has an instance of the game of its own. It is bound to a world in
which the player's own entities are ahead of the server, and of the hooks only
`prepare`, `input_received` and the predicted functions are ever called there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import LocalProtocolError
from gamenet.game.predicted import Predicted, predicted_functions
from gamenet.prediction import Missing

if TYPE_CHECKING:
    from gamenet.game.player import Player
    from gamenet.prediction import Input
    from gamenet.replication import Event
    from gamenet.world import Component, World

__all__ = ["NoChance", "Predictable"]

NO_ROWS: NDArray[np.intp] = np.empty(0, np.intp)


class NoChance:
    """Stand in for the server's chance where there is none."""

    def __getattr__(self, name: str) -> Any:
        msg = (
            f"a prediction cannot use random.{name}(): only the server has its chance; "
            "draw in `step`, outside of what is @predicted, or derive a number from "
            "self.tick and the entity"
        )
        raise LocalProtocolError(msg)


class Predictable:
    """The part of a game that a predicting client runs as the server does."""

    tick_rate: ClassVar[float]
    components: ClassVar[Sequence[type[Component]]]
    rewindable: ClassVar[Sequence[type[Component]]] = ()
    """Components of which the server keeps a history, for `rewound`."""
    max_rewind: ClassVar[float] = 0.25
    """Seconds that `rewound` goes back at most."""
    kept: ClassVar[Sequence[str]] = ()
    """Attributes beside the world that a rollback saves and restores: arrays, numbers,
    and whatever `copy.deepcopy` takes."""

    world: World
    """The entities; there from `prepare` on."""
    random: np.random.Generator
    """The only source of chance that a game should use: it is seeded by the server.
    What is predicted has none."""
    tick: int = 0
    """Number of the present step."""
    is_predicting: bool = False
    """Whether this is a client's instance, which runs ahead of the server."""
    player_id: int = 0
    """Whose client it is; 0 on the server."""
    _made: Callable[[Event, int], None] | None = None

    # -- hooks ------------------------------------------------------------------

    def prepare(self) -> None:
        """Override me: the world is there; keep columns of it and make arrays.

        Called on the server before `started`, and on a client that predicts.
        """

    def predict(self, dt: float) -> None:
        """Run what a client predicts of a tick; override me to choose the order.

        By default these are all predicted functions, in the order of definition.

        Args:
            dt: the length of the tick in seconds.
        """
        for function in predicted_functions(type(self)).values():
            function.run(self, dt)

    def input_received(self, player: Player, input: Input) -> None:
        """Override me: a player does something; before `step`, in the order sent."""

    def input_missing(
        self, player: Player, kind: type[Input], last: Input | None
    ) -> Input | None:
        """Override me: say what a player does whose input did not come in time.

        By default it is what the class of the input says: its `missing`.

        Args:
            player: whose it is; they have sent one for each tick until now.
            kind: the class of the input.
            last: the last one of that class, however long ago; None before the first.
        """
        if kind.missing is Missing.REPEAT:
            return last
        return kind() if kind.missing is Missing.NEUTRAL else None

    # -- which rows ---------------------------------------------------------------

    @classmethod
    def predicted_components(cls) -> tuple[type[Component], ...]:
        """Return the components that predicted functions change, in wire order."""
        functions = predicted_functions(cls).values()
        changed = {each for function in functions for each in function.changes}
        return tuple(each for each in cls.components if each in changed)

    def rows_of(self, function: Predicted) -> NDArray[np.intp]:
        """Return the rows that a predicted function works on here."""
        rows = self.world.query(*function.selects)
        if self.is_predicting:
            return rows[self.world.owner.take(rows) == self.player_id]
        return rows

    def predicted_rows(self, world: World | None = None) -> NDArray[np.intp]:
        """Return the rows that are predicted by whoever owns them, ascending.

        On a client these are the player's own.

        Args:
            world: where to look; the game's world if left out.
        """
        there = self.world if world is None else world
        found = [
            there.query(*function.selects)
            for function in predicted_functions(type(self)).values()
        ]
        if not found:
            return NO_ROWS
        rows = found[0] if len(found) == 1 else np.unique(np.concatenate(found))
        owner = there.owner.take(rows)
        mine = owner == self.player_id if self.is_predicting else owner != 0
        return rows[mine]

    def owned_rows(self, player: Any, *components: type[Component]) -> NDArray[np.intp]:
        """Return the rows of a player's entities that have all of some components.

        Args:
            player: a player, or the id of one.
            components: what they must have; any entity if there are none.
        """
        number = int(getattr(player, "id", player))
        rows = self.world.query(*components)
        return rows[self.world.owner.take(rows) == number]

    # -- for whoever runs it on a client --------------------------------------------

    def begin_predicting(
        self, world: World, player: Any, made: Callable[[Event, int], None]
    ) -> None:
        """Become the instance of a player's client.

        Args:
            world: where the player's own entities are predicted; a `PredictedWorld`
                refuses what a prediction cannot do.
            player: whose client it is, anything with an `id`.
            made: called with each event that a predicted function makes, and with the
                row of the entity that causes it.
        """
        self.bind(world, NoChance())  # type: ignore[arg-type]
        self.is_predicting = True
        self.player_id = int(player.id)
        self._made = made
        self.prepare()

    def bind(self, world: World, random: np.random.Generator) -> None:
        """Give the game its world and its chance."""
        self.world = world
        self.random = random
        self.tick = 0
