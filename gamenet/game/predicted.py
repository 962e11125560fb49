# SPDX-License-Identifier: MIT
"""Mark which of a game's step functions clients run at once, for what is their own.

A marked function gets the rows that it works on. The server gives it all of them, a
predicting client those that its player owns; nothing else tells it where it runs. So it
may read columns, what `input_received` wrote, constants and `self.tick`: nothing that
only the server knows.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from gamenet.errors import ConfigError
from gamenet.game.predicted_world import PredictedWorld
from gamenet.world import Audience, Component

if TYPE_CHECKING:
    from gamenet.game.predictable import Predictable

__all__ = ["Predicted", "check_predicted", "predicted", "predicted_functions"]

Rows = NDArray[np.intp]
Function = Callable[[Any, Rows, float], None]


class Predicted:
    """A step function that clients run, too; `predicted` makes it.

    Args:
        function: a method that takes rows and the length of a tick.
        changes: the components that it changes.
        having: further components that a row must have.
    """

    def __init__(
        self,
        function: Function,
        changes: tuple[type[Component], ...],
        having: tuple[type[Component], ...],
    ) -> None:
        self.function = function
        self.changes = changes
        self.selects = tuple(dict.fromkeys((*changes, *having)))
        """What a row must have."""
        self.__doc__ = function.__doc__
        self.__name__ = getattr(function, "__name__", "")
        self.__wrapped__ = function

    @overload
    def __get__(self, game: None, owner: type) -> Predicted: ...

    @overload
    def __get__(self, game: Predictable, owner: type) -> Callable[[float], None]: ...

    def __get__(self, game: Predictable | None, owner: type) -> Any:
        if game is None:
            return self
        bound = game
        return lambda dt: self.run(bound, dt)

    def run(self, game: Predictable, dt: float) -> None:
        """Work on all rows on the server, on the player's own on a client; if any."""
        rows = game.rows_of(self)
        if not len(rows):
            return
        if isinstance(game.world, PredictedWorld):
            with game.world.closed():
                self.function(game, rows, dt)
        else:
            self.function(game, rows, dt)


def predicted(
    *components: type[Component], having: Iterable[type[Component]] = ()
) -> Callable[[Function], Predicted]:
    """Mark a step function of a game that clients run at once for what they own.

    Call it from `step` with the length of the tick alone: the rows are found. It is not
    called where there are none.

    Args:
        components: what the function changes. Of a player's own entities these are
            rounded after each step to what the wire can say, on both sides, and
            compared with what the server says.
        having: what rows must have besides; it is read at most.

    Raises:
        ConfigError: no component is given.

    Example:
        @predicted(Position, Velocity, having=[Ship])
        def fly(self, rows: NDArray[np.intp], dt: float) -> None:
            self.position.x[rows] += self.velocity.x[rows] * dt
            self.position.changed(rows)

        def step(self, dt: float) -> None:
            self.fly(dt)
    """
    changes, others = tuple(components), tuple(having)
    for each in (*changes, *others):
        if not (isinstance(each, type) and issubclass(each, Component)):
            msg = (
                f"@predicted names {each!r:.200}: give the component classes that the "
                "function changes, as @predicted(Position, Velocity)"
            )
            raise ConfigError(msg)
    if not changes:
        msg = "@predicted() names no component: give those that the function changes"
        raise ConfigError(msg)
    return lambda function: Predicted(function, changes, others)


def predicted_functions(game: type) -> Mapping[str, Predicted]:
    """Return the predicted functions of a game class, in the order of definition.

    One that a subclass overrides keeps its place, if it is still marked.
    """
    return _functions_of(game)


@lru_cache(maxsize=256)  # each tick asks
def _functions_of(game: type) -> Mapping[str, Predicted]:
    bases = reversed(game.__mro__)
    names = dict.fromkeys(name for base in bases for name in vars(base))
    found = ((name, inspect.getattr_static(game, name)) for name in names)
    functions = {name: each for name, each in found if isinstance(each, Predicted)}
    return MappingProxyType(functions)


def check_predicted(game: Any) -> None:
    """Refuse what a client of a game class could not predict.

    Raises:
        ConfigError: a predicted component is not among the game's, does not reach the
            owner in every tick, or is written by the owner.
    """
    for name, function in predicted_functions(game).items():
        where = f"{game.__name__}.{name}"
        for component in function.selects:
            if component not in game.components:
                msg = (
                    f"{where} is predicted by {component.__name__}, which is not among "
                    f"{game.__name__}.components: list it there"
                )
                raise ConfigError(msg)
        for component in function.changes:
            for why in _reasons(component):
                msg = f"{where} cannot predict {component.__name__}: {why}"
                raise ConfigError(msg)


def _reasons(component: type[Component]) -> Iterator[str]:
    """Yield why a client could not predict a component."""
    sync = component.sync
    if sync.audience is Audience.SERVER:
        yield (
            "its audience is SERVER, so that no client is ever told of it; let it be "
            "OWNER, or keep it out of the predicted function"
        )
    if sync.rate:
        yield (
            f"Sync(rate={sync.rate:g}) leaves ticks out, which clients have to compare "
            "with; let the rate be 0, which is every tick"
        )
    if sync.owner_writes:
        yield (
            "Sync(owner_writes=True) lets the owner write what the server is to "
            "decide; send an input instead"
        )
