# SPDX-License-Identifier: MIT
"""Call what authors write; what it raises is logged and counted, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from gamenet.game.game import Game
from gamenet.game.player import Player

__all__ = ["Hooks"]

LOG_INTERVAL = 1.0  # seconds between two reports of the same hook's errors


class Hooks:
    """Call the hooks of a game, and other functions of its author.

    Args:
        game: the game.
        seconds: tells the time.
        log: where exceptions are reported.
    """

    def __init__(self, game: Game, seconds: Callable[[], float], log: Logger) -> None:
        self._game = game
        self._seconds = seconds
        self._log = log
        self._reported: dict[str, float] = {}
        self.n_errors = 0
        """How often something raised."""

    def call(self, hook: str, player: Player | None, *arguments: Any) -> None:
        """Call a hook of the game; its exception is logged and counted."""
        who = () if player is None else (player,)
        self.run(hook, getattr(self._game, hook), *who, *arguments, player=player)

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        *arguments: Any,
        player: Player | None = None,
    ) -> None:
        """Call a function of an author's; its exception is logged and counted."""
        try:
            function(*arguments)
        except Exception:  # noqa: BLE001 - an author's errors must not stop the server
            self.report(name, player)

    def report(self, hook: str, player: Player | None) -> None:
        """Count a hook's exception; log it, unless the same hook raised just now."""
        self.n_errors += 1
        now = self._seconds()
        if now - self._reported.get(hook, -LOG_INTERVAL) < LOG_INTERVAL:
            return
        self._reported[hook] = now
        self._log.failure(
            "{hook} raised for {player}; {n} errors in hooks so far",
            hook=hook,
            player=player,
            n=self.n_errors,
        )
