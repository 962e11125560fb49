# SPDX-License-Identifier: MIT
"""Make a step function predictable, and test that it is."""

from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from gamenet.game import (
    Component,
    Event,
    Game,
    Input,
    Missing,
    Shown,
    fixed,
    flag,
    int8,
    predicted,
    uint32,
)
from gamenet.testing import Stepper, synctest
from gamenet.transport import Impairment


# -- components --
class Position(Component):
    """Where a boat is, in metres."""

    shown = Shown(snap=8.0)
    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


class Velocity(Component):
    """How fast it goes, in metres a second."""

    x: float = fixed(-32, 32, step=1 / 256)
    y: float = fixed(-32, 32, step=1 / 256)


class Bell(Component):
    """When a boat may ring again."""

    ready: int = uint32()


class Steer(Input):
    """A stick: where it is, until it is elsewhere."""

    x: int = int8()
    y: int = int8()


class Ring(Input):
    """A button: pressed in this tick, and in no other."""

    missing = Missing.NOTHING
    loud: bool = flag()


class Rang(Event):
    """A boat has rung its bell."""

    x: float = fixed(-512, 512, step=1 / 64)
    y: float = fixed(-512, 512, step=1 / 64)


# -- game --
class Boats(Game):
    """Everybody has a boat, and it answers at once."""

    tick_rate = 30
    max_entities = 64
    components = [Position, Velocity, Bell]
    inputs = [Steer, Ring]
    events = [Rang]
    kept = ["stick", "rings"]  # what `sail` and `ring` read beside the world

    def prepare(self):
        """Make what both sides need: called on the server and on clients."""
        self.position = self.world.columns(Position)
        self.velocity = self.world.columns(Velocity)
        self.bell = self.world.columns(Bell)
        self.stick = np.zeros((self.world.capacity, 2))
        self.rings = np.zeros(self.world.capacity, np.bool_)

    def player_joined(self, player):
        player.avatar = self.world.spawn(Position(), Velocity(), Bell(), owner=player)
        self.stick[self.world.row_of(player.avatar)] = 0.0

    def input_received(self, player, held):
        """Remember what the player does; the functions below act on it."""
        if player.avatar is None:
            return
        row = self.world.row_of(player.avatar)
        if isinstance(held, Steer):
            self.stick[row] = held.x / 127, held.y / 127
        else:
            self.rings[row] = True

    @predicted(Position, Velocity)
    def sail(self, rows, dt):
        """Push boats where their sticks point, and let the water hold them back."""
        velocity = np.stack((self.velocity.x[rows], self.velocity.y[rows]))
        velocity = velocity * (1 - 0.5 * dt) + 20.0 * dt * self.stick[rows].T
        self.velocity.x[rows], self.velocity.y[rows] = velocity
        self.position.x[rows] += velocity[0] * dt
        self.position.y[rows] += velocity[1] * dt
        self.position.changed(rows)
        self.velocity.changed(rows)

    @predicted(Bell, having=[Position])
    def ring(self, rows, dt):
        """Ring the bells that are to ring, once a second at most."""
        ringing = rows[self.rings[rows] & (self.bell.ready[rows] <= self.tick)]
        self.rings[rows] = False
        self.bell.ready[ringing] = self.tick + self.tick_rate
        self.bell.changed(ringing)
        for row in ringing.tolist():
            here = Rang(self.position.x[row], self.position.y[row])
            self.emit(here, by=self.world.id_of(row))

    def step(self, dt):
        self.sail(dt)
        self.ring(dt)


# -- determinism --
def now_and_then(tick, player, chance):
    """Move the stick in one tick of ten, and press the button as rarely."""
    if chance.random() < 0.1:
        yield Steer.sample(chance)
    if chance.random() < 0.1:
        yield Ring(loud=True)


class ReplayTests(SynchronousTestCase):
    """A tick that is made again comes out the same."""

    def test_replays_alike(self):
        """The rules depend on nothing that is not saved."""
        synctest(Boats, inputs=now_and_then, seed=1)


# -- forgotten --
class Forgetful(Boats):
    """The same, but that nobody keeps the sticks."""

    kept = ["rings"]


class ForgetfulTests(SynchronousTestCase):
    """What `kept` is for."""

    def test_is_found(self):
        """The test above names what differs if an attribute was forgotten."""
        with self.assertRaisesRegex(AssertionError, r"Position\.x of entity"):
            synctest(Forgetful, inputs=now_and_then, seed=1)


# -- match --
class MatchTests(SynchronousTestCase):
    """Boats over a network with 200 ms there and back, jitter and losses."""

    def setUp(self):
        way = Impairment(latency=0.1, jitter=0.02, loss=0.1, seed=3)
        self.stepper = Stepper.of(Boats, n_clients=2, seed=3, down=way, up=way)
        self.client = self.stepper.clients[0]
        self.stepper.until(lambda: len(self.client.foresight.predicting.rows) == 1)
        self.stepper.tick(60)

    def test_answers_at_once(self):
        """The own boat moves in the tick of the key press; the server follows."""
        row = self.client.foresight.predicting.rows[0]
        predicted = self.client.predicted.columns(Position)
        confirmed = self.client.world.columns(Position)
        at_press = []

        def steer(tick):
            self.client.send_input(Steer(x=127))
            at_press.append(predicted.x[row])

        self.client.on_tick = steer
        self.stepper.until(lambda: len(at_press) == 2)
        self.assertGreater(at_press[1], at_press[0])
        self.assertEqual(confirmed.x[row], at_press[0])
        self.stepper.until(lambda: confirmed.x[row] > at_press[0])

    def test_no_corrections(self):
        """Where every input comes in time, nothing is ever corrected."""
        stepper = Stepper.of(Boats, n_clients=1, seed=4)
        client = stepper.clients[0]
        client.on_tick = lambda tick: client.send_input(
            Steer(x=tick % 64, y=-tick % 50)
        )
        stepper.tick(600)
        stats = client.foresight.stats(stepper.clock.seconds())
        self.assertGreater(stats["confirmed_tick"], 500)
        self.assertEqual(stats["corrections"], 0)

    def test_rings_once(self):
        """The own bell is heard at once, and not again when the server tells of it."""
        heard = []
        self.client.on_event = lambda event, tick: heard.append(tick)
        pressed = []

        def press(tick):
            self.client.send_input(Ring(loud=True))
            pressed.append(tick)
            del self.client.on_tick

        self.client.on_tick = press
        self.stepper.until(lambda: heard)
        self.assertEqual(heard, pressed)
        self.stepper.tick(60)
        self.assertEqual(heard, pressed)


# -- end --
