# SPDX-License-Identifier: MIT
"""A client in a Twisted reactor: join an arena, fly about and print what is seen.

Start a server, `twistd -n gamenet --game examples.arena:Arena`, then

    python -m examples.reactor_client http://127.0.0.1:8080 10

The server is asked at its web address for a token, and for the transports that it has.
"""

from __future__ import annotations

import sys

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import LoopingCall, deferLater, react

from gamenet.game import ConnectError, GameClient

from .arena import Arena
from .arena.flight import Pilot, Position, Ship
from .arena.game import Explosion, Kill


class Flight(GameClient):
    """Fly in circles, shooting, and print what happens around."""

    def fly(self):
        """Say what the pilot holds down, as often as the server ticks."""
        if self.is_connected:
            self.send_input(Pilot(turn=40, thrust=True, shoot=True))

    def show_ships(self):
        """Print where the ships are."""
        position, owner = self.world.columns(Position), self.world.owner
        print(f"tick {self.tick}")
        for row in self.world.query(Ship, Position):
            x, y = position.x[row], position.y[row]
            print(f"    {self.name_of(owner[row])} at {x:.1f} {y:.1f}")

    def name_of(self, player_id):
        """Return what a player is called; 0 is no player."""
        return self.players.get(int(player_id), "an asteroid")

    def on_player_entered(self, player_id, name):
        """Print who is here."""
        print(f"{name} is here")

    def on_player_exited(self, player_id, name):
        """Print who is gone."""
        print(f"{name} has left")

    def on_message(self, message):
        """Print what burst, and who did it."""
        match message:
            case Kill(killer=killer, victim=victim):
                print(f"{self.name_of(killer)} got {self.name_of(victim)}")
            case Explosion(x=x, y=y, size=size) if size < 4:
                print(f"an asteroid broke at {x:.1f} {y:.1f}")

    def on_dropped(self, reason):
        """Print that the link is lost; the client looks for another by itself."""
        print(f"away: {reason.name}")

    def on_resumed(self):
        """Print that nothing was missed."""
        print("back")

    def on_closed(self, reason, detail):
        """Print why it is over."""
        print(f"{reason.advice} {detail}")


async def play(reactor, address, seconds):
    """Join, fly for a while, and leave."""
    client = Flight(reactor, Arena, name="Ada")
    try:
        await client.connect(address)
    except ConnectError as error:
        sys.exit(str(error))
    flying, showing = LoopingCall(client.fly), LoopingCall(client.show_ships)
    flying.start(1 / Arena.tick_rate)
    showing.start(1, now=False)
    await deferLater(reactor, seconds)
    flying.stop()
    showing.stop()
    print(f"round trip {client.stats().rtt * 1000:.1f} ms")
    await client.close()


def main(reactor, address="http://127.0.0.1:8080", seconds="10"):
    """Run `play` with what stands on the command line."""
    return ensureDeferred(play(reactor, address, float(seconds)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
