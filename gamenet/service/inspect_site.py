# SPDX-License-Identifier: MIT
"""The addresses at which a running server is looked into.

    GET  /inspect                       a page that shows the rest
    GET  /inspect.json                  who could be looked at
    GET  /inspect.json?player=ID        what a player was sent lately, and why
         ...&tick=T                     the same, with that tick row by row
    GET  /profile?seconds=S[&memory=1]  how long the stages of a tick take

To ask for a player is what begins the account of that player; there is nothing in the
first answer. Who may ask decides `inspect_access`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from twisted.web.resource import Resource

from gamenet.errors import LocalProtocolError
from gamenet.game import StageTimes
from gamenet.service.answers import JsonAnswer, answer
from gamenet.service.inspect_access import InspectDesk
from gamenet.service.profile_run import ProfileRun
from gamenet.service.profile_site import ProfileAnswer

__all__ = ["InspectAnswer", "InspectPage", "Inspected"]

_NUMBER = re.compile(rb"[0-9]{1,10}")
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The page loads its own module and style, and asks the server that it came from."""


class Named(Protocol):
    """A player."""

    @property
    def name(self) -> str:
        """Return the name of the player."""


class Ticking(Protocol):
    """A game."""

    @property
    def tick(self) -> int:
        """Return the newest tick."""

    @property
    def tick_rate(self) -> float:
        """Return the ticks of a second."""


class Accounts(Protocol):
    """What keeps the accounts of players."""

    def watch(self, player_id: int, tick: int) -> None:
        """Keep an account for a while; too many raise `LocalProtocolError`."""

    def report(self, player_id: int, tick: int | None = None) -> dict[str, Any]:
        """Return an account; `LocalProtocolError` if it has no such tick."""


class Inspected(Protocol):
    """What is asked of a server to look into it."""

    @property
    def inspection(self) -> Accounts:
        """Return what keeps the accounts."""

    @property
    def stages(self) -> StageTimes:
        """Return how long the stages of ticks took."""

    @property
    def players(self) -> Mapping[int, Named]:
        """Return the players by id."""

    @property
    def game(self) -> Ticking:
        """Return the game."""


def inspection_resources(
    server: Inspected, desk: InspectDesk, clock: Any, browser: Path
) -> list[tuple[bytes, Resource]]:
    """Return the resources, each with the name that it has on the site.

    Args:
        server: what is looked into.
        desk: decides who may look.
        clock: gives delayed calls.
        browser: folder of gamenet's own pages.
    """
    return [
        (b"inspect", InspectPage(browser / "inspect.html")),
        (b"inspect.json", InspectAnswer(server, desk)),
        (b"profile", ProfileAnswer(ProfileRun(server.stages, clock), desk)),
    ]


class InspectPage(Resource):
    """The page.

    Args:
        file: the page; it names its module and style by their public addresses.
    """

    isLeaf = True

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def render_GET(self, request: Any) -> bytes:
        """Send the page, which may do less than others."""
        request.setHeader(b"content-security-policy", _POLICY)
        request.setHeader(b"content-type", b"text/html; charset=utf-8")
        request.setHeader(b"cache-control", b"no-cache")
        return self._file.read_bytes()


class InspectAnswer(JsonAnswer):
    """What a player was sent.

    Args:
        server: whose player it is.
        desk: decides who may ask.
    """

    def __init__(self, server: Inspected, desk: InspectDesk) -> None:
        super().__init__()
        self._server = server
        self._desk = desk

    def render_GET(self, request: Any) -> bytes:
        """Answer with the players, or with what one of them was sent."""
        refusal = self._desk.refusal(request)
        if refusal is not None:
            return refusal
        asked = {
            name: request.args[name][0]
            for name in (b"player", b"tick")
            if name in request.args
        }
        if not all(map(_NUMBER.fullmatch, asked.values())):
            error = "which one? allowed: ?player=ID and &tick=T, two whole numbers"
            return answer(request, {"error": error}, 400)
        numbers = {name: int(value) for name, value in asked.items()}
        if b"player" not in numbers:
            return answer(request, self._head())
        return self._account(request, numbers[b"player"], numbers.get(b"tick"))

    def _account(self, request: Any, player_id: int, tick: int | None) -> bytes:
        server = self._server
        if player_id not in server.players:
            known = ", ".join(map(str, server.players)) or "none"
            error = f"there is no player {player_id}; there are: {known}"
            return answer(request, {**self._head(), "error": error}, 404)
        try:
            server.inspection.watch(player_id, server.game.tick)
        except LocalProtocolError as error:
            return answer(request, {"error": str(error)}, 409)
        try:
            report = server.inspection.report(player_id, tick)
        except LocalProtocolError as error:
            return answer(request, {"error": str(error)}, 404)
        name = server.players[player_id].name
        return answer(request, {**self._head(), "name": name, **report})

    def _head(self) -> dict[str, Any]:
        """Return what every answer begins with."""
        server = self._server
        return {
            "now": server.game.tick,
            "tick_rate": server.game.tick_rate,
            "players": [
                {"id": number, "name": player.name}
                for number, player in server.players.items()
            ],
        }
