# SPDX-License-Identifier: MIT
"""Tests that docs/STATE-MACHINES.md shows the machines that there are."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from tools.handshake_machines import client_handshake, server_door
from tools.state_machines import Machine, lifecycle, peer_address
from tools.write_state_machines import TARGET, files
from twisted.trial.unittest import SynchronousTestCase

MERMAID = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)


def moves_of(machine: Machine) -> dict[tuple[str, str], tuple[str, str]]:
    """Return next state and effect of each input in each state."""
    return {
        (each.state, each.input): (each.after, each.effect) for each in machine.moves
    }


class PageTests(SynchronousTestCase):
    """The page and its pictures are generated, and up to date."""

    maxDiff = None

    def test_up_to_date(self) -> None:
        """`python tools/write_state_machines.py` would change nothing."""
        for path, content in files().items():
            self.assertEqual(path.read_text(encoding="utf-8"), content, path.name)

    def test_nothing_left_open(self) -> None:
        """Every place of the template was filled in."""
        self.assertNotIn("{{", TARGET.read_text(encoding="utf-8"))

    def test_pictures(self) -> None:
        """Each picture is well formed, and has a box for each state."""
        for machine in (lifecycle(), client_handshake(), server_door(), peer_address()):
            path = TARGET.parent / "state-machines" / f"{machine.name}.svg"
            tree = ET.fromstring(path.read_text(encoding="utf-8"))
            texts = {each.text for each in tree.iter() if each.tag.endswith("text")}
            self.assertEqual(set(machine.states) - texts, set(), machine.name)

    def test_diagrams(self) -> None:
        """Each diagram has an arrow for each change of state, and no other."""
        diagrams = MERMAID.findall(TARGET.read_text(encoding="utf-8"))
        machines = [lifecycle(), client_handshake(), server_door(), peer_address()]
        for machine, diagram in zip(machines, diagrams, strict=True):
            drawn = set(re.findall(r"^    (\w+) --> (\w+):", diagram, re.MULTILINE))
            wanted = {
                (each.state.replace(" ", "_"), each.after.replace(" ", "_"))
                for each in machine.moves
                if each.after != each.state
            }
            self.assertEqual(drawn, wanted, machine.name)


class MachineTests(SynchronousTestCase):
    """What was found out is what the machines promise."""

    def test_lifecycle(self) -> None:
        """A connection ends once, from every state; only a dropped one is resumed."""
        machine = lifecycle()
        moves = moves_of(machine)
        for state in machine.states:
            self.assertEqual(moves[state, "end"][0], "Closed")
        self.assertEqual(moves["Closed", "end"], ("Closed", ""))
        resumed = [pair for pair, (_, effect) in moves.items() if "Resumed" in effect]
        self.assertEqual(resumed, [("Dropped", "accept")])

    def test_client_handshake(self) -> None:
        """Who is done hears nothing; nobody is in without the server's word."""
        moves = moves_of(client_handshake())
        for (state, name), (after, effect) in moves.items():
            if state in ("idle", "done") and name not in ("begin", "stop"):
                self.assertEqual((after, effect), (state, "dropped: late"))
            if effect == "connected":
                self.assertIn(
                    (state, name),
                    [
                        ("responding", "Keep-alive"),
                        ("joining", "Accepted"),
                        ("requesting", "Accepted on a stream"),
                    ],
                )

    def test_server_door(self) -> None:
        """No connection without a challenge, and none twice with one token."""
        moves = moves_of(server_door())
        connected = [
            state
            for (state, _), (after, _) in moves.items()
            if after == "connected" != state
        ]
        self.assertEqual(set(connected), {"challenged"})
        self.assertEqual(moves["connected", "Request"][1], "dropped: TOKEN_USED")

    def test_peer_address(self) -> None:
        """Only an answer proves a new place."""
        moves = moves_of(peer_address())
        proving = [
            (name, effect)
            for (state, name), (after, effect) in moves.items()
            if state == "on trial" and after == "proved"
        ]
        stays = [name for name, effect in proving if "proved place" not in effect]
        self.assertEqual(stays, ["packet with the answer"])
