# SPDX-License-Identifier: MIT
"""A match of a game on UDP in a process of its own, and its players in another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed

from benchmarks.reactors import answer
from benchmarks.roles import Pipe
from benchmarks.walkers import Walkers
from gamenet.game import Game, GameClient, GameServer
from gamenet.service import Squad
from gamenet.transport import Limits, Listening, listen

__all__ = ["host", "play"]

LIMITS = Limits(max_per_address=4096)
"""All players of a benchmark have one address."""
SEED = 1


def host(
    pipe: Pipe,
    game: type[Game],
    n_players: int,
    reply: Callable[[GameServer], Any],
) -> None:
    """Run a match until the other end closes the pipe: a role.

    Sends its port and a token for each player. Answers whatever it is asked by
    `reply(server)`.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    server = GameServer(game, reactor, limits=LIMITS, seed=SEED)

    def listening(result: Listening) -> None:
        ids = range(1, n_players + 1)
        tokens = [server.factory.issueToken(client_id=i).encode() for i in ids]
        server.start()
        pipe.send((result.port, tokens))

    listen(reactor, "udp:0:interface=127.0.0.1", server.factory).addCallback(listening)
    answer(reactor, pipe, lambda question: reply(server))
    reactor.run()  # type: ignore[attr-defined]


def play(
    pipe: Pipe,
    game: type[Game],
    port: int,
    tokens: list[bytes],
    reply: Callable[[Squad], Any],
    n_walkers: int = 0,
) -> None:
    """Let bots play until the other end closes the pipe: a role.

    Says "playing" when all have joined, and answers whatever it is asked by
    `reply(squad)`. The first so many tokens are for players who do not look.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - a process of its own

    left = list(tokens[n_walkers:])

    def join(client: GameClient) -> Deferred[GameClient]:
        return client.connect(f"udp:127.0.0.1:{port}", token=left.pop())

    squad = Squad(reactor, lambda name: succeed(join), SEED, game)
    walkers = Walkers(reactor, game, SEED)

    def gathered(result: Any) -> None:
        missing = len(tokens) - n_walkers - squad.n_playing
        why = f"{missing} did not join: {squad.complaints}"
        pipe.send(why if missing else "playing")

    def begin() -> None:
        joining = [walkers.join(port, tokens[:n_walkers]), squad.gather(len(left))]
        gathering = gatherResults(joining).addCallback(gathered)
        gathering.addErrback(lambda failure: pipe.send(str(failure.value)))

    answer(reactor, pipe, lambda question: reply(squad))
    reactor.callWhenRunning(begin)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]
