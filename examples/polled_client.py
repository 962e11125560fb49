# SPDX-License-Identifier: MIT
"""A client without a reactor: a frame loop, as pygame games have it, drives it.

Start a server, `twistd -n gamenet --game examples.arena:Arena`, then

    python -m examples.polled_client http://127.0.0.1:8080 10

The server is asked at its web address for a token, and for the transports that it has.
`poll()` reads what has come in, sends what is due and never blocks. In pygame the loop
is the same: `pygame.event.get()` before it, drawing and `clock.tick(60)` after it.
"""

from __future__ import annotations

import sys
import time

from gamenet.errors import GamenetError
from gamenet.game import (
    Closed,
    Dropped,
    Joined,
    MessageArrived,
    PlayerCame,
    PlayerWent,
    PolledClient,
    Resumed,
)

from .arena import Arena
from .arena.flight import Pilot, Position, Ship
from .arena.game import Kill

FRAMES_PER_SECOND = 60
FRAMES_PER_INPUT = FRAMES_PER_SECOND // Arena.tick_rate  # the server takes one a tick


def show(event):
    """Print what is worth it; there is a SnapshotArrived for each tick, too."""
    match event:
        case Joined(player_id):
            print(f"joined as player {player_id}")
        case PlayerCame(name=name):
            print(f"{name} is here")
        case PlayerWent(name=name):
            print(f"{name} has left")
        case MessageArrived(Kill(killer=killer, victim=victim)):
            print(f"player {killer} got player {victim}")
        case Dropped(reason):
            print(f"away: {reason.name}")
        case Resumed():
            print("back")
        case Closed(reason, detail):
            print(f"{reason.advice} {detail}")


def where_am_i(client):
    """Describe where this client's ship is."""
    world, position = client.world, client.world.columns(Position)
    for row in world.query(Ship, Position):
        if world.owner[row] == client.player_id:
            return f"at {position.x[row]:.1f} {position.y[row]:.1f}"
    return "waiting for a ship"


def play(address="http://127.0.0.1:8080", seconds="10"):
    """Join, fly for a while, and leave."""
    client = PolledClient(Arena, name="Grace")
    try:
        client.connect(address)
    except GamenetError as error:
        sys.exit(str(error))
    for frame in range(int(float(seconds) * FRAMES_PER_SECOND)):
        for event in client.poll():
            show(event)
        if client.is_closed:
            break
        if client.is_joined and frame % FRAMES_PER_INPUT == 0:
            client.send_input(Pilot(turn=-40, thrust=True, shoot=frame % 60 < 30))
        if client.is_joined and frame % FRAMES_PER_SECOND == 0:
            print(f"tick {client.tick}: {where_am_i(client)}")
        time.sleep(1 / FRAMES_PER_SECOND)
    client.close()


if __name__ == "__main__":
    play(*sys.argv[1:])
