# SPDX-License-Identifier: MIT
"""Watch values from a game or a client: `@on_changed(Health.points)` on a method.

    class Arena(Game):
        @on_changed(Health.points)
        def points_changed(self, entity, points):
            if points == 0:
                self.world.despawn(entity)

The decorator only marks the method; who runs the game collects the marks of a class
once and binds them to the instance. A method that a subclass overrides stays watching,
unless the override is decorated itself: then that alone counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gamenet.replication import Subject, Watches, subject_of

__all__ = ["on_changed", "watch_methods", "watching_methods"]

_MARK = "_gamenet_watches"

AnyMethod = TypeVar("AnyMethod", bound=Callable[..., Any])


def on_changed(named: Any) -> Callable[[AnyMethod], AnyMethod]:
    """Call a method whenever a field or a component has changed.

    It is called once a tick for each entity that changed, on a server after the step,
    on a client after a snapshot. What is rounded away on the wire is no change, nor is
    what an entity brings along when it is new or comes into view, or gains.

    Args:
        named: a field, as `Health.points`: the method takes the entity and the new
            value. Or a component, as `Health`: the method takes the entity. Several
            decorators watch several things.

    Raises:
        ConfigError: it is neither.
    """
    subject = subject_of(named)

    def mark(method: AnyMethod) -> AnyMethod:
        marks: tuple[Subject, ...] = getattr(method, _MARK, ())
        # Decorators apply from below; the uppermost shall be called first.
        setattr(method, _MARK, (subject, *marks))
        return method

    return mark


def watching_methods(cls: type) -> dict[str, tuple[Subject, ...]]:
    """Return what each decorated method of a class watches, by the method's name."""
    found: dict[str, tuple[Subject, ...]] = {}
    # From the base up, so that a subclass's own decorators replace those it overrides.
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            marks = getattr(value, _MARK, None)
            if isinstance(marks, tuple):
                found[name] = marks
    return found


def watch_methods(instance: Any, watches: Watches) -> None:
    """Add the decorated methods of an instance to what is watched.

    Raises:
        ConfigError: one watches what is not among the components.
    """
    for subject, method in _bound(instance):
        watches.add(subject, method)


def _bound(instance: Any) -> Iterator[tuple[Subject, Callable[..., Any]]]:
    for name, subjects in watching_methods(type(instance)).items():
        method = getattr(instance, name)
        # A subclass may switch a method off: `points_changed = None`.
        if callable(method):
            for subject in subjects:
                yield subject, method
