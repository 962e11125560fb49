# SPDX-License-Identifier: MIT
"""Two fighters, by rollback: `python -m examples.duel` lets two peers fight.

Both run here, over a bad network in memory and in simulated time. Only inputs travel;
the checksums that both confirm show that they have fought the same fight.
"""

from __future__ import annotations

import argparse
from random import Random

from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Missing,
    RollbackHost,
    RollbackPeer,
    float32,
    int8,
    uint8,
    uint16,
)
from gamenet.testing import Clock
from gamenet.transport import Impairment, MemoryNetwork, listen

WIDTH = 16.0  # metres: one screenful
REACH = 1.5


class Fighter(Component):
    x: float = float32()
    speed: float = float32()
    health: int = uint8()
    wins: int = uint16()
    ready_in: int = uint8()  # ticks until the next strike


class Walk(Input):
    x: int = int8()


class Strike(Input):
    missing = Missing.NOTHING  # nobody strikes by a guess
    power: int = uint8()


class Struck(Event):
    health: int = uint8()


class Duel(Game):
    """Walk up to the other and strike; a strike that hits throws both back."""

    tick_rate = 60
    max_entities = 8
    max_players = 2
    components = [Fighter]
    inputs = [Walk, Strike]
    events = [Struck]

    def player_joined(self, player):
        x = WIDTH * (0.25 if player.id % 2 else 0.75)
        player.avatar = self.world.spawn(Fighter(x=x, health=100), owner=player)

    def input_received(self, player, item):
        fighter = self.world[player.avatar, Fighter]
        if isinstance(item, Walk):
            fighter.speed += item.x / 127 * 0.02
        elif fighter.ready_in == 0:
            fighter.ready_in = 20
            self.strike(player, 5 + item.power % 10)

    def strike(self, player, power):
        me = self.world[player.avatar, Fighter]
        for row in self.world.query(Fighter):
            other = self.world[self.world.id_of(row), Fighter]
            way = other.x - me.x
            if self.world.owner[row] != player.id and abs(way) < REACH:
                other.health = max(other.health - power, 0)
                other.speed += 0.4 if way > 0 else -0.4
                self.emit(Struck(health=other.health), by=player.avatar)
                if other.health == 0:
                    me.wins += 1
                    me.health = other.health = 100
                    other.x = self.random.uniform(0, WIDTH)

    def step(self, dt):
        rows, fighter = self.world.query(Fighter), self.world.columns(Fighter)
        fighter.speed[rows] *= 0.9
        fighter.x[rows] = (fighter.x[rows] + fighter.speed[rows]).clip(0, WIDTH)
        fighter.ready_in[rows] -= fighter.ready_in[rows] > 0


class Script:
    """Act as a player: walk towards the other, strike now and then."""

    def __init__(self, run, seed):
        self.run, self.chance, self.way = run, Random(seed), 0
        run.on_tick = self.act

    def act(self, tick):
        world, me = self.run.world, self.run.player_id
        rows = world.query(Fighter)
        mine = world.owner[rows] == me
        if tick % 10 == 0 and 0 < mine.sum() < len(rows):
            x = world.columns(Fighter).x[rows]
            towards = 1 if x[~mine][0] > x[mine][0] else -1
            self.way = towards * self.chance.choice([-60, 127])
        self.run.send_input(Walk(x=self.way))
        if self.chance.random() < 0.1:
            self.run.send_input(Strike(power=self.chance.randrange(10)))


def fight(seconds, latency, loss, prediction, seed):
    """Let a host and a peer fight; return both."""
    clock = Clock()
    bad = Impairment(latency=latency / 2, jitter=latency / 4, loss=loss, seed=seed)
    network = MemoryNetwork(clock, bad, bad)
    settings = {"seed": seed, "max_prediction": prediction}
    host = RollbackHost(Duel, clock, name="ada", random=Random(seed), **settings)
    listen(clock, "memory:duel", host.factory, memory=network)
    peer = RollbackPeer(clock, Duel, name="bob", random=Random(seed + 1))
    peer.connect("memory:duel", memory=network)
    for number, run in enumerate((host, peer)):
        Script(run, seed + number)
    host.start()
    for _ in range(round(seconds * 240)):
        clock.advance(1 / 240)
    return host, peer


def main():
    parser = argparse.ArgumentParser(prog="python -m examples.duel")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--latency", type=float, default=0.1, help="round trip")
    parser.add_argument("--loss", type=float, default=0.05, help="share of packets")
    parser.add_argument("--prediction", type=int, default=12, help="0 is lockstep")
    parser.add_argument("--seed", type=int, default=1)
    host, peer = fight(**vars(parser.parse_args()))
    ours, theirs = host.checksums(), peer.checksums()
    for tick in sorted(ours.keys() & theirs.keys()):
        print(f"tick {tick:5}: host {ours[tick]:08x}  peer {theirs[tick]:08x}")
    for name, run in (("host", host), ("peer", peer)):
        stats = run.stats()
        print(
            f"{name}: tick {stats['tick']}, {stats['rollbacks']} rollbacks made "
            f"{stats['ticks_remade']} ticks again, {stats['holds']} holds"
        )


if __name__ == "__main__":
    main()
